//! How long an exit waits for a charge by the plate, and what it risks on one. Knows no bank.

use std::time::Duration;

/// What a site allows of payment by the plate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrictionlessRules {
    /// From being told the fee to the exit scan, where nothing was charged by then. Default 2 s: no longer than a driver
    /// takes to get the phone out.
    pub patience: Duration,
    /// A bound plate whose charge nobody has answered goes first where it owes no more, in minor units. Default 0: it
    /// does not.
    pub leave_first_at_most_minor: i64,
    /// For so long an accepted charge is asked about before it is reversed and becomes arrears. Default 24 h: what the
    /// wallets say they need at most.
    pub watch: Duration,
    /// Whether drivers may have an agreement ended from this site's pages. Default true.
    pub drivers_end: bool,
}

impl Default for FrictionlessRules {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            leave_first_at_most_minor: 0,
            watch: Duration::from_hours(24),
            drivers_end: true,
        }
    }
}
