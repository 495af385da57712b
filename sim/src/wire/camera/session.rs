//! A camera's connection to its broker: sign-in, heart-beats, commands in, messages out. Knows no
//! fields of a message.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, Packet, QoS, SubscribeReasonCode,
};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    CameraEvent, CameraSettings, Obedience, Say, Shared, Sighting,
    command::{self, SerialFrame, Told},
    wall_clock,
};
use crate::wire::{RelayEvent, lock};

const RETRY: Duration = Duration::from_millis(200);
const PACKET_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Messages waiting for the network; with more, reads become records and the rest is lost.
const REQUESTS_MAX: usize = 256;
/// The network's own keep-alive, in seconds.
const NETWORK_ALIVE_S: u64 = 5;
const ACCEPTED: u16 = 200;

/// One sign-in after the other until nobody holds the camera.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut said: mpsc::UnboundedReceiver<Say>,
    mut power: watch::Receiver<bool>,
) {
    let mut later = Vec::new();
    loop {
        tokio::select! {
            on = has_power(&mut power, true) => if !on { return },
            () = lose(&shared, &mut said) => return,
        }
        let (client, events) = connect(&shared.settings);
        let session = Session { shared: shared.clone(), client };
        let why = tokio::select! {
            why = session.network(events) => why,
            () = session.speak(&mut said, &mut later) => return,
            _ = has_power(&mut power, false) => "no power".to_owned(),
        };
        if shared.online.send_replace(false) {
            shared.tell(CameraEvent::Offline { why });
        }
        later.drain(..).for_each(|say| shared.lost(say));
        tokio::select! {
            () = sleep(RETRY) => {}
            () = lose(&shared, &mut said) => return,
        }
    }
}

/// Waits for it; `false`: nobody holds the camera.
async fn has_power(power: &mut watch::Receiver<bool>, wanted: bool) -> bool {
    power.wait_for(|on| *on == wanted).await.is_ok()
}

/// What is said without a network. Ends when nobody can say anything.
async fn lose(shared: &Shared, said: &mut mpsc::UnboundedReceiver<Say>) {
    while let Some(say) = said.recv().await {
        shared.lost(say);
    }
}

fn connect(settings: &CameraSettings) -> (AsyncClient, EventLoop) {
    let broker = settings.broker;
    let mut options = MqttOptions::new(&settings.sn, broker.ip().to_string(), broker.port());
    options
        .set_credentials(&settings.username, &settings.password)
        .set_keep_alive(Duration::from_secs(NETWORK_ALIVE_S))
        .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    (client, events)
}

struct Session {
    shared: Arc<Shared>,
    client: AsyncClient,
}

