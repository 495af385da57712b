//! What people ask of tariffs: a case typed by hand, fees by length of stay, what a past period would have earned.
//! Prices nothing itself.

mod compare;
mod facts;
mod stay;
mod table;

pub use self::{
    compare::{Band, Comparison, Day, Moved, Prices, Sums},
    facts::{Facts, FactsError, moment},
    stay::{case_of, priced_apart},
    table::{FeeRow, FeeTable, curve, fee_table, usual_lengths},
};
