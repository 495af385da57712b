//! The devices over HTTP: who may look after them, and what a calling device gets.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use reqwest::{Method, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use super::{phone::Phone, site::Site};
use crate::{
    http::{
        folder_token,
        ports::{
            Admission, DeviceAnswer, DeviceCall, DeviceDoor, DeviceReport, DeviceState, Fleet,
            Latency, Spoken, StrangerReport, TestError, TestReport,
        },
    },
    types::DeviceId,
};

const KEY: &str = "0123456789abcdef";

static SAID: LazyLock<broadcast::Sender<Arc<Spoken>>> =
    LazyLock::new(|| broadcast::Sender::new(16));
/// What strangers and devices brought, and what was tested.
static CALLS: Mutex<Vec<DeviceCall>> = Mutex::new(Vec::new());
static TESTS: Mutex<Vec<(String, bool, String)>> = Mutex::new(Vec::new());

fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

impl Fleet for Site {
    fn devices(&self) -> Vec<DeviceReport> {
        let report = |name: &str, state, movable| DeviceReport {
            id: id(name),
            profile: "camera/vzenith-http".into(),
            transport: "http".into(),
            state,
            last_seen: None,
            messages: 7,
            dropped: 3,
            nonsense: 0,
            errors: [].into(),
            latency: Some(Latency { last_us: 1_500, p50_us: 2_000, p99_us: 90_000 }),
            clock_offset_ms: Some(-7_200_000),
            model: Some("<C5H>".into()),
            firmware: None,
            movable,
        };
        vec![
            report("cam-1", DeviceState::Flooding, true),
            report("led-1", DeviceState::Silent, false),
        ]
    }

    fn test(
        &self,
        id: String,
        moves: bool,
        who: String,
    ) -> BoxFuture<'_, Result<TestReport, TestError>> {
        let known = self.devices().into_iter().find(|report| report.id.as_str() == id);
        let answer = match known {
            None => Err(TestError::NoDevice(id)),
            Some(report) if moves && !report.movable => Err(TestError::NoArm(report.id)),
            Some(_) => {
                TESTS.lock().unwrap().push((id, moves, who));
                Ok(TestReport { passed: true, lines: vec!["answered in 3 ms".into()] })
            }
        };
        ready(answer).boxed()
    }

    fn live(&self) -> broadcast::Receiver<Arc<Spoken>> {
        SAID.subscribe()
    }

    fn strangers(&self) -> Vec<StrangerReport> {
        Vec::new()
    }

    fn listen(&self, window: Duration) -> Vec<String> {
        vec![format!("for {} s", window.as_secs())]
    }
}

impl DeviceDoor for Site {
    fn admits(&self, device: &str, key: Option<&str>) -> Admission {
        match (device, key) {
            ("cam-1", Some(KEY)) => Admission::Welcome,
            ("cam-1", _) => Admission::WrongKey,
            ("cam-2", _) => Admission::Flood,
            _ => Admission::Stranger,
        }
    }

    fn place(&self, _device: &str) -> BoxFuture<'_, Option<OwnedSemaphorePermit>> {
        Arc::new(Semaphore::new(1)).acquire_owned().map(Result::ok).boxed()
    }

    fn called(&self, call: DeviceCall) -> BoxFuture<'_, DeviceAnswer> {
        CALLS.lock().unwrap().push(call);
        let body = Bytes::from_static(b"{\"info\":\"ok\"}");
        let content_type = "application/json".to_owned();
        ready(DeviceAnswer { status: StatusCode::OK, content_type, body }).boxed()
    }

    fn stranger(&self, call: DeviceCall) {
        CALLS.lock().unwrap().push(call);
    }
}

#[tokio::test]
async fn a_device_gets_a_plain_answer_with_its_length() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    let post = |path: &str, body: Vec<u8>| phone.ask(Method::POST, path).body(body).send();
    let answer = post(&format!("/device/cam-1/a//b?SN=1&key={KEY}"), vec![b'x'; 7_000_000]).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "13");
    for absent in ["set-cookie", "content-security-policy", "transfer-encoding", "content-encoding"]
    {
        assert!(!answer.headers().contains_key(absent), "{absent}");
    }
    assert_eq!(answer.text().await.unwrap(), "{\"info\":\"ok\"}");
    let took = |path: &str| {
        let calls = CALLS.lock().unwrap();
        calls.iter().find(|call| call.path == path).cloned().unwrap()
    };
    let call = took("/a//b");
    assert_eq!((call.query.as_str(), call.body.map(|b| b.len())), ("SN=1", Some(7_000_000)));
    for (path, status) in [
        ("/device/cam-1", 401),
        ("/device/cam-1?key=0123456789abcdeg", 401),
        ("/device/cam-2?key=x", 429),
        ("/device/nobody/hello", 404),
        ("/device/Nobody%2F..", 404),
    ] {
        let answer = post(path, "京A12345".into()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_LENGTH], "0", "{path}");
        assert!(!answer.headers().contains_key(header::CONTENT_TYPE), "{path}");
    }
    assert_eq!(took("/hello").device, "nobody");
    let long = post(&format!("/device/cam-1/long?key={KEY}"), vec![b'x'; 9_000_000]).await;
    assert_eq!(long.unwrap().status().as_u16(), 200, "what is too long is the door's to answer");
    assert!(took("/long").body.is_none());
    let poll = phone.get(&format!("/device/cam-1/poll?key={KEY}")).await;
    assert_eq!(poll.status().as_u16(), 200);
    let put = phone.ask(Method::PUT, "/device/cam-1").send().await.unwrap();
    assert_eq!(put.status().as_u16(), 405);
}

