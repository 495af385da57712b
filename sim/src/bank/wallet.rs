//! What the gateways of the wallets share: a port, the bank behind it, plates that are bound, entries that were told,
//! notifications, a control door for faults. Knows no wire: that is `Words`'.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
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
    crypto::GatewayKeys,
    faults::Faults,
    gateway::PlateAgreement,
    model::Bank,
    notices::{self, Teller},
    words::{Answer, Book, Notice, Said},
};

/// Longer than any caller waits: a call that gets no answer is held this long.
const SILENCE: Duration = Duration::from_mins(10);

/// Signs what is signed by somebody else.
pub(super) static STRANGER: LazyLock<GatewayKeys> = LazyLock::new(|| GatewayKeys::generate(9_999));

/// A wallet's wire.
pub(super) trait Words: Send + Sync + Sized + std::fmt::Debug + 'static {
    fn routes() -> Router<Arc<Shared<Self>>>;
    /// The notification as it goes over the wire, signed.
    fn letter(shared: &Shared<Self>, post: RequestBuilder, notice: &Notice) -> RequestBuilder;
    /// Whether the site's reply says that it took note.
    fn is_accepted(reply: &str) -> bool;
}

/// A stay as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The wallet's number of it.
    pub id: String,
    pub plate: String,
    pub colour: String,
    pub start: String,
    /// Where its changes are told.
    pub notify_url: String,
    /// The payment that was asked for it.
    pub charged: Option<String>,
}

/// A departure as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departed {
    pub serial_no: Option<String>,
    pub plate: String,
    pub amount: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Plates {
    pub(super) bound: BTreeMap<String, PlateAgreement>,
    /// By the site's number of the stay.
    pub(super) entered: BTreeMap<String, Entered>,
    pub(super) departed: Vec<Departed>,
    /// Orders put into drivers' lists.
    pub(super) listed: Vec<String>,
}

/// What the handlers and the deliverer share.
#[derive(Debug)]
pub(super) struct Shared<W> {
    pub(super) words: W,
    pub(super) keys: GatewayKeys,
    /// Woken when a notification may have fallen due.
    paid: Notify,
    base_url: String,
    bank: Mutex<Bank>,
    plates: Mutex<Plates>,
    /// Of calls taken, so that none is taken twice.
    nonces: Mutex<HashSet<String>>,
    stop: watch::Sender<bool>,
}

