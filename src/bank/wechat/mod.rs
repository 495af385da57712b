//! WeChat's parking by payment score (微信支付分停车) as a [`Channel`]: entries are told, fees are taken by the plate.
//! Makes no links and knows nothing of what a payment is for.
//!
//! Layers: `parking` writes and judges the calls, `notice` reads notifications, `sign` signs, verifies and opens, `bill`
//! fetches and reads statements, `settings` holds what the site file says.

use std::{path::Path, sync::Arc};

use jiff::civil::Date;
use rand::{TryRng, rngs::SysRng};
use tracing::{debug, warn};

use super::{
    Agreeing, AgreementAsk, AgreementWord, Answer, Ask, Capabilities, Channel, Letter,
    Notification, NotifyError, NotifyReply, PayWay, Settings, Word,
    channels::Clock,
    settings::{SettingsError, literal_path},
    statement::{Fetching, Rows, Text},
    transport::Transport,
};
use crate::types::Currency;

mod bill;
mod notice;
mod parking;
mod settings;
mod sign;

pub use settings::WechatSettings;

use parking::{Call, Stand};
use sign::{Keys, Signed, Signer};

/// One merchant at the platform.
pub struct Wechat {
    settings: WechatSettings,
    notify_path: String,
    /// Signed with every request: the path part of the base address, usually empty.
    base_path: String,
    keys: Keys,
    transport: Transport,
    clock: Clock,
}

impl Wechat {
    pub const WAYS: &'static [PayWay] = &[PayWay::Plate];

    /// Reads the keys and prepares the connection; asks nothing of the bank yet.
    pub fn open(settings: WechatSettings, clock: Clock) -> Result<Self, SettingsError> {
        let keys = settings.keys()?;
        let notify_path = settings.notify_path()?.to_owned();
        let transport = Transport::open(&settings.transport())
            .map_err(|e| SettingsError::new(e.field, e.what))?;
        let base_path = literal_path(settings.base_url.trim_end_matches('/'))
            .ok_or_else(|| SettingsError::new("base_url", "must be http(s)://host"))?
            .to_owned();
        Ok(Self { settings, notify_path, base_path, keys, transport, clock })
    }

    /// The signature of a request. `None` only when the system has no randomness or the key is broken.
    fn authorization(&self, method: &str, path_and_query: &str, body: &str) -> Option<String> {
        let half = || SysRng.try_next_u64().ok();
        let nonce = half().zip(half()).map(|(a, b)| format!("{a:016x}{b:016x}"))?;
        let signer = Signer {
            mchid: &self.settings.mchid,
            serial_no: &self.settings.serial_no,
            now: (self.clock)(),
            nonce: &nonce,
        };
        sign::authorization(&self.keys, signer, method, path_and_query, body)
    }

    /// One signed call: the verified answer's status and body, or why nothing can be concluded.
    async fn call(&self, call: Call) -> Result<(u16, String), Trouble> {
        let path = format!("{}{}", self.base_path, call.path);
        let body = call.body.as_deref().unwrap_or_default();
        let header = self.authorization(call.method.as_str(), &path, body);
        let header = header.ok_or(Trouble::NotSent)?;
        let url = format!("{}{}", self.settings.base_url.trim_end_matches('/'), call.path);
        let headers = [("authorization", header.as_str()), ("user-agent", "paifang")];
        let reply = self.transport.call(call.method, &url, &headers, call.body).await;
        let reply = reply.map_err(|e| Trouble::Unheard(e.to_string()))?;
        let named = |name: &str| {
            let mut headers = reply.headers.iter();
            headers.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        let window = self.settings.clock_window_s;
        let checked = Signed::from(named).check(&self.keys, (self.clock)(), window, &reply.body);
        checked.map_err(|why| {
            let told: String = reply.body.chars().take(200).collect();
            Trouble::Unheard(format!("HTTP {}, and {why}: {told}", reply.status))
        })?;
        Ok((reply.status, reply.body))
    }

    async fn ask_once(&self, ask: &Ask) -> Word {
        let call = match parking::call(&self.settings, ask) {
            Ok(call) => call,
            // A question that cannot be asked says nothing about the money.
            Err(why) if matches!(ask, Ask::Query { .. } | Ask::RefundQuery { .. }) => {
                return Word::Unknown { why };
            }
            Err(why) => return Word::Refused { code: "not sent".to_owned(), why },
        };
        match self.call(call).await {
            Ok((status, body)) => parking::word(&self.settings, ask, status, &body),
            Err(Trouble::NotSent) => {
                Word::Refused { code: "not sent".to_owned(), why: "cannot sign".to_owned() }
            }
            Err(Trouble::Unheard(why)) => Word::Unknown { why },
        }
    }

    /// As [`Self::ask_once`], and whether WeChat says that it knows of no such thing.
    async fn look(&self, look: &Ask) -> (Word, bool) {
        let Ok(call) = parking::call(&self.settings, look) else {
            return (Word::Unknown { why: "cannot be asked".to_owned() }, false);
        };
        match self.call(call).await {
            Ok((status, body)) => {
                let none = parking::knows_none(&self.settings, status, &body);
                (parking::word(&self.settings, look, status, &body), none)
            }
            Err(_) => (Word::Unknown { why: "not heard".to_owned() }, false),
        }
    }

    async fn agreement_once(&self, ask: &AgreementAsk) -> AgreementWord {
        let call = match parking::agreement(&self.settings, ask) {
            Ok(call) => call,
            Err(Stand::AsTold(agreement)) => {
                return AgreementWord::Bound { agreement: Some(agreement) };
            }
        };
        match self.call(call).await {
            Ok((200..300, body)) => parking::agreed(ask, &body),
            Ok((status, body)) => {
                let told: String = body.chars().take(200).collect();
                AgreementWord::Unknown { why: format!("HTTP {status}: {told}") }
            }
            Err(Trouble::NotSent) => AgreementWord::Unknown { why: "cannot sign".to_owned() },
            Err(Trouble::Unheard(why)) => AgreementWord::Unknown { why },
        }
    }
}

/// Why a call has no answer that can be read.
enum Trouble {
    NotSent,
    Unheard(String),
}

impl Settings for WechatSettings {
    fn resolve_files(&mut self, folder: &Path) {
        WechatSettings::resolve_files(self, folder);
    }