#[tokio::test]
async fn only_operators_and_the_data_folder_look_after_devices() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let nobody = Phone::new(address);
    let bearer = |token: &str| format!("Bearer {token}");
    let (right, wrong) = (folder_token(&[7; 32]), folder_token(&[8; 32]));
    for path in ["/api/v1/devices", "/api/v1/devices/strangers", "/api/v1/devices/live"] {
        assert_eq!(nobody.get(path).await.status().as_u16(), 401, "{path}");
        let request = nobody.ask(Method::GET, path).header(header::AUTHORIZATION, bearer(&wrong));
        assert_eq!(request.send().await.unwrap().status().as_u16(), 401, "{path}");
        let request = nobody.ask(Method::GET, path).header(header::AUTHORIZATION, bearer(&right));
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200, "{path}");
    }
    assert_eq!(nobody.get("/console/devices").await.status().as_u16(), 303);
    let test = |phone: &Phone, device: &str, body: &'static str| {
        let path = format!("/api/v1/devices/{device}/test");
        phone.ask(Method::POST, &path).header(header::CONTENT_TYPE, "application/json").body(body)
    };
    let held =
        |request: reqwest::RequestBuilder| request.header(header::AUTHORIZATION, bearer(&right));
    assert_eq!(test(&nobody, "cam-1", "{}").send().await.unwrap().status().as_u16(), 401);
    let done = held(test(&nobody, "cam-1", "{\"moves\":true}")).send().await.unwrap();
    assert!(done.text().await.unwrap().contains("answered in 3 ms"));
    for (device, body, status) in
        [("cam-9", "{}", 404), ("led-1", "{\"moves\":true}", 422), ("cam-1", "{\"move\":1}", 422)]
    {
        let refused = held(test(&nobody, device, body)).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), status, "{device} {body}");
    }
    // A signed-in browser acts from our own pages only.
    let li = Phone::operator(address).await;
    let foreign = test(&li, "cam-1", "{}").header(header::ORIGIN, "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status().as_u16(), 403);
    let own = test(&li, "cam-1", "{}").header(header::ORIGIN, format!("http://{address}"));
    assert_eq!(own.send().await.unwrap().status().as_u16(), 200);
    let tests = TESTS.lock().unwrap();
    assert!(tests.contains(&("cam-1".into(), true, "command line".into())), "{tests:?}");
    assert!(tests.contains(&("cam-1".into(), false, "li".into())), "{tests:?}");
}

#[tokio::test]
async fn the_page_shows_how_each_device_is_and_tests_it() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let li = Phone::operator(address).await;
    let page = li.text("/console/devices").await;
    for there in ["cam-1", "Floods", "Silent", "1.5 / 2.0 / 90 ms", "-7200.0 s", "dropped 3"] {
        assert!(page.contains(there), "{there}: {page}");
    }
    assert!(
        page.contains("&#60;C5H&#62;") && !page.contains("<C5H>"),
        "what a device says is text"
    );
    assert!(page.contains("Test by opening"), "{page}");
    assert!(li.text("/console/devices?lang=zh").await.contains("发送过多"));
    let tested = li.post("/console/devices/cam-1/test", &[("moves", "yes")]).await;
    assert_eq!(tested.status().as_u16(), 200);
    assert!(tested.text().await.unwrap().contains("answered in 3 ms"));
    let foreign = li.ask(Method::POST, "/console/devices/cam-1/test").form(&[("moves", "yes")]);
    assert_eq!(foreign.send().await.unwrap().status().as_u16(), 403);

    let said = Spoken {
        at: "2026-11-23T00:00:00Z".parse().unwrap(),
        device: id("cam-1"),
        what: "plate read 京A·**345".into(),
    };
    let speak = async {
        while SAID.send(Arc::new(said.clone())).is_err() {
            tokio::task::yield_now().await;
        }
        // Until the page has it: it may have begun to listen a moment later.
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let _ = SAID.send(Arc::new(said.clone()));
        }
    };
    let hears = li.hears("/console/devices/live", |heard| heard.contains("京A·**345"));
    tokio::select! {
        heard = hears => assert!(heard.contains("event: piece") && heard.contains("\"id\":\"said\"")),
        () = speak => {}
    }
}
