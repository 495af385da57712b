//! When a misread is taken for a stay, and when a person is asked. Knows no camera.

use crate::core::matching::Sureness;

/// What an exit does with a plate that nobody came in with, and an entry with one that is inside already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchRules {
    /// When the likeliest vehicle inside is taken without asking anybody.
    pub sureness: Sureness,
    /// Minor units that a stay may owe and still be taken unasked, or be named by its driver; above it an operator
    /// confirms. Default 20.00: what a stranger may learn, or lose, at most.
    pub fee_minor_max: i64,
    /// Vehicles an operator is shown to pick from. Default 8: one screen of a phone.
    pub candidates_max: usize,
    /// Plates a driver may try in vain before only an operator can help. Default 3.
    pub tries_max: u8,
    pub twice: Twice,
}

impl Default for MatchRules {
    fn default() -> Self {
        Self {
            sureness: Sureness::default(),
            fee_minor_max: 2_000,
            candidates_max: 8,
            tries_max: 3,
            twice: Twice::default(),
        }
    }
}

/// A plate comes in that is inside already: its exit was missed, or somebody copied it. An operator is told each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Twice {
    /// The former stay is over without a fee, a new one begins: the exit was missed.
    #[default]
    Anew,
    /// The former stay goes on, and its fee with it: nobody gains by an exit without a read.
    GoesOn,
    /// Nobody comes in until an operator has looked.
    Ask,
}
