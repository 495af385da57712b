//! The daemon's connection to its broker, embedded or not: signs in, subscribes, hands messages
//! over, comes back after a loss. Knows nothing of what the messages say.
//!
//! Two rules shape it. A message is acknowledged to the broker only when its owner says that it is
//! safe, so a crash in between brings it back. A command is refused while the link is down, and
//! whatever the broker had not acknowledged when the link broke is forgotten, so nothing opens a
//! barrier later than meant. Where the machine's own network buffers already hold a command, only
//! the expiry inside the command can still stop it.

mod address;
mod flight;
mod probe;
mod pump;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use rumqttc::{AsyncClient, MqttOptions, QoS};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use self::{address::Address, flight::Flight, pump::Order};
use super::broker::valid_filter;

pub use self::address::AddressError;

/// A command is refused when the broker owes answers for longer than this.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// Messages under way to the broker without an answer.
const IN_FLIGHT_MAX: u16 = 200;
/// Largest packet header and topic beside a payload, in bytes.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// How to reach the broker.
#[derive(Clone)]
pub struct Settings {
    /// `mqtt://host[:port]`.
    pub url: String,
    /// Empty: sign in without credentials.
    pub username: String,
    pub password: String,
    /// Names the session that keeps unacknowledged messages: the same after each restart, and no
    /// other client's.
    pub client_id: String,
    /// Largest packet in either direction, in bytes.
    pub packet_bytes_max: usize,
    /// The broker forgets the client when it goes: for those who only listen for a while.
    pub clean: bool,
    /// Seconds without traffic after which the broker is asked whether it is there; at least 1.
    pub keep_alive_s: u16,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            url: "mqtt://127.0.0.1:1883".into(),
            username: String::new(),
            password: String::new(),
            client_id: "paifang".into(),
            packet_bytes_max: 4 * 1024 * 1024 + ENVELOPE_BYTES,
            clean: false,
            keep_alive_s: 5,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .field("username", &self.username)
            .field("password", &"(hidden)")
            .field("client_id", &self.client_id)
            .field("packet_bytes_max", &self.packet_bytes_max)
            .field("clean", &self.clean)
            .field("keep_alive_s", &self.keep_alive_s)
            .finish()
    }
}

/// Why a link cannot be set up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LinkError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("the MQTT client id is empty: set one that stays the same")]
    ClientId,
    #[error("{0:?} is no topic filter: '+' and '#' stand alone in their level, '#' comes last")]
    Filter(String),
}

/// Why a message was not taken. It was not sent and will not be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PublishError {
    #[error("the link to the MQTT broker is down ({why}): not sent; send anew when it is up")]
    Offline { why: String },
    #[error("the MQTT broker has not answered for {waiting_ms} ms: not sent; check the broker")]
    Silent { waiting_ms: u64 },
    #[error("too many messages wait for the MQTT broker: not sent; slow down")]
    Full,
    #[error("{topic:?} is no topic to publish on: not sent")]
    Topic { topic: String },
    #[error("message of {bytes} bytes for {topic:?} is larger than {bytes_max}: not sent")]
    TooLarge { topic: String, bytes: usize, bytes_max: usize },
}

/// Whether messages flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    /// Signed in, and the broker has answered the subscriptions.
    Up,
    Down {
        why: String,
    },
}

/// A message from the broker.
#[derive(Debug)]
pub struct Incoming {
    pub topic: String,
    pub payload: Bytes,
    /// The broker kept it for new subscribers: it may be of any age.
    pub retain: bool,
    /// It may have been handed over before.
    pub dup: bool,
    pub ack: Ack,
}

/// The right to tell the broker that a message is safe. Dropped, nothing is told, and the broker
/// sends the message again after the next connect.
#[derive(Debug)]
#[must_use = "the broker sends the message again unless `done` is called"]
pub struct Ack(Option<(u16, mpsc::UnboundedSender<Order>)>);

impl Ack {
    /// For a message the broker wants no answer to.
    pub fn none() -> Ack {
        Ack(None)
    }

    /// The message is safe. Never blocks. On a connection other than the one that brought the
    /// message the packet id means something else, so nothing is sent there.
    pub fn done(self) {
        if let Some((packet_id, orders)) = self.0 {
            let _ = orders.send(Order::Acknowledge(packet_id));
        }
    }
}

/// What a signed-in connection offers to the link's handles.
#[derive(Debug)]
struct Live {
    client: AsyncClient,
    orders: mpsc::UnboundedSender<Order>,
}

/// Between the handles and the task that runs the connection.
#[derive(Debug)]
struct Shared {
    live: Mutex<Option<Live>>,
    filters: Mutex<Vec<String>>,
    refused: Mutex<Vec<String>>,
    flight: Mutex<Flight>,
    status: watch::Sender<LinkStatus>,
    packet_bytes_max: usize,
}

