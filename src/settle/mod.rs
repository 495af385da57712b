//! Settlement days: a bank's statement matched with the ledger, and what does not fit. Knows no SQL and no page.
//!
//! ```text
//!   statement file ── rows ──▶ sort on disk ──▶ merge by number ──▶ findings ──▶ differences, each with a trail
//!   ledger's postings ───────▶ sort on disk ──┘      │
//!                                   rows of no posting of the day are looked up by their number
//! ```
//!
//! Both sides are streamed, so a day needs the same memory however long it is. What a statement says is kept apart from
//! the journal; only what changes the ledger (fees, transfers, what is written off, late money) goes through the core.

mod fee;
mod format;
mod import;
mod matching;
mod office;
mod run;
mod sort;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use self::{
    fee::{FeeRule, Rounding},
    format::{HEADER, is_plain, plain_rows},
    import::{Archive, digest_of},
    matching::{Met, Record, walk_held},
    office::{Imported, Office},
    run::{Job, Outcome, reconcile},
};
use crate::store::StoreError;

/// Why a day cannot be reconciled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path}: {source}; check that it is there and may be read", path = path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("no statement of {channel} on {day} is kept here; import the bank's file")]
    NoStatement { channel: String, day: String },
    #[error("this site has no bank channel {channel}; its channels are {known}")]
    NoChannel { channel: String, known: String },
    #[error(
        "{odd} of {rows} rows do not fit the ledger of channel {channel} on {day}: is the file of this channel and day, and the rate in settlement.fees the bank's?"
    )]
    Foreign { channel: String, day: String, rows: u64, odd: u64 },
}
