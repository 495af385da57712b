//! The task that runs the connection: one client of the library per connection, so that nothing
//! of a lost connection is ever sent on the next. Knows no topics.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions,
    Outgoing, Packet, Publish, QoS, StateError, SubscribeFilter, SubscribeReasonCode, mqttbytes,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};

use super::{Ack, Incoming, LinkStatus, Live, Shared, lock};

const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Between attempts the broker refuses by name or password: some brokers lock accounts out.
const RETRY_REFUSED: Duration = Duration::from_secs(15);
/// A connection that lasted this long was a good one: the next retry starts over.
const LASTING: Duration = Duration::from_secs(5);
/// Connecting, and writing to a socket that takes nothing, in seconds.
const NETWORK_LIMIT_S: u64 = 5;
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
/// Requests waiting to be written; with more, a command is refused.
const REQUESTS_MAX: usize = 256;
/// Messages taken off the socket while the owner is busy, so that the broker still gets its
/// keep-alive. Beyond it the socket is left alone, and a broker that gives up on us sends all
/// that was not acknowledged again.
const BACKLOG_MAX: usize = 1_024;
/// A message over the size limit is read and thrown away up to this size, in bytes: left in the
/// session it would break every connection anew.
const SKIP_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the handles ask of a living connection, in order.
#[derive(Debug)]
pub(super) enum Order {
    Acknowledge(u16),
    Subscribe(Vec<String>),
    Leave,
}

/// Why a connection ended.
struct Loss {
    why: String,
    refused: bool,
}

struct Pump {
    shared: Arc<Shared>,
    options: MqttOptions,
    backlog: mpsc::Sender<Incoming>,
    stop: watch::Receiver<bool>,
    /// Largest packet the next connection reads, in bytes.
    incoming_bytes_max: usize,
    is_behind: bool,
    /// Subscriptions ordered but not written, then written but not answered, by packet id.
    ordered: Arc<Mutex<VecDeque<Vec<String>>>>,
    unanswered: VecDeque<(u16, Vec<String>)>,
}

/// Connects and keeps connected until told to stop, the handles are gone, or nobody reads `sink`.
pub(super) async fn run(
    shared: Arc<Shared>,
    options: MqttOptions,
    sink: mpsc::Sender<Incoming>,
    mut stop: watch::Receiver<bool>,
) {
    let (backlog, mut waiting) = mpsc::channel(BACKLOG_MAX);
    let hand_over = tokio::spawn(async move {
        while let Some(message) = waiting.recv().await {
            if sink.send(message).await.is_err() {
                break;
            }
        }
    });
    let mut pump = Pump {
        incoming_bytes_max: shared.packet_bytes_max,
        stop: stop.clone(),
        shared: shared.clone(),
        options,
        backlog,
        is_behind: false,
        ordered: Arc::default(),
        unanswered: VecDeque::new(),
    };
    let mut pause = RETRY_FIRST;
    loop {
        let started = Instant::now();
        let Some(loss) = pump.connection().await else { break };
        shared.lost(&loss.why);
        if started.elapsed() > LASTING {
            pause = RETRY_FIRST;
        }
        tokio::select! {
            () = sleep(if loss.refused { RETRY_REFUSED } else { pause }) => {}
            _ = stop.changed() => break,
        }
        pause = (pause * 2).min(RETRY_MAX);
    }
    shared.lost("stopped");
    hand_over.abort();
}

impl Pump {
    /// One connection from sign-in to loss; nothing when there shall be no other.
    async fn connection(&mut self) -> Option<Loss> {
        let mut options = self.options.clone();
        options.set_max_packet_size(
            mem::replace(&mut self.incoming_bytes_max, self.shared.packet_bytes_max),
            self.shared.packet_bytes_max,
        );
        let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(NETWORK_LIMIT_S);
        events.set_network_options(network);

        self.ordered = Arc::default();
        self.unanswered.clear();
        let (orders, ordered) = mpsc::unbounded_channel();
        let carrier = tokio::spawn(carry(client.clone(), ordered, self.ordered.clone()));
        let end = self.attend(&mut events, &client, &orders).await;
        // The handles first: from here on a command is refused, not lost with the queue below.
        *lock(&self.shared.live) = None;
        lock(&self.shared.flight).clear();
        carrier.abort();
        end
    }