/// A handle on the connection; clones share it. When the last one goes, the connection ends.
#[derive(Clone, Debug)]
pub struct Link {
    shared: Arc<Shared>,
    stop: Arc<watch::Sender<bool>>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Link {
    /// Starts connecting, and keeps at it; must be called inside a tokio runtime. Messages on
    /// `filters` go to `sink`; while `sink` is full they wait, none is dropped.
    pub fn start(
        settings: &Settings,
        filters: Vec<String>,
        sink: mpsc::Sender<Incoming>,
    ) -> Result<Link, LinkError> {
        let options = options(settings)?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            live: Mutex::new(None),
            filters: Mutex::new(Vec::new()),
            refused: Mutex::new(Vec::new()),
            flight: Mutex::new(Flight::default()),
            status: watch::Sender::new(LinkStatus::Down { why: "not connected yet".into() }),
            packet_bytes_max: settings.packet_bytes_max,
        });
        let link =
            Link { shared: shared.clone(), stop: Arc::new(stop), task: Arc::new(Mutex::new(None)) };
        link.subscribe(filters)?;
        *lock(&link.task) = Some(tokio::spawn(pump::run(shared, options, sink, stopped)));
        Ok(link)
    }

    /// Sends at least once, never kept by the broker. Never blocks. `Ok` means handed to a living
    /// connection, not that the receiver acted: only the receiver's own answer says that.
    pub fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), PublishError> {
        self.send(topic, payload, false)
    }

    /// As [`Link::publish`], and the broker keeps it for whoever subscribes later. For facts only, never for orders.
    pub fn publish_kept(&self, topic: &str, payload: Vec<u8>) -> Result<(), PublishError> {
        self.send(topic, payload, true)
    }

    fn send(&self, topic: &str, payload: Vec<u8>, kept: bool) -> Result<(), PublishError> {
        if topic.is_empty() || topic.contains(['+', '#', '\0']) {
            return Err(PublishError::Topic { topic: topic.into() });
        }
        let bytes = payload.len() + topic.len();
        let bytes_max = self.shared.packet_bytes_max.saturating_sub(16);
        if bytes > bytes_max {
            return Err(PublishError::TooLarge { topic: topic.into(), bytes, bytes_max });
        }
        let live = lock(&self.shared.live);
        let live = live.as_ref().ok_or_else(|| self.offline())?;
        self.still_answers()?;
        live.client
            .try_publish(topic, QoS::AtLeastOnce, kept, payload)
            .map_err(|_| PublishError::Full)
    }

    fn offline(&self) -> PublishError {
        let why = match &*self.shared.status.borrow() {
            LinkStatus::Down { why } => why.clone(),
            LinkStatus::Up => "connection just lost".into(),
        };
        PublishError::Offline { why }
    }

    fn still_answers(&self) -> Result<(), PublishError> {
        match lock(&self.shared.flight).oldest(Instant::now()) {
            Some(waiting) if waiting > ANSWER_LIMIT => {
                Err(PublishError::Silent { waiting_ms: waiting.as_millis() as u64 })
            }
            _ => Ok(()),
        }
    }

    /// Adds filters for good: subscribed now if the link is up, and on every connect from then on.
    pub fn subscribe(&self, filters: Vec<String>) -> Result<(), LinkError> {
        if let Some(filter) = filters.iter().find(|filter| !valid_filter(filter)) {
            return Err(LinkError::Filter(filter.clone()));
        }
        let mut known = lock(&self.shared.filters);
        let fresh: Vec<String> =
            filters.into_iter().filter(|filter| !known.contains(filter)).collect();
        known.extend(fresh.iter().cloned());
        drop(known);
        if let (false, Some(live)) = (fresh.is_empty(), &*lock(&self.shared.live)) {
            let _ = live.orders.send(Order::Subscribe(fresh));
        }
        Ok(())
    }

    /// Filters the broker would not grant on this connection: its rules lack them.
    pub fn refused_filters(&self) -> Vec<String> {
        lock(&self.shared.refused).clone()
    }

    /// Whether messages flow; changes can be awaited.
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        self.shared.status.subscribe()
    }

    /// The broker's time from a message of ours to its acknowledgement, smoothed, in microseconds;
    /// nothing before the first. A broker that holds small packets back may still look quick
    /// here; [`Link::probe_us`] finds it out.
    pub fn round_trip_us(&self) -> Option<u64> {
        lock(&self.shared.flight).round_trip_us()
    }

    /// Sends the acknowledgements already given, says goodbye and ends the connection, for all
    /// clones. The broker keeps the session and what was not acknowledged.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = lock(&self.task).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the MQTT link's task ended in a panic");
        }
    }
}

fn options(settings: &Settings) -> Result<MqttOptions, LinkError> {
    let Address { host, port } = Address::parse(&settings.url)?;
    if settings.client_id.trim().is_empty() {
        return Err(LinkError::ClientId);
    }
    let mut options = MqttOptions::new(&settings.client_id, host, port);
    options
        .set_keep_alive(Duration::from_secs(settings.keep_alive_s.max(1).into()))
        .set_max_packet_size(settings.packet_bytes_max, settings.packet_bytes_max)
        .set_clean_session(settings.clean)
        .set_manual_acks(true)
        .set_inflight(IN_FLIGHT_MAX);
    if !settings.username.is_empty() {
        options.set_credentials(&settings.username, &settings.password);
    }
    Ok(options)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
