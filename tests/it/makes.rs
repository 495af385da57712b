//! Cameras of several makes at one real daemon: what they replay and say twice opens nothing, what they see now opens
//! once. Twins of the simulator, and clients that are nobody's of ours: curl and paho.

use std::{
    net::SocketAddr,
    process::{Command, Output},
    time::Duration,
};

use paifang_sim::wire::{
    CameraEvent, CameraFaults, Hikvision, HikvisionSettings, MqttAccount, Qianyi, QianyiSettings,
    RelayKind, Sighting, Tasmota, TasmotaSettings, Twin, VzenithHttp, VzenithHttpSettings, picture,
};
use tokio::{runtime::Runtime, sync::broadcast};

use super::support::{Daemon, Site, free_port, sql, wait_for};

const KEY: &str = "a-key-of-sixteen-or-more";
const PASSWORD: &str = "of-an-account";
/// Of every camera twin's own web server and heart-beats.
const OWN_PASSWORD: &str = "of-the-camera-itself";
const SN: &str = "1b7e812009cad088";

/// A device and a lane of its own, whose arm it moves too unless `barrier` does.
fn lane(id: &str, profile: &str, rest: &str, barrier: Option<&str>) -> String {
    let barrier = barrier.unwrap_or(id);
    format!(
        "[[device]]\nid = \"{id}\"\nprofile = \"{profile}\"\n{rest}\n\
         [[lane]]\nid = \"lane-{id}\"\ndirection = \"entry\"\ncamera = \"{id}\"\n\
         barrier = \"{barrier}\"\ninputs = {{}}\n"
    )
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn address(site: &Site, id: &str) -> String {
    format!("http://{}/device/{id}?key={KEY}", site.http)
}

fn count(site: &Site, what: &str) -> u32 {
    let question = format!(
        "select count(*) from journal where kind = 'read_taken' and body ->> 'as_' = '{what}'"
    );
    sql(site, &question).parse().unwrap()
}

// ---- twins ---------------------------------------------------------------------------------------

struct Lane {
    twin: Box<dyn Twin>,
    events: broadcast::Receiver<CameraEvent>,
    opens: u32,
}

impl Lane {
    fn new(twin: impl Twin + 'static) -> Self {
        let events = twin.body().events();
        Self { twin: Box::new(twin), events, opens: 0 }
    }

    /// Until the camera is content with the answer to a read.
    fn is_taken(&mut self, number: u64) {
        wait_for("the answer to a read", || {
            while let Some(event) = self.next() {
                if event == (CameraEvent::Taken { number }) {
                    return Some(());
                }
            }
            None
        });
    }

    fn opened(&mut self) {
        wait_for("the order to open", || {
            while self.opens == 0 {
                self.next()?;
            }
            Some(())
        });
    }

    fn next(&mut self) -> Option<CameraEvent> {
        let event = self.events.try_recv().ok()?;
        match &event {
            CameraEvent::Relay(moved) => {
                assert!(
                    moved.relay == 1 && matches!(moved.kind, RelayKind::Pulse { .. }),
                    "{moved:?}"
                );
                self.opens += 1;
            }
            CameraEvent::Refused { .. } => panic!("{event:?}"),
            _ => {}
        }
        Some(event)
    }
}

fn four_makes(gate: SocketAddr) -> Site {
    let devices = [
        lane("cam-v", "camera/vzenith-http", "sn = \"fe71e106-57263272\"", None),
        lane("cam-a", "camera/alphadigi-http", "sn = \"fe71e106-00000001\"", None),
        lane("cam-q", "camera/qianyi-mqtt", &format!("sn = \"{SN}\""), None),
        lane("cam-h", "camera/hikvision-isapi", &format!("url = \"http://{gate}\""), None),
    ];
    let secrets = format!(
        "[mqtt]\ncam-q = \"{PASSWORD}\"\n[push]\ncam-v = \"{KEY}\"\ncam-a = \"{KEY}\"\ncam-h = \"{KEY}\"\n\
         [device]\ncam-h = {{ user = \"admin\", password = \"{OWN_PASSWORD}\" }}\n"
    );
    Site::new(&devices.concat(), &secrets)
}

fn twins(site: &Site, gate: SocketAddr) -> Vec<Lane> {
    let vzenith = |id: &str, sn: &str, insists| {
        let settings = VzenithHttpSettings::new(&address(site, id), sn);
        let resends_after = Duration::from_millis(200);
        VzenithHttp::start(VzenithHttpSettings { insists, resends_after, ..settings })
    };
    let account = MqttAccount::new(site.mqtt, "cam-q", PASSWORD);
    let hikvision = HikvisionSettings::new(&address(site, "cam-h"), "DS-TCG405-E 1");
    vec![
        Lane::new(vzenith("cam-v", "fe71e106-57263272", false)),
        Lane::new(vzenith("cam-a", "fe71e106-00000001", true)),
        Lane::new(Qianyi::start(QianyiSettings::new(account, SN))),
        Lane::new(Hikvision::start(HikvisionSettings { listen: gate, ..hikvision }).unwrap()),
    ]
}

#[test]
fn replays_and_copies_open_nothing_whatever_the_make() {
    let (runtime, gate) = (runtime(), free_port());
    let _inside = runtime.enter();
    let site = four_makes(gate);
    let daemon = site.start();
    let mut lanes = twins(&site, gate);
    for (nth, lane) in (0..).zip(&mut lanes) {
        let old = Sighting { age: Some(Duration::from_hours(1)), ..Sighting::of("京A00001") };
        let number = lane.twin.read(&old);
        lane.is_taken(number);
        wait_for("the replay on record", || (count(&site, "replay") == nth + 1).then_some(()));
        assert_eq!(lane.opens, 0, "a record opened");

        let twice = CameraFaults { duplicates: true, ..CameraFaults::default() };
        lane.twin.body().set_faults(twice);
        let number = lane.twin.read(&Sighting::of(&format!("京B0000{nth}")).with_pictures());
        lane.is_taken(number);
        lane.opened();
    }
    let stays = "select group_concat(plate) from (select plate from stay order by plate)";
    assert_eq!(sql(&site, stays), "京B00000,京B00001,京B00002,京B00003");
    for lane in &mut lanes {
        while lane.next().is_some() {}
        assert_eq!(lane.opens, 1, "one vehicle, one order: {:?}", lane.twin);
        assert_eq!(lane.twin.body().records_len(), 0);
    }
    let dump = sql(&site, ".dump");
    assert!(!dump.contains(OWN_PASSWORD) && !daemon.log().contains(OWN_PASSWORD));
    assert!(!dump.contains(KEY) && !daemon.log().contains(KEY));
}

/// Offline for a while: what it saw then comes as records, what it sees now goes before them.
#[test]
fn a_live_read_goes_before_what_was_kept() {
    let (runtime, gate) = (runtime(), free_port());
    let _inside = runtime.enter();
    let site = four_makes(gate);
    let mut lanes = twins(&site, gate);
    let lane = &mut lanes[0];
    let kept: Vec<u64> =
        (0..5).map(|nth| lane.twin.read(&Sighting::of(&format!("京C0000{nth}")))).collect();
    wait_for("the store", || (lane.twin.body().records_len() == kept.len()).then_some(()));
    let _daemon = site.start();
    let number = lane.twin.read(&Sighting::of("京C12345"));
    lane.opened();
    wait_for("the records", || (count(&site, "replay") == 5).then_some(()));
    while lane.next().is_some() {}
    assert_eq!(lane.opens, 1);
    assert!(number > kept[4]);
    assert_eq!(sql(&site, "select plate from stay"), "京C12345");
}

// ---- strangers -----------------------------------------------------------------------------------

/// A site whose lane has a relay with Tasmota firmware before its arm.
fn webhook_site(profile: &str) -> (Site, Daemon) {
    let relay = "[[device]]\nid = \"relay\"\nprofile = \"barrier/tasmota-mqtt\"\nsn = \"gate\"\n";
    let devices = relay.to_owned() + &lane("cam-w", profile, "", Some("relay"));
    let secrets = format!("[mqtt]\nrelay = \"{PASSWORD}\"\n[push]\ncam-w = \"{KEY}\"\n");
    let site = Site::new(&devices, &secrets);
    let daemon = site.start();
    (site, daemon)
}

fn relay(site: &Site) -> Lane {
    let account = MqttAccount::new(site.mqtt, "relay", PASSWORD);
    let lane = Lane::new(Tasmota::start(TasmotaSettings::new(account, "gate")));
    wait_for("the relay", || lane.twin.body().online().borrow().then_some(()));
    lane
}

/// Head and body of the answer.
fn curl(site: &Site, args: &[&str]) -> (String, String) {
    let told: Output = Command::new("curl")
        .args(["-s", "-i", "-m", "10"])
        .args(args)
        .arg(address(site, "cam-w"))
        .output()
        .unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let (head, body) = text.rsplit_once("\r\n\r\n").unwrap();
    // After "100 Continue" comes the real one.
    let head = head.rsplit("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("content-length:") && !head.contains("transfer-encoding"), "{head}");
    assert!(!head.contains("content-encoding"), "{head}");
    (head, body.to_owned())
}

#[test]
fn curl_is_a_webhook_camera() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (site, _daemon) = webhook_site("camera/platerecognizer-webhook");
    let mut relay = relay(&site);
    let now = jiff::Timestamp::now();
    let hook = include_str!("fixtures/platerecognizer.json").replace("@NOW@", &now.to_string());
    let alone = hook.replace("@PLATE@", "京a00001");
    let kind = "Content-Type: application/json";
    let (head, _) = curl(&site, &["-H", kind, "--data-binary", &alone]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    relay.opened();
    let (head, _) = curl(&site, &["-H", kind, "--data-binary", &alone]);
    assert!(head.starts_with("http/1.1 200"), "{head}");

    site.folder.write("a.jpg", "", 0o600);
    let jpeg = site.folder.path().join("a.jpg");
    std::fs::write(&jpeg, picture::scene("京A00002")).unwrap();
    let text = format!("json={}", hook.replace("@PLATE@", "京a00002"));
    let upload = format!("upload=@{};type=image/jpeg", jpeg.display());
    let (head, _) = curl(&site, &["--form-string", &text, "-F", &upload]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let reads = "select count(*) from journal where kind = 'read_taken' and body like '%京A00002%'";
    wait_for("the second vehicle", || (sql(&site, reads) != "0").then_some(()));
    assert_eq!(sql(&site, "select plate from stay where plate = '京A00001'"), "京A00001");
}

#[test]
fn curl_is_a_camera_that_posts_forms() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (site, _daemon) = webhook_site("camera/huaxia-http");
    let mut relay = relay(&site);
    let fine = "{\"error_num\":0,\"error_str\":\"\"}";
    let beat = curl(&site, &["-d", "type=heartbeat&cam_ip=192.0.2.13"]);
    assert_eq!(beat.1, fine);
    let form =
        ["type=online", "plate_num=京A00001", "plate_color=蓝色", "picture=", "closeup_pic="];
    let fields: Vec<&str> = form.iter().flat_map(|one| ["--data-urlencode", one]).collect();
    assert_eq!(curl(&site, &fields).1, fine);
    relay.opened();
    // Without the header that says what it is, and with nothing escaped.
    let bare = "type=online&plate_num=京A00002&plate_color=蓝色&picture=&closeup_pic=";
    assert_eq!(curl(&site, &["-H", "Content-Type:", "-d", bare]).1, fine);
    let reads = "select count(*) from journal where kind = 'read_taken' and body like '%京A00002%'";
    wait_for("the second vehicle", || (sql(&site, reads) != "0").then_some(()));

    let stranger = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-d", bare])
        .arg(format!("http://{}/device/cam-w?key=guessed", site.http))
        .output()
        .unwrap();
    assert_ne!(String::from_utf8(stranger.stdout).unwrap(), "200");
}

/// Runs where `PAIFANG_PYTHON` names a Python that has paho-mqtt.
#[test]
fn paho_is_a_qianyi_camera() {
    let Ok(python) = std::env::var("PAIFANG_PYTHON") else {
        return eprintln!("left out: PAIFANG_PYTHON names no Python with paho-mqtt");
    };
    let devices = lane("cam-q", "camera/qianyi-mqtt", &format!("sn = \"{SN}\""), None);
    let site = Site::new(&devices, &format!("[mqtt]\ncam-q = \"{PASSWORD}\"\n"));
    let daemon = site.start();
    let (host, port) = (site.mqtt.ip().to_string(), site.mqtt.port().to_string());
    let told = Command::new(python)
        .args(["-c", include_str!("peers/qianyi.py"), &host, &port, "cam-q", PASSWORD, SN])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{errors}\n{}", daemon.log());
    let mut lines: Vec<&str> = std::str::from_utf8(&told.stdout).unwrap().lines().collect();
    lines.sort_unstable();
    let expected = [
        "answered 1700000000001record0",
        "answered 1700000000002online0",
        "answered 1700000000002online0",
        "opened",
        "registered",
    ];
    assert_eq!(lines, expected, "{errors}\n{}", daemon.log());
    assert_eq!(sql(&site, "select plate from stay"), "京A12345");
    assert_eq!(count(&site, "replay"), 1);
}
