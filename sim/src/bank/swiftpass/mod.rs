//! The Swiftpass gateway on a loopback port: its services over XML, statements, the cashier pages, and a control door
//! for faults. Decides nothing about money: that is `model`'s.

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path as UrlPath, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz};
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{
    cashier,
    crypto::{GatewayKeys, write_secret},
    faults::Faults,
    model::Bank,
    notices::{self, Teller},
    words::{Answer, Book, Notice, PayRefusal, Refusal, Said, Spoil},
};

mod bill;
mod text;
mod wire;

use text::{Pairs, value};

/// Longer than any caller waits: a call that gets no answer is held this long.
const SILENCE: Duration = Duration::from_mins(10);

/// One merchant.
#[derive(Clone, Debug)]
pub struct SwiftpassGatewaySettings {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub seed: u64,
    pub faults: Faults,
    pub mch_id: String,
    /// `RSA_1_256` instead of `MD5`.
    pub rsa: bool,
    /// The key shared with the merchant.
    pub key: String,
    /// A call that is refused as such is told so under a signature; the real gateway leaves it out.
    pub signs_refusals: bool,
    /// Where the link on the success page leads; without it, back in the browser's history.
    pub back_url: Option<String>,
}

impl SwiftpassGatewaySettings {
    fn sign_type(&self) -> &'static str {
        if self.rsa { "RSA_1_256" } else { "MD5" }
    }
}

impl Default for SwiftpassGatewaySettings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 0).into(),
            seed: 1,
            faults: Faults::default(),
            mch_id: "7551000001".to_owned(),
            rsa: false,
            key: "9d101c97133837e13dde2d32a5054abb".to_owned(),
            signs_refusals: false,
            back_url: None,
        }
    }
}

/// What the handlers and the deliverer share.
#[derive(Debug)]
struct Shared {
    settings: SwiftpassGatewaySettings,
    keys: GatewayKeys,
    /// Woken when a notification may have fallen due.
    paid: Notify,
    base_url: String,
    bank: Mutex<Bank>,
    nonces: Mutex<HashSet<String>>,
    stop: watch::Sender<bool>,
}

impl Shared {
    fn bank(&self) -> MutexGuard<'_, Bank> {
        self.bank.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nonces(&self) -> MutexGuard<'_, HashSet<String>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By the bank's own clock.
    fn now(&self) -> Timestamp {
        let apart = self.bank().faults().clock_apart_s;
        #[expect(clippy::disallowed_methods, reason = "the simulated bank has its own wall clock")]
        let now = Timestamp::now();
        now + SignedDuration::from_secs(apart.into())
    }

    fn signed(&self, pairs: Pairs) -> String {
        let wrongly = self.bank().signs_wrongly();
        wire::signed(&self.settings, &self.keys, pairs, wrongly)
    }

