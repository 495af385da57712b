//! Bytes in, bytes out: a plate read at the broker becomes a frame on the serial line, and money at the bank opens the
//! barrier. The program is the real one; the brokers are its own and Debian's.

use std::{
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use paifang::core::{Message, lane::Sensor};
use paifang_sim::{
    site::{PASSWORD, Stage, StageSpec, Wires},
    wire::{CameraEvent, Phone, RelayEvent, RelayKind, Sighting},
};
use tokio::{runtime::Runtime, sync::broadcast};

use super::support::{Daemon, Folder, Site, free_port, sql, wait_for};

/// Address 1, relay 1, closed for 500 ms, and the checksum.
const OPEN: [u8; 8] = [0x01, 0x05, 0x02, 0x00, 0x00, 0x05, 0x0C, 0x71];
/// The simulated bank notifies this long after the customer has paid.
const NOTICE: Duration = Duration::from_millis(500);
/// From the bank's word to the barrier's frame.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A site of one entry and one exit with nobody on it, and the program that runs it.
struct Gate {
    runtime: Runtime,
    stage: Option<Stage>,
    site: Site,
    daemon: Option<Daemon>,
}

impl Gate {
    /// `None`: the daemon's own broker.
    fn open(external: Option<SocketAddr>) -> Self {
        let mut gate = Self::closed(external);
        gate.start();
        gate
    }

    fn closed(external: Option<SocketAddr>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (folder, http) = (Folder::new(), free_port());
        let mqtt = external.unwrap_or_else(free_port);
        let spec = StageSpec {
            entries: 1,
            exits: 1,
            camera_arm: false,
            external_broker: external.is_some(),
            ..StageSpec::new(http, mqtt)
        };
        let stage = runtime.block_on(Stage::build(folder.path(), spec)).unwrap();
        stage.wires.iter().for_each(|wires| wires.set_sensor(Sensor::ClosedLimit, true));
        let site = Site { folder, http, mqtt };
        Self { runtime, stage: Some(stage), site, daemon: None }
    }

    fn start(&mut self) {
        self.daemon = Some(self.site.start());
        self.in_service();
    }

    /// Cameras signed in, both lanes idle.
    fn in_service(&self) {
        for wires in &*self.stage().wires {
            wait_for("the camera", || wires.camera.online().borrow().then_some(()));
            wait_for("the display", || (wires.message()? == Message::Ready).then_some(()));
        }
        let down = "select count(*) from alarm where kind = '\"broker_down\"'";
        wait_for("the broker", || (sql(&self.site, down) == "0").then_some(()));
    }

    fn stage(&self) -> &Stage {
        self.stage.as_ref().unwrap()
    }

    fn entry(&self) -> &Wires {
        &self.stage().wires[0]
    }

    fn exit(&self) -> &Wires {
        &self.stage().wires[1]
    }

    /// From the arrival loop through the open arm and away, as the loops and limits see it.
    fn drive_through(&self, lane: usize, relays: &mut broadcast::Receiver<RelayEvent>) -> Instant {
        let (id, wires) = (&self.stage().layout.lanes[lane].id, &self.stage().wires[lane]);
        let opened = wait_for("the pulse", || relays.try_recv().ok());
        assert_eq!((opened.board, opened.relay), (1, 1));
        assert_eq!(opened.kind, RelayKind::Pulse { ms: 500 });
        for (sensor, name, level) in [
            (Sensor::ClosedLimit, "closed_limit", "off"),
            (Sensor::OpenLimit, "open_limit", "on"),
            (Sensor::Safety, "safety", "on"),
            (Sensor::Arrival, "arrival", "off"),
            (Sensor::Safety, "safety", "off"),
            (Sensor::OpenLimit, "open_limit", "off"),
            (Sensor::ClosedLimit, "closed_limit", "on"),
        ] {
            wires.set_sensor(sensor, level == "on");
            let known = format!("select body ->> '$.sensors.{name}' from lane where id = '{id}'");
            wait_for(name, || (sql(&self.site, &known) == level).then_some(()));
        }
        opened.at.into_std()
    }

    fn opens(wires: &Wires) -> Vec<Vec<u8>> {
        wires.line.frames().into_iter().filter(|frame| frame.get(1) == Some(&5)).collect()
    }

    /// A vehicle comes in.
    fn enter(&self, plate: &str) {
        let mut relays = self.entry().line.relay_events();
        self.entry().set_sensor(Sensor::Arrival, true);
        self.entry().camera.read(&Sighting::of(plate).with_pictures());
        self.drive_through(0, &mut relays);
        let inside =
            format!("select count(*) from stay where plate = '{plate}' and state = 'inside'");
        wait_for("the stay", || (sql(&self.site, &inside) == "1").then_some(()));
        wait_for("the lane", || (self.entry().message()? == Message::Ready).then_some(()));
    }

    /// It comes to the exit, reads its price, pays by phone, leaves.
    fn leave(&self, plate: &str) {
        // A stay of less than a second costs nothing.
        let age = "select 1 from stay where unixepoch('subsec') * 1000 - entered_at_ms > 1100";
        wait_for("a second of parking", || (sql(&self.site, age) == "1").then_some(()));
        let mut relays = self.exit().line.relay_events();
        self.exit().set_sensor(Sensor::Arrival, true);
        self.exit().camera.read(&Sighting::of(plate).with_pictures());
        let price = wait_for("the price on the display", || match self.exit().message()? {
            Message::Pay { plate, amount, .. } => Some((plate.full().to_owned(), amount.minor)),
            _ => None,
        });
        assert_eq!(price, (plate.to_owned(), 500));
        let phone = Phone::new(&self.stage().layout.public_url()).unwrap();
        let page = self.runtime.block_on(phone.open_lane_page("exit-1")).unwrap();
        let text = page.text();
        assert!(text.contains(plate) && text.contains("5.00"), "{text}");
        let token = page.html.split("/p/").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        let receipt = format!("{}/p/{token}", self.stage().layout.public_url());
        let cashier = self.runtime.block_on(phone.go_to_cashier("exit-1")).unwrap();
        assert!(relays.try_recv().is_err(), "the barrier opened before the money was there");
        let said = self.runtime.block_on(phone.pay_at_cashier(&cashier)).unwrap().text();
        let paid = Instant::now();
        assert!(said.contains("支付成功"), "{said}");
        let opened = self.drive_through(1, &mut relays);
        let took = opened.duration_since(paid);
        assert!(took < NOTICE + AT_ONCE, "the barrier opened {took:?} after the payment");
        let left = format!("select count(*) from stay where plate = '{plate}' and state = 'left'");
        wait_for("the end of the stay", || (sql(&self.site, &left) == "1").then_some(()));
        let page = self.runtime.block_on(phone.open(&receipt)).unwrap().text();
        assert!(page.contains("已付款") && page.contains("已离场"), "{page}");
    }

    fn ledger(&self) -> String {
        sql(&self.site, "select debit, credit, amount_minor, currency from posting order by txn")
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.daemon.take();
        if let Some(stage) = self.stage.take() {
            self.runtime.block_on(stage.stop());
        }
    }
}

// ---- the daemon's own broker -----------------------------------------------------------------------

/// A whole result as the camera `sn` sends one.
fn full_result(sn: &str, plate: &str, number: u32, offline: bool) -> String {
    #[expect(clippy::disallowed_methods, reason = "a camera says when it saw something")]
    let now = jiff::Timestamp::now().as_second();
    include_str!("fixtures/vzenith-full.json")
        .replace("@ID@", &format!("{now}{number:06}"))
        .replace("@SN@", sn)
        .replace("@PLATE@", &BASE64_STANDARD.encode(plate))
        .replace("@NUMBER@", &number.to_string())
        .replace("@OFFLINE@", if offline { "1" } else { "0" })
        .replace("@NOW@", &now.to_string())
}

fn publish(broker: SocketAddr, account: &str, topic: &str, payload: &str) -> Output {
    let (host, port) = (broker.ip().to_string(), broker.port().to_string());
    Command::new("mosquitto_pub")
        .args(["-h", &host, "-p", &port, "-u", account, "-P", PASSWORD, "-q", "1"])
        .args(["-t", topic, "-m", payload])
        .output()
        .unwrap()
}

#[test]
fn a_read_becomes_a_frame_once() {
    let gate = Gate::open(None);
    let sn = &gate.stage().layout.lanes[0].serial_number;
    let topic = format!("device/{sn}/message/up/ivs_result");
    let say = |payload: &str| publish(gate.site.mqtt, "cam-entry-1", &topic, payload);
    gate.entry().set_sensor(Sensor::Arrival, true);
    let read = full_result(sn, "粤B12345", 4_711, false);
    assert!(say(&read).status.success());
    let opens = wait_for("the frame", || {
        let opens = Gate::opens(gate.entry());
        (!opens.is_empty()).then_some(opens)
    });
    assert_eq!(opens, [OPEN]);

    // The broker brings it twice; then the camera sends what it kept while it was offline.
    assert!(say(&read).status.success());
    assert!(say(&full_result(sn, "粤B99999", 4_712, true)).status.success());
    let replays =
        "select count(*) from journal where kind = 'read_taken' and body ->> 'as_' = 'replay'";
    wait_for("the replay on record", || (sql(&gate.site, replays) == "1").then_some(()));
    assert_eq!(Gate::opens(gate.entry()), [OPEN], "one vehicle, one order");
    assert_eq!(sql(&gate.site, "select plate, entry_lane from stay"), "粤B12345|entry-1");
}

#[test]
fn a_camera_speaks_for_itself_only() {
    let gate = Gate::open(None);
    let lanes = &gate.stage().layout.lanes;
    let (own, other) = (&lanes[0].serial_number, &lanes[1].serial_number);
    let mut heard = gate.exit().camera.events();
    let open = serde_json::json!({ "id": "1", "sn": other, "name": "gpio_out", "version": "1.0",
        "payload": { "type": "gpio_out", "body": { "io": 0, "value": 2, "delay": 500 } } });
    let forged = [
        (format!("device/{other}/message/down/gpio_out"), open.to_string()),
        (format!("{other}/device/message/down/gpio_out"), open.to_string()),
        (format!("device/{own}/message/down/gpio_out"), open.to_string()),
        (format!("device/{other}/message/up/ivs_result"), full_result(other, "粤B1", 1, false)),
        (format!("{other}/device/message/up/ivs_result"), full_result(other, "粤B12345", 2, false)),
    ];
    for (topic, payload) in &forged {
        publish(gate.site.mqtt, "cam-entry-1", topic, payload);
    }
    let anonymous = publish(gate.site.mqtt, "nobody", &forged[3].0, &forged[3].1);
    assert!(!anonymous.status.success());

    // A vehicle that nobody has read: the daemon asks the camera to look, which comes behind all that was said.
    gate.exit().set_sensor(Sensor::Arrival, true);
    wait_for("the daemon's own command", || match heard.try_recv() {
        Ok(CameraEvent::Triggered) => Some(()),
        Ok(event @ (CameraEvent::Relay(_) | CameraEvent::Unheard { .. })) => panic!("{event:?}"),
        _ => None,
    });
    assert_eq!(sql(&gate.site, "select count(*) from journal where kind = 'read_taken'"), "0");
    assert!(Gate::opens(gate.entry()).is_empty() && Gate::opens(gate.exit()).is_empty());
}

#[test]
fn in_and_out_and_paid() {
    let gate = Gate::open(None);
    gate.enter("粤B12345");
    gate.leave("粤B12345");
    assert_eq!(gate.ledger(), "channel_receivable|parking_revenue|500|CNY");
    assert_eq!(Gate::opens(gate.entry()), [OPEN]);
    assert_eq!(Gate::opens(gate.exit()), [OPEN]);
    assert!(gate.exit().line.spoken(0).iter().any(|said| said.contains("请缴费5元")));
    let books = gate.stage().gateway.books();
    assert_eq!(books.iter().map(|book| book.paid_fen).collect::<Vec<_>>(), [500]);
}

// ---- a broker of the site's own --------------------------------------------------------------------

/// Debian's mosquitto under the rules the program writes for it; killed when dropped.
struct Mosquitto(Child);

impl Mosquitto {
    fn start(site: &Site) -> Self {
        let rules = String::from_utf8(site.run(&["check", "--mosquitto-acl"]).stdout).unwrap();
        let (acl, passwords) = rules.split_once("# password_file").unwrap();
        let passwords = passwords.split_once('\n').unwrap().1;
        site.folder.write("acl", acl, 0o600);
        let passwords = site.folder.write("passwords", passwords, 0o600);
        let hashed = Command::new("mosquitto_passwd").arg("-U").arg(&passwords).output().unwrap();
        assert!(hashed.status.success());
        Self::again(site)
    }

    fn again(site: &Site) -> Self {
        let at = |name: &str| site.folder.path().join(name).display().to_string();
        let conf = format!(
            "listener {} 127.0.0.1\nallow_anonymous false\nset_tcp_nodelay true\nuser root\n\
             acl_file {}\npassword_file {}\n",
            site.mqtt.port(),
            at("acl"),
            at("passwords")
        );
        let conf = site.folder.write("mosquitto.conf", &conf, 0o600);
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(conf)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("mosquitto", || std::net::TcpStream::connect(site.mqtt).ok());
        Self(child)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_foreign_broker_may_come_and_go() {
    let mut gate = Gate::closed(Some(free_port()));
    let broker = Mosquitto::start(&gate.site);
    gate.start();
    gate.enter("粤B12345");

    drop(broker);
    let down = "select count(*) from alarm where kind = '\"broker_down\"'";
    wait_for("the alarm", || (sql(&gate.site, down) == "1").then_some(()));
    let _broker = Mosquitto::again(&gate.site);
    gate.in_service();
    gate.leave("粤B12345");
    assert_eq!(gate.ledger(), "channel_receivable|parking_revenue|500|CNY");
}
