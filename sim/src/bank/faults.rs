//! What can go wrong at the bank, as chances from 0 to 1 and lengths of time. Draws nothing itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// All off by default. The bank's books stay right under every one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A call is answered only after `slow_ms`.
    pub slow: f64,
    pub slow_ms: u32,
    /// A call is neither done nor answered.
    pub silent: f64,
    /// The order is made but the link is never told.
    pub generate_unknown: f64,
    /// The order is closed but nothing is answered.
    pub reverse_unknown: f64,
    /// The money goes back but nothing is answered.
    pub refund_unknown: f64,
    /// For `late_word_s` after the customer paid, a query still says "paying".
    pub late_word: f64,
    pub late_word_s: u32,
    /// Queries and notifications state one fen less than was paid.
    pub wrong_amount: f64,
    /// No notification at all.
    pub notice_missing: f64,
    /// The notification comes twice.
    pub notice_doubled: f64,
    /// The notification comes only after `notice_late_s`, when other things have happened since.
    pub notice_late: f64,
    pub notice_late_s: u32,
    /// The customer can still pay an order that was closed.
    pub pay_after_close: f64,
    /// The payer's code is charged, but nothing is answered.
    pub collect_unknown: f64,
    /// The payer must enter a password, which takes `password_s`.
    pub password: f64,
    pub password_s: u32,
    /// The payer's account does not hold as much.
    pub code_refused: f64,
    /// A charge by the plate is taken, and comes to nothing.
    pub charge_failed: f64,
    /// A refund is under way for `refund_pending_s` before it is done.
    pub refund_pending: f64,
    pub refund_pending_s: u32,
    /// A refund is taken, and does not reach the payer.
    pub refund_failed: f64,
    /// An answer or a notification is signed by somebody else.
    pub wrong_sign: f64,
    /// A statement is not ready yet when it is asked for.
    pub statement_late: f64,
    /// A line is missing from a statement; the same one each time.
    pub statement_short: f64,
    /// A line stands twice in a statement; the same one each time.
    pub statement_doubled: f64,
    /// A line states one fen more than was moved; the same one each time.
    pub statement_amount: f64,
    /// A line stands in the next day's statement; the same one each time.
    pub statement_next_day: f64,
    /// How far the bank's clock is ahead of the site's; below zero, behind.
    pub clock_apart_s: i32,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            slow: 0.0,
            slow_ms: 3_000,
            silent: 0.0,
            generate_unknown: 0.0,
            reverse_unknown: 0.0,
            refund_unknown: 0.0,
            late_word: 0.0,
            late_word_s: 20,
            wrong_amount: 0.0,
            notice_missing: 0.0,
            notice_doubled: 0.0,
            notice_late: 0.0,
            notice_late_s: 90,
            pay_after_close: 0.0,
            collect_unknown: 0.0,
            password: 0.0,
            password_s: 8,
            code_refused: 0.0,
            charge_failed: 0.0,
            refund_pending: 0.0,
            refund_pending_s: 10,
            refund_failed: 0.0,
            wrong_sign: 0.0,
            statement_late: 0.0,
            statement_short: 0.0,
            statement_doubled: 0.0,
            statement_amount: 0.0,
            statement_next_day: 0.0,
            clock_apart_s: 0,
        }
    }
}

impl Faults {
    /// These with some or all fields replaced.
    pub(super) fn changed(&self, changes: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut faults = serde_json::to_value(self)?;
        if let Some(fields) = faults.as_object_mut() {
            fields.extend(changes);
        }
        serde_json::from_value(faults)
    }

    /// Everything at the same chance, with the default lengths.
    pub fn all(chance: f64) -> Self {
        Self {
            slow: chance,
            silent: chance,
            generate_unknown: chance,
            reverse_unknown: chance,
            refund_unknown: chance,
            late_word: chance,
            wrong_amount: chance,
            notice_missing: chance,
            notice_doubled: chance,
            notice_late: chance,
            pay_after_close: chance,
            collect_unknown: chance,
            password: chance,
            code_refused: chance,
            charge_failed: chance,
            refund_pending: chance,
            refund_failed: chance,
            wrong_sign: chance,
            statement_late: chance,
            statement_short: chance,
            statement_doubled: chance,
            statement_amount: chance,
            statement_next_day: chance,
            ..Self::default()
        }
    }
}
