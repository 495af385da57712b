//! The bank's books beside the site's ledger, payment by payment. Repairs nothing.

use paifang::{
    core::money::{Account, PaymentState, RefundState},
    store::{Reader, StoreError},
};

use crate::bank::Book;

/// What the comparison found; amounts in fen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub payments: usize,
    /// Really paid less really given back.
    pub bank_fen: i64,
    /// Taken less given back, by the ledger.
    pub ledger_fen: i64,
    /// Differ for now and are in plain sight: undecided, disputed, or a refund under way or refused.
    pub visible: Vec<String>,
    /// Differ and nobody would notice.
    pub hidden: Vec<String>,
}

impl Compared {
    pub fn is_equal(&self) -> bool {
        self.hidden.is_empty() && self.visible.is_empty() && self.bank_fen == self.ledger_fen
    }
}

/// Compares every line of `books`.
pub async fn compare(reader: &Reader, books: &[Book]) -> Result<Compared, StoreError> {
    let mut found = Compared { payments: books.len(), ..Compared::default() };
    for book in books {
        let number = &book.out_trade_no;
        found.bank_fen += book.paid_fen - book.refunded_fen;
        let Some((payment, _)) = reader.recall(number).await? else {
            found.hidden.push(format!("{number}: the site does not know it"));
            continue;
        };
        let (mut taken, mut given) = (0, 0);
        for posting in reader.postings_of(payment.id).await? {
            match (posting.debit, posting.credit) {
                (Account::ChannelReceivable, _) => taken += posting.amount.minor,
                (_, Account::ChannelReceivable) => given += posting.amount.minor,
                _ => {}
            }
        }
        found.ledger_fen += taken - given;
        if (taken, given) == (book.paid_fen, book.refunded_fen) {
            continue;
        }
        let refunds = reader.refunds_of(payment.id).await?;
        let open = payment.state.is_undecided()
            || matches!(payment.state, PaymentState::Disputed { .. })
            || refunds.iter().any(|refund| refund.state != RefundState::Done);
        let text = format!(
            "{number}: the bank has {} less {}, the ledger {taken} less {given}; {}",
            book.paid_fen,
            book.refunded_fen,
            payment.state.name()
        );
        if open { found.visible.push(text) } else { found.hidden.push(text) }
    }
    Ok(found)
}
