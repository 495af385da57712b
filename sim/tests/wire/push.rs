//! Cameras that call a web address, and what they insist on. The far side is a plain server here,
//! with answers written by hand.

use std::time::Duration;

use axum::{body::Body, response::Response};
use paifang_sim::wire::{
    CameraEvent, RelayKind, Sighting, Twin, VzenithHttp, VzenithHttpSettings, Webhook, WebhookMake,
    WebhookSettings,
};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::{support::*, web::*};

const SOON: Duration = Duration::from_millis(20);

fn settings(web: &Web) -> VzenithHttpSettings {
    let settings = VzenithHttpSettings::new(&web.url, "fe71e106-57263272");
    VzenithHttpSettings { comet: false, resends_after: SOON, ..settings }
}

/// Number of the read, its text, and whether it is a record.
fn plate(asked: &Asked) -> (u64, String, bool) {
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let result = &body["AlarmInfoPlate"]["result"]["PlateResult"];
    let text = result["license"].as_str().unwrap().to_owned();
    (result["plateid"].as_u64().unwrap(), text, result["isoffline"] == 1)
}

fn reply(asked: Asked, wishes: &Value) {
    asked.answer("application/json", json!({"Response_AlarmInfoPlate": wishes}).to_string());
}

async fn fate(events: &mut broadcast::Receiver<CameraEvent>) -> CameraEvent {
    loop {
        match next(events).await {
            CameraEvent::Online | CameraEvent::Offline { .. } => {}
            event => return event,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_insists_resends_until_it_is_told_to_stop() {
    let mut web = Web::start().await;
    let camera = VzenithHttp::start(VzenithHttpSettings { insists: true, ..settings(&web) });
    let mut events = camera.body().events();
    let number = camera.read(&Sighting::of("京A12345"));
    for is_record in [false, true, true] {
        let asked = web.next_at("/plate").await;
        assert_eq!(plate(&asked), (number, "京A12345".into(), is_record));
        reply(asked, &json!({"info": "no"}));
        assert!(matches!(fate(&mut events).await, CameraEvent::NotTaken { .. }));
    }
    reply(web.next_at("/plate").await, &json!({"info": "no", "content": "retransfer_stop"}));
    assert_eq!(fate(&mut events).await, CameraEvent::Taken { number });
    within("an empty store", async {
        while camera.body().records_len() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_read_breaks_into_records_and_the_record_comes_twice() {
    let mut web = Web::start().await;
    let camera = VzenithHttp::start(settings(&web));
    let mut events = camera.body().events();
    let old = camera.read(&Sighting::of("京A00001"));
    let asked = web.next_at("/plate").await;
    assert!(!plate(&asked).2);
    asked.respond(Response::builder().status(503).body(Body::empty()).unwrap());
    assert!(matches!(fate(&mut events).await, CameraEvent::NotTaken { .. }));

    let unanswered = web.next_at("/plate").await;
    assert_eq!(plate(&unanswered), (old, "京A00001".into(), true));
    let live = camera.read(&Sighting::of("京A00002"));
    let asked = web.next_at("/plate").await;
    assert_eq!(plate(&asked), (live, "京A00002".into(), false));
    reply(asked, &json!({}));
    assert_eq!(fate(&mut events).await, CameraEvent::Taken { number: live });

    let asked = web.next_at("/plate").await;
    assert_eq!(plate(&asked), (old, "京A00001".into(), true));
    reply(asked, &json!({"info": "no"}));
    assert!(matches!(fate(&mut events).await, CameraEvent::NotTaken { .. }), "not told to go on");
    let asked = web.next_at("/plate").await;
    reply(asked, &json!({"ContinuePushOffline": {"plateid": old, "continue": 1}}));
    assert_eq!(fate(&mut events).await, CameraEvent::Taken { number: old });
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_for_orders_and_tells_its_password_with_every_beat() {
    let mut web = Web::start().await;
    let often = Duration::from_millis(50);
    let plain = VzenithHttp::start(VzenithHttpSettings {
        keep_alive: often,
        url: format!("{}?key=of-cam-1", web.url),
        ..settings(&web)
    });
    let mut events = plain.body().events();
    let beat = web.next_at("/heartbeat").await;
    assert_eq!((beat.method.as_str(), beat.query.as_str()), ("POST", "key=of-cam-1"));
    let kind = beat.content_type.clone().unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    assert!(beat.text().contains("name=\"pass_wd\"\r\n\r\nof-the-camera-itself\r\n"));
    reply(beat, &json!({"info": "ok"}));
    web.next_at("/heartbeat").await.answer("", "");
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(event, CameraEvent::Relay(_)), "no orders without the poll");
    }
    drop(plain);

    let camera = VzenithHttp::start(VzenithHttpSettings { comet: true, ..settings(&web) });
    let mut events = camera.body().events();
    reply(web.next_at("/comet").await, &json!({"info": "ok", "channelNum": 1}));
    let CameraEvent::Relay(moved) = acted(&mut events).await else { panic!() };
    assert_eq!((moved.relay, moved.kind), (2, RelayKind::Pulse { ms: 500 }));
    // It asks again at once, and says nothing of what it cannot read.
    reply(web.next_at("/comet").await, &json!({"ivs_ioctrl": {"io": 9, "value": 2, "delay": 500}}));
    assert!(matches!(acted(&mut events).await, CameraEvent::Refused { code: 400, .. }));
    web.next_at("/comet").await.answer("", "nonsense");
    let _held = web.next_at("/comet").await;

    assert!(camera.set_input(1, true));
    let input: Value = serde_json::from_slice(&web.next_at("/gpio").await.body).unwrap();
    let expected = json!({"source": 0, "value": 1});
    assert_eq!(input["AlarmGioIn"]["result"]["TriggerResult"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_small_camera_cannot_read_it_sends_again() {
    let mut web = Web::start().await;
    for bare in [false, true] {
        let settings = WebhookSettings::new(WebhookMake::Huaxia { bare }, &web.url, "cam-1");
        let camera = Webhook::start(WebhookSettings { resends_after: SOON, ..settings });
        let mut events = camera.body().events();
        let number = camera.read(&Sighting::of("京A12345"));
        let fine = json!({"error_num": 0, "error_str": ""}).to_string();
        for chunked in [true, false] {
            let asked = loop {
                let asked = web.next().await;
                if asked.text().starts_with("type=online") {
                    break asked;
                }
                asked.answer("application/json", fine.clone());
            };
            assert_eq!(asked.content_type.is_none(), bare);
            assert_eq!(asked.text().contains("plate_num=京A12345&"), bare, "{}", asked.text());
            if chunked {
                // A stream has no length to tell.
                let pieces = Body::from(fine.clone()).into_data_stream();
                asked.respond(Response::new(Body::from_stream(pieces)));
                assert!(matches!(fate(&mut events).await, CameraEvent::NotTaken { .. }));
            } else {
                asked.answer("application/json", fine.clone());
                assert_eq!(fate(&mut events).await, CameraEvent::Taken { number });
            }
        }
    }
}
