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

use std::{fmt, future::Future, path::Path, pin::Pin};

use jiff::civil::Date;
use thiserror::Error;

use self::statement::{Fetching, RowError, Rows, StatementError, Text};
use crate::types::{CloudAsk, CloudWord, Currency};

mod channels;
mod cloud;
pub mod icbc;
mod keys;
mod settings;
mod signing;
pub mod statement;
pub mod swiftpass;
#[cfg(test)]
mod testing;
pub mod transport;

pub use self::{
    channels::{BankSection, ChannelError, ChannelSettings},
    cloud::{CloudShape, Clouding},
    signing::{SignAsk, SignForm},
};
pub use crate::types::bank::{AgreementAsk, AgreementWord, Ask, PayWay, Word};

/// Whether a request came on the path registered for notifications. A proxy may have joined slashes; the channel verifies
/// the signature by its own path and says so when they differ.
pub fn is_same_path(registered: &str, path: &str) -> bool {
    registered == path || single(registered) == single(path)
}

/// The path with every run of slashes as one.
fn single(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
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
    pub ways: &'static [PayWay],
    pub reverse: bool,
    pub part_refund: bool,
    /// The bank tells of payments by itself; polling stays the main path all the same.
    pub notifies: bool,
}

/// An answer in the making; boxed so that channels can be kept as `Arc<dyn Channel>`.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Word> + Send + 'a>>;

/// An answer about an agreement in the making.
pub type Agreeing<'a> = Pin<Box<dyn Future<Output = AgreementWord> + Send + 'a>>;

/// One bank's acquiring interface.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Asks once, without retry. Ends within the channel's own time-outs, always with a word.
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a>;

    /// Verifies and reads a notification: the path it came on and the raw form body.
    fn notification(&self, path: &str, body: &[u8]) -> Result<Notification, NotifyError>;

    /// The reply for a notification, once its effect is on disk (or for one not believed).
    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply;

    fn capabilities(&self) -> Capabilities;

    /// Asks once whether a plate's fees may be taken from what is bound to it. Ends as [`Channel::ask`] does.
    fn agreement<'a>(&'a self, _ask: &'a AgreementAsk) -> Agreeing<'a> {
        let why = "this channel takes nothing by the plate".to_owned();
        Box::pin(async { AgreementWord::None { why } })
    }

    /// Ends what is bound to a plate: [`AgreementWord::None`] once it is ended.
    fn end_agreement<'a>(&'a self, _ask: &'a AgreementAsk) -> Agreeing<'a> {
        let why = "this channel ends no agreement; its holder ends it in the bank's app".to_owned();
        Box::pin(async { AgreementWord::Unknown { why } })
    }

    /// The form by which a driver's phone goes to the bank to bind a card to a plate. Asks nothing of the bank. `None`:
    /// the channel binds none by a form.
    fn sign_form(&self, _ask: &SignAsk) -> Option<SignForm> {
        None
    }

    /// Asks once about a ticket that was sold at the bank's own cloud. Ends as [`Channel::ask`] does.
    fn ticket<'a>(&'a self, _ask: &'a CloudAsk) -> Clouding<'a> {
        let why = "this channel sells no tickets of its own".to_owned();
        Box::pin(async { CloudWord::Unknown { why } })
    }

    /// Fetches the statement of a settlement day into a file, as the bank wrote it. Asks once.
    fn statement<'a>(&'a self, _day: Date, _into: &'a Path) -> Fetching<'a> {
        Box::pin(async { Err(StatementError::NotOffered) })
    }

    /// Reads a statement of this bank, fetched or imported by hand.
    fn rows<'a>(&self, _text: Text<'a>) -> Rows<'a> {
        let what = "statements of this channel cannot be read here".to_owned();
        Box::new(std::iter::once(Err(RowError { line: 1, what })))
    }

    /// The path of the address registered for notifications, letter by letter; `None`: the bank tells nothing.
    fn notify_path(&self) -> Option<&str>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_slashes_are_the_same_path_and_another_end_is_not() {
        assert!(is_same_path("//pay//icbc/notify", "/pay/icbc/notify"));
        assert!(!is_same_path("/pay/icbc/notify/", "/pay/icbc/notify"));
    }
}
