//! The daemon's side of the wires, as small as it can be.

use std::time::Duration;

use paifang::io::{
    broker::{self, Account, Broker},
    mqtt::{Incoming, Link, LinkStatus, Settings},
    serial::{Bus, BusError, BusHandle, Framing, LineStatus, SerialSettings},
};
use paifang_devices::{Command, DecodeError, DeviceEvent, Exchange, JsonMqtt, Profile};
use paifang_sim::wire::{Camera, CameraEvent, CameraSettings, Line, Twin};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, timeout},
};

pub(crate) const LIMIT: Duration = Duration::from_secs(5);
const REPLY_MAX: Duration = Duration::from_millis(80);
pub(crate) const PASSWORD: &str = "of-this-camera";

pub(crate) fn soon() -> Instant {
    Instant::now() + LIMIT
}

pub(crate) async fn within<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    timeout(LIMIT, wanted).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The daemon's end of a line.
pub(crate) async fn bus(line: &Line, baud: u32) -> BusHandle {
    let (path, gap) = (line.path().to_str().unwrap().to_owned(), Duration::from_millis(2));
    let bus = Bus::open(SerialSettings { path, baud, gap, framing: Framing::default() });
    line_is(&bus, true).await;
    bus
}

pub(crate) async fn line_is(bus: &BusHandle, up: bool) {
    let mut status = bus.status();
    let is = |status: &LineStatus| (*status == LineStatus::Up) == up;
    within("the line to change", status.wait_for(is)).await.unwrap();
}

pub(crate) async fn ask(bus: &BusHandle, exchange: &Exchange) -> Result<Vec<u8>, BusError> {
    bus.exchange(exchange.clone(), REPLY_MAX, soon()).await
}

pub(crate) async fn next<T: Clone>(events: &mut broadcast::Receiver<T>) -> T {
    within("an event", events.recv()).await.unwrap()
}

/// The daemon's end of a broker with one camera, which profile and serial number name.
pub(crate) struct Site {
    pub(crate) broker: Broker,
    pub(crate) driver: JsonMqtt,
    link: Link,
    messages: mpsc::Receiver<Incoming>,
}

impl Site {
    pub(crate) async fn start(profile: &Profile, sn: &str) -> Self {
        let driver = JsonMqtt::new(profile, sn).unwrap();
        let rules = driver.topic_rules();
        let extra: Vec<String> =
            rules.publish.iter().filter(|rule| rule.starts_with('$')).cloned().collect();
        let device = Account::device(sn, PASSWORD, rules.publish, rules.subscribe);
        let accounts = vec![Account::daemon("paifang", "secret", &extra), device];
        let listen = ([127, 0, 0, 1], 0).into();
        let broker =
            Broker::start(broker::Settings { listen, accounts, ..Default::default() }).unwrap();
        let (sink, messages) = mpsc::channel(100);
        let settings = Settings {
            url: format!("mqtt://{}", broker.addr()),
            username: "paifang".into(),
            password: "secret".into(),
            ..Settings::default()
        };
        let link = Link::start(&settings, driver.subscriptions(), sink).unwrap();
        let mut status = link.status();
        within("the link", status.wait_for(|status| *status == LinkStatus::Up)).await.unwrap();
        Self { broker, driver, link, messages }
    }

    /// As delivered.
    pub(crate) fn camera(&self) -> CameraSettings {
        let (broker, sn) = (self.broker.addr(), self.driver.serial_number());
        CameraSettings {
            full_after: Duration::from_millis(20),
            ..CameraSettings::new(broker, sn, PASSWORD)
        }
    }

    /// What the next message says.
    pub(crate) async fn heard(&mut self) -> Result<Vec<DeviceEvent>, DecodeError> {
        let message = within("a message", self.messages.recv()).await.unwrap();
        self.hear(message)
    }

    fn hear(&mut self, message: Incoming) -> Result<Vec<DeviceEvent>, DecodeError> {
        let heard = self.driver.decode(&message.topic, &message.payload, 1_795_000_000_000);
        message.ack.done();
        let heard = heard?;
        for answer in heard.answers {
            self.link.publish(&answer.topic, answer.payload).unwrap();
        }
        Ok(heard.events)
    }

    /// The next event that is not about the device itself.
    pub(crate) async fn event(&mut self) -> DeviceEvent {
        loop {
            let event = self.heard().await.unwrap().pop();
            if let Some(event) = event.filter(|event| !is_about_itself(event)) {
                return event;
            }
        }
    }

    /// Answers what the device says until it is in service.
    pub(crate) async fn until_online(&mut self, twin: &dyn Twin) {
        let mut online = twin.body().online();
        within("the device", async {
            while !*online.borrow_and_update() {
                tokio::select! {
                    _ = online.changed() => {}
                    message = self.messages.recv() => drop(self.hear(message.unwrap()).unwrap()),
                }
            }
        })
        .await;
    }

    /// Commands the device; the id of the command.
    pub(crate) fn command(&mut self, command: &Command) -> &'static str {
        let message = self.driver.encode(command, "c-1", 1_795_000_000_000).unwrap();
        self.link.publish(&message.topic, message.payload).unwrap();
        "c-1"
    }

    /// Commands it and waits for its answer.
    pub(crate) async fn answer(&mut self, command: &Command) -> bool {
        let asked = self.command(command);
        loop {
            if let DeviceEvent::CommandReply { id, accepted, .. } = self.event().await {
                assert_eq!(id, asked);
                return accepted;
            }
        }
    }
}

fn is_about_itself(event: &DeviceEvent) -> bool {
    use DeviceEvent::{Gone, Identity, KeepAlive};
    matches!(event, KeepAlive { .. } | Identity { .. } | Gone)
}

/// Signed in.
pub(crate) async fn online(settings: CameraSettings) -> (Camera, broadcast::Receiver<CameraEvent>) {
    let camera = Camera::start(settings);
    let events = camera.events();
    is_online(&camera, true).await;
    (camera, events)
}

pub(crate) async fn is_online(camera: &Camera, wanted: bool) {
    let mut online = camera.online();
    within("the camera", online.wait_for(|online| *online == wanted)).await.unwrap();
}

/// The next event that is not about the connection or the fate of a read.
pub(crate) async fn acted(events: &mut broadcast::Receiver<CameraEvent>) -> CameraEvent {
    loop {
        match next(events).await {
            CameraEvent::Online
            | CameraEvent::Offline { .. }
            | CameraEvent::Taken { .. }
            | CameraEvent::NotTaken { .. } => {}
            event => return event,
        }
    }
}
