//! Programs against the real daemon: tokens by the command line, webhooks to a receiver that fails and across a power
//! cut, and `schemathesis` over the document.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use paifang::types::Scope;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    cli::{LANE, SECRETS},
    support::{Site, wait_for},
};

/// By the command line, while the site runs.
fn token(site: &Site, name: &str, scopes: &str) -> String {
    let output = site.run(&["token", "add", name, "--scopes", scopes]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    told.split("token ").nth(1).unwrap().split(';').next().unwrap().to_owned()
}

fn ask(at: SocketAddr, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\nAccept-Language: en\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn pass(plate: &str) -> Value {
    json!({
        "holder": "张三", "plates": [plate], "kind": { "is": "season" },
        "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2096-01-01T00:00:00Z"
    })
}

// ---- tokens --------------------------------------------------------------------------------------

#[test]
fn tokens_are_made_and_taken_back_while_the_site_runs() {
    let site = Site::new(LANE, SECRETS);
    let daemon = site.start();
    let odd = site.run(&["token", "add", "office", "--scopes", "stays:eat"]);
    assert!(!odd.status.success() && String::from_utf8_lossy(&odd.stderr).contains("stays:read"));
    let token = token(&site, "office", "stays:read,lanes:read");
    assert_eq!(ask(site.http, &token, "GET", "/api/v1/lanes", &Value::Null).0, 200);
    assert_eq!(ask(site.http, &token, "GET", "/api/v1/passes", &Value::Null).0, 403);
    let again = site.run(&["token", "add", "office", "--scopes", "stays:read"]);
    assert!(!again.status.success());
    let list = String::from_utf8(site.run(&["token", "list"]).stdout).unwrap();
    assert!(list.contains("office: stays:read,lanes:read; last used 2"), "{list}");
    assert!(!list.contains(&token));
    assert!(site.run(&["token", "revoke", "office"]).status.success());
    assert_eq!(ask(site.http, &token, "GET", "/api/v1/lanes", &Value::Null).0, 401);
    daemon.stop();
}

// ---- webhooks ------------------------------------------------------------------------------------

/// One request as it came.
#[derive(Clone)]
struct Told {
    headers: BTreeMap<String, String>,
    body: String,
    taken: bool,
}

impl Told {
    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether whoever sent it knows the secret.
    fn is_signed(&self, secret: &str) -> bool {
        let (t, v1) = self.headers["paifang-signature"].split_once(',').unwrap();
        let t = t.strip_prefix("t=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{t}.{}", self.body).as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        v1 == format!("v1={hex}")
    }
}

/// A program that is told of events; it takes none while it fails.
struct Receiver {
    at: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
    fails: Arc<Mutex<u32>>,
    /// It wants no more.
    gone: Arc<AtomicBool>,
}

impl Receiver {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (told, fails) = (Arc::<Mutex<Vec<Told>>>::default(), Arc::<Mutex<u32>>::default());
        let gone = Arc::<AtomicBool>::default();
        let (all, left, over) = (told.clone(), fails.clone(), gone.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (all, left, over) = (all.clone(), left.clone(), over.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &all, &left, &over));
            }
        });
        Self { at, told, fails, gone }
    }

    fn fail(&self, times: u32) {
        *self.fails.lock().unwrap() = times;
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// The numbers of what it took.
    fn taken(&self) -> Vec<String> {
        let taken = self.told().into_iter().filter(|told| told.taken);
        taken.map(|told| told.event()["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn serve(stream: TcpStream, all: &Mutex<Vec<Told>>, fails: &Mutex<u32>, gone: &AtomicBool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(": ") {
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let mut left = fails.lock().unwrap();
        let gone = gone.load(Ordering::Relaxed);
        let taken = *left == 0 && !gone;
        *left = left.saturating_sub(1);
        drop(left);
        let body = String::from_utf8(body).unwrap();
        all.lock().unwrap().push(Told { headers, body, taken });
        let line = match (taken, gone) {
            (true, _) => "204 No Content",
            (false, true) => "410 Gone",
            (false, false) => "503 Service Unavailable",
        };
        let length = if taken { "" } else { "Content-Length: 0\r\n" };
        if write!(stream, "HTTP/1.1 {line}\r\n{length}\r\n").is_err() {
            return;
        }
    }
}

#[test]
fn events_arrive_in_order_signed_and_across_a_power_cut() {
    let site = Site::new(LANE, SECRETS);
    let daemon = site.start();
    let receiver = Receiver::new();
    let token = token(&site, "office", "webhooks:write,passes:read,passes:write,alarms:read");
    let post = |path: &str, body: &Value| ask(site.http, &token, "POST", path, body);
    let url = format!("http://{}/events", receiver.at);
    let hook = |kinds: &[&str], plates| json!({ "url": url, "kinds": kinds, "plates": plates });
    let (status, no) = post("/api/v1/webhooks", &hook(&["stay.opened"], false));
    assert_eq!((status, &no["code"]), (403, &json!("no_scope")), "it may not read stays");
    assert_eq!(post("/api/v1/webhooks", &hook(&["pass.changed"], true)).0, 403, "nor plates");
    let (status, made) = post("/api/v1/webhooks", &hook(&["pass.changed"], false));
    assert_eq!(status, 200, "{made}");
    let (id, secret) = (made["id"].as_i64().unwrap(), made["secret"].as_str().unwrap());
    let kept = std::fs::read(site.database()).unwrap();
    let kept = kept.windows(secret.len()).any(|window| window == secret.as_bytes());
    assert!(!kept, "the secret is kept nowhere");

    // It takes nothing at first, and what comes behind waits its turn.
    receiver.fail(2);
    assert_eq!(post("/api/v1/passes", &pass("沪A11111")).0, 200);
    assert_eq!(post("/api/v1/passes", &pass("沪A22222")).0, 200);
    wait_for("both events", || (receiver.taken().len() >= 2).then_some(()));
    let told = receiver.told();
    let ids: Vec<String> = told.iter().map(|t| t.event()["id"].as_str().unwrap().into()).collect();
    assert_eq!((told.len(), &ids[0], &ids[1]), (4, &ids[2], &ids[1]), "{ids:?}");
    assert!(told.iter().all(|told| told.is_signed(secret) && !told.is_signed("another")));
    let event = told[2].event();
    assert_eq!(
        (&event["type"], &event["data"]["plates"][0]),
        (&json!("pass.changed"), &json!("沪A·**111"))
    );
    assert_eq!(told[2].headers["paifang-event"], "pass.changed");

    // The power goes while an event cannot be delivered.
    receiver.fail(1);
    assert_eq!(post("/api/v1/passes", &pass("沪A33333")).0, 200);
    wait_for("a try", || (receiver.told().len() >= 5).then_some(()));
    daemon.kill();
    let daemon = site.start();
    wait_for("the third event", || {
        let taken = receiver.told().into_iter().filter(|told| told.taken);
        let third = taken.filter(|told| told.body.contains("沪A·**333"));
        (third.count() == 1).then_some(())
    });
    let seqs = |ids: &[String]| -> Vec<i64> {
        ids.iter().map(|id| id.trim_end_matches("-0").parse().unwrap()).collect()
    };
    let mut taken = seqs(&receiver.taken());
    taken.dedup();
    assert!(taken.is_sorted() && taken.len() == 3, "at least once, in order: {taken:?}");

    // From the beginning once more: the same numbers.
    let before = receiver.taken().len();
    let (status, state) = ask(
        site.http,
        &token,
        "POST",
        &format!("/api/v1/webhooks/{id}/replay"),
        &json!({ "after_seq": 0 }),
    );
    assert_eq!((status, &state["dead"]), (200, &json!(false)), "{state}");
    wait_for("all again", || (receiver.taken().len() >= before + 3).then_some(()));
    let again = seqs(&receiver.taken()[before..]);
    assert!(again.starts_with(&taken), "{again:?} {taken:?}");
    // It wants no more: a person is told, and says when to go on.
    receiver.gone.store(true, Ordering::Relaxed);
    let get = |path: &str| ask(site.http, &token, "GET", path, &Value::Null).1;
    assert_eq!(post("/api/v1/passes", &pass("沪A44444")).0, 200);
    let alarmed = || {
        let alarms = get("/api/v1/alarms");
        alarms.as_array().unwrap().iter().any(|alarm| alarm["kind"] == "webhook_dead")
    };
    wait_for("the alarm", || alarmed().then_some(()));
    assert_eq!(get("/api/v1/webhooks")[0]["dead"], true);
    let before = receiver.taken().len();
    receiver.gone.store(false, Ordering::Relaxed);
    assert_eq!(post(&format!("/api/v1/webhooks/{id}/replay"), &json!({})).0, 200);
    wait_for("what waited", || (receiver.taken().len() > before).then_some(()));
    assert!(receiver.told().last().unwrap().body.contains("沪A·**444") && !alarmed());
    let gone = ask(site.http, &token, "DELETE", &format!("/api/v1/webhooks/{id}"), &Value::Null);
    assert_eq!(gone.0, 204);
    daemon.stop();
}

// ---- the whole API -------------------------------------------------------------------------------

/// Lets alone what answers for as long as somebody listens.
const STREAM: &str = "/api/v1/devices/live";

/// Runs where `PAIFANG_PYTHON` names a Python that has schemathesis.
#[test]
fn schemathesis_finds_no_breach() {
    let Ok(python) = std::env::var("PAIFANG_PYTHON") else {
        return eprintln!("left out: PAIFANG_PYTHON names no Python with schemathesis");
    };
    let site = Site::new(&format!("{LANE}[till]\nbooths = [\"east\"]\n"), SECRETS);
    let daemon = site.start();
    let all: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let token = token(&site, "tester", &all.join(","));
    for n in 1..=3 {
        let (status, made) =
            ask(site.http, &token, "POST", "/api/v1/passes", &pass(&format!("沪A1111{n}")));
        assert_eq!(status, 200, "{made}");
    }
    let output = Command::new(std::path::Path::new(&python).with_file_name("schemathesis"))
        .current_dir(site.folder.path())
        .args(["run", &format!("http://{}/api/v1/openapi.json", site.http)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--header", "Accept-Language: en"])
        .args(["--checks", CHECKS, "--seed", "7", "--max-examples", "8"])
        .args(["--phases", "examples,coverage,fuzzing", "--exclude-path", STREAM])
        .args(["--exclude-path-regex", "^/api/v1/validations"])
        .args([
            "--generation-database",
            "none",
            "--no-color",
            "--generation-with-security-parameters",
            "false",
            "--suppress-health-check",
            "all",
        ])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("passed") || told.contains("No issues found"), "{told}");
    assert!(!daemon.log().contains("\"level\":\"ERROR\""), "{}", daemon.log());
    // It did not only knock: what the document gives as examples was done.
    for path in ["/api/v1/lists", "/api/v1/orders", "/api/v1/tickets", "/api/v1/webhooks"] {
        let (status, list) = ask(site.http, &token, "GET", path, &Value::Null);
        assert!(
            status == 200 && list.as_array().is_some_and(|all| !all.is_empty()),
            "{path}: {list}"
        );
    }
    daemon.stop();
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,\
    unsupported_method";
