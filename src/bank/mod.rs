//! The bank: what the site asks of an acquiring channel and what the bank is heard to say.
//! Knows no stays, no ledger and no tables.
//!
//! A channel is two pure mappings and a transport between them:
//!
//! ```text
//!   Ask --> request text --signed--> [transport] --> reply text --verified, judged--> Word
//!                                    notification text --verified, judged--> Notification
//!                                                      signed reply <--/
//! ```
//!
//! Only an explicit, signed success is a success and only a refusal configured as final is a
//! refusal. Everything else (silence, a server error, a bad signature, a text nobody has seen) is
//! [`Word::Unknown`]: the payment stays pending and is asked about again, never made anew.

use std::{fmt, future::Future, pin::Pin};

use thiserror::Error;

use crate::types::Currency;

pub mod icbc;
pub mod transport;

pub use crate::types::bank::{Ask, Word};

/// A verified notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub out_trade_no: String,
    /// The bank's number of this message; the same in every repetition.
    pub msg_id: String,
    pub word: Word,
    /// It came encrypted, so the reply must be.
    pub encrypted: bool,
}

/// Why a notification was not believed. None of them changes a payment.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotifyError {
    #[error(
        "the notification's signature is wrong; it came on {came_on}, the registered path is \
         {registered}: check that the address registered at the bank is literally the one in the \
         settings"
    )]
    BadSignature { came_on: String, registered: String },
    #[error("the notification cannot be read: {0}")]
    Malformed(String),
    #[error("the notification is for {field} {theirs}, not for this site")]
    Foreign { field: &'static str, theirs: String },
}

/// What to answer on the notification's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyReply {
    pub content_type: &'static str,
    pub body: String,
}

/// What a channel can do; the core asks for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub currency: Currency,
    pub reverse: bool,
    pub part_refund: bool,
    /// The bank tells of payments by itself; polling stays the main path all the same.
    pub notifies: bool,
}

/// An answer in the making; boxed so that channels can be kept as `Arc<dyn Channel>`.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Word> + Send + 'a>>;

/// One bank's acquiring interface.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Asks once, without retry. Ends within the channel's own time-outs, always with a word.
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a>;

    /// Verifies and reads a notification: the path it came on and the raw form body.
    fn notification(&self, path: &str, body: &[u8]) -> Result<Notification, NotifyError>;

    /// The reply for a notification, once its effect is on disk (or for one not believed).
    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply;

    fn capabilities(&self) -> Capabilities;
}
