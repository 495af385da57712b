//! Relays at a broker, told by mosquitto's client: a peer that is not ours.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command as Program, Stdio},
};

use paifang::io::{
    broker::{self, Account, Broker},
    mqtt::{Link, LinkStatus, Settings},
};
use paifang_devices::{Command, JsonMqtt, Profile};
use paifang_sim::wire::{
    CameraEvent, MqttAccount, RelayEvent, RelayKind, Shelly, ShellySettings, Tasmota,
    TasmotaSettings, Twin,
};
use tokio::{
    sync::{broadcast, mpsc},
    time::Instant,
};

use crate::support::*;

const PASSWORD: &str = "of-this-relay";

/// A broker on which `rules` are the topics of the account "relay", and "paifang" may everything.
fn broker(publish: &[&str], subscribe: &[&str]) -> Broker {
    let own = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
    let device = Account::device("relay", PASSWORD, own(publish), own(subscribe));
    let accounts = vec![Account::daemon("paifang", PASSWORD, &[]), device];
    let listen = ([127, 0, 0, 1], 0).into();
    Broker::start(broker::Settings { listen, accounts, ..Default::default() }).unwrap()
}

async fn say(broker: SocketAddr, topic: &str, payload: &str, retain: bool) {
    let (host, port) = (broker.ip().to_string(), broker.port().to_string());
    let mut program = Program::new("mosquitto_pub");
    program.args(["-h", &host, "-p", &port, "-u", "paifang", "-P", PASSWORD, "-q", "1"]);
    program.args(["-t", topic, "-m", payload]).args(retain.then_some("-r"));
    let told = tokio::task::spawn_blocking(move || program.status().unwrap()).await.unwrap();
    assert!(told.success());
}

async fn moved(events: &mut broadcast::Receiver<CameraEvent>) -> (u8, RelayKind) {
    match acted(events).await {
        CameraEvent::Relay(RelayEvent { relay, kind, .. }) => (relay, kind),
        other => panic!("{other:?}"),
    }
}

async fn is_up(twin: &dyn Twin) {
    let mut online = twin.body().online();
    within("the relay", online.wait_for(|on| *on)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tasmota_times_its_pulses() {
    let broker = broker(&["stat/gate/#", "tele/gate/#"], &["cmnd/gate/#"]);
    let account = MqttAccount::new(broker.addr(), "relay", PASSWORD);
    let relay = Tasmota::start(TasmotaSettings::new(account, "gate"));
    let mut events = relay.body().events();
    is_up(&relay).await;
    say(broker.addr(), "cmnd/gate/POWER1", "ON", false).await;
    assert_eq!(moved(&mut events).await, (1, RelayKind::On));
    say(broker.addr(), "cmnd/gate/Backlog", "PulseTime2 3; POWER2 ON", false).await;
    assert_eq!(moved(&mut events).await, (2, RelayKind::Pulse { ms: 300 }));
    within("its timer", async {
        while relay.relay(2) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(relay.relay(1), "no timer of its own");
    say(broker.addr(), "cmnd/gate/POWER3", "ON", false).await;
    assert!(matches!(acted(&mut events).await, CameraEvent::Refused { .. }));
}

/// What should never stand at a broker: it opens a gate when the power comes back.
#[tokio::test(flavor = "multi_thread")]
async fn tasmota_obeys_what_was_retained() {
    let broker = Mosquitto::start();
    say(broker.addr, "cmnd/gate/POWER1", "ON", true).await;
    let account = MqttAccount::new(broker.addr, "relay", PASSWORD);
    let relay = Tasmota::start(TasmotaSettings::new(account, "gate"));
    let mut events = relay.body().events();
    assert_eq!(moved(&mut events).await, (1, RelayKind::On));
}

#[tokio::test(flavor = "multi_thread")]
async fn shelly_lets_go_by_itself_and_knows_its_methods() {
    let broker = broker(&["gate/#", "edge/rpc"], &["gate/rpc"]);
    let account = MqttAccount::new(broker.addr(), "relay", PASSWORD);
    let relay = Shelly::start(ShellySettings::new(account, "gate"));
    let mut events = relay.body().events();
    is_up(&relay).await;
    let call = |method: &str, params: &str| {
        format!(r#"{{"id":1,"src":"edge","method":"{method}","params":{params}}}"#)
    };
    say(
        broker.addr(),
        "gate/rpc",
        &call("Switch.Set", r#"{"id":0,"on":true,"toggle_after":0.2}"#),
        false,
    )
    .await;
    assert_eq!(moved(&mut events).await, (1, RelayKind::Pulse { ms: 200 }));
    within("its timer", async {
        while relay.relay(1) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    say(broker.addr(), "gate/rpc", &call("Switch.Set", r#"{"id":1,"on":true}"#), false).await;
    assert_eq!(moved(&mut events).await, (2, RelayKind::On));
    for wrong in [
        call("Switch.Set", r#"{"id":7,"on":true}"#),
        call("Switch.Set", r#"{"id":0,"on":"yes"}"#),
        call("Gate.Open", "{}"),
    ] {
        say(broker.addr(), "gate/rpc", &wrong, false).await;
        let refused = acted(&mut events).await;
        assert!(matches!(refused, CameraEvent::Refused { .. }), "{wrong}: {refused:?}");
    }
}

/// And we leave nothing there: orders to relays that are away are gone when they come back.
#[tokio::test(flavor = "multi_thread")]
async fn no_order_of_ours_waits_at_a_broker() {
    let broker = Mosquitto::start();
    let (sink, _messages) = mpsc::channel(100);
    let url = format!("mqtt://{}", broker.addr);
    let (username, password) = ("paifang".into(), PASSWORD.into());
    let settings = Settings { url, username, password, ..Settings::default() };
    let link = Link::start(&settings, vec![], sink).unwrap();
    let mut status = link.status();
    within("the link", status.wait_for(|status| *status == LinkStatus::Up)).await.unwrap();
    let account = MqttAccount::new(broker.addr, "relay", PASSWORD);
    for name in ["barrier/tasmota-mqtt", "barrier/shelly-gen2-mqtt"] {
        let mut driver = JsonMqtt::new(&Profile::find(name).unwrap(), "gate").unwrap();
        let mut order = |command: &Command| {
            let message = driver.encode(command, "c-1", 1_795_000_000_000).unwrap();
            link.publish(&message.topic, message.payload).unwrap();
        };
        order(&Command::PulseOpen);
        order(&Command::Hold);
        // Behind both: mosquitto answers a client in the order of what it was told.
        say(broker.addr, "elsewhere", "x", true).await;
        let twin: Box<dyn Twin> = if name.contains("tasmota") {
            Box::new(Tasmota::start(TasmotaSettings::new(account.clone(), "gate")))
        } else {
            Box::new(Shelly::start(ShellySettings::new(account.clone(), "gate")))
        };
        let mut events = twin.body().events();
        is_up(&*twin).await;
        order(&Command::PulseClose);
        assert_eq!(moved(&mut events).await, (2, RelayKind::Pulse { ms: 500 }), "{name}");
    }
}

/// Debian's mosquitto, which keeps what is retained and lets everybody in; killed when dropped.
pub(crate) struct Mosquitto {
    pub(crate) addr: SocketAddr,
    process: Child,
}

impl Mosquitto {
    pub(crate) fn start() -> Self {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Program::new("/usr/sbin/mosquitto")
            .args(["-p", &addr.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while TcpStream::connect(addr).is_err() {
            assert!(begun.elapsed() < LIMIT, "mosquitto does not listen");
            std::thread::yield_now();
        }
        Self { addr, process }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