impl<W> Shared<W> {
    pub(super) fn bank(&self) -> MutexGuard<'_, Bank> {
        self.bank.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plates(&self) -> MutexGuard<'_, Plates> {
        self.plates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false`: a call with this nonce was taken before.
    pub(super) fn is_new(&self, nonce: &str) -> bool {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.insert(nonce.to_owned())
    }

    /// By the wallet's own clock.
    pub(super) fn now(&self) -> Timestamp {
        let apart = self.bank().faults().clock_apart_s;
        #[expect(clippy::disallowed_methods, reason = "the simulated bank has its own wall clock")]
        let now = Timestamp::now();
        now + SignedDuration::from_secs(apart.into())
    }

    /// Whether what is said next is signed by somebody else.
    pub(super) fn signs_wrongly(&self) -> bool {
        self.bank().signs_wrongly()
    }

    /// Wakes whoever delivers: a call may have collected something.
    pub(super) fn wake(&self) {
        self.paid.notify_one();
    }

    /// The content of an answer, after its time; `None`: none comes, and the caller has long gone.
    pub(super) async fn said(&self, answer: Answer) -> Option<Said> {
        self.pause(Duration::from_millis(answer.after_ms.into())).await;
        if answer.said.is_none() {
            self.pause(SILENCE).await;
        }
        answer.said
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

impl<W: Words> Teller for Shared<W> {
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
        W::letter(self, post, notice)
    }

    fn is_accepted(&self, reply: &str) -> bool {
        W::is_accepted(reply)
    }
}

/// A running gateway; [`Self::stop`] ends it.
#[derive(Debug)]
pub struct Wallet<W> {
    pub addr: SocketAddr,
    pub(super) shared: Arc<Shared<W>>,
    pub(super) client: reqwest::Client,
    server: JoinHandle<()>,
    deliverer: JoinHandle<()>,
}

#[expect(private_bounds, reason = "the wires are this simulator's own two")]
impl<W: Words> Wallet<W> {
    pub(super) async fn begin(words: W, faults: Faults, keys: GatewayKeys) -> io::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (stop, mut stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            words,
            keys,
            paid: Notify::new(),
            base_url: format!("http://{addr}"),
            bank: Mutex::new(Bank::new(1, faults)),
            plates: Mutex::default(),
            nonces: Mutex::default(),
            stop,
        });
        let routes = W::routes()
            .route("/control", get(control_get::<W>).post(control_post::<W>))
            .route("/books", get(books::<W>))
            .with_state(shared.clone());
        let serve = axum::serve(listener, routes)
            .with_graceful_shutdown(async move { drop(stopped.wait_for(|stop| *stop).await) });
        let server = tokio::spawn(async move { drop(serve.await) });
        let deliverer = tokio::spawn(notices::deliver(shared.clone(), client.clone()));
        Ok(Self { addr, shared, client, server, deliverer })
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

    /// Such as `http://127.0.0.1:40123`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    pub fn set_faults(&self, faults: Faults) {
        self.shared.bank().set_faults(faults);
    }

    pub fn books(&self) -> Vec<Book> {
        self.shared.bank().books()
    }

    /// Notifications not yet answered rightly nor given up.
    pub fn notices_waiting(&self) -> usize {
        self.shared.bank().notices_waiting()
    }

    /// When a notification is delivered or a charge collected next.
    pub fn next_notice(&self) -> Option<Timestamp> {
        self.shared.bank().next_deadline()
    }

    /// How a plate is bound; without an agreement, charges are refused.
    pub fn bind_plate(&self, plate: &str, agreement: Option<PlateAgreement>) {
        let bound = &mut self.shared.plates().bound;
        match agreement {
            Some(agreement) => drop(bound.insert(plate.to_owned(), agreement)),
            None => drop(bound.remove(plate)),
        }
    }

    /// Stays that were told, by the site's number.
    pub fn entered(&self) -> BTreeMap<String, Entered> {
        self.shared.plates().entered.clone()
    }

    pub fn departed(&self) -> Vec<Departed> {
        self.shared.plates().departed.clone()
    }

    /// Orders put into drivers' lists.
    pub fn listed(&self) -> Vec<String> {
        self.shared.plates().listed.clone()
    }

    /// What was charged is collected now; false: nothing waits to be.
    pub fn collect_now(&self, out_trade_no: &str) -> bool {
        let now = self.shared.now();
        let collected = self.shared.bank().enter_password(out_trade_no, now);
        self.shared.paid.notify_one();
        collected
    }

    /// The payer pays what was taken back, which only a fault allows.
    pub fn pay(&self, out_trade_no: &str) -> Result<(), super::PayRefusal> {
        let now = self.shared.now();
        let paid = self.shared.bank().customer_pays(out_trade_no, now);
        self.shared.paid.notify_one();
        paid
    }
}

/// To a caller that is not answered.
pub(super) fn no_answer() -> Response {
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

async fn control_get<W: Words>(State(shared): State<Arc<Shared<W>>>) -> Json<Faults> {
    Json(shared.bank().faults().clone())
}

/// Takes some or all fields of [`Faults`]; the others stay.
async fn control_post<W: Words>(
    State(shared): State<Arc<Shared<W>>>,
    Json(changes): Json<serde_json::Map<String, Value>>,
) -> Result<Json<Faults>, (StatusCode, String)> {
    let mut bank = shared.bank();
    let faults = bank.faults().changed(changes);
    let faults = faults.map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
    bank.set_faults(faults.clone());
    Ok(Json(faults))
}

async fn books<W: Words>(State(shared): State<Arc<Shared<W>>>) -> Json<Vec<Book>> {
    Json(shared.bank().books())
}
