//! Bad input and failing parts: each ends in a defined state, on record, with nothing opened or lost.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::support::{Site, faketime, get, paifang, sql, wait_for};

const LANE: &str = "[[device]]\nid = \"cam-1\"\nprofile = \"camera/vzenith-mqtt\"\nsn = \"sn-1\"\n\
    [[lane]]\nid = \"entry-1\"\ndirection = \"entry\"\ncamera = \"cam-1\"\nbarrier = \"cam-1\"\ninputs = {}\n";
/// A camera may send faster than any vehicle drives.
const FAST: &str = "[limits]\ndevice_messages_per_s = 100000\ndevice_messages_burst = 100000";
const SECRETS: &str = "[mqtt]\ncam-1 = \"pw\"\n";
const READS: &str = "device/sn-1/message/up/ivs_result";

/// A camera made of Debian's MQTT clients.
struct Camera {
    port: String,
    orders: Arc<Mutex<Vec<String>>>,
    listener: Child,
}

impl Camera {
    fn start(site: &Site) -> Self {
        let port = site.mqtt.port().to_string();
        // Line by line, or nothing comes before a whole buffer is full.
        let mut listener = Command::new("stdbuf")
            .args([
                "-oL",
                "mosquitto_sub",
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-u",
                "cam-1",
                "-P",
                "pw",
                "-i",
                "listener",
            ])
            .args(["-t", "device/sn-1/message/down/+", "-d"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(listener.stdout.take().unwrap());
        let orders = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&orders);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        let camera = Self { port, orders, listener };
        wait_for("the subscription", || (camera.count("Subscribed") == 1).then_some(()));
        camera
    }

    fn count(&self, text: &str) -> usize {
        self.orders.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }

    fn opened(&self) -> usize {
        self.count("\"gpio_out\"")
    }

    fn publish(&self, topic: &str, payload: &[u8], more: &[&str]) {
        use std::io::Write;
        let mut sender = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &self.port, "-u", "cam-1", "-P", "pw", "-q", "1"])
            .args(["-t", topic, "-s"])
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        sender.stdin.take().unwrap().write_all(payload).unwrap();
        sender.wait().unwrap();
    }

    fn read(&self, plate: &str, event: &str, at_s: i64) {
        self.publish(READS, &read(plate, event, at_s), &[]);
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.listener.kill();
        let _ = self.listener.wait();
    }
}

fn read(plate: &str, event: &str, at_s: i64) -> Vec<u8> {
    let plate = BASE64_STANDARD.encode(plate);
    format!(
        r#"{{"sn":"sn-1","name":"ivs_result","timestamp":{at_s},"payload":{{"AlarmInfoPlate":{{"unique_id":"{event}","result":{{"PlateResult":{{"license":"{plate}","confidence":97,"isoffline":0}}}}}}}}}}"#
    )
    .into_bytes()
}

