//! Alipay's parking by the plate (停车代扣) as a [`Channel`]: entries and exits are told, fees are taken by the plate.
//! Makes no links and knows nothing of what a payment is for.
//!
//! Layers: `parking` writes and judges the calls, `envelope` signs and verifies them, `settings` holds what the site file
//! says.

use std::{path::Path, sync::Arc};

use tracing::{debug, warn};

use super::{
    Agreeing, AgreementAsk, AgreementWord, Answer, Ask, Capabilities, Channel, Departure, Letter,
    Notification, NotifyError, NotifyReply, PayWay, Settings, Telling, Word, channels::Clock,
    settings::SettingsError, transport::Transport,
};
use crate::types::Currency;

mod envelope;
mod parking;
mod settings;

pub use settings::{AlipaySettings, Reverse};

use envelope::Keys;
use parking::Call;

/// One car park at the platform.
#[derive(Clone)]
pub struct Alipay {
    site: Arc<Site>,
}

struct Site {
    settings: AlipaySettings,
    notify_path: String,
    keys: Keys,
    transport: Transport,
    clock: Clock,
}

impl Alipay {
    pub const WAYS: &'static [PayWay] = &[PayWay::Plate];

    /// Reads the keys and prepares the connection; asks nothing of the bank yet.
    pub fn open(settings: AlipaySettings, clock: Clock) -> Result<Self, SettingsError> {
        let keys = settings.keys()?;
        let notify_path = settings.notify_path()?.to_owned();
        let transport = Transport::open(&settings.transport())
            .map_err(|e| SettingsError::new(e.field, e.what))?;
        Ok(Self { site: Arc::new(Site { settings, notify_path, keys, transport, clock }) })
    }
}

impl Site {
    /// One signed call: the verified node of its answer, or why nothing can be concluded.
    async fn call(&self, call: &Call) -> Result<String, Trouble> {
        let now = (self.clock)();
        let form = envelope::seal(&self.settings, &self.keys, &call.method, now, &call.biz);
        let form = form.ok_or(Trouble::NotSent)?;
        let reply = self.transport.post_form(&self.settings.base_url, &[], form).await;
        let reply = reply.map_err(|e| Trouble::Unheard(e.to_string()))?;
        envelope::open(&self.keys, &call.method, &reply).map_err(Trouble::Unheard)
    }

    /// The word, and the node it was read from.
    async fn ask_once(&self, ask: &Ask) -> (Word, String) {
        let call = match parking::call(&self.settings, ask) {
            Ok(call) => call,
            // A question that cannot be asked says nothing about the money.
            Err(why) if matches!(ask, Ask::Query { .. } | Ask::RefundQuery { .. }) => {
                return (Word::Unknown { why }, String::new());
            }
            Err(why) => {
                return (Word::Refused { code: "not sent".to_owned(), why }, String::new());
            }
        };
        match self.call(&call).await {
            Ok(node) => (parking::word(&self.settings, ask, &node), node),
            Err(Trouble::NotSent) => {
                let (code, why) = ("not sent".to_owned(), "cannot sign".to_owned());
                (Word::Refused { code, why }, String::new())
            }
            Err(Trouble::Unheard(why)) => (Word::Unknown { why }, String::new()),
        }
    }

    async fn told(&self, call: Call) -> Result<(), String> {
        match self.call(&call).await {
            Ok(node) => parking::taken(&node),
            Err(Trouble::NotSent) => Err("cannot sign".to_owned()),
            Err(Trouble::Unheard(why)) => Err(why),
        }
    }
}

/// Why a call has no answer that can be read.
enum Trouble {
    NotSent,
    Unheard(String),
}

impl Settings for AlipaySettings {
    fn resolve_files(&mut self, folder: &Path) {
        AlipaySettings::resolve_files(self, folder);
    }

