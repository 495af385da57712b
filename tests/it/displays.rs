//! Displays and printers of a running site: a text board behind a camera, a printer without paper.

use paifang_sim::wire::{Camera, CameraSettings, Printer, PrinterFaults, Sighting};

use super::support::{Site, sql, wait_for};

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
