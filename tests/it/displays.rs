//! Displays and printers of a running site: a text board behind a camera, a printer without paper.

use paifang_sim::wire::{Camera, CameraSettings, Printer, PrinterFaults, Sighting};

use super::support::{Site, get, sql, wait_for};

const SN: &str = "7d20e1ab-03c94f6e";

/// A camera with the barrier on its relays and a text board on its serial port, and a printer.
fn site(printer: &Printer) -> Site {
    let at = printer.address().unwrap();
    let devices = format!(
        r#"
[display]
language = "en"
texts.welcome = {{ lines = [{{ red = "{{plate}}" }}, {{ red = "Hello" }}], voice = "{{plate}}" }}
[[device]]
id = "cam"
profile = "camera/vzenith-mqtt"
sn = "{SN}"
[[device]]
id = "arm"
profile = "barrier/vzenith-gpio"
sn = "{SN}"
[[device]]
id = "led"
profile = "display/aa55-led"
via = "cam"
[[device]]
id = "booth"
profile = "printer/escpos-tcp"
address = "{at}"
[[lane]]
id = "entry-1"
direction = "entry"
camera = "cam"
barrier = "arm"
display = "led"
inputs = {{}}
"#
    );
    Site::new(&devices, "[mqtt]\ncam = \"of-this-camera\"\n")
}

#[test]
fn a_board_behind_a_camera_shows_the_lane_and_a_printer_without_paper_is_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let printer = runtime.block_on(Printer::tcp()).unwrap();
    let empty = PrinterFaults { lines_left: Some(0), ..PrinterFaults::default() };
    printer.set_faults(empty);
    let site = site(&printer);
    let _entered = runtime.enter();
    let daemon = site.start();
    let settings = CameraSettings::new(site.mqtt, SN, "of-this-camera");
    let camera = Camera::start(CameraSettings { username: "cam".into(), ..settings });
    wait_for("the camera", || camera.online().borrow().then_some(()));
    // What was sent before the camera was there is lost; the text comes again by itself.
    wait_for("the lane's text", || (camera.led().screen() == ["Test", "One by one"]).then_some(()));
    camera.read(&Sighting::of("京A12345"));
    wait_for("the plate", || (camera.led().screen() == ["京A12345", "Hello"]).then_some(()));
    wait_for("the voice", || (camera.led().spoken() == ["京A12345"]).then_some(()));
    assert_eq!(camera.led().refused(), 0);

    let alarms = "select count(*) from alarm where kind = '\"paper_out\"'";
    wait_for("the alarm", || (sql(&site, alarms) == "1").then_some(()));
    assert!(printer.lines().is_empty(), "nothing is sent without paper");
    daemon.stop();
}

/// A camera whose serial port drives a sign with the spaces of the lot, and a broker account that may listen to counts.
fn counted() -> Site {
    let devices = format!(
        r#"
[display]
language = "en"
[[device]]
id = "cam"
profile = "camera/vzenith-mqtt"
sn = "{SN}"
[[device]]
id = "arm"
profile = "barrier/vzenith-gpio"
sn = "{SN}"
[[device]]
id = "spaces"
profile = "display/aa55-led"
via = "cam"
[[zone]]
id = "lot"
name = "Lot"
capacity = 2
[[sign]]
device = "spaces"
zones = ["lot"]
few = 1
every_s = 0
[[lane]]
id = "entry-1"
direction = "entry"
camera = "cam"
barrier = "arm"
inputs = {{ help = 2 }}
"#
    );
    Site::new(&devices, "[mqtt]\ncam = \"of-this-camera\"\nguidance = \"of-the-signs\"\n")
}

#[test]
fn a_sign_and_other_programs_are_told_of_free_spaces() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let site = counted();
    let daemon = site.start();
    let settings = CameraSettings::new(site.mqtt, SN, "of-this-camera");
    let camera = Camera::start(CameraSettings { username: "cam".into(), ..settings });
    wait_for("the camera", || camera.online().borrow().then_some(()));
    let (sink, mut heard) = tokio::sync::mpsc::channel(64);
    let guidance = paifang::io::mqtt::Settings {
        url: format!("mqtt://{}", site.mqtt),
        username: "guidance".into(),
        password: "of-the-signs".into(),
        client_id: "guidance".into(),
        clean: true,
        ..Default::default()
    };
    let link =
        paifang::io::mqtt::Link::start(&guidance, vec!["paifang/zones/#".into()], sink).unwrap();
    let mut told = |vehicles: &str| {
        wait_for(vehicles, || {
            let message = heard.try_recv().ok()?;
            let text = String::from_utf8_lossy(&message.payload).into_owned();
            message.ack.done();
            (message.topic == "paifang/zones/lot" && text.contains(vehicles)).then_some(())
        });
    };
    told("\"vehicles\":0,\"capacity\":2,\"free\":2");
    for (plate, shown, count) in [
        ("京A12345", "Lot 1", "\"vehicles\":1,\"capacity\":2,\"free\":1"),
        ("京B22222", "Lot FULL", "\"vehicles\":2,\"capacity\":2,\"free\":0"),
    ] {
        camera.read(&Sighting::of(plate));
        wait_for(shown, || (camera.led().screen() == [shown]).then_some(()));
        told(count);
        let answer = get(site.http, "/api/v1/zones").unwrap();
        assert!(answer.contains(count), "{answer}");
    }
    let calls = "select count(*) from register where kind = 'task' and is_open = 1";
    camera.set_input(2, true);
    wait_for("the call", || (sql(&site, calls) == "1").then_some(()));
    runtime.block_on(link.stop());
    daemon.kill();
    // After a start nobody knows what a sign shows: it is told anew.
    let daemon = site.start();
    let seen = camera.led().sequence();
    wait_for("the sign, told again", || (camera.led().sequence() != seen).then_some(()));
    assert_eq!(camera.led().screen(), ["Lot FULL"]);
    daemon.stop();
}