    fn open(&self, clock: Clock) -> Result<Arc<dyn Channel>, SettingsError> {
        Ok(Arc::new(Alipay::open(self.clone(), clock)?))
    }

    fn notify_path(&self) -> Option<&str> {
        AlipaySettings::notify_path(self).ok()
    }

    fn ways(&self) -> &'static [PayWay] {
        Alipay::WAYS
    }

    fn hears_of_exits(&self) -> bool {
        self.exit_sync
    }
}

impl Channel for Alipay {
    fn ask<'a>(&'a self, ask: &'a Ask) -> Answer<'a> {
        Box::pin(async move {
            let (mut word, node) = self.site.ask_once(ask).await;
            if let Ask::Refund { out_trade_no, refund_no, amount, way, .. } = ask
                && matches!(word, Word::Refunding | Word::Unknown { .. })
            {
                let (out_trade_no, refund_no) = (out_trade_no.clone(), refund_no.clone());
                let look = Ask::RefundQuery { out_trade_no, refund_no, amount: *amount, way: *way };
                let (told, _) = self.site.ask_once(&look).await;
                if !matches!(told, Word::Unknown { .. }) {
                    word = told;
                }
            }
            match &word {
                Word::Refused { code, why } => warn!(?ask, code, why, "Alipay refused"),
                Word::Unknown { why } => warn!(?ask, why, "no clear word from Alipay"),
                _ => debug!(?ask, "Alipay answered"),
            }
            let settings = &self.site.settings;
            if matches!(word, Word::Paid { .. })
                && settings.order_sync
                && let Some(call) = parking::order_sync(settings, ask, &node)
            {
                // The arm does not wait for the driver's list of orders.
                let (site, number) = (self.site.clone(), ask.out_trade_no().to_owned());
                tokio::spawn(async move {
                    if let Err(why) = site.told(call).await {
                        warn!(number, why, "a paid order was not taken into the driver's list");
                    }
                });
            }
            word
        })
    }

    fn notification(&self, letter: &Letter<'_>) -> Result<Notification, NotifyError> {
        let Site { settings, notify_path, keys, .. } = &*self.site;
        let pairs = envelope::notified(keys, notify_path, letter.path, letter.body)?;
        let ours = [("app_id", &settings.app_id), ("seller_id", &settings.seller_id)];
        for (field, ours) in ours {
            // Not every message names them.
            if let Some(theirs) = pairs.get(field).filter(|theirs| *theirs != ours) {
                return Err(NotifyError::Foreign { field, theirs: theirs.clone() });
            }
        }
        let msg_id = pairs.get("notify_id").cloned().unwrap_or_default();
        Ok(Notification { msg_id, about: parking::notified(&pairs), encrypted: false })
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
            reverse: self.site.settings.reverse == Reverse::Cancel,
            part_refund: true,
            notifies: true,
        }
    }

    fn agreement<'a>(&'a self, ask: &'a AgreementAsk) -> Agreeing<'a> {
        Box::pin(async move {
            let call = parking::agreement(&self.site.settings, ask);
            let word = match self.site.call(&call).await {
                Ok(node) => parking::agreed(&self.site.settings, ask, &node),
                Err(Trouble::NotSent) => AgreementWord::Unknown { why: "cannot sign".to_owned() },
                Err(Trouble::Unheard(why)) => AgreementWord::Unknown { why },
            };
            if let AgreementWord::Unknown { why } = &word {
                warn!(stay_no = ask.stay_no, why, "no clear word about an agreement");
            }
            word
        })
    }

    fn left<'a>(&'a self, left: &'a Departure) -> Telling<'a> {
        Box::pin(self.site.told(parking::left(&self.site.settings, left)))
    }

    fn notify_path(&self) -> Option<&str> {
        Some(&self.site.notify_path)
    }
}

impl std::fmt::Debug for Alipay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let settings = &self.site.settings;
        write!(f, "Alipay({} at {})", settings.app_id, settings.base_url)
    }
}
