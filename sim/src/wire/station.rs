//! A device's connection to its broker: signs in with its account and its last will, comes back by
//! itself, hands over what it hears. Knows no topic and no field.

use std::{fmt, net::SocketAddr, sync::Arc, sync::Mutex, time::Duration};

use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Packet, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{body::Body, lock};

const RETRY: Duration = Duration::from_millis(200);
const PACKET_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Messages waiting for the network.
const REQUESTS_MAX: usize = 1_024;
/// The network's own keep-alive, in seconds.
const NETWORK_ALIVE_S: u64 = 5;

/// A device's account at a broker.
#[derive(Clone)]
pub struct MqttAccount {
    pub broker: SocketAddr,
    pub username: String,
    pub password: String,
    pub client_id: String,
}

/// A password reaches no log this way.
impl fmt::Debug for MqttAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.username, self.broker)
    }
}

impl MqttAccount {
    /// An account named after the device.
    pub fn new(broker: SocketAddr, name: &str, password: &str) -> Self {
        let (username, client_id) = (name.to_owned(), name.to_owned());
        Self { broker, username, password: password.to_owned(), client_id }
    }
}

/// Something to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
}

impl Message {
    pub(super) fn new(topic: impl Into<String>, payload: impl fmt::Display) -> Self {
        Self { topic: topic.into(), payload: format!("{payload}").into_bytes(), retain: false }
    }

    pub(super) fn retained(self) -> Self {
        Self { retain: true, ..self }
    }
}

/// The way out, while there is one.
#[derive(Default)]
pub(super) struct Wire(Mutex<Option<AsyncClient>>);

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if lock(&self.0).is_some() { "signed in" } else { "signed out" })
    }
}

impl Wire {
    /// `false`: there is no network, or it is too slow.
    pub(super) fn publish(&self, message: Message) -> bool {
        let Message { topic, payload, retain } = message;
        let client = lock(&self.0);
        let publish =
            |one: &AsyncClient| one.try_publish(topic, QoS::AtLeastOnce, retain, payload).is_ok();
        client.as_ref().is_some_and(publish)
    }
}

/// What hangs on a connection.
pub(super) trait Device: Send + Sync + 'static {
    fn body(&self) -> &Body;
    fn wire(&self) -> &Wire;
    fn account(&self) -> &MqttAccount;
    fn subscriptions(&self) -> Vec<String>;
    /// What the broker says when the device is gone.
    fn will(&self) -> Option<Message>;
    /// Between two calls of [`Self::beat`].
    fn beats_every(&self) -> Duration;
    /// Subscribed to everything.
    fn signed_in(&self);
    fn heard(&self, topic: &str, payload: &[u8]);
    fn beat(&self);
    /// The connection is gone.
    fn signed_out(&self) {}
}

/// Alive as long as somebody holds it; the connection ends with it.
pub(super) type Held = Arc<mpsc::Sender<()>>;

/// Starts signing in, and keeps at it. Needs a tokio runtime.
pub(super) fn start<D: Device>(device: &Arc<D>) -> Held {
    let (held, let_go) = mpsc::channel(1);
    tokio::spawn(run(device.clone(), let_go));
    Arc::new(held)
}

async fn run<D: Device>(device: Arc<D>, mut let_go: mpsc::Receiver<()>) {
    let mut power = device.body().power();
    loop {
        tokio::select! {
            _ = power.wait_for(|on| *on) => {}
            _ = let_go.recv() => return,
        }
        let (client, events) = connect(&*device);
        let why = tokio::select! {
            why = network(&*device, &client, events) => why,
            () = off(&mut power) => "no power".to_owned(),
            _ = let_go.recv() => return,
        };
        lock(&device.wire().0).take();
        device.body().went_offline(why);
        device.signed_out();
        tokio::select! {
            () = sleep(RETRY) => {}
            _ = let_go.recv() => return,
        }
    }
}

pub(super) async fn off(power: &mut watch::Receiver<bool>) {
    // The sender lives in the device itself.
    let _ = power.wait_for(|on| !*on).await;
}

fn connect(device: &impl Device) -> (AsyncClient, EventLoop) {
    let MqttAccount { broker, username, password, client_id } = device.account();
    let mut options = MqttOptions::new(client_id, broker.ip().to_string(), broker.port());
    options
        .set_credentials(username, password)
        .set_keep_alive(Duration::from_secs(NETWORK_ALIVE_S))
        .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    if let Some(Message { topic, payload, retain }) = device.will() {
        options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, retain));
    }
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    (client, events)
}

/// Runs the connection to its end; why it ended.
async fn network(device: &impl Device, client: &AsyncClient, mut events: EventLoop) -> String {
    let mut beat = interval(device.beats_every().max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.reset();
    loop {
        let event = tokio::select! {
            event = events.poll() => event,
            _ = beat.tick() => {
                device.beat();
                continue;
            }
        };
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                let filters = device.subscriptions().into_iter();
                let filters = filters.map(|path| SubscribeFilter { path, qos: QoS::AtLeastOnce });
                let filters: Vec<_> = filters.collect();
                if filters.is_empty() {
                    sign_in(device, client);
                } else {
                    let _ = client.try_subscribe_many(filters);
                }
            }
            Ok(Event::Incoming(Packet::SubAck(ack))) => {
                if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return "the broker refuses a subscription".to_owned();
                }
                sign_in(device, client);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                device.heard(&publish.topic, &publish.payload);
            }
            Ok(_) => {}
            Err(e) => return e.to_string(),
        }
    }
}

fn sign_in(device: &impl Device, client: &AsyncClient) {
    *lock(&device.wire().0) = Some(client.clone());
    device.signed_in();
}