fn now_s() -> i64 {
    let output = Command::new("date").arg("+%s").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn nonsense_opens_nothing_and_the_next_good_read_does() {
    let site = Site::new(LANE, SECRETS);
    let daemon = site.start();
    let camera = Camera::start(&site);
    let good = read("京A12345", "e1", now_s());
    camera.publish(READS, &good[..good.len() / 2], &[]);
    camera.publish(READS, b"\x00\xff not json", &[]);
    camera.publish(READS, &vec![b'x'; 5 * 1024 * 1024], &[]);
    camera.publish("device/other/message/up/ivs_result", &good, &[]);
    camera.publish("device/sn-1/message/down/gpio_out", b"{}", &[]);
    camera.read("A'; drop table stay; --", "e2", now_s());
    camera.read("京B00001", "e3", now_s() - 7_200);
    let turned_back = String::from_utf8(read("京C00001", "e6", now_s())).unwrap();
    let turned_back = turned_back.replace("\"isoffline\"", "\"triggerType\":66,\"isoffline\"");
    camera.publish(READS, turned_back.as_bytes(), &[]);
    wait_for("the reads", || {
        (sql(&site, "select count(*) from journal where kind = 'read_taken'") == "2").then_some(())
    });
    assert_eq!((camera.opened(), sql(&site, "select count(*) from stay").as_str()), (0, "0"));
    assert_eq!(
        sql(
            &site,
            "select body ->> 'as_' from journal where kind = 'read_taken' order by seq desc limit 1"
        ),
        "replay"
    );
    assert_eq!(sql(&site, "select count(*) from alarm where kind like '%device_nonsense%'"), "1");
    // Its clock is ahead, and it asks the broker to keep the read for ever.
    camera.publish(READS, &read("京A12345", "e4", now_s() + 90), &["-r"]);
    wait_for("the order", || (camera.opened() == 1).then_some(()));
    camera.read("京A12345", "e4", now_s() + 90);
    let log = daemon.log();
    for told in ["makes no sense", "京A"] {
        assert_eq!(log.contains(told), told != "京A", "{told} in the log");
    }
    daemon.stop();
    let daemon = site.start();
    wait_for("the camera's return", || (camera.count("Subscribed") == 2).then_some(()));
    camera.read("沪B67890", "e5", now_s());
    wait_for("the next order", || (camera.opened() >= 2).then_some(()));
    daemon.stop();
    assert_eq!(camera.opened(), 2, "neither the second copy nor a kept read opens");
    assert!(site.run(&["check", "--journal"]).status.success());
}

#[test]
fn a_camera_that_floods_is_held_to_its_rate() {
    let other =
        LANE.replace("cam-1", "cam-2").replace("sn-1", "sn-2").replace("entry-1", "entry-2");
    let site = Site::new(&format!("{LANE}{other}"), "[mqtt]\ncam-1 = \"pw\"\ncam-2 = \"pw\"\n");
    let daemon = site.start();
    let port = site.mqtt.port().to_string();
    let publish = |user: &str, topic: &str, more: &[&str]| {
        let mut sender = Command::new("mosquitto_pub");
        sender.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-u",
            user,
            "-P",
            "pw",
            "-q",
            "1",
            "-t",
            topic,
        ]);
        sender.args(more).stdin(Stdio::piped()).spawn().unwrap()
    };
    let mut flood = publish("cam-1", "device/sn-1/message/up/keep_alive", &["-l"]);
    let mut lines = flood.stdin.take().unwrap();
    let flooding = std::thread::spawn(move || {
        use std::io::Write;
        for n in 0..20_000_u32 {
            let line = format!("{{\"sn\":\"sn-1\",\"name\":\"keep_alive\",\"n\":{n}}}\n");
            if lines.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    });
    wait_for("the alarm", || {
        let floods =
            "select count(*) from alarm where kind like '%device_flood%' and subject = 'cam-1'";
        (sql(&site, floods) == "1").then_some(())
    });
    for n in 0..40 {
        let body =
            String::from_utf8(read(&format!("京A{n:05}"), &format!("e{n}"), now_s())).unwrap();
        let body = body.replace("sn-1", "sn-2");
        let mut sender = publish("cam-2", "device/sn-2/message/up/ivs_result", &["-m", &body]);
        assert!(sender.wait().unwrap().success());
    }
    wait_for("every read of the other", || {
        (sql(&site, "select count(*) from journal where kind = 'read_taken'") == "40").then_some(())
    });
    let _ = flood.kill();
    let _ = flood.wait();
    flooding.join().unwrap();
    daemon.stop();
}

#[test]
fn a_full_disk_opens_nothing_and_loses_nothing() {
    let site = Site::with("database_mib_max = 1", FAST, LANE, SECRETS);
    let daemon = site.start();
    let camera = Camera::start(&site);
    let mut sent = 0;
    while !get(site.http, "/metrics").is_some_and(|text| text.contains("paifang_disk_full 1")) {
        for _ in 0..20 {
            sent += 1;
            camera.read(&format!("京A{sent:05}"), &format!("e{sent}"), now_s());
        }
        assert!(sent < 4_000, "one MiB is never full");
    }
    assert!(get(site.http, "/readyz").unwrap().contains("503"));
    assert!(daemon.log().contains("make room"), "{}", daemon.log());
    let (opened, stays) = (camera.opened(), sql(&site, "select count(*) from stay"));
    camera.read("沪B88888", "last", now_s());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((camera.opened(), sql(&site, "select count(*) from stay")), (opened, stays));
    daemon.kill();
    drop(camera);
    let text = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), text.replace("database_mib_max = 1", "")).unwrap();
    let daemon = site.start();
    let camera = Camera::start(&site);
    camera.read("沪B88888", "again", now_s());
    wait_for("the order", || (camera.opened() == 1).then_some(()));
    daemon.stop();
    let checked = site.run(&["check", "--journal"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn a_clock_set_back_an_hour_is_told_and_time_goes_on() {
    let site = Site::new(LANE, SECRETS);
    let hands = site.folder.write("clock", "+0\n", 0o644);
    let mut command = paifang();
    command
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", &hands)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let daemon = site.start_by(command);
    let camera = Camera::start(&site);
    camera.read("京A12345", "e1", now_s());
    wait_for("the first order", || (camera.opened() == 1).then_some(()));
    std::fs::write(&hands, "-3600\n").unwrap();
    camera.read("沪B67890", "e2", now_s() - 3_600);
    wait_for("the second order", || (camera.opened() == 2).then_some(()));
    wait_for("the alarm", || {
        (sql(&site, "select count(*) from alarm where subject = 'clock'") == "1").then_some(())
    });
    let back = "select count(*) from (select at_ms - lag(at_ms) over (order by seq) as step from journal) where step < 0";
    assert_eq!(sql(&site, back), "0", "time never goes back in the journal");
    let gap = "select max(entered_at_ms) - min(entered_at_ms) < 60000 from stay";
    assert_eq!(sql(&site, gap), "1", "the hour is not in any stay");
    daemon.stop();
}
