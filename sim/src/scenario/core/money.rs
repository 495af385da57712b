//! The money of a table in virtual time: a bank that answers at once, cashiers on phones, and the ledger. Knows no lane's
//! sensors.

use paifang::{
    core::{
        Change, Input,
        input::{Answer, Asked},
        money::{Account, Posting},
    },
    types::{
        LaneId, Money, OrderId, Plate,
        bank::{Ask, Word},
    },
};

use super::{
    super::{
        counter::{order_in, owed_by},
        sold::SoldStep,
    },
    CoreSite,
};

/// Where a driver has a cashier open who stands in no lane.
const ELSEWHERE: &str = "phone";

impl CoreSite {
    pub(super) fn ask_bank(&mut self, ask: &Ask) {
        let number = ask.out_trade_no().to_owned();
        let paid = self.trades.get(&number).copied();
        let (to, word) = match ask {
            Ask::Generate { amount, .. } => {
                self.trades.insert(number.clone(), (*amount, false));
                (Asked::Generate, Word::Cashier { link: format!("bank:{number}") })
            }
            Ask::Collect { amount, .. } | Ask::Charge { amount, .. } => {
                self.trades.insert(number.clone(), (*amount, true));
                (Asked::Generate, bank_word(*amount))
            }
            Ask::Query { .. } | Ask::Refund { .. } | Ask::RefundQuery { .. } => match paid {
                Some((amount, true)) => (Asked::Query, bank_word(amount)),
                _ => (Asked::Query, Word::Paying),
            },
            Ask::Reverse { .. } => match paid {
                Some((amount, true)) => (Asked::Reverse, bank_word(amount)),
                _ => (Asked::Reverse, Word::Reversed),
            },
        };
        let word = if self.bank_silent { Word::Unknown { why: "silence".into() } } else { word };
        self.tell(Input::BankSaid { out_trade_no: number, to, word });
    }

    pub(super) fn prepay(&mut self, plate: &Plate) -> Result<(), String> {
        self.tell(Input::PrepayAsked { plate: plate.clone() });
        let Some(Ok(Answer::Order(order))) = self.reply else { return Ok(()) };
        self.pay_elsewhere(order)
    }

    /// A driver pays on the phone what was owed from before.
    pub(super) fn pay_arrears(&mut self, plate: &Plate) -> Result<(), String> {
        let order = owed_by(&self.state, plate)?.order;
        self.pay_elsewhere(order)
    }

    fn pay_elsewhere(&mut self, order: OrderId) -> Result<(), String> {
        let lane = LaneId::parse(ELSEWHERE).ok_or("no name")?;
        self.cashier_of(&lane, order)?;
        self.pay_at_cashier(&lane)
    }

    pub(super) fn open_cashier(&mut self, lane: &LaneId) -> Result<(), String> {
        let order = order_in(&self.state, lane)?;
        self.cashier_of(lane, order)
    }

    fn cashier_of(&mut self, lane: &LaneId, order: OrderId) -> Result<(), String> {
        self.tell(Input::PayAsked { order });
        let open = self.state.payments.values().rev();
        let payment = open.into_iter().find(|p| p.order == order && p.link.is_some());
        let payment = payment.ok_or("the bank gives no cashier")?;
        self.cashiers.insert(lane.clone(), payment.out_trade_no.clone());
        Ok(())
    }

    pub(super) fn pay_at_cashier(&mut self, lane: &LaneId) -> Result<(), String> {
        let number = self.cashiers.get(lane).cloned().ok_or("no cashier is open")?;
        let trade = self.trades.get_mut(&number).ok_or("the bank knows no such number")?;
        trade.1 = true;
        if !self.bank_silent {
            let word = bank_word(trade.0);
            self.tell(Input::BankSaid { out_trade_no: number, to: Asked::Notified, word });
        }
        Ok(())
    }

    /// Its holder pays at the bank's cashier, far from any lane.
    pub(super) fn pay_for_pass(&mut self, plate: &Plate) -> Result<(), String> {
        let input = SoldStep::Phone(plate.clone()).input(&self.state, &self.rules, self.now)?;
        self.tell(input);
        let unpaid = self.trades.iter_mut().rev().find(|(_, (_, paid))| !paid);
        let (number, (amount, paid)) = unpaid.ok_or("the bank has no cashier open")?;
        *paid = true;
        let (out_trade_no, word) = (number.clone(), bank_word(*amount));
        self.tell(Input::BankSaid { out_trade_no, to: Asked::Notified, word });
        Ok(())
    }

    pub(super) fn postings(&self) -> impl Iterator<Item = &Posting> {
        self.journal.iter().filter_map(|change| match change {
            Change::Posting(posting) => Some(posting),
            _ => None,
        })
    }

    pub(super) fn ledger(&self, account: Account) -> i64 {
        let side = |of: Account, minor| if of == account { minor } else { 0 };
        let net = |p: &Posting| side(p.credit, p.amount.minor) - side(p.debit, p.amount.minor);
        self.postings().map(net).sum()
    }

    pub(super) fn refunded(&self) -> i64 {
        let back = self.postings().filter(|p| p.credit == Account::ChannelReceivable);
        back.map(|p| p.amount.minor).sum()
    }
}

fn bank_word(amount: Money) -> Word {
    Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None }
}
