//! The Industrial and Commercial Bank's open platform as a [`Channel`]: its families of calls over its
//! signed envelope. Knows nothing of what a payment is for.
//!
//! ```text
//!   family    which family answers for an ask, a notification
//!     qrcode    codes and payers' codes (`/api/qrcode/...`), with what `terminal` tells of a scanner
//!     online    the online family (`/api/cardbusiness/...`): its `pay_status` counts the other way round
//!     plate     what is bound to a plate; the form of the signing page
//!   scenic     tickets of the bank's scenic cloud, checked and written off
//!   sub_orders  parts of payments that the bank settles to partners
//!   statement  the bank's file of a day, fetched by `statement_fetch`
//!   envelope   signs and verifies calls; `notice` does so for notifications; `keys` holds the arithmetic
//!   settings   what the site file says
//! ```

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use jiff::{Timestamp, civil::Date};
use rand::{TryRng, rngs::SysRng};
use tracing::{debug, info, warn};

use super::{
    Agreeing, AgreementAsk, AgreementWord, Answer, Ask, Capabilities, Channel, CloudShape,
    Clouding, Letter, Notification, NotifyError, NotifyReply, PayWay, Settings, ShareAsk,
    ShareWord, Sharing, SignAsk, SignForm, Word,
    channels::Clock,
    statement::{Fetching, RowError, Rows, Text},
    transport::Transport,
};
use crate::types::{CloudAsk, CloudWord, Currency, Plate};

mod agreement_notice;
mod envelope;
mod family;
mod fields;
mod keys;
mod notice;
mod online;
mod plate;
mod plate_settings;
mod qrcode;
mod scenic;
mod settings;
mod statement;
mod statement_fetch;
mod sub_orders;
mod terminal;
#[cfg(test)]
mod testing;

pub use keys::SignType;
pub use online::{OnlinePayStatus, OnlineSettings};
pub use plate_settings::{PlateAnswer, PlateOrders, PlateProduct, PlateSettings};
pub use qrcode::{QrcodeCollectStatus, QrcodePayStatus, Versions};
pub use scenic::ScenicSettings;
pub use settings::{IcbcSettings, NotifyMsgId, Product, SettingsError};
pub use statement::{Columns, Encoding, StatementSettings, Unit};
pub use statement_fetch::FetchSettings;
pub use sub_orders::{OrderNum, SubOrderSettings};
pub use terminal::TerminalSettings;

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
        let (path, biz) = match family::call(&self.settings, ask) {
            Ok(call) => call,
            Err(why) if family::is_unaskable(&self.settings, ask) => {
                return Word::Unaskable { why };
            }
            // A question that cannot be asked says nothing about the money.
            Err(why) if matches!(ask, Ask::Query { .. } | Ask::RefundQuery { .. }) => {
                return Word::Unknown { why };
            }
            Err(why) => return Word::Refused { code: "not sent".to_owned(), why },
        };
        match self.call(&path, &biz).await {
            Ok(content) => family::word(&self.settings, ask, &content),
            Err(Trouble::NotSent) => {
                Word::Refused { code: "not sent".to_owned(), why: "cannot sign".to_owned() }
            }
            Err(Trouble::Unheard(why)) => Word::Unknown { why },
        }
    }

    /// One signed call; the verified business text of its answer.
    async fn call(&self, path: &str, biz: &str) -> Result<String, Trouble> {
        let now = (self.clock)();
        let signed_path = format!("{}{path}", self.base_path);
        let form = self.envelope.seal(&signed_path, &self.numbers.next(now), now, biz);
        let form = form.ok_or(Trouble::NotSent)?;
        let url = format!("{}{path}", self.settings.base_url.trim_end_matches('/'));
        let headers = [("APIGW-VERSION", self.settings.gateway_version.as_str())];
        let reply = self.transport.post_form(&url, &headers, form).await;
        let reply = reply.map_err(|e| Trouble::Unheard(e.to_string()))?;
        self.envelope.open(&reply).map_err(|e| Trouble::Unheard(e.to_string()))
    }

    async fn agreement_once(&self, ask: &AgreementAsk, end: bool) -> AgreementWord {
        let (path, biz) = match plate::agreement(&self.settings, ask, end) {
            Ok(call) => call,
            // Nothing was asked, so nothing is known; only where no plate is taken is there none.
            Err(why) if self.settings.plate.is_some() => return AgreementWord::Unknown { why },
            Err(why) => return AgreementWord::None { why },
        };
        match self.call(&path, &biz).await {
            Ok(content) => plate::agreed(&self.settings, ask, end, (self.clock)(), &content),
            Err(Trouble::NotSent) => AgreementWord::Unknown { why: "cannot sign".to_owned() },
            Err(Trouble::Unheard(why)) => AgreementWord::Unknown { why },
        }
    }

    async fn share_once(&self, ask: &ShareAsk) -> ShareWord {
        if self.settings.sub_orders.is_none() {
            return ShareWord::NotOffered;
        }
        let (path, biz) = match sub_orders::call(&self.settings, ask) {
            Ok(call) => call,
            Err(why) => return ShareWord::Refused { code: "not sent".to_owned(), why },
        };
        match self.call(&path, &biz).await {
            Ok(content) => sub_orders::word(&self.settings, &content),
            Err(Trouble::NotSent) => ShareWord::Unknown { why: "cannot sign".to_owned() },
            Err(Trouble::Unheard(why)) => ShareWord::Unknown { why },
        }
    }

    /// As [`Channel::agreement`], with the word in the log. The plate is not.
    async fn agreement_logged(&self, ask: &AgreementAsk, end: bool) -> AgreementWord {
        let word = self.agreement_once(ask, end).await;
        if let AgreementWord::Unknown { why } = &word {
            warn!(stay_no = ask.stay_no, why, "no clear word about an agreement");
        } else {
            debug!(stay_no = ask.stay_no, end, "the bank spoke of an agreement");
        }
        word
    }
}