    /// Waits, but not beyond the gateway's end.
    async fn pause(&self, time: Duration) {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

impl Teller for Shared {
    fn bank(&self) -> MutexGuard<'_, Bank> {
        self.bank()
    }

    fn now(&self) -> Timestamp {
        self.now()
    }

    fn woken(&self) -> &Notify {
        &self.paid
    }

    fn letter(&self, post: RequestBuilder, notice: &Notice) -> RequestBuilder {
        let body = self.signed(wire::notification(&self.settings, notice));
        post.header(header::CONTENT_TYPE, "text/xml;charset=UTF-8").body(body)
    }

    fn is_accepted(&self, reply: &str) -> bool {
        reply.trim() == "success"
    }
}

/// A running gateway; [`Self::stop`] ends it.
#[derive(Debug)]
pub struct SwiftpassGateway {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    deliverer: JoinHandle<()>,
}

impl SwiftpassGateway {
    pub async fn start(settings: SwiftpassGatewaySettings, keys: GatewayKeys) -> io::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind(settings.listen).await?;
        let addr = listener.local_addr()?;
        let (stop, mut stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            bank: Mutex::new(Bank::new(settings.seed, settings.faults.clone())),
            nonces: Mutex::default(),
            paid: Notify::new(),
            base_url: format!("http://{addr}"),
            settings,
            keys,
            stop,
        });
        let serve = axum::serve(listener, routes(shared.clone()))
            .with_graceful_shutdown(async move { drop(stopped.wait_for(|stop| *stop).await) });
        let server = tokio::spawn(async move { drop(serve.await) });
        let deliverer = tokio::spawn(notices::deliver(shared.clone(), client));
        Ok(Self { addr, shared, server, deliverer })
    }

    /// Ends open calls unanswered and frees the port.
    pub async fn stop(self) {
        let _ = self.shared.stop.send(true);
        self.deliverer.abort();
        let abort = self.server.abort_handle();
        if tokio::time::timeout(Duration::from_secs(2), self.server).await.is_err() {
            abort.abort();
        }
    }

    pub fn set_faults(&self, faults: Faults) {
        self.shared.bank().set_faults(faults);
    }

    pub fn faults(&self) -> Faults {
        self.shared.bank().faults().clone()
    }

    /// A payment's line in the statement is wrong from now on, or right again.
    pub fn spoil_statement(&self, out_trade_no: &str, spoil: Option<Spoil>) {
        self.shared.bank().spoil_statement(out_trade_no, spoil);
    }

    pub fn books(&self) -> Vec<Book> {
        self.shared.bank().books()
    }

    /// Notifications not yet answered rightly nor given up.
    pub fn notices_waiting(&self) -> usize {
        self.shared.bank().notices_waiting()
    }

    /// When a notification is delivered next; `None` while one is under way or none is left.
    pub fn next_notice(&self) -> Option<Timestamp> {
        self.shared.bank().next_deadline()
    }

    /// Rightly signed calls taken so far.
    pub fn calls(&self) -> usize {
        self.shared.nonces().len()
    }

    /// A customer pays a link without a browser.
    pub fn pay(&self, out_trade_no: &str) -> Result<(), PayRefusal> {
        let now = self.shared.now();
        let paid = self.shared.bank().customer_pays(out_trade_no, now);
        self.shared.paid.notify_one();
        paid
    }

    /// A customer whose code was scanned enters the password now; false: none is asked for.
    pub fn enter_password(&self, out_trade_no: &str) -> bool {
        let now = self.shared.now();
        self.shared.bank().enter_password(out_trade_no, now)
    }

    /// Writes the merchant's keys into `folder` and returns the channel's settings as TOML, to be put under
    /// `[bank.swiftpass]` of the site file.
    pub fn site_toml(&self, folder: &Path, notify_url: &str) -> io::Result<String> {
        let (settings, host) = (&self.shared.settings, &self.shared.base_url);
        let mut table = toml::Table::new();
        let mut set = |key: &str, value: String| table.insert(key.to_owned(), value.into());
        set("base_url", format!("{host}/pay/gateway"));
        set("bill_url", format!("{host}/gateway"));
        set("mch_id", settings.mch_id.clone());
        set("sign_type", settings.sign_type().to_owned());
        set("notify_url", notify_url.to_owned());
        if settings.rsa {
            let file = folder.join("swiftpass-merchant.key");
            self.shared.keys.write_merchant_key(&file)?;
            set("private_key_file", file.display().to_string());
            set("gateway_public_key", self.shared.keys.gateway_public_key());
        } else {
            let file = folder.join("swiftpass-md5.key");
            write_secret(&file, &settings.key)?;
            set("key_file", file.display().to_string());
        }
        Ok(table.to_string())
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/pay/gateway", post(call))
        .route("/gateway", post(download))
        .route("/cashier/{token}", get(cashier_page).post(cashier_pay))
        .route("/control", get(control_get).post(control_post))
        .route("/books", get(books))
        .with_state(shared)
}

