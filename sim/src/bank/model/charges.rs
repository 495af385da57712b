//! Charges of what is bound to a plate: collected at once, or later, or not at all. Knows no wire.

use super::{Answer, BTreeMap, Bank, Order, Refusal, Said, SignedDuration, State, Timestamp, draw};
use crate::bank::words::ChargeAsked;

/// A charge that is collected later is given up after this long.
const COLLECTED_WITHIN_H: i64 = 24;

impl Bank {
    /// Takes a charge on itself. With the fault `password` it is collected `password_s` later, with `charge_failed` it
    /// comes to nothing then.
    pub fn charge(&mut self, now: Timestamp, charge: ChargeAsked) -> Answer {
        self.passwords(now);
        let chance = self.faults.collect_unknown;
        self.call(chance, |bank| bank.do_charge(now, charge))
    }

    /// Whether a charge whose time has come is not to be had; told like a payment.
    pub(super) fn falls_through(&mut self, out_trade_no: &str, at: Timestamp) -> bool {
        let Some(order) = self.orders.get_mut(out_trade_no).filter(|order| order.fails) else {
            return false;
        };
        order.password_at = None;
        let standing = order.standing(at);
        if let Some(notify_url) = order.notify_url.clone() {
            self.announce(at, &notify_url, &standing);
        }
        true
    }

    fn do_charge(&mut self, now: Timestamp, charge: ChargeAsked) -> Said {
        if self.orders.contains_key(&charge.out_trade_no) {
            return Said::No(Refusal::OrderExists);
        }
        if draw(&mut self.codes, self.faults.code_refused) {
            return Said::No(Refusal::NotEnough);
        }
        let later = draw(&mut self.codes, self.faults.password);
        let fails = draw(&mut self.codes, self.faults.charge_failed);
        let after = if later { self.faults.password_s } else { 0 };
        let due = now + SignedDuration::from_secs(after.into());
        let order = Order {
            out_trade_no: charge.out_trade_no.clone(),
            bank_no: format!("SIM{:017}", self.orders.len() + 1),
            fen: charge.fen,
            subject: charge.subject,
            notify_url: Some(charge.notify_url),
            expires_at: now + SignedDuration::from_hours(COLLECTED_WITHIN_H),
            state: State::Open,
            paid_at: None,
            silent_until: None,
            misstated: false,
            pays_after_close: false,
            refunds: BTreeMap::new(),
            token: String::new(),
            by_code: false,
            password_at: Some(due),
            fails,
            undone_at: None,
        };
        self.orders.insert(charge.out_trade_no.clone(), order);
        self.passwords(now);
        match self.orders.get(&charge.out_trade_no) {
            Some(order) => Said::Standing(order.standing(now)),
            None => Said::No(Refusal::NoSuchOrder),
        }
    }
}