impl Session {
    /// Runs the connection to its end; why it ended.
    async fn network(&self, mut events: EventLoop) -> String {
        let CameraSettings { layout, sn, .. } = &self.shared.settings;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    let commands = layout.down(sn, "+");
                    let _ = self.client.try_subscribe(commands, QoS::AtLeastOnce);
                }
                Ok(Event::Incoming(Packet::SubAck(ack))) => {
                    if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                        return "the broker refuses the subscription to its commands".to_owned();
                    }
                    self.signed_in();
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    if let Some(name) = layout.command(sn, &publish.topic) {
                        self.told(name, &publish.payload);
                    }
                }
                Ok(Event::Incoming(Packet::PubAck(_))) => self.send_records(),
                Ok(_) => {}
                Err(e) => return e.to_string(),
            }
        }
    }

    fn signed_in(&self) {
        self.shared.online.send_replace(true);
        self.keep_alive();
        self.shared.tell(CameraEvent::Online);
        self.send_records();
    }

    /// As many as the network takes; the others when it has taken these.
    fn send_records(&self) {
        let CameraSettings { layout, sn, .. } = &self.shared.settings;
        let topic = layout.up(sn, "ivs_result");
        let mut records = lock(&self.shared.records);
        while let Some((plateid, at, seen)) = records.front() {
            let age = wall_clock().duration_since(*at).try_into().unwrap_or_default();
            let record = Sighting { age: Some(age), ..seen.clone() };
            let message = self.shared.result("ivs_result", *plateid, &record).to_string();
            if !self.publish(&topic, message.into_bytes()) {
                return;
            }
            records.pop_front();
        }
    }

    /// Publishes what is said when it is due, and heart-beats. Ends when nobody can say anything.
    async fn speak(&self, said: &mut mpsc::UnboundedReceiver<Say>, later: &mut Vec<Say>) {
        let mut beat = interval(self.shared.settings.keep_alive.max(Duration::from_millis(1)));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        loop {
            let due = later.iter().map(|say| say.at).min();
            tokio::select! {
                say = said.recv() => match say {
                    Some(say) if say.at <= Instant::now() => self.say(say),
                    Some(say) => later.push(say),
                    None => return,
                },
                _ = beat.tick() => self.keep_alive(),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let now = Instant::now();
                    while let Some(place) = later.iter().position(|say| say.at <= now) {
                        self.say(later.remove(place));
                    }
                }
            }
        }
    }

    fn keep_alive(&self) {
        if lock(&self.shared.faults).no_keep_alive {
            return;
        }
        let settings = &self.shared.settings;
        let mut payload = if settings.nul_prefix { vec![0] } else { Vec::new() };
        payload.extend(self.shared.voice().keep_alive().to_string().into_bytes());
        let topic = settings.layout.up(&settings.sn, "keep_alive");
        let topic = if settings.dollar_topic { format!("$/{topic}") } else { topic };
        self.publish(&topic, payload);
    }

    fn say(&self, say: Say) {
        let Say { topic, payload, .. } = &say;
        if !self.publish(topic, payload.clone()) {
            self.shared.lost(say);
        }
    }

    /// `false`: there is no network, or it is too slow.
    fn publish(&self, topic: &str, payload: Vec<u8>) -> bool {
        *self.shared.online.borrow()
            && self.client.try_publish(topic, QoS::AtLeastOnce, false, payload).is_ok()
    }

    fn told(&self, name: &str, payload: &[u8]) {
        let obedience = lock(&self.shared.faults).obedience;
        if obedience == Obedience::Deaf {
            return self.shared.tell(CameraEvent::Unheard { name: name.to_owned() });
        }
        let message: Value = serde_json::from_slice(payload).unwrap_or_default();
        let code = match (obedience, command::read(name, &message)) {
            (Obedience::Refuses(code), _) => code,
            (_, Err(refusal)) => refusal as u16,
            (_, Ok(told)) => {
                self.obey(told);
                ACCEPTED
            }
        };
        if code != ACCEPTED {
            self.shared.tell(CameraEvent::Refused { name: name.to_owned(), code });
        }
        if obedience != Obedience::ActsSilently {
            let CameraSettings { layout, sn, .. } = &self.shared.settings;
            let topic = format!("{}/reply", layout.down(sn, name));
            let reply = self.shared.voice().reply(name, &message["id"], code);
            self.publish(&topic, reply.to_string().into_bytes());
        }
    }

    fn obey(&self, told: Told) {
        match told {
            Told::Relay { relay, kind } => {
                let event = RelayEvent { board: 0, relay, kind, at: Instant::now() };
                self.shared.tell(CameraEvent::Relay(event));
            }
            Told::SetClock(time) => {
                // Texts carry whole seconds only, so a clock set well may be off by one.
                let ahead = time.duration_since(wall_clock()).as_secs();
                *lock(&self.shared.ahead) = SignedDuration::from_secs(ahead);
                self.shared.tell(CameraEvent::ClockSet { ahead_s: ahead });
            }
            Told::Trigger => self.shared.tell(CameraEvent::Triggered),
            Told::Serial(frames) => {
                for SerialFrame { channel, bytes, after } in frames {
                    let shared = self.shared.clone();
                    tokio::spawn(async move {
                        sleep(after).await;
                        if channel == 0 {
                            // Bytes for something else than an LED board.
                            shared.led.hear(&bytes);
                        }
                        shared.tell(CameraEvent::Serial { channel, bytes });
                    });
                }
            }
        }
    }
}