/// Why a call has no answer that can be read.
enum Trouble {
    NotSent,
    Unheard(String),
}

impl Settings for IcbcSettings {
    fn resolve_files(&mut self, folder: &Path) {
        IcbcSettings::resolve_files(self, folder);
    }

    fn open(&self, clock: Clock) -> Result<Arc<dyn Channel>, SettingsError> {
        Ok(Arc::new(Icbc::open(self.clone(), clock)?))
    }

    fn notify_path(&self) -> Option<&str> {
        IcbcSettings::notify_path(self).ok()
    }

    fn ways(&self) -> &'static [PayWay] {
        IcbcSettings::ways(self)
    }

    fn cloud(&self) -> Option<(CloudShape, u32, u32)> {
        let scenic = self.scenic.as_ref()?;
        Some((scenic.shape(), scenic.patience_ms, scenic.unchecked_max))
    }
}

impl Channel for Icbc {
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a> {
        Box::pin(async move {
            let mut word = self.ask_once(ask).await;
            if matches!(word, Word::Refunding | Word::Unknown { .. })
                && let Some(next) = family::follow_up(&self.settings, ask)
            {
                word = self.ask_once(&next).await;
            }
            match &word {
                Word::Refused { code, why } => warn!(?ask, code, why, "the bank refused"),
                Word::Unknown { why } => warn!(?ask, why, "no clear word from the bank"),
                _ => debug!(?ask, "the bank answered"),
            }
            word
        })
    }

