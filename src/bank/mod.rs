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

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::types::{Currency, Money};

pub mod icbc;
pub mod transport;

/// What the site asks of the bank about one payment attempt or one refund.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// A cashier link for one attempt. `out_trade_no` is ours and new for every attempt.
    Generate {
        out_trade_no: String,
        amount: Money,
        /// What the driver reads on the cashier page, such as `停车费 京A12345`.
        subject: String,
        /// Seconds until the link can no longer be paid.
        expires_in_s: u32,
        /// When the attempt was made; becomes the trade date and time at the bank.
        asked_at: Timestamp,
    },
    /// How does this attempt stand?
    Query { out_trade_no: String },
    /// Close an attempt that is not known to be paid.
    Reverse { out_trade_no: String },
    /// Give back all or part of a paid attempt. Every retry carries the same `refund_no`.
    Refund { out_trade_no: String, refund_no: String, amount: Money },
}

impl Ask {
    /// Our number of the payment attempt the question is about.
    pub fn out_trade_no(&self) -> &str {
        match self {
            Self::Generate { out_trade_no, .. }
            | Self::Query { out_trade_no }
            | Self::Reverse { out_trade_no }
            | Self::Refund { out_trade_no, .. } => out_trade_no,
        }
    }

    /// For logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Generate { .. } => "generate",
            Self::Query { .. } => "query",
            Self::Reverse { .. } => "reverse",
            Self::Refund { .. } => "refund",
        }
    }
}

/// The subject names a plate, so it stays out of logs.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.out_trade_no())?;
        match self {
            Self::Generate { amount, expires_in_s, .. } => {
                write!(f, " {amount} within {expires_in_s} s")
            }
            Self::Refund { refund_no, amount, .. } => write!(f, " {amount} as {refund_no}"),
            Self::Query { .. } | Self::Reverse { .. } => Ok(()),
        }
    }
}

/// What the bank was heard to say, already verified and judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Word {
    /// To [`Ask::Generate`]: the text to render as a QR code or to open on the phone; opaque.
    Cashier { link: String },
    /// Not paid yet; ask again.
    Paying,
    /// Paid. `amount` is the order's whole amount as the bank states it, to be compared with ours;
    /// `bank_no` is the bank's number, empty if it named none.
    Paid { amount: Money, bank_no: String, paid_at: Option<Timestamp> },
    /// The bank says that this attempt failed.
    Failed { why: String },
    /// The attempt is closed, or never reached the bank. A customer may still have paid just before: see the next query.
    Reversed,
    /// Closing is under way; ask again.
    Reversing,
    /// Wholly given back.
    Refunded,
    /// Partly given back.
    PartRefunded,
    /// Giving back is under way; ask again.
    Refunding,
    /// To [`Ask::Refund`]: this refund is accepted, with the amount as the bank states it.
    RefundDone { amount: Money },
    /// The bank definitely did not do what was asked. Never said to a query, where a refusal tells
    /// nothing about the payment.
    Refused { code: String, why: String },
    /// Nothing can be concluded; the payment or refund stays pending.
    Unknown { why: String },
}

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
