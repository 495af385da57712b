//! What operators, merchants and arrears are allowed. Knows no bank.

use crate::types::BoothId;

#[derive(Clone, Debug)]
pub struct TillRules {
    /// Where shifts are opened; none: the site takes no cash.
    pub booths: Vec<BoothId>,
    pub arrears_at_entry: ArrearsAtEntry,
    pub arrears_at_exit: ArrearsAtExit,
    /// How many validations one stay may have.
    pub validations_max: u32,
    /// A refund above this many minor units waits for a second person. Default 500.00.
    pub approve_above_minor: i64,
}

impl Default for TillRules {
    fn default() -> Self {
        Self {
            booths: Vec::new(),
            arrears_at_entry: ArrearsAtEntry::Warn,
            arrears_at_exit: ArrearsAtExit::Add,
            validations_max: 5,
            approve_above_minor: 50_000,
        }
    }
}

/// What becomes of a vehicle that comes in and has not paid before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrearsAtEntry {
    /// It comes in when the arrears are paid, or an operator lets it.
    Refuse,
    /// It comes in; driver and operator are told.
    #[default]
    Warn,
}

/// What becomes of a vehicle that goes out and has not paid before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrearsAtExit {
    /// It goes out when the arrears are paid by themselves, or an operator lets it.
    Refuse,
    /// It pays this stay alone; driver and operator are told.
    Warn,
    /// Its order here collects them too.
    #[default]
    Add,
}
