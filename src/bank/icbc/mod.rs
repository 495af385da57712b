//! The Industrial and Commercial Bank's open platform as a [`Channel`]: the QR family over its
//! signed envelope. Knows nothing of what a payment is for.
//!
//! Layers: `qrcode` writes and judges business texts, `envelope` signs and verifies calls, `notice`
//! does the same for notifications, `keys` holds the arithmetic, `settings` what the site file says.
//! The online family (`/api/cardbusiness/aggregatepay/...`) would stand beside `qrcode`.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};
use tracing::{debug, warn};

use super::{
    Answer, Ask, Capabilities, Channel, Notification, NotifyError, NotifyReply, Word,
    channels::Clock, transport::Transport,
};
use crate::types::Currency;

mod envelope;
mod keys;
mod notice;
mod qrcode;
mod settings;
#[cfg(test)]
mod testing;

pub use keys::SignType;
pub use qrcode::QrcodePayStatus;
pub use settings::{IcbcSettings, NotifyMsgId, SettingsError};

use envelope::{Envelope, ZONE};
use notice::Verdict;
use settings::literal_path;

/// One merchant at the open platform.
pub struct Icbc {
    settings: IcbcSettings,
    /// Signed with every request: the path part of the base address, usually empty.
    base_path: String,
    notify_path: String,
    envelope: Envelope,
    transport: Transport,
    clock: Clock,
    numbers: MessageNumbers,
}

impl Icbc {
    /// Reads the keys and prepares the connection; asks nothing of the bank yet.
    pub fn open(settings: IcbcSettings, clock: Clock) -> Result<Self, SettingsError> {
        let keys = settings.keys()?;
        let notify_path = settings.notify_path()?.to_owned();
        let transport = Transport::open(&settings.transport())
            .map_err(|e| SettingsError::new(e.field, e.what))?;
        let base_url = settings.base_url.trim_end_matches('/');
        let base_path = literal_path(base_url)
            .ok_or_else(|| SettingsError::new("base_url", "must be http(s)://host"))?
            .to_owned();
        let numbers = MessageNumbers::new()
            .ok_or_else(|| SettingsError::new("app_id", "the system gives no random numbers"))?;
        let envelope =
            Envelope { app_id: settings.app_id.clone(), sign_type: settings.sign_type, keys };
        Ok(Self { settings, base_path, notify_path, envelope, transport, clock, numbers })
    }

    async fn ask_once(&self, ask: &Ask) -> Word {
        let path = qrcode::path(ask);
        let biz = match qrcode::biz_content(&self.settings, ask) {
            Ok(biz) => biz,
            Err(why) => return Word::Refused { code: "not sent".to_owned(), why },
        };
        let now = (self.clock)();
        let msg_id = self.numbers.next(now);
        let signed_path = format!("{}{path}", self.base_path);
        let Some(form) = self.envelope.seal(&signed_path, &msg_id, now, &biz) else {
            return Word::Refused { code: "not sent".to_owned(), why: "cannot sign".to_owned() };
        };
        let url = format!("{}{path}", self.settings.base_url.trim_end_matches('/'));
        let headers = [("APIGW-VERSION", self.settings.gateway_version.as_str())];
        let reply = match self.transport.post_form(&url, &headers, form).await {
            Ok(reply) => reply,
            Err(e) => return Word::Unknown { why: e.to_string() },
        };
        match self.envelope.open(&reply) {
            Ok(content) => qrcode::word(&self.settings, ask, &content),
            Err(e) => Word::Unknown { why: e.to_string() },
        }
    }
}

impl Channel for Icbc {
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a> {
        Box::pin(async move {
            let word = self.ask_once(ask).await;
            match &word {
                Word::Refused { code, why } => warn!(?ask, code, why, "the bank refused"),
                Word::Unknown { why } => warn!(?ask, why, "no clear word from the bank"),
                _ => debug!(?ask, "the bank answered"),
            }
            word
        })
    }

    fn notification(&self, path: &str, body: &[u8]) -> Result<Notification, NotifyError> {
        let (content, encrypted) = notice::open(&self.envelope, &self.notify_path, path, body)?;
        let (out_trade_no, msg_id, word) = qrcode::notified(&self.settings, &content)?;
        Ok(Notification { out_trade_no, msg_id, word, encrypted })
    }

    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply {
        let fresh;
        let (verdict, encrypted) = match heard {
            Ok(notification) => {
                let msg_id = match self.settings.notify_msg_id {
                    NotifyMsgId::Echo => &notification.msg_id,
                    NotifyMsgId::Fresh => {
                        fresh = self.numbers.next((self.clock)());
                        &fresh
                    }
                };
                (Verdict::Accepted { msg_id }, notification.encrypted)
            }
            Err(_) => (Verdict::Refused, false),
        };
        let sign_type = self.settings.notify_sign_type;
        NotifyReply {
            content_type: "application/json; charset=utf-8",
            body: notice::reply(&self.envelope, sign_type, encrypted, verdict),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            currency: Currency::Cny,
            ways: self.settings.ways(),
            reverse: true,
            part_refund: true,
            notifies: self.settings.notify,
        }
    }

    fn notify_path(&self) -> Option<&str> {
        Some(&self.notify_path)
    }
}

impl std::fmt::Debug for Icbc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Icbc({} at {})", self.settings.mer_id, self.settings.base_url)
    }
}

/// Message numbers, unique in the application over restarts and processes: the second, a random
/// part drawn at the start, a counter. 14 + 12 + 10 digits at most, of the 40 allowed.
struct MessageNumbers {
    run: u64,
    count: AtomicU32,
}

impl MessageNumbers {
    fn new() -> Option<Self> {
        let run = SysRng.try_next_u64().ok()? % 1_000_000_000_000;
        Some(Self { run, count: AtomicU32::new(0) })
    }

    fn next(&self, now: Timestamp) -> String {
        let second = ZONE.to_datetime(now).strftime("%Y%m%d%H%M%S").to_string();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{second}{:012}{count}", self.run)
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
