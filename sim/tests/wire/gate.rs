//! The web server of a Hikvision camera, called by curl: a client that is not ours.

use std::process::Command as Program;

use paifang_sim::wire::{
    CameraEvent, HashKind, Hikvision, HikvisionSettings, RelayKind, Sighting, Twin,
};

use crate::{support::*, web::Web};

const BARRIER: &str = "/ISAPI/Parking/channels/1/barrierGate";
const STATUS: &str = "/ISAPI/Parking/channels/1/barrierGate/barrierGateStatus";

fn camera(change: impl FnOnce(&mut HikvisionSettings)) -> Hikvision {
    let mut settings = HikvisionSettings::new("http://127.0.0.1:1", "DS-TCG405-E 1");
    change(&mut settings);
    Hikvision::start(settings).unwrap()
}

/// Status and body.
async fn curl(camera: &Hikvision, password: &str, args: &[&str], path: &str) -> (u16, String) {
    let output = std::env::temp_dir();
    let mut curl = Program::new("curl");
    curl.args(["-s", "-m", "5", "--digest", "-w", "\n%{http_code}", "-u"])
        .arg(format!("admin:{password}"))
        .args(args)
        .arg(format!("http://{}{path}", camera.addr()))
        .current_dir(output);
    let told = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

async fn order(camera: &Hikvision, mode: &str) -> (u16, String) {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><BarrierGate><ctrlMode>{mode}</ctrlMode></BarrierGate>"
    );
    curl(camera, "of-the-camera-itself", &["-X", "PUT", "-d", &body], BARRIER).await
}

async fn position(camera: &Hikvision) -> String {
    let (status, body) = curl(camera, "of-the-camera-itself", &[], STATUS).await;
    assert_eq!(status, 200, "{body}");
    let inner = body.split("<barrierGateStatus>").nth(1).unwrap();
    inner.split('<').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_moves_for_the_right_password_unless_it_is_locked() {
    for hash in [HashKind::Md5, HashKind::Sha256] {
        let camera = camera(|settings| settings.hash = hash);
        let mut events = camera.body().events();
        assert_eq!(position(&camera).await, "1");
        camera.set_locked(true);
        let (status, body) = order(&camera, "open").await;
        assert!(status == 200 && body.contains("<statusCode>1</statusCode>"), "{body}");
        assert_eq!(position(&camera).await, "1", "it says yes and stands still");
        camera.set_locked(false);
        let (_, body) = order(&camera, "open").await;
        assert!(body.contains("<statusCode>1</statusCode>"), "{body}");
        let CameraEvent::Relay(moved) = acted(&mut events).await else { panic!() };
        assert_eq!((moved.relay, moved.kind), (1, RelayKind::Pulse { ms: 500 }));
        within("the arm", async { while position(&camera).await != "2" {} }).await;
        let (status, body) = order(&camera, "fly").await;
        assert!(status == 400 && body.contains("<statusCode>6</statusCode>"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_locks_the_account_and_it_may_have_no_barrier() {
    let camera = camera(|settings| (settings.tries_max, settings.barrier) = (2, false));
    let (status, body) = order(&camera, "open").await;
    assert!(status == 403 && body.contains("notSupport"), "{body}");
    for expected in [401, 403] {
        assert_eq!(curl(&camera, "guessed", &[], STATUS).await.0, expected);
    }
    assert!(camera.is_account_locked());
    assert_eq!(curl(&camera, "of-the-camera-itself", &[], STATUS).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_nobody_hears_is_forgotten() {
    let mut web = Web::start().await;
    let camera = camera(|settings| settings.url.clone_from(&web.url));
    let mut events = camera.body().events();
    for (plate, status) in [("京A00001", 503), ("京A00002", 200)] {
        camera.read(&Sighting::of(plate).with_pictures());
        let asked = web.next().await;
        assert!(asked.text().contains(&format!("<licensePlate>{plate}</licensePlate>")));
        let answer = axum::response::Response::builder().status(status);
        asked.respond(answer.body(axum::body::Body::empty()).unwrap());
        let taken = loop {
            match next(&mut events).await {
                CameraEvent::Taken { .. } => break true,
                CameraEvent::NotTaken { .. } => break false,
                _ => {}
            }
        };
        assert_eq!(taken, status == 200);
    }
    assert_eq!(camera.body().records_len(), 0);
}
