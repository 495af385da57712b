//! Pages for drivers and operators, the bank's notification, health and figures, over HTTP. Decides nothing: every
//! act is an [`crate::core::Input`] told to the one writer, and every page shows what is committed.
//!
//! The rest of the daemon is reached through the traits of [`ports`] only; [`router`] puts all routes together.

mod admissions;
mod agents;
mod alarms;
mod amount;
mod audit;
mod bind;
mod calls;
mod charts;
mod console;
mod counters;
mod devices;
mod driver;
mod error;
pub mod fee_chart;
mod guard;
mod hand;
mod home;
mod invoice_list;
mod invoices;
mod lanes;
mod link;
mod menu;
mod merchant;
mod merchant_bills;
mod merchants;
mod misreads;
mod operate;
mod ops;
mod orders;
mod pay;
mod payments;
mod people;
mod plan;
pub mod ports;
mod program;
mod receipts;
mod records;
mod register;
mod reports;
mod roles;
mod router;
mod sale_words;
mod screen;
mod search;
mod settlement;
mod sheet;
mod signin;
mod sisters;
mod stream;
mod tariff_edit;
mod tariffs;
mod tasks;
#[cfg(test)]
mod tests;
mod till;
mod turn;
mod unlicensed;
mod users;
mod visit;
mod words;
mod worklist;
mod zones;

/// What the journal tells programs.
pub mod events {
    pub use super::program::{EVENT_KINDS, Event, EventKind, News, event, mask};
}

pub use self::{
    hand::folder_token,
    program::fresh_token,
    router::{Parts, Settings, router, serve},
    signin::{PasswordError, hash_password, verify_password},
    visit::TicketOffice,
};
