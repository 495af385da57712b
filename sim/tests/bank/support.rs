//! A gateway, a channel and a listening site for the tests beside this file. Asserts nothing about
//! payments.

use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::OriginalUri,
    http::{HeaderMap, StatusCode, header},
};
use jiff::Timestamp;
use paifang::{
    bank::{
        Ask, Channel, Letter, NotifyError, PayWay, Word,
        icbc::{Icbc, IcbcSettings},
    },
    types::{Currency, Money},
};
use paifang_sim::bank::{Faults, Gateway, GatewayKeys, GatewaySettings};
use tokio::{net::TcpListener, sync::mpsc};

pub(crate) static KEYS: LazyLock<GatewayKeys> = LazyLock::new(|| GatewayKeys::generate(11));
pub(crate) static OTHER_KEYS: LazyLock<GatewayKeys> = LazyLock::new(|| GatewayKeys::generate(12));

#[expect(clippy::disallowed_methods, reason = "the gateway checks the time of real requests")]
pub(crate) fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// A folder for the keys of one test, removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("paifang-bank-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

pub(crate) fn generate() -> Ask {
    Ask::Generate {
        out_trade_no: "P1".to_owned(),
        amount: cny(1250),
        subject: "停车费 京A12345 <b>".to_owned(),
        expires_in_s: 300,
        asked_at: wall_clock(),
    }
}

pub(crate) fn query() -> Ask {
    Ask::Query { out_trade_no: "P1".to_owned(), way: PayWay::Cashier }
}

pub(crate) fn reverse() -> Ask {
    Ask::Reverse { out_trade_no: "P1".to_owned(), way: PayWay::Cashier }
}

pub(crate) fn refund(refund_no: &str, minor: i64) -> Ask {
    let (out_trade_no, refund_no) = ("P1".to_owned(), refund_no.to_owned());
    Ask::Refund {
        out_trade_no,
        refund_no,
        amount: cny(minor),
        paid: cny(1250),
        way: PayWay::Cashier,
    }
}

/// A gateway and a channel that talks to it.
pub(crate) struct Pair {
    pub(crate) gateway: Gateway,
    pub(crate) settings: IcbcSettings,
    pub(crate) channel: Arc<dyn Channel>,
    /// The same with a short time-out, for a gateway that will not answer.
    pub(crate) impatient: Arc<dyn Channel>,
    _folder: Folder,
}

pub(crate) fn open(settings: IcbcSettings) -> Arc<dyn Channel> {
    Arc::new(Icbc::open(settings, Arc::new(wall_clock)).unwrap())
}

pub(crate) async fn pair(settings: GatewaySettings, notify_url: &str) -> Pair {
    let folder = Folder::new();
    let gateway = Gateway::start(settings, KEYS.clone()).await.unwrap();
    let toml = gateway.site_toml(&folder.0, notify_url).unwrap();
    let settings: IcbcSettings = toml::from_str(&toml).unwrap();
    let channel = open(settings.clone());
    let (connect_timeout_ms, read_timeout_ms) = (200, 400);
    let impatient = open(IcbcSettings { connect_timeout_ms, read_timeout_ms, ..settings.clone() });
    Pair { gateway, settings, channel, impatient, _folder: folder }
}

pub(crate) async fn faulty(faults: Faults) -> Pair {
    let settings = GatewaySettings { faults, ..GatewaySettings::default() };
    pair(settings, "http://127.0.0.1:9//notify").await
}

pub(crate) fn is_unknown(word: &Word) -> bool {
    matches!(word, Word::Unknown { .. })
}

pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 5 s: {what}");
}

pub(crate) type Heard = (String, Vec<u8>, Result<String, NotifyError>);

/// The channel a site answers by, put in once there is one.
type Slot = Arc<OnceLock<Arc<dyn Channel>>>;

/// A site that listens for notifications.
pub(crate) struct Site {
    pub(crate) notify_url: String,
    pub(crate) channel: Slot,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let notify_url = format!("http://{}//callback/icbc", listener.local_addr().unwrap());
        let channel = Slot::default();
        let (sender, heard) = mpsc::unbounded_channel();
        let slot = channel.clone();
        let app = Router::new().fallback(
            async move |OriginalUri(uri): OriginalUri, headers: HeaderMap, body: Bytes| {
                let channel = slot.get().unwrap();
                let headers: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect();
                let letter = Letter { path: uri.path(), headers: &headers, body: &body };
                let result = channel.notification(&letter);
                let reply = channel.notify_reply(result.as_ref());
                let result = result.map(|heard| match heard.payment() {
                    Some((number, word)) => format!("{number} {word:?}"),
                    None => format!("{:?}", heard.about),
                });
                sender.send((uri.path().to_owned(), body.to_vec(), result)).unwrap();
                let status = StatusCode::from_u16(reply.status).unwrap();
                (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body)
            },
        );
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { notify_url, channel, heard }
    }

    pub(crate) async fn next(&mut self) -> Heard {
        let next = tokio::time::timeout(Duration::from_secs(5), self.heard.recv());
        next.await.expect("a notification comes").unwrap()
    }
}
