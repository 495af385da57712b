//! The gateway on a loopback port: the first calls of the QR family (`families` has the others), the cashier pages, and a control
//! door for faults. Decides nothing about money: that is `model`'s.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{OriginalUri, Path as UrlPath, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{
    cashier,
    crypto::{GatewayKeys, Hash},
    faults::Faults,
    model::Bank,
    notices::{self, Teller},
    wire,
    words::{Answer, Book, FINAL_CODES, NO_ORDER_CODE, Notice, PayRefusal, Refusal, Said, Spoil},
};

mod families;
pub mod scenic;

pub use families::{PlateAgreement, SubOrder};

/// Longer than any caller waits: a call that gets no answer is held this long.
const SILENCE: Duration = Duration::from_mins(10);
/// Message numbers remembered to refuse a repetition.
const MESSAGES_MAX: usize = 100_000;

/// One application of one merchant.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub seed: u64,
    pub faults: Faults,
    pub app_id: String,
    pub mer_id: String,
    pub store_code: String,
    /// How far a request's timestamp may be off, in seconds.
    pub clock_window_s: u32,
    /// Requests must be, and answers are, encrypted.
    pub encrypt: bool,
    /// The signature registered for replies to notifications.
    pub notify_hash: Hash,
    /// Where the link on the success page leads; without it, back in the browser's history.
    pub back_url: Option<String>,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 0).into(),
            seed: 1,
            faults: Faults::default(),
            app_id: "10000000000000000001".to_owned(),
            mer_id: "020000000001".to_owned(),
            store_code: "02000000001".to_owned(),
            clock_window_s: 900,
            encrypt: false,
            notify_hash: Hash::Sha256,
            back_url: None,
        }
    }
}

/// What the handlers and the deliverer share.
#[derive(Debug)]
struct Shared {
    settings: GatewaySettings,
    keys: GatewayKeys,
    /// Woken when a notification may have fallen due.
    paid: Notify,
    base_url: String,
    client: reqwest::Client,
    bank: Mutex<Bank>,
    messages: Mutex<HashSet<String>>,
    plates: Mutex<families::Plates>,
    scenic: Mutex<scenic::Scenic>,
    sub_orders: Mutex<families::SubOrders>,
    /// The call that began an order which is not of the QR family, by `out_trade_no`: its notice names it.
    begun_by: Mutex<HashMap<String, String>>,
    stop: watch::Sender<bool>,
}

impl Shared {
    fn bank(&self) -> MutexGuard<'_, Bank> {
        self.bank.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn messages(&self) -> MutexGuard<'_, HashSet<String>> {
        self.messages.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn plates(&self) -> MutexGuard<'_, families::Plates> {
        self.plates.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn scenic(&self) -> MutexGuard<'_, scenic::Scenic> {
        self.scenic.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// By the bank's own clock.
    fn now(&self) -> Timestamp {
        let apart = self.bank().faults().clock_apart_s;
        #[expect(clippy::disallowed_methods, reason = "the simulated bank has its own wall clock")]
        let now = Timestamp::now();
        now + SignedDuration::from_secs(apart.into())
    }

    fn sub_orders(&self) -> MutexGuard<'_, families::SubOrders> {
        self.sub_orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn begun_by(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.begun_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn is_new(&self, msg_id: &str) -> bool {
        let mut seen = self.messages();
        if seen.len() >= MESSAGES_MAX {
            seen.clear();
        }
        seen.insert(msg_id.to_owned())
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
        let known = self.begun_by().get(&notice.standing.out_trade_no).cloned();
        let api = known.as_deref().unwrap_or("/api/qrcode/V2/generate");
        post.form(&wire::notification(&self.settings, &self.keys, self.now(), api, notice))
    }

    fn is_accepted(&self, reply: &str) -> bool {
        wire::reply_accepted(&self.settings, &self.keys, reply)
    }
}

/// A running gateway; [`Self::stop`] ends it.
#[derive(Debug)]
pub struct Gateway {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    deliverer: JoinHandle<()>,
}

impl Gateway {
    pub async fn start(settings: GatewaySettings, keys: GatewayKeys) -> io::Result<Self> {
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
            messages: Mutex::default(),
            plates: Mutex::default(),
            scenic: Mutex::default(),
            sub_orders: Mutex::default(),
            begun_by: Mutex::default(),
            base_url: format!("http://{addr}"),
            client: client.clone(),
            paid: Notify::new(),
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

    /// Such as `http://127.0.0.1:40123`: a site's `base_url`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    pub fn faults(&self) -> Faults {
        self.shared.bank().faults().clone()
    }

    pub fn set_faults(&self, faults: Faults) {
        self.shared.bank().set_faults(faults);
    }

    /// A payment's line in the statement is wrong from now on, or right again.
    pub fn spoil_statement(&self, out_trade_no: &str, spoil: Option<Spoil>) {
        self.shared.bank().spoil_statement(out_trade_no, spoil);
    }

    pub fn books(&self) -> Vec<Book> {
        self.shared.bank().books()
    }

    /// Notifications the site did not answer rightly in any try.
    pub fn notices_given_up(&self) -> u64 {
        self.shared.bank().notices_given_up()
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
        self.shared.messages().len()
    }

    /// Parts of payments that are settled to others, as they stand now.
    pub fn sub_orders(&self) -> Vec<SubOrder> {
        self.shared.sub_orders().all()
    }

    /// How a plate is bound; without an agreement, charges are refused.
    pub fn bind_plate(&self, plate: &str, agreement: Option<PlateAgreement>) {
        self.shared.plates().bind(plate, agreement);
    }