    async fn attend(
        &mut self,
        events: &mut EventLoop,
        client: &AsyncClient,
        orders: &mpsc::UnboundedSender<Order>,
    ) -> Option<Loss> {
        loop {
            let event = tokio::select! {
                biased;
                _ = self.stop.changed() => {
                    *lock(&self.shared.live) = None;
                    leave(events, orders).await;
                    return None;
                }
                event = events.poll() => event,
            };
            match event {
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    if !self.hand_over(publish, orders).await {
                        return None;
                    }
                }
                Ok(Event::Incoming(packet)) => self.heard(packet, client, orders),
                Ok(Event::Outgoing(sent)) => self.wrote(&sent),
                Err(error) => return Some(self.judge(&error)),
            }
        }
    }

    fn heard(
        &mut self,
        packet: Packet,
        client: &AsyncClient,
        orders: &mpsc::UnboundedSender<Order>,
    ) {
        match packet {
            Packet::ConnAck(_) => {
                let live = Live { client: client.clone(), orders: orders.clone() };
                *lock(&self.shared.live) = Some(live);
                lock(&self.shared.refused).clear();
                // Every time, also when the broker says it remembers: it may remember less.
                let filters = lock(&self.shared.filters).clone();
                if filters.is_empty() {
                    self.shared.up();
                } else {
                    let _ = orders.send(Order::Subscribe(filters));
                }
            }
            Packet::SubAck(answer) => {
                let place = self.unanswered.iter().position(|(id, _)| *id == answer.pkid);
                let filters = place.and_then(|place| self.unanswered.remove(place));
                let (_, filters) = filters.unwrap_or_default();
                for (filter, code) in filters.into_iter().zip(answer.return_codes) {
                    if code == SubscribeReasonCode::Failure {
                        tracing::error!(
                            filter,
                            "the MQTT broker refuses this subscription, so nothing arrives on it: \
                             allow it in the broker's rules for the daemon's account"
                        );
                        lock(&self.shared.refused).push(filter);
                    }
                }
                self.shared.up();
            }
            Packet::PubAck(answer) => {
                lock(&self.shared.flight).answered(answer.pkid, Instant::now());
            }
            _ => {}
        }
    }

    fn wrote(&mut self, sent: &Outgoing) {
        match sent {
            Outgoing::Publish(packet_id) => {
                lock(&self.shared.flight).sent(*packet_id, Instant::now());
            }
            Outgoing::Subscribe(packet_id) => {
                let filters = lock(&self.ordered).pop_front().unwrap_or_default();
                self.unanswered.push_back((*packet_id, filters));
            }
            _ => {}
        }
    }

    /// Passes a message on, waiting if need be; false when nobody takes messages any more.
    async fn hand_over(&mut self, publish: Publish, orders: &mpsc::UnboundedSender<Order>) -> bool {
        let ack = match publish.qos {
            QoS::AtMostOnce => Ack::none(),
            QoS::AtLeastOnce | QoS::ExactlyOnce => Ack(Some((publish.pkid, orders.clone()))),
        };
        let bytes = publish.payload.len() + publish.topic.len();
        if bytes > self.shared.packet_bytes_max {
            tracing::error!(
                topic = publish.topic,
                bytes,
                bytes_max = self.shared.packet_bytes_max,
                "MQTT message thrown away: over the size limit; set its sender to smaller pictures"
            );
            ack.done();
            return true;
        }
        let Publish { topic, payload, retain, dup, .. } = publish;
        let message = Incoming { topic, payload, retain, dup, ack };
        match self.backlog.try_send(message) {
            Ok(()) => {
                self.is_behind = false;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(message)) => {
                if !mem::replace(&mut self.is_behind, true) {
                    tracing::warn!(
                        waiting = BACKLOG_MAX,
                        "MQTT messages arrive faster than they are dealt with: reading none until \
                         some are; none is dropped"
                    );
                }
                tokio::select! {
                    sent = self.backlog.send(message) => sent.is_ok(),
                    _ = self.stop.changed() => false,
                }
            }
        }
    }

    fn judge(&mut self, error: &ConnectionError) -> Loss {
        let (host, port) = self.options.broker_address();
        let refused = |what: &str, refused| Loss {
            why: format!("the broker at {host}:{port} refuses the sign-in: {what}"),
            refused,
        };
        match error {
            ConnectionError::ConnectionRefused(code) => match code {
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                    refused(
                        "check mqtt user name and password, and that no other client has the client id",
                        true,
                    )
                }
                ConnectReturnCode::BadClientId => refused("it does not take the client id", true),
                ConnectReturnCode::RefusedProtocolVersion => {
                    refused("it does not speak MQTT 3.1.1", true)
                }
                _ => refused("it is not ready", false),
            },
            ConnectionError::MqttState(StateError::Deserialization(
                mqttbytes::Error::PayloadSizeLimitExceeded(bytes),
            )) => {
                if *bytes <= SKIP_BYTES_MAX {
                    self.incoming_bytes_max = *bytes;
                }
                let why = format!("a message of {bytes} bytes is over the size limit");
                Loss { why, refused: false }
            }
            ConnectionError::MqttState(StateError::AwaitPingResp)
            | ConnectionError::NetworkTimeout
            | ConnectionError::FlushTimeout => {
                let why = format!("the broker at {host}:{port} does not answer");
                Loss { why, refused: false }
            }
            ConnectionError::MqttState(StateError::ConnectionAborted) => {
                let why = format!(
                    "the broker at {host}:{port} closed the connection; if this repeats, look for \
                     another client with the same client id"
                );
                Loss { why, refused: false }
            }
            error => Loss { why: format!("broker at {host}:{port}: {error}"), refused: false },
        }
    }
}