    fn notification(&self, letter: &Letter<'_>) -> Result<Notification, NotifyError> {
        let opened = notice::open(&self.envelope, &self.notify_path, letter.path, letter.body)?;
        let (msg_id, about) = family::notified(&self.settings, &opened.api, &opened.content)?;
        Ok(Notification { msg_id, about, encrypted: opened.encrypted })
    }

    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply {
        let fresh;
        let (verdict, encrypted) = match heard {
            Ok(notification) => {
                let msg_id = match self.settings.notify_msg_id {
                    NotifyMsgId::Echo if !notification.msg_id.is_empty() => &notification.msg_id,
                    NotifyMsgId::Echo | NotifyMsgId::Fresh => {
                        fresh = self.numbers.next((self.clock)());
                        &fresh
                    }
                };
                (Verdict::Accepted { msg_id }, notification.encrypted)
            }
            Err(NotifyError::BadSignature { .. }) => (Verdict::Refused, false),
            Err(_) => (Verdict::NotRead, false),
        };
        let sign_type = self.settings.notify_sign_type;
        NotifyReply {
            status: 200,
            content_type: "application/json; charset=utf-8",
            body: notice::reply(&self.envelope, sign_type, encrypted, verdict),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            currency: Currency::Cny,
            ways: self.settings.ways(),
            reverse: self.settings.product == Product::Qrcode
                || self.settings.online.close_deal_flag.is_some(),
            part_refund: true,
            notifies: self.settings.notify,
        }
    }

    fn agreement<'a>(&'a self, ask: &'a AgreementAsk) -> Agreeing<'a> {
        Box::pin(self.agreement_logged(ask, false))
    }

    fn end_agreement<'a>(&'a self, ask: &'a AgreementAsk) -> Agreeing<'a> {
        Box::pin(self.agreement_logged(ask, true))
    }

    fn ticket<'a>(&'a self, ask: &'a CloudAsk) -> Clouding<'a> {
        Box::pin(async move {
            let now = (self.clock)();
            let (path, biz) = match scenic::call(&self.settings, now.as_millisecond(), ask) {
                Ok(call) => call,
                Err(why) => return CloudWord::Unknown { why },
            };
            let word = match self.call(&path, &biz).await {
                Ok(content) => scenic::word(&self.settings, scenic::today(now), ask, &content),
                Err(Trouble::NotSent) => CloudWord::Unknown { why: "cannot sign".to_owned() },
                Err(Trouble::Unheard(why)) => CloudWord::Unknown { why },
            };
            match &word {
                CloudWord::Unknown { why } => warn!(?ask, why, "no clear word about a ticket"),
                CloudWord::Refused { why, .. } => info!(?ask, why, "the cloud says no"),
                _ => debug!(?ask, "the cloud answered"),
            }
            word
        })
    }

    fn sign_form(&self, ask: &SignAsk) -> Option<SignForm> {
        let (path, biz) = plate::signing(&self.settings, ask)?;
        let plates = self.settings.plate.as_ref()?;
        let base = plates.sign_base_url.as_ref().unwrap_or(&self.settings.base_url);
        let base = base.trim_end_matches('/');
        let signed_path = format!("{}{path}", literal_path(base)?);
        let now = (self.clock)();
        let mut pairs = self.envelope.sealed(&signed_path, &self.numbers.next(now), now, &biz)?;
        // The platform's own client keeps the business text in the body and all else in the address.
        let biz = pairs.remove_entry("biz_content")?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        let action = format!("{base}{path}?{}", query.extend_pairs(&pairs).finish());
        Some(SignForm { action, fields: vec![biz] })
    }

    fn share<'a>(&'a self, ask: &'a ShareAsk) -> Sharing<'a> {
        Box::pin(self.share_once(ask))
    }

    fn ends_agreements(&self) -> bool {
        let plates = self.settings.plate.as_ref();
        plates.is_some_and(|plates| plates.product == PlateProduct::Passfree)
    }

    fn is_named(&self, number: &str, plate: &Plate) -> bool {
        plate::is_named(&self.settings, number, plate)
    }

    fn statement<'a>(&'a self, day: Date, into: &'a Path) -> Fetching<'a> {
        Box::pin(self.fetch_statement(day, into))
    }

    fn rows<'a>(&self, text: Text<'a>) -> Rows<'a> {
        if let Some(settings) = &self.settings.statement {
            return statement::rows(settings.clone(), text);
        }
        let what = "the site file has no [bank.icbc.statement] that tells the file's columns";
        Box::new(std::iter::once(Err(RowError { line: 1, what: what.to_owned() })))
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