    /// Looks at the scenic cloud, or changes it.
    pub fn scenic<T>(&self, see: impl FnOnce(&mut scenic::Scenic) -> T) -> T {
        see(&mut self.shared.scenic())
    }

    /// Tells the site of an agreement, in a message of this bank's own making: no such is published. The site's answer.
    pub async fn tell_of_agreement(&self, plate: &str, notify_url: &str) -> Option<String> {
        let shared = &self.shared;
        let form = wire::agreement(&shared.settings, &shared.keys, shared.now(), plate, notify_url);
        let reply = shared.client.post(notify_url).form(&form).send().await.ok()?;
        reply.text().await.ok()
    }

    /// A customer pays without a browser.
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

    /// How this bank's statements are laid out and fetched: the channel's settings `statement`, as TOML.
    pub fn statement_toml(&self) -> String {
        let (base, vendor) = (&self.shared.base_url, &self.shared.settings.mer_id);
        format!(
            r#"separator = "|"
            encoding = "gbk"
            paid_words = ["消费"]
            refunded_words = ["退货", "冲正"]
            fetch = {{ url = "{base}/jftvendor/jftFileDownload/download", out_vendor_id = "{vendor}" }}
            [columns]
            out_trade_no = "商户订单号"
            bank_no = "订单号"
            kind = "交易类型"
            amount = "金额"
            refund_no = "退货编号"
            fee = "手续费"
            time = "交易时间""#
        )
    }

    /// Writes the merchant's keys into `folder` and returns the channel's settings as TOML, to be
    /// put under the site file's bank section.
    pub fn site_toml(&self, folder: &Path, notify_url: &str) -> io::Result<String> {
        let settings = &self.shared.settings;
        let keys = &self.shared.keys;
        let file = |name: &str| folder.join(name).display().to_string();
        keys.write_merchant_key(&folder.join("bank-merchant.key"))?;
        let mut table = toml::Table::new();
        let mut set = |key: &str, value: String| table.insert(key.to_owned(), value.into());
        set("base_url", self.shared.base_url.clone());
        set("app_id", settings.app_id.clone());
        set("mer_id", settings.mer_id.clone());
        set("store_code", settings.store_code.clone());
        set("private_key_file", file("bank-merchant.key"));
        set("gateway_public_key", keys.gateway_public_key());
        set("notify_url", notify_url.to_owned());
        set("notify_sign_type", settings.notify_hash.code().to_owned());
        if settings.encrypt {
            keys.write_aes_key(&folder.join("bank-aes.key"))?;
            set("aes_key_file", file("bank-aes.key"));
        }
        let codes: Vec<String> = FINAL_CODES.iter().map(ToString::to_string).collect();
        table.insert("final_refusal_codes".to_owned(), codes.into());
        table.insert("no_order_codes".to_owned(), vec![NO_ORDER_CODE.to_string()].into());
        Ok(table.to_string())
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/qrcode/V2/{call}", post(call))
        .route("/api/qrcode/V2/pay", post(families::call))
        .route("/api/{*rest}", post(families::call))
        .route("/ui/{*rest}", post(families::sign_page))
        .route("/jftvendor/jftFileDownload/download", post(families::statement))
        .route("/cashier/{token}", get(cashier_page).post(cashier_pay))
        .route("/control", get(control_get).post(control_post))
        .route("/books", get(books))
        .with_state(shared)
}

async fn call(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    UrlPath(call): UrlPath<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    let now = shared.now();
    let checked = wire::check(&shared.settings, &shared.keys, now, uri.path(), &pairs);
    let (msg_id, answer) = match checked {
        Ok(request) if !shared.is_new(&request.msg_id) => {
            (request.msg_id, no(Refusal::RepeatedMessage))
        }
        Ok(request) => {
            let Some(answer) = act(&shared, now, &call, request.biz) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            (request.msg_id, answer)
        }
        Err(refusal) => (String::new(), no(refusal)),
    };
    shared.pause(Duration::from_millis(answer.after_ms.into())).await;
    let Some(said) = answer.said else {
        shared.pause(SILENCE).await;
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    };
    let body = wire::answer(&shared.settings, &shared.keys, &shared.base_url, &msg_id, &said);
    ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}

fn no(refusal: Refusal) -> Answer {
    Answer { after_ms: 0, said: Some(Said::No(refusal)) }
}

/// `None` for a call this gateway does not have.
fn act(shared: &Shared, now: Timestamp, call: &str, biz: wire::Biz) -> Option<Answer> {
    let mut bank = shared.bank();
    let answer = match call {
        "generate" => match biz.generate(&shared.settings) {
            Some(order) => bank.generate(now, order),
            None => no(Refusal::BadField),
        },
        "query" => bank.query(now, &biz.out_trade_no),
        "reverse" => bank.reverse(now, &biz.out_trade_no),
        "reject" => match (&biz.reject_no, biz.reject_fen()) {
            (Some(reject_no), Some(fen)) => bank.refund(now, &biz.out_trade_no, reject_no, fen),
            _ => no(Refusal::BadField),
        },
        _ => return None,
    };
    Some(answer)
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
    let refuse = |e: serde_json::Error| (StatusCode::BAD_REQUEST, e.to_string());
    let mut bank = shared.bank();
    let faults = bank.faults().changed(changes).map_err(refuse)?;
    bank.set_faults(faults.clone());
    Ok(Json(faults))
}

async fn books(State(shared): State<Arc<Shared>>) -> Json<Vec<Book>> {
    Json(shared.bank().books())
}
