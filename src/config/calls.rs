//! When a person is called, and what happens without a bank: `[calls]` of the site file. Knows no lane.

use std::time::Duration;

use serde::Deserialize;

use super::check::Check;
use crate::core::rules::{BankDown, CallRules};

/// How long a vehicle stands before a lane until a person is called. See [`CallRules`] for where the defaults come from.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallsSection {
    /// Seconds, where nobody can be decided about: no plate, no stay, not allowed in. Default 30.
    pub help_s: Option<u32>,
    /// Seconds, where the driver is to pay. Default 180.
    pub payment_s: Option<u32>,
    /// Seconds, before an arm that does not work. Default 30.
    pub repair_s: Option<u32>,
    /// Seconds, before a lane that is locked. Default 60.
    pub locked_s: Option<u32>,
    /// Seconds until a call that nobody takes on becomes an alarm. Default 60.
    pub answer_s: Option<u32>,
    /// What an exit does while the bank does not answer: `hold` or `let_go`. Default `hold`.
    pub bank_down: BankDownWord,
    /// Seconds from being told the fee to going first and paying after. Default 60.
    pub let_go_after_s: Option<u32>,
    /// Who owes more than this, in minor units, waits for an operator. Default 5000.
    pub let_go_at_most_minor: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankDownWord {
    #[default]
    Hold,
    LetGo,
}

impl Check<'_> {
    pub(super) fn calls(&mut self, section: &CallsSection) -> CallRules {
        let usual = CallRules::default();
        let let_go = BankDown::LetGo {
            after: self.call_time("let_go_after_s", section.let_go_after_s, Duration::from_mins(1)),
            at_most_minor: section.let_go_at_most_minor.unwrap_or(5_000),
        };
        if section.let_go_at_most_minor.is_some_and(|minor| minor < 0) {
            let at = self.text.find("let_go_at_most_minor").unwrap_or(0);
            self.mistake(at, "calls.let_go_at_most_minor", "cannot be negative");
        }
        CallRules {
            help: self.call_time("help_s", section.help_s, usual.help),
            payment: self.call_time("payment_s", section.payment_s, usual.payment),
            repair: self.call_time("repair_s", section.repair_s, usual.repair),
            locked: self.call_time("locked_s", section.locked_s, usual.locked),
            answer: self.call_time("answer_s", section.answer_s, usual.answer),
            bank_down: match section.bank_down {
                BankDownWord::Hold => BankDown::Hold,
                BankDownWord::LetGo => let_go,
            },
        }
    }

    /// Somebody is called at some time: a queue never waits for ever.
    fn call_time(&mut self, field: &str, seconds: Option<u32>, usual: Duration) -> Duration {
        let Some(seconds) = seconds else { return usual };
        if !(5..=3_600).contains(&seconds) {
            let at = self.text.find(&format!("{field} =")).unwrap_or(0);
            self.mistake(at, &format!("calls.{field}"), "must be 5 to 3600 seconds");
        }
        Duration::from_secs(seconds.into())
    }
}