/// The call, checked; else what is answered to it.
fn checked(shared: &Shared, body: &str, version: &str) -> Result<Pairs, String> {
    let pairs = wire::check(&shared.settings, &shared.keys, body, version);
    let pairs = pairs.and_then(|pairs| {
        let is_new = shared.nonces().insert(value(&pairs, "nonce_str").to_owned());
        if is_new { Ok(pairs) } else { Err("nonce_str was used before") }
    });
    pairs.map_err(|message| {
        if !shared.settings.signs_refusals {
            return wire::unsigned(message);
        }
        let told = [("status", "400"), ("message", message)];
        shared.signed(told.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    })
}

async fn call(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let request = match checked(&shared, &body, "2.0") {
        Ok(request) => request,
        Err(refusal) => return xml(refusal),
    };
    let Some(answer) = act(&shared, &request) else {
        return xml(wire::unsigned("service is not known"));
    };
    shared.pause(Duration::from_millis(answer.after_ms.into())).await;
    let Some(said) = answer.said else {
        shared.pause(SILENCE).await;
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    };
    xml(shared.signed(wire::answer(&shared.settings, &shared.base_url, &request, &said)))
}

fn xml(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml;charset=UTF-8")], body).into_response()
}

/// `None` for a service this gateway does not have.
fn act(shared: &Shared, request: &Pairs) -> Option<Answer> {
    let now = shared.now();
    let bad = Answer { after_ms: 0, said: Some(Said::No(Refusal::BadField)) };
    let mut bank = shared.bank();
    let no = value(request, "out_trade_no");
    let fits = no.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !(5..=32).contains(&no.len()) || !fits {
        return Some(bad);
    }
    Some(match value(request, "service") {
        "unified.trade.native" => {
            wire::native(request, now).map_or(bad, |order| bank.generate(now, order))
        }
        "unified.trade.micropay" => {
            wire::micropay(request).map_or(bad, |payment| bank.collect(now, payment))
        }
        "unified.trade.query" => bank.query(now, no),
        "unified.trade.close" => bank.reverse(now, no),
        "unified.micropay.reverse" => bank.undo(now, no),
        "unified.trade.refund" => match wire::refund(request) {
            Some((refund_no, fen, total)) if bank.is_total(no, total) => {
                bank.refund(now, no, &refund_no, fen)
            }
            _ => bad,
        },
        "unified.trade.refundquery" => bank.refund_query(now, no),
        _ => return None,
    })
}

async fn download(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let request = match checked(&shared, &body, "1.0") {
        Ok(request) => request,
        Err(refusal) => return xml(refusal),
    };
    let day = Date::strptime("%Y%m%d", value(&request, "bill_date")).ok();
    let bounds = day.and_then(|day| {
        let midnight = |day: Date| tz::offset(8).to_timestamp(day.at(0, 0, 0, 0)).ok();
        Some((midnight(day)?, midnight(day.tomorrow().ok()?)?))
    });
    let known =
        value(&request, "service") == "pay.bill.merchant" && value(&request, "bill_type") == "ALL";
    let Some((from, until)) = bounds.filter(|_| known) else {
        return xml(wire::unsigned("bill_date or bill_type is invalid"));
    };
    let mut bank = shared.bank();
    if bank.statement_late() {
        return "Bill Creating".into_response();
    }
    bill::text(&shared.settings, &bank.statement(from, until)).into_response()
}

async fn cashier_page(
    State(shared): State<Arc<Shared>>,
    UrlPath(token): UrlPath<String>,
) -> Response {
    let now = shared.now();
    page(cashier::page(&shared.bank(), &token, now))
}

async fn cashier_pay(
    State(shared): State<Arc<Shared>>,
    UrlPath(token): UrlPath<String>,
) -> Response {
    let (now, back_url) = (shared.now(), shared.settings.back_url.as_deref());
    let said = cashier::pay(&mut shared.bank(), &token, now, back_url);
    shared.paid.notify_one();
    page(said)
}

fn page(html: Option<String>) -> Response {
    html.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |html| Html(html).into_response())
}

async fn control_get(State(shared): State<Arc<Shared>>) -> Json<Faults> {
    Json(shared.bank().faults().clone())
}

/// Takes some or all fields of [`Faults`]; the others stay.
async fn control_post(
    State(shared): State<Arc<Shared>>,
    Json(changes): Json<serde_json::Map<String, Value>>,
) -> Result<Json<Faults>, (StatusCode, String)> {
    let mut bank = shared.bank();
    let faults = bank.faults().changed(changes);
    let faults = faults.map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
    bank.set_faults(faults.clone());
    Ok(Json(faults))
}

async fn books(State(shared): State<Arc<Shared>>) -> Json<Vec<Book>> {
    Json(shared.bank().books())
}
