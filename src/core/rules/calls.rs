//! When a person is called, and to what. Knows no page.

use std::time::Duration;

use super::super::lane::WaitsFor;

/// How long a vehicle may stand before a lane until a person is called, and what is done when the bank is down. The
/// defaults: a second driver behind begins to press the horn after about half a minute; who pays by phone underground
/// needs a minute or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRules {
    /// Where nobody can be decided about: no plate, no stay, not allowed in. Default 30 s.
    pub help: Duration,
    /// Where the driver is to pay, or waits for the coupled lane. Default 180 s.
    pub payment: Duration,
    /// Before an arm that does not work. Default 30 s.
    pub repair: Duration,
    /// Before a lane that an operator locked. Default 60 s.
    pub locked: Duration,
    /// A call that nobody takes on for so long becomes an alarm. Default 60 s.
    pub answer: Duration,
    pub bank_down: BankDown,
}

/// What an exit does with who cannot pay because the bank does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BankDown {
    /// It waits for an operator.
    #[default]
    Hold,
    /// It goes first and pays after: what it owes stays on record under its plate.
    LetGo {
        /// From being told the fee.
        after: Duration,
        /// Who owes more waits, in minor units.
        at_most_minor: i64,
    },
}

impl Default for CallRules {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            help: s(30),
            payment: s(180),
            repair: s(30),
            locked: s(60),
            answer: s(60),
            bank_down: BankDown::Hold,
        }
    }
}

impl CallRules {
    /// How long a vehicle may wait so before a person is called.
    pub fn patience(&self, wait: WaitsFor) -> Duration {
        match wait {
            WaitsFor::Help => self.help,
            // Its driver may be paying there.
            WaitsFor::Payment | WaitsFor::OtherLane => self.payment,
            WaitsFor::Repair => self.repair,
            WaitsFor::Unlock => self.locked,
        }
    }
}
