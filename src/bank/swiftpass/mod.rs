//! The Swiftpass gateway (威富通), behind 兴E付 of the Industrial Bank and the acquiring of other banks, as a [`Channel`]:
//! links, payer codes, refunds and statements over signed XML. Knows nothing of what a payment is for.
//!
//! Layers: `trade` writes and judges the values of a call, `sign` signs and verifies them, `xml` puts them into text,
//! `bill` reads statements, `settings` holds what the site file says.

use std::{path::Path, sync::Arc};

use jiff::civil::Date;
use rand::{TryRng, rngs::SysRng};
use tracing::{debug, warn};

use super::{
    Answer, Ask, Capabilities, Channel, Letter, Notification, NotifyError, NotifyReply, PayWay,
    Settings, Word,
    channels::Clock,
    settings::SettingsError,
    statement::{Fetching, Rows, Text},
    transport::{Transport, WireError},
};
use crate::types::Currency;

mod bill;
mod settings;
mod sign;
mod trade;
mod xml;

pub use settings::SwiftpassSettings;
pub use sign::SignType;
pub use trade::TradeState;

use bill::Download;
use sign::Keys;
use xml::Values;

/// One merchant at the gateway.
pub struct Swiftpass {
    settings: SwiftpassSettings,
    notify_path: String,
    keys: Keys,
    transport: Transport,
    /// `None`: statements are not fetched.
    download: Option<Download>,
}

impl Swiftpass {
    pub const WAYS: &'static [PayWay] = &[PayWay::Cashier, PayWay::PayerCode];

    /// Reads the keys and prepares the connections; asks nothing of the bank yet.
    pub fn open(settings: SwiftpassSettings) -> Result<Self, SettingsError> {
        let keys = settings.keys()?;
        let notify_path = settings.notify_path()?.to_owned();
        let transport = Transport::open(&settings.transport(&settings.base_url))
            .map_err(|e| SettingsError::new(e.field, e.what))?;
        let download = settings.bill_url.as_ref().map(|url| Download::open(&settings, url));
        Ok(Self { notify_path, keys, transport, download: download.transpose()?, settings })
    }

    /// Asks once; `Err`: the wire failed.
    async fn ask_once(&self, ask: &Ask) -> Result<Word, WireError> {
        let sealed = trade::values(&self.settings, ask).and_then(|values| seal(&self.keys, values));
        let text = match sealed {
            Ok(text) => text,
            Err(why) => return Ok(Word::Refused { code: "not sent".to_owned(), why }),
        };
        let reply = self.transport.post_xml(&self.settings.base_url, text).await?;
        Ok(match xml::read(&reply) {
            Ok(values) if self.keys.verify(&values) => trade::word(&self.settings, ask, &values),
            Ok(values) => unsigned(&values),
            Err(e) => Word::Unknown { why: format!("the bank's answer cannot be read: {e}") },
        })
    }

    /// An accepted refund is not yet a done one, and a repeated one may be refused as known: how it stands is asked in
    /// the same breath.
    async fn refund(&self, ask: &Ask) -> Result<Word, WireError> {
        let word = self.ask_once(ask).await?;
        let Ask::Refund { out_trade_no, refund_no, amount, way, .. } = ask else { return Ok(word) };
        if !matches!(word, Word::Refunding | Word::Unknown { .. }) {
            return Ok(word);
        }
        let (out_trade_no, refund_no) = (out_trade_no.clone(), refund_no.clone());
        let look = Ask::RefundQuery { out_trade_no, refund_no, amount: *amount, way: *way };
        match self.ask_once(&look).await {
            Ok(Word::Unknown { .. }) | Err(_) => Ok(word),
            told => told,
        }
    }
}

/// The text of one call, signed, with a word of its own so that no two calls are alike.
fn seal(keys: &Keys, mut values: Values) -> Result<String, String> {
    let half = || SysRng.try_next_u64().map_err(|_| "the system gives no random numbers");
    values.insert("nonce_str".to_owned(), format!("{:016x}{:016x}", half()?, half()?));
    let values = keys.sign(values).ok_or("cannot sign")?;
    Ok(xml::write(&values))
}

/// Anybody could have said it, so nothing follows from it, but a person may want to read it.
fn unsigned(values: &Values) -> Word {
    let told = |name: &str| values.get(name).map_or("", String::as_str);
    let signed = if told("sign").is_empty() { "carries no signature" } else { "is signed wrongly" };
    let why = format!("the bank's answer {signed}: status {} {}", told("status"), told("message"));
    Word::Unknown { why: why.chars().take(300).collect() }
}

impl Settings for SwiftpassSettings {
    fn resolve_files(&mut self, folder: &Path) {
        SwiftpassSettings::resolve_files(self, folder);
    }

    fn open(&self, _clock: Clock) -> Result<Arc<dyn Channel>, SettingsError> {
        Ok(Arc::new(Swiftpass::open(self.clone())?))
    }

    fn notify_path(&self) -> Option<&str> {
        SwiftpassSettings::notify_path(self).ok()
    }

    fn ways(&self) -> &'static [PayWay] {
        Swiftpass::WAYS
    }
}

impl Channel for Swiftpass {
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a> {
        Box::pin(async move {
            let heard = match ask {
                Ask::Refund { .. } => self.refund(ask).await,
                _ => self.ask_once(ask).await,
            };
            let word = heard.unwrap_or_else(|e| Word::Unknown { why: e.to_string() });
            match &word {
                Word::Refused { code, why } => warn!(?ask, code, why, "the bank refused"),
                Word::Unknown { why } => warn!(?ask, why, "no clear word from the bank"),
                _ => debug!(?ask, "the bank answered"),
            }
            word
        })
    }

    fn notification(&self, letter: &Letter<'_>) -> Result<Notification, NotifyError> {
        let malformed = |what: String| NotifyError::Malformed(what);
        let text = std::str::from_utf8(letter.body).map_err(|e| malformed(e.to_string()))?;
        let values = xml::read(text).map_err(|e| malformed(e.to_string()))?;
        if !self.keys.verify(&values) {
            let (came_on, registered) = (letter.path.to_owned(), self.notify_path.clone());
            return Err(NotifyError::BadSignature { came_on, registered });
        }
        let (out_trade_no, msg_id, word) = trade::notified(&self.settings, &values)?;
        Ok(Notification::of_payment(out_trade_no, msg_id, word))
    }

    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply {
        let body = if heard.is_ok() { "success" } else { "fail" };
        NotifyReply {
            status: 200,
            content_type: "text/plain; charset=utf-8",
            body: body.to_owned(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            currency: Currency::Cny,
            ways: Self::WAYS,
            reverse: true,
            part_refund: true,
            notifies: true,
        }
    }

    fn statement<'a>(&'a self, day: Date, into: &'a Path) -> Fetching<'a> {
        Box::pin(bill::fetch(&self.settings, &self.keys, self.download.as_ref(), day, into))
    }

    fn rows<'a>(&self, text: Text<'a>) -> Rows<'a> {
        Box::new(bill::rows(&self.settings, text))
    }

    fn notify_path(&self) -> Option<&str> {
        Some(&self.notify_path)
    }
}

impl std::fmt::Debug for Swiftpass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Swiftpass({} at {})", self.settings.mch_id, self.settings.base_url)
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