    fn open(&self, clock: Clock) -> Result<Arc<dyn Channel>, SettingsError> {
        Ok(Arc::new(Wechat::open(self.clone(), clock)?))
    }

    fn notify_path(&self) -> Option<&str> {
        WechatSettings::notify_path(self).ok()
    }

    fn ways(&self) -> &'static [PayWay] {
        Wechat::WAYS
    }
}

impl Channel for Wechat {
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a> {
        Box::pin(async move {
            let mut word = self.ask_once(ask).await;
            if let Ask::Refund { out_trade_no, refund_no, amount, way, .. } = ask
                && !matches!(word, Word::RefundDone { .. })
            {
                // Taken is not done yet, and a repeated one may be refused as known: how it stands is asked in the same
                // breath. A refusal counts only where WeChat knows of no such refund.
                let (out_trade_no, refund_no) = (out_trade_no.clone(), refund_no.clone());
                let look = Ask::RefundQuery { out_trade_no, refund_no, amount: *amount, way: *way };
                word = parking::refund_after(word, self.look(&look).await);
            }
            match &word {
                Word::Refused { code, why } => warn!(?ask, code, why, "WeChat refused"),
                Word::Unknown { why } => warn!(?ask, why, "no clear word from WeChat"),
                _ => debug!(?ask, "WeChat answered"),
            }
            word
        })
    }

    fn notification(&self, letter: &Letter<'_>) -> Result<Notification, NotifyError> {
        notice::read(&self.settings, &self.keys, (self.clock)(), letter)
    }

    fn notify_reply(&self, heard: Result<&Notification, &NotifyError>) -> NotifyReply {
        let (status, body) = match heard {
            Ok(_) => (200, r#"{"code":"SUCCESS"}"#.to_owned()),
            Err(NotifyError::BadSignature { .. }) => {
                (401, r#"{"code":"FAIL","message":"the signature is wrong"}"#.to_owned())
            }
            Err(_) => (400, r#"{"code":"FAIL","message":"not understood"}"#.to_owned()),
        };
        NotifyReply { status, content_type: "application/json; charset=utf-8", body }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            currency: Currency::Cny,
            ways: Self::WAYS,
            reverse: false,
            part_refund: true,
            notifies: true,
        }
    }

    fn agreement<'a>(&'a self, ask: &'a AgreementAsk) -> Agreeing<'a> {
        Box::pin(async move {
            let word = self.agreement_once(ask).await;
            if let AgreementWord::Unknown { why } = &word {
                warn!(stay_no = ask.stay_no, why, "no clear word about an agreement");
            }
            word
        })
    }

    fn statement<'a>(&'a self, day: Date, into: &'a Path) -> Fetching<'a> {
        Box::pin(bill::fetch(self, day, into))
    }

    fn rows<'a>(&self, text: Text<'a>) -> Rows<'a> {
        Box::new(bill::rows(&self.settings, text))
    }

    fn notify_path(&self) -> Option<&str> {
        Some(&self.notify_path)
    }
}

impl std::fmt::Debug for Wechat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wechat({} at {})", self.settings.mchid, self.settings.base_url)
    }
}
