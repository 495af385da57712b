//! A camera at the embedded broker, heard and told by the daemon's driver.

use std::{process::Command as Program, time::Duration};

use jiff::{SignedDuration, Timestamp};
use paifang_devices::{
    CivilTime, Command, DecodeError, DeviceEvent, OlmLed, PlateRead, Profile,
    led_olm::SpeakMode,
    words::{Direction, PlateColor, Stage, Trigger},
};
use paifang_sim::wire::{
    CameraEvent, CameraFaults, CameraSettings, Obedience, RelayKind, Results, Sighting, TopicLayout,
};

use crate::support::*;

const SN: &str = "5f0c2a77-19be34d0";

async fn site() -> Site {
    Site::start(&Profile::find("camera/vzenith-mqtt").unwrap(), SN).await
}

async fn read(site: &mut Site) -> PlateRead {
    match site.event().await {
        DeviceEvent::PlateRead(read) => *read,
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the camera's clock is compared with ours")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

fn off_by(taken_at_ms: Option<i64>) -> SignedDuration {
    wall_clock().duration_since(Timestamp::from_millisecond(taken_at_ms.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_arrives_quick_and_full_in_every_layout() {
    let mut site = site().await;
    let seen = Sighting::of("京A12345").with_pictures();
    for layout in [TopicLayout::DeviceFirst, TopicLayout::SerialFirst] {
        for abridged in [false, true] {
            let settings = CameraSettings { layout, abridged, ..site.camera() };
            let (camera, _) = online(settings).await;
            camera.read(&seen);
            let (quick, full) = (read(&mut site).await, read(&mut site).await);
            assert_eq!((quick.stage, full.stage), (Stage::Quick, Stage::Full));
            assert_eq!(quick.event_id, full.event_id);
            assert_eq!((quick.picture, &full.picture), (None, &seen.picture));
            assert_eq!(full.crop, seen.crop);
            assert_eq!(full.plate, seen.plate);
            assert_eq!((full.confidence, full.live), (Some(98), true));
            assert_eq!((full.color, full.direction), (PlateColor::Blue, Direction::Down));
            let trigger = if abridged { Trigger::Unknown } else { Trigger::Video };
            assert_eq!(full.trigger, trigger);
            assert!(off_by(full.taken_at_ms).abs() < SignedDuration::from_secs(5));
            camera.read(&Sighting::without_plate());
            let (quick, full) = (read(&mut site).await, read(&mut site).await);
            assert_eq!((quick.plate, full.plate, full.live), (None, None, true));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_repeated_and_half_told_reads() {
    let mut site = site().await;
    let (camera, _) = online(site.camera()).await;
    let seen = Sighting::of("粤B12345");
    camera.set_faults(CameraFaults { duplicates: true, ..CameraFaults::default() });
    let number = camera.read(&seen);
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(read(&mut site).await.event_id);
    }
    for (results, stage) in [(Results::FullOnly, Stage::Full), (Results::QuickOnly, Stage::Quick)] {
        camera.set_faults(CameraFaults { results, ..CameraFaults::default() });
        camera.repeat(number, &seen);
        let again = read(&mut site).await;
        assert_eq!(again.stage, stage);
        ids.push(again.event_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one read, whatever is said of it: {ids:?}");
    camera.read(&seen);
    assert_ne!(read(&mut site).await.event_id, ids[0], "another read of the same plate");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_saw_without_a_broker_comes_as_records() {
    let mut site = site().await;
    let (camera, _) = online(site.camera()).await;
    camera.read(&Sighting { age: Some(Duration::from_hours(1)), ..Sighting::of("京A00001") });
    let old = read(&mut site).await;
    assert_eq!((old.live, old.stage), (false, Stage::Full));
    assert!((off_by(old.taken_at_ms) - SignedDuration::from_hours(1)).abs().as_secs() < 5);

    camera.set_power(false);
    is_online(&camera, false).await;
    // More than the network takes at once.
    let plates: Vec<String> = (0..400).map(|number| format!("京A{number:05}")).collect();
    for plate in &plates {
        camera.read(&Sighting::of(plate));
    }
    camera.set_power(true);
    for plate in &plates {
        let record = read(&mut site).await;
        assert_eq!((record.plate.as_ref(), record.live), (Some(plate), false));
    }
    camera.read(&Sighting::of("京A99999"));
    assert!(read(&mut site).await.live);
}

#[tokio::test(flavor = "multi_thread")]
async fn heart_beats_in_every_form() {
    let mut site = site().await;
    let often = CameraSettings { keep_alive: Duration::from_millis(30), ..site.camera() };
    for (nul_prefix, dollar_topic) in [(false, false), (true, false), (false, true), (true, true)] {
        let settings =
            CameraSettings { nul_prefix, dollar_topic, clock_ahead_s: -600, ..often.clone() };
        let (_camera, _) = online(settings).await;
        for _ in 0..3 {
            let beat = site.heard().await.unwrap();
            let [DeviceEvent::KeepAlive { clock_ms }] = beat[..] else { panic!("{beat:?}") };
            assert!((off_by(clock_ms).as_secs() - 600).abs() < 5);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulse_acts_once_and_answers_in_its_manner() {
    let mut site = site().await;
    let (camera, mut events) = online(site.camera()).await;
    assert!(site.answer(&Command::PulseOpen).await);
    let CameraEvent::Relay(moved) = acted(&mut events).await else { panic!() };
    assert_eq!((moved.board, moved.relay, moved.kind), (0, 1, RelayKind::Pulse { ms: 1500 }));
    assert!(site.answer(&Command::PulseClose).await);
    let CameraEvent::Relay(moved) = acted(&mut events).await else { panic!() };
    assert_eq!(moved.relay, 2);

    let obey = |obedience| camera.set_faults(CameraFaults { obedience, ..CameraFaults::default() });
    obey(Obedience::Refuses(500));
    assert!(!site.answer(&Command::PulseOpen).await);
    let refused = CameraEvent::Refused { name: "gpio_out".into(), code: 500 };
    assert_eq!(acted(&mut events).await, refused);
    obey(Obedience::ActsSilently);
    site.command(&Command::PulseOpen);
    assert!(matches!(acted(&mut events).await, CameraEvent::Relay(_)));
    obey(Obedience::Deaf);
    site.command(&Command::PulseOpen);
    assert_eq!(acted(&mut events).await, CameraEvent::Unheard { name: "gpio_out".into() });
    obey(Obedience::Acts);
    camera.set_input(1, true);
    let after = site.event().await;
    assert_eq!(after, DeviceEvent::InputChanged { input: 1, on: true }, "no answer came before");
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_clocks_and_serial_bytes() {
    let mut site = site().await;
    let settings = CameraSettings { clock_ahead_s: 3_600, ..site.camera() };
    let (camera, mut events) = online(settings).await;
    assert!(site.answer(&Command::TriggerRead).await);
    assert_eq!(acted(&mut events).await, CameraEvent::Triggered);
    camera.read(&Sighting { trigger: 4, ..Sighting::of("京A12345") });
    assert_eq!(read(&mut site).await.trigger, Trigger::Software);
    read(&mut site).await;

    let local = jiff::tz::offset(8).to_datetime(wall_clock());
    let time = CivilTime {
        year: local.year() as u16,
        month: local.month() as u8,
        day: local.day() as u8,
        hour: local.hour() as u8,
        minute: local.minute() as u8,
        second: local.second() as u8,
    };
    assert!(site.answer(&Command::SetTime(time)).await);
    let CameraEvent::ClockSet { ahead_s } = acted(&mut events).await else { panic!() };
    assert!(ahead_s.abs() <= 2 && camera.clock_ahead_s() == ahead_s, "{ahead_s}");

    let frame = OlmLed::speak("欢迎光临", SpeakMode::Now);
    let write = Command::SerialData { channel: 0, bytes: frame.clone() };
    assert!(site.answer(&write).await);
    assert_eq!(acted(&mut events).await, CameraEvent::Serial { channel: 0, bytes: frame });
    assert_eq!(camera.led().spoken(), ["欢迎光临"]);
    camera.serial(1, b"T1\r");
    let said = DeviceEvent::SerialData { channel: 1, bytes: b"T1\r".to_vec() };
    assert_eq!(site.event().await, said);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_told_from_reads() {
    let mut site = site().await;
    let (camera, _) = online(site.camera()).await;
    site.heard().await.unwrap();
    camera.say_raw("ivs_result", vec![0xFF, 0xFE, 0x00]);
    assert!(matches!(site.heard().await, Err(DecodeError::Unreadable { .. })));
    camera.say_raw("ivs_result", "{\"payload\":3}");
    assert!(matches!(site.heard().await, Err(DecodeError::Missing { .. })));
    camera.say_raw("brand_new", "{}");
    assert!(matches!(site.heard().await, Err(DecodeError::Unknown { .. })));
    camera.read(&Sighting::of("京A12345"));
    assert_eq!(read(&mut site).await.plate.as_deref(), Some("京A12345"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_by_itself_and_stays_out_with_a_wrong_password() {
    let site = site().await;
    let (camera, mut events) = online(site.camera()).await;
    let wrong = CameraSettings { password: "wrong".into(), ..site.camera() };
    let refused = paifang_sim::wire::Camera::start(wrong);
    camera.set_power(false);
    loop {
        if matches!(next(&mut events).await, CameraEvent::Offline { .. }) {
            break;
        }
    }
    camera.set_power(true);
    assert_eq!(next(&mut events).await, CameraEvent::Online);
    assert!(!*refused.online().borrow());
}

/// A camera by other hands: Debian's client with the account of ours.
#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_pub_is_a_camera_too() {
    let mut site = site().await;
    let settings = site.camera();
    let payload = format!(
        r#"{{"sn":"{SN}","name":"ivs_result","version":"1.0","timestamp":1783437557,"payload":
        {{"AlarmInfoPlate":{{"result":{{"PlateResult":{{"license":"5LqsQTEyMzQ1","color":1,
        "confidence":93,"direction":4,"plateid":12}}}}}}}}}}"#
    );
    let port = settings.broker.port().to_string();
    let topic = format!("device/{SN}/message/up/ivs_result");
    let output = Program::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &port, "-u", SN, "-P", &settings.password])
        .args(["-i", SN, "-q", "1", "-t", &topic, "-m", &payload])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = read(&mut site).await;
    assert_eq!((read.plate.as_deref(), read.confidence), (Some("京A12345"), Some(93)));
    assert_eq!((read.event_id.as_str(), read.live), ("p:12", true));
}
