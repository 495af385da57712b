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
use crate::types::{CloudAsk, CloudWord, Currency, Plate};

pub mod alipay;
mod backtick;
mod channels;
mod cloud;
mod colour;
pub mod icbc;
mod keys;
mod settings;
mod sharing;
mod signing;
pub mod statement;
pub mod swiftpass;
#[cfg(test)]
mod testing;
pub mod transport;
pub mod wechat;

pub use self::{
    channels::{BankSection, ChannelError, ChannelSettings, Clock, Settings},
    cloud::{CloudShape, Clouding},
    settings::SettingsError,
    sharing::{ShareAccount, ShareAsk, ShareWord, Sharing},
    signing::{SignAsk, SignForm},
};
pub use crate::types::bank::{AgreementAsk, AgreementWord, Ask, Departure, PayWay, Word};

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

/// A notification as it came.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// As it stood in the request.
    pub path: &'a str,
    /// Names in small letters.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

impl<'a> Letter<'a> {
    /// One whose headers say nothing.
    pub fn new(path: &'a str, body: &'a [u8]) -> Self {
        Self { path, headers: &[], body }
    }

    /// `None` also for one that is given twice: it could be read one way and signed another.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut named = self.headers.iter().filter(|(known, _)| known == name);
        let first = named.next().map(|(_, value)| value.as_str());
        first.filter(|_| named.next().is_none())
    }
}

/// Neither signatures nor plates belong in a log.
impl fmt::Debug for Letter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, {} bytes)", self.path, self.body.len())
    }
}

/// A verified notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The bank's number of this message; the same in every repetition.
    pub msg_id: String,
    pub about: About,
    /// It came encrypted, so the reply must be.
    pub encrypted: bool,
}

/// What a notification speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Payment {
        out_trade_no: String,
        word: Word,
    },
    /// Whether the vehicle of a stay may be charged, by our number of the stay.
    Stay {
        stay_no: String,
        word: AgreementWord,
    },
    /// An agreement, in words that nobody has published: the bank is asked how it stands. `shape`: the names in it,
    /// without their values.
    Agreement {
        plate: Option<Plate>,
        /// Our number of it, for [`Channel::is_named`].
        number: Option<String>,
        shape: String,
    },
    /// Nothing that a site acts on.
    Nothing {
        what: String,
    },
}

impl Notification {
    /// Of a payment, as it came in the open.
    pub fn of_payment(out_trade_no: String, msg_id: String, word: Word) -> Self {
        Self { msg_id, about: About::Payment { out_trade_no, word }, encrypted: false }
    }

    /// The payment it is about and what it says of it.
    pub fn payment(&self) -> Option<(&str, &Word)> {
        match &self.about {
            About::Payment { out_trade_no, word } => Some((out_trade_no, word)),
            _ => None,
        }
    }
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
    /// HTTP status.
    pub status: u16,
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

/// A message in the making that nothing depends on; `Err`: why it was not taken.
pub type Telling<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// One bank's acquiring interface.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Asks once, without retry. Ends within the channel's own time-outs, always with a word.
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a>;

    /// Verifies and reads a notification.
    fn notification(&self, letter: &Letter<'_>) -> Result<Notification, NotifyError>;

    /// The reply for a notification, once its effect is on disk (or for one not believed).
    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply;

    fn capabilities(&self) -> Capabilities;

    /// Asks once whether a plate's fees may be taken from what is bound to it. Ends as [`Channel::ask`] does.
    fn agreement<'a>(&'a self, _ask: &'a AgreementAsk) -> Agreeing<'a> {
        let why = "this channel takes nothing by the plate".to_owned();
        Box::pin(async { AgreementWord::None { why } })
    }

    /// Whether it can end what is bound to a plate; else its holder does, in the bank's app.
    fn ends_agreements(&self) -> bool {
        false
    }

    /// Ends what is bound to a plate: [`AgreementWord::None`] once it is ended.
    fn end_agreement<'a>(&'a self, _ask: &'a AgreementAsk) -> Agreeing<'a> {
        let why = "this channel ends no agreement; its holder ends it in the bank's app".to_owned();
        Box::pin(async { AgreementWord::Unknown { why } })
    }

    /// Tells once that a vehicle has left, where the bank was told of its entry.
    fn left<'a>(&'a self, _left: &'a Departure) -> Telling<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Whether our number of an agreement is the one of this plate.
    fn is_named(&self, _number: &str, _plate: &Plate) -> bool {
        false
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

    /// Has the bank give a partner its part of a payment, or take it back. Asks once.
    fn share<'a>(&'a self, _ask: &'a ShareAsk) -> Sharing<'a> {
        Box::pin(async { ShareWord::NotOffered })
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
