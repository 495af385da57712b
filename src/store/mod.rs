//! The store: one SQLite file per site, and all SQL of the project. Decides nothing and knows no device.
//!
//! ```text
//!   Writer  ── commit: one statement, one transaction ──▶ journal ── triggers ──▶ stay, orders, payment, ...
//!   Accounts ─ sign-in: short statements, same connection ────────▶ operator, web_session, account_event
//!   Reader  ◀─ pages, load, rebuild, backup: a small read-only pool ───────────── all of them
//! ```
//!
//! The journal is the truth and is only ever added to; its rows are chained by hashes (`chain`). The triggers of
//! `migrations/` carry each row into the table of its thing within the same statement, so a commit is one hand-over to
//! SQLite's thread and one sync of the disk however many rows it has, and no table can lag behind the journal.
//! What is read back is always the `body` column; all other columns are computed from it by SQLite.
//!
//! There is one writing connection, behind a fair lock: nothing here ever meets `SQLITE_BUSY`. A lock on the file
//! `<database>.lock` keeps a second daemon out.

mod accounts;
mod backup;
mod books;
mod chain;
mod counts;
mod error;
mod events;
mod find;
mod invoices;
mod lists;
mod load;
mod merchants;
mod open;
mod pages;
mod parking;
mod past;
mod people;
mod programs;
mod rebuild;
mod sales;
mod settlements;
mod shares;
mod shop;
mod takings;
#[cfg(test)]
mod tests;
mod till;
mod trail;
mod visitors;
mod visits;
mod writer;

pub use self::{
    accounts::{AccountEvent, Accounts, Doer, Operator},
    backup::verify,
    books::{EarnedBy, Receivable},
    chain::Tail,
    error::StoreError,
    load::Loaded,
    merchants::MerchantAccount,
    open::{Options, Reader, Store},
    pages::{Counts, Past},
    parking::{Parking, ParkingHour},
    rebuild::{Difference, Odd, Rebuilt},
    settlements::{Concluded, Conclusion, Known, Settlements},
    shares::{Flow, Relay},
    takings::{AccountSum, BillLine, HourTakings, Takings},
    visits::Visits,
    writer::Writer,
};