impl Shared {
    fn up(&self) {
        let changed = self
            .status
            .send_if_modified(|status| mem::replace(status, LinkStatus::Up) != LinkStatus::Up);
        if changed {
            tracing::info!("the link to the MQTT broker is up");
        }
    }

    /// Tells once for each reason, not once for each attempt.
    fn lost(&self, why: &str) {
        let down = LinkStatus::Down { why: why.to_owned() };
        let changed = self.status.send_if_modified(|status| {
            let changed = *status != down;
            *status = down;
            changed
        });
        if changed {
            tracing::warn!(why, "the link to the MQTT broker is down; trying again");
        }
    }
}

/// Carries orders to the library, which may be slow to take them.
async fn carry(
    client: AsyncClient,
    mut orders: mpsc::UnboundedReceiver<Order>,
    ordered: Arc<Mutex<VecDeque<Vec<String>>>>,
) {
    while let Some(order) = orders.recv().await {
        let carried = match order {
            Order::Acknowledge(packet_id) => {
                let mut publish = Publish::new("", QoS::AtLeastOnce, Vec::new());
                publish.pkid = packet_id;
                client.ack(&publish).await
            }
            Order::Subscribe(filters) => {
                lock(&ordered).push_back(filters.clone());
                let filters =
                    filters.into_iter().map(|path| SubscribeFilter { path, qos: QoS::AtLeastOnce });
                client.subscribe_many(filters).await
            }
            Order::Leave => client.disconnect().await,
        };
        if carried.is_err() {
            break;
        }
    }
}

/// Lets the orders given so far go out, then says goodbye.
async fn leave(events: &mut EventLoop, orders: &mpsc::UnboundedSender<Order>) {
    if orders.send(Order::Leave).is_err() || events.network.is_none() {
        return;
    }
    let _ = timeout(GOODBYE_LIMIT, async {
        while let Ok(event) = events.poll().await {
            if event == Event::Outgoing(Outgoing::Disconnect) {
                break;
            }
        }
    })
    .await;
}
