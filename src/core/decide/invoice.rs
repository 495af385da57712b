//! Invoices: asked for once per order, asked about until the provider has said what became of them, taken back in red
//! as money goes back. Knows no provider and no file.

use std::time::Duration;

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        input::{Answer, Reply},
        invoice::{Claim, Invoice, InvoiceState, NoInvoice, claimable},
        money::RefundWhy,
    },
    types::{GivenBack, InvoiceId, InvoiceWord, Money},
};

/// Soonest and latest time to the next question: somebody may look at the page, and providers may work at night only.
const ASK_GAP: (Duration, Duration) = (Duration::from_secs(3), Duration::from_hours(1));
/// A question waits for a quarter of the invoice's age.
const AGE_PARTS: u32 = 4;
/// Alarms about the provider itself.
const PROVIDER: &str = "invoices";

impl Desk<'_> {
    /// Two phones that claim at once are given the same invoice: the one that is open, or was issued.
    pub(super) fn invoice_asked(&mut self, claim: Claim) -> Reply {
        if !self.rules.invoices {
            return Err(NoInvoice::Off.into());
        }
        let Claim { order, went_back, former, buyer, by } = claim;
        let open = self.open_invoices().find(|i| i.order == order.id && i.red_of.is_none());
        let known = open.or(former.as_ref()).filter(|known| !known.state.is_nothing());
        if let Some(known) = known {
            return Ok(Answer::Invoice(known.id));
        }
        let order = self.order(order.id).cloned().unwrap_or(order);
        let amount = claimable(&order, &went_back)?;
        if let Some(refused) = former {
            self.clear(&refused.number, AlarmKind::InvoiceTrouble);
        }
        let id = self.next_invoice();
        let counted = went_back.into_iter().map(|back| back.by).collect();
        self.record(Change::Invoice(Invoice {
            id,
            number: self.invoice_number(id),
            order: order.id,
            amount,
            buyer,
            state: InvoiceState::Asked,
            red_of: None,
            undoes: None,
            counted,
            by,
            made_at: self.now,
            asks: 0,
            next_ask: Some(self.now),
            over_at: None,
        }));
        Ok(Answer::Invoice(id))
    }

    /// Money went back out of a drawer or by the bank: whether its order has an invoice, the tables know.
    pub(super) fn look_for_invoice(&mut self, undoes: GivenBack) {
        if self.rules.invoices {
            self.act(Effect::FindInvoice { undoes });
        }
    }

    /// As [`Desk::look_for_invoice`], for a refund that undoes a sale. What came in twice, or for nothing, was not sold.
    pub(super) fn look_for_invoice_of(&mut self, id: crate::types::RefundId, why: &RefundWhy) {
        let undoes_sale = match why {
            RefundWhy::PaidTwice | RefundWhy::NothingOwed => false,
            RefundWhy::Asked { .. } => true,
        };
        if undoes_sale {
            self.look_for_invoice(GivenBack::Refund(id));
        }
    }

    /// Money went back of an order with an invoice, which is taken back by as much.
    pub(super) fn invoice_found(
        &mut self,
        invoice: Invoice,
        undoes: GivenBack,
        amount: Money,
    ) -> Reply {
        let invoice = self.invoice(invoice.id).cloned().unwrap_or(invoice);
        let in_it = invoice.red_of.is_none() && !invoice.state.is_nothing();
        if !in_it || invoice.counted.contains(&undoes) || amount.minor <= 0 {
            return Ok(Answer::Done);
        }
        if self.open_invoices().any(|open| open.undoes == Some(undoes)) {
            return Ok(Answer::Duplicate);
        }
        let id = self.next_invoice();
        self.record(Change::Invoice(Invoice {
            id,
            number: self.invoice_number(id),
            amount,
            state: InvoiceState::Asked,
            red_of: Some(invoice.id),
            undoes: Some(undoes),
            counted: Vec::new(),
            by: None,
            made_at: self.now,
            asks: 0,
            next_ask: Some(self.now),
            over_at: None,
            ..invoice
        }));
        Ok(Answer::Invoice(id))
    }

    /// Asked, and asked again ever more seldom. One row a question: an answer that tells nothing new is not kept.
    pub(super) fn invoice_due(&mut self, id: InvoiceId) {
        let Some(mut invoice) = self.invoice(id).cloned() else { return };
        if invoice.next_ask.is_none_or(|at| at > self.now) {
            return;
        }
        let age = self.now.duration_since(invoice.made_at).unsigned_abs();
        invoice.asks += 1;
        invoice.next_ask = Some(self.now + (age / AGE_PARTS).clamp(ASK_GAP.0, ASK_GAP.1));
        self.record(Change::Invoice(invoice));
        self.act(Effect::AskInvoice { invoice: id });
    }

    /// After a start, what is open is asked about at once: an answer may lie there.
    pub(super) fn invoices_anew(&mut self) {
        let open: Vec<Invoice> = self.open_invoices().cloned().collect();
        for mut invoice in open {
            invoice.next_ask = Some(self.now);
            self.record(Change::Invoice(invoice));
        }
    }

    pub(super) fn invoice_said(&mut self, id: InvoiceId, word: InvoiceWord) -> Reply {
        let Some(invoice) = self.invoice(id).cloned() else { return Ok(Answer::Duplicate) };
        let number = invoice.number.clone();
        match word {
            InvoiceWord::Unreachable { why } => {
                self.raise(PROVIDER, AlarmKind::InvoiceTrouble, why);
                return Ok(Answer::Done);
            }
            InvoiceWord::Nonsense { why } => {
                self.raise(&number, AlarmKind::InvoiceTrouble, why);
                return Ok(Answer::Done);
            }
            InvoiceWord::Waiting => self.clear(PROVIDER, AlarmKind::InvoiceTrouble),
            InvoiceWord::Issued { number: theirs, link, at } => {
                self.clear(PROVIDER, AlarmKind::InvoiceTrouble);
                self.clear(&number, AlarmKind::InvoiceTrouble);
                self.end_invoice(invoice, InvoiceState::Issued { number: theirs, link, at });
            }
            InvoiceWord::Refused { why } => {
                self.clear(PROVIDER, AlarmKind::InvoiceTrouble);
                self.clear(&number, AlarmKind::InvoiceTrouble);
                self.invoice_refused(invoice, why);
            }
        }
        Ok(Answer::Done)
    }

    /// Who claimed it sees why and may correct it. Nobody looks at a red-letter one, so a person is told.
    fn invoice_refused(&mut self, invoice: Invoice, why: String) {
        if invoice.red_of.is_some() {
            self.raise(&invoice.number, AlarmKind::InvoiceTrouble, why.clone());
        } else {
            let reds: Vec<Invoice> = self
                .open_invoices()
                .filter(|red| red.red_of == Some(invoice.id))
                .cloned()
                .collect();
            for red in reds {
                self.end_invoice(red, InvoiceState::Void);
            }
        }
        self.end_invoice(invoice, InvoiceState::Refused { why });
    }

    fn end_invoice(&mut self, mut invoice: Invoice, state: InvoiceState) {
        invoice.state = state;
        invoice.next_ask = None;
        invoice.over_at = Some(self.now);
        self.record(Change::Invoice(invoice));
    }

    fn invoice_number(&self, id: InvoiceId) -> String {
        format!("{}I{id}", self.rules.pay.trade_prefix)
    }

    fn next_invoice(&self) -> InvoiceId {
        InvoiceId(self.fresh(self.state.counters.invoice, |change| match change {
            Change::Invoice(invoice) => Some(invoice.id.0),
            _ => None,
        }))
    }

    /// One that is open.
    fn invoice(&self, id: InvoiceId) -> Option<&Invoice> {
        self.open_invoices().find(|invoice| invoice.id == id)
    }

    fn open_invoices(&self) -> impl Iterator<Item = &Invoice> {
        let changed = self.changes.iter().filter_map(|change| match change {
            Change::Invoice(invoice) => Some(invoice),
            _ => None,
        });
        let is_fresh = |id| {
            self.changes.iter().any(|change| matches!(change, Change::Invoice(i) if i.id == id))
        };
        let known = self.state.invoices.values().filter(move |invoice| !is_fresh(invoice.id));
        changed.chain(known).filter(|invoice| invoice.over_at.is_none())
    }
}
