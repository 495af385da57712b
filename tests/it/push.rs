//! Devices that speak HTTP, against the real program: a camera that calls and is answered with its orders, a barrier
//! that is called with digest, one that floods, one that nobody knows. Bytes are read as they come off the socket.

use std::{
    collections::HashSet,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use md5::{Digest, Md5};

use super::support::{Site, sql, wait_for};

const KEY: &str = "3f9c1e7ab2d84650";
const LANE: &str = "[[device]]\nid = \"cam-1\"\nprofile = \"camera/vzenith-http\"\n\
    [[device]]\nid = \"cam-2\"\nprofile = \"camera/vzenith-http\"\n\
    [[lane]]\nid = \"entry-1\"\ndirection = \"entry\"\ncamera = \"cam-1\"\nbarrier = \"cam-1\"\ninputs = {}\n\
    [[lane]]\nid = \"entry-2\"\ndirection = \"entry\"\ncamera = \"cam-2\"\nbarrier = \"cam-2\"\ninputs = {}\n";
const HEART: &str = "device_name=gate&serialno=a-1&user_name=admin&pass_wd=hunter2&channel_num=1";
const FORM: &str = "application/x-www-form-urlencoded";

fn secrets() -> String {
    format!("[push]\ncam-1 = \"{KEY}\"\ncam-2 = \"{KEY}\"\n")
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn opens(&self) -> bool {
        assert_eq!(self.status, 200, "{}{}", self.head, self.body);
        self.body.contains("\"info\":\"ok\"")
    }
}

fn send(at: SocketAddr, path: &str, kind: &str, body: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    Ok(stream)
}

fn receive(mut stream: TcpStream) -> Option<Reply> {
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let head = head.to_lowercase();
    let length = format!("content-length: {}", body.len());
    assert!(head.contains(&length) && !head.contains("chunked"), "{head}");
    Some(Reply { status, head, body: body.to_owned() })
}

fn post(at: SocketAddr, path: &str, kind: &str, body: &str) -> Reply {
    receive(send(at, path, kind, body).unwrap()).unwrap()
}

/// A plate result as the camera posts it.
fn read(plate: &str, number: u32, offline: bool, age_s: i64) -> String {
    let at = jiff::Timestamp::now().as_second() - age_s;
    let offline = u8::from(offline);
    format!(
        r#"{{"AlarmInfoPlate":{{"channel":0,"serialno":"a-1","result":{{"PlateResult":{{"license":"{plate}","confidence":97,"isoffline":{offline},"plateid":{number},"triggerType":1,"timeStamp":{{"Timeval":{{"sec":{at},"usec":0}}}}}}}}}}}}"#
    )
}

fn path(device: &str) -> String {
    format!("/device/{device}?key={KEY}")
}

fn say(site: &Site, device: &str, body: &str) -> Reply {
    post(site.http, &path(device), "application/json", body)
}

fn beat(site: &Site, device: &str) -> Reply {
    post(site.http, &path(device), FORM, HEART)
}

fn alarms(site: &Site, kind: &str, subject: &str) -> String {
    let kind = format!("kind like '%{kind}%' and subject = '{subject}'");
    sql(site, &format!("select count(*) from alarm where {kind}"))
}

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_push_opens_through_its_reply_once() {
    let site = Site::new(LANE, &secrets());
    let mut command = super::support::paifang();
    command.env("PAIFANG_LOG", "trace");
    let daemon = site.start_by(command);
    let body = read("京A12345", 1, false, 0);
    for wrong in ["/device/cam-1", "/device/cam-1?key=3f9c1e7ab2d84651"] {
        assert_eq!(post(site.http, wrong, "application/json", &body).status, 401);
    }
    wait_for("the alarm", || (alarms(&site, "device_nonsense", "cam-1") == "1").then_some(()));
    assert!(!say(&site, "cam-1", &read("京B00001", 2, true, 0)).opens(), "kept while offline");
    let replay = say(&site, "cam-1", &read("京B00001", 2, true, 0));
    assert!(!replay.opens() && replay.body.contains("\"continue\":1"), "{}", replay.body);
    assert!(!say(&site, "cam-1", &read("京C00001", 3, false, 7_200)).opens(), "two hours old");
    wait_for("the alarm", || (alarms(&site, "device_clock", "cam-1") == "1").then_some(()));
    assert!(!say(&site, "cam-1", "{\"AlarmInfoPlate\":").opens(), "answered, or it comes for ever");
    assert_eq!(sql(&site, "select count(*) from stay"), "0");

    let first = say(&site, "cam-1", &body);
    assert!(first.opens() && first.body.contains("\"channelNum\":0"), "{}", first.body);
    for header in ["set-cookie", "content-security-policy", "content-encoding"] {
        assert!(!first.head.contains(header), "{}", first.head);
    }
    assert_eq!(sql(&site, "select plate from stay"), "京A12345", "on disk before the reply");
    for _ in 0..3 {
        assert!(!say(&site, "cam-1", &body).opens(), "one vehicle, one order");
    }
    assert!(!beat(&site, "cam-1").opens());
    wait_for("the fresh clock", || (alarms(&site, "device_clock", "cam-1") == "0").then_some(()));

    let list = told(&site.run(&["device", "list"]));
    assert!(
        list.contains("cam-1") && list.contains("well") && list.contains("not heard"),
        "{list}"
    );
    daemon.stop();
    let log = std::fs::read_to_string(site.folder.path().join("log")).unwrap();
    for hidden in [KEY, "3f9c1e7ab2d84651", "hunter2", "京A12345"] {
        assert!(!log.contains(hidden), "{hidden} in the log");
    }
    assert!(site.run(&["check", "--journal"]).status.success());
}

#[test]
fn killed_in_the_middle_it_opens_at_most_once() {
    let site = Site::new(LANE, &secrets());
    for round in 0..4_u32 {
        let daemon = site.start();
        let (plate, number) = (format!("京A0000{round}"), 100 + round);
        let body = read(&plate, number, false, 0);
        let stream = send(site.http, &path("cam-1"), "application/json", &body).unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(round) * 2));
        daemon.kill();
        let before = receive(stream).is_some_and(|reply| reply.opens());
        let daemon = site.start();
        let after = say(&site, "cam-1", &body).opens();
        assert!(!(before && after), "opened twice");
        assert!(!say(&site, "cam-1", &body).opens());
        let stays = format!("select count(*) from stay where plate = '{plate}'");
        assert_eq!(sql(&site, &stays), "1");
        daemon.stop();
    }
    assert!(site.run(&["check", "--journal"]).status.success());
}

#[test]
fn an_order_waits_for_a_call_and_not_longer() {
    let site = Site::new(LANE, &secrets());
    let mut daemon = site.start();
    let nobody = site.run(&["device", "test", "cam-9"]);
    assert!(!nobody.status.success() && told(&nobody).contains("cam-1, cam-2"));
    let moved = site.run(&["device", "test", "cam-1", "--move"]);
    assert!(moved.status.success(), "{}", told(&moved));
    assert!(!beat(&site, "cam-1").opens(), "nobody knows whether it would act on that answer");
    let polled = (0..5).any(|_| beat(&site, "cam-1").opens());
    assert!(polled, "asking again at once, it takes the order along");
    let record = "select body ->> 'who' from journal where kind = 'operator_acted'";
    assert_eq!(sql(&site, record), "command line");
    // It asks again as soon as it is answered: that poll is held until there is something to say.
    let held = send(site.http, &path("cam-1"), FORM, HEART).unwrap();
    let twin = send(site.http, &path("cam-1"), FORM, HEART).unwrap();
    assert!(say(&site, "cam-1", &read("京A12345", 7, false, 0)).status == 200);
    let moved = site.run(&["device", "test", "cam-2", "--move"]);
    assert!(moved.status.success(), "{}", told(&moved));
    wait_for("the unheard order", || {
        let silent = sql(
            &site,
            "select count(*) from alarm where kind like '%arm_silent%' and subject = 'entry-2'",
        );
        (silent == "1").then_some(())
    });
    let late = [(); 2].map(|()| beat(&site, "cam-2").opens());
    assert_eq!(late, [false, false], "nothing is handed over late");
    let opened = [held, twin].map(|held| receive(held).unwrap().opens());
    assert_ne!(opened, [true, true], "one order, one reply");
    assert!(daemon.process.try_wait().unwrap().is_none());
    daemon.stop();
    let gone = site.run(&["device", "list"]);
    assert!(!gone.status.success() && told(&gone).contains("nobody answers"), "{}", told(&gone));
}

#[test]
fn one_floods_and_the_other_is_served() {
    let site = Site::new(LANE, &secrets());
    let daemon = site.start();
    let (at, flood) = (site.http, Arc::new(AtomicU32::new(0)));
    let running = Arc::new(AtomicU32::new(1));
    let flooders: Vec<_> = (0..2)
        .map(|_| {
            let (flood, running) = (Arc::clone(&flood), Arc::clone(&running));
            std::thread::spawn(move || {
                while running.load(Ordering::Relaxed) == 1 {
                    let reply = post(at, &path("cam-1"), "application/json", "{\"x\":1}");
                    assert!(matches!(reply.status, 200 | 429), "{}", reply.status);
                    flood.fetch_add(u32::from(reply.status == 429), Ordering::Relaxed);
                }
            })
        })
        .collect();
    wait_for("the flood", || (flood.load(Ordering::Relaxed) > 50).then_some(()));
    for n in 0..60 {
        let reply = say(&site, "cam-2", &read(&format!("京A{n:05}"), 1_000 + n, false, 0));
        assert_eq!(reply.status, 200);
    }
    running.store(0, Ordering::Relaxed);
    flooders.into_iter().for_each(|flooder| flooder.join().unwrap());
    assert_eq!(sql(&site, "select count(*) from journal where kind = 'read_taken'"), "60");
    wait_for("the alarm", || (alarms(&site, "device_flood", "cam-1") == "1").then_some(()));
    assert_eq!(alarms(&site, "device_flood", "cam-2"), "0");
    let list = told(&site.run(&["device", "list"]));
    assert!(list.contains("FLOODS") && list.contains("dropped"), "{list}");
    daemon.stop();
}

// ---- a barrier that is called ----------------------------------------------------------------------

/// A barrier controller with digest sign-in, made by hand: it checks the response by the standard's formula.
struct Barrier {
    at: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    position: Arc<AtomicU32>,
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the request is signed by `admin`, and with a count that nobody has used.
fn is_signed(
    head: &str,
    method: &str,
    path: &str,
    password: &str,
    used: &mut HashSet<String>,
) -> bool {
    let Some(line) = head.lines().find(|l| l.to_lowercase().starts_with("authorization: digest"))
    else {
        return false;
    };
    let find = |name: &str| {
        let value =
            line.split([',', ' ']).find_map(|part| part.strip_prefix(&format!("{name}=")))?;
        Some(value.trim_matches('"').to_owned())
    };
    let parts: Option<Vec<String>> =
        ["nc", "cnonce", "response", "uri", "username"].map(find).into_iter().collect();
    let Some([nc, cnonce, response, uri, user]) = parts.as_deref() else { return false };
    let secret = md5_hex(&format!("admin:gate:{password}"));
    let request = md5_hex(&format!("{method}:{path}"));
    let right = md5_hex(&format!("{secret}:n0nce:{nc}:{cnonce}:auth:{request}"));
    user == "admin" && uri == path && *response == right && used.insert(nc.clone())
}

impl Barrier {
    fn start(password: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (heard, position) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU32::new(1)));
        let (log, arm) = (Arc::clone(&heard), Arc::clone(&position));
        std::thread::spawn(move || {
            let mut used = HashSet::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let (mut text, mut bytes) = (String::new(), [0; 4_096]);
                loop {
                    let n = stream.read(&mut bytes).unwrap_or(0);
                    text.push_str(&String::from_utf8_lossy(&bytes[..n]));
                    let length = text
                        .to_lowercase()
                        .split("content-length: ")
                        .nth(1)
                        .and_then(|l| l.lines().next()?.trim().parse().ok());
                    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                    if n == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
                        break;
                    }
                }
                let mut words = text.split(' ');
                let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                let signed = is_signed(&text, method, path, password, &mut used);
                let tried = text.to_lowercase().contains("authorization:");
                let reply = if signed {
                    let body = if method == "GET" {
                        format!(
                            "<BarrierGateStatus><barrierGateStatus>{}</barrierGateStatus></BarrierGateStatus>",
                            arm.load(Ordering::Relaxed)
                        )
                    } else {
                        "<ResponseStatus><statusCode>1</statusCode><statusString>OK</statusString></ResponseStatus>".into()
                    };
                    log.lock().unwrap().push(format!(
                        "{method} {path} {}",
                        text.split("\r\n\r\n").nth(1).unwrap_or("")
                    ));
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    )
                } else {
                    if tried {
                        log.lock().unwrap().push(format!("refused {method}"));
                    }
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"gate\", nonce=\"n0nce\", qop=\"auth\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
                };
                let _ = stream.write_all(reply.as_bytes());
            }
        });
        Self { at, heard, position }
    }

    fn count(&self, what: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|said| said.contains(what)).count()
    }

    fn site(&self) -> Site {
        let rest = format!(
            "[[device]]\nid = \"cam-1\"\nprofile = \"camera/vzenith-http\"\n\
             [[device]]\nid = \"gate-1\"\nprofile = \"barrier/hikvision-isapi\"\nurl = \"http://{}\"\n\
             [[lane]]\nid = \"entry-1\"\ndirection = \"entry\"\ncamera = \"cam-1\"\nbarrier = \"gate-1\"\n",
            self.at
        );
        let secrets = format!(
            "[push]\ncam-1 = \"{KEY}\"\n[device]\ngate-1 = {{ user = \"admin\", password = \"hunter2\" }}\n"
        );
        Site::new(&rest, &secrets)
    }
}

#[test]
fn a_barrier_is_called_once_and_its_position_is_what_counts() {
    let barrier = Barrier::start("hunter2");
    let site = barrier.site();
    let daemon = site.start();
    let sensor = |name: &str, level: &str| {
        let known = format!("select body ->> '$.sensors.{name}' from lane where id = 'entry-1'");
        wait_for(name, || (sql(&site, &known) == level).then_some(()));
    };
    sensor("closed_limit", "on");
    assert!(
        !say(&site, "cam-1", &read("京A12345", 1, false, 0)).opens(),
        "its reply is not the arm's"
    );
    wait_for("the order", || (barrier.count("<ctrlMode>open") == 1).then_some(()));
    let phase = || sql(&site, "select body ->> 'phase' from lane where id = 'entry-1'");
    assert_eq!(phase(), "opening", "taken is not opened");
    barrier.position.store(2, Ordering::Relaxed);
    sensor("open_limit", "on");
    wait_for("the open arm", || (phase() == "open").then_some(()));
    let tested = site.run(&["device", "test", "gate-1"]);
    assert!(tested.status.success() && told(&tested).contains("arm open"), "{}", told(&tested));
    assert_eq!((barrier.count("<ctrlMode>open"), barrier.count("refused")), (1, 0));
    daemon.stop();
    assert!(!std::fs::read_to_string(site.folder.path().join("log")).unwrap().contains("hunter2"));
}

#[test]
fn two_refused_passwords_end_the_asking() {
    let barrier = Barrier::start("another one");
    let site = barrier.site();
    let daemon = site.start();
    wait_for("the alarm", || (alarms(&site, "device_login", "gate-1") == "1").then_some(()));
    assert_eq!(barrier.count("refused"), 2);
    let moved = site.run(&["device", "test", "gate-1", "--move"]);
    let list = told(&site.run(&["device", "list"]));
    assert!(list.contains("REFUSES PASSWORD"), "{} {list}", told(&moved));
    assert_eq!(barrier.count("refused"), 2, "an order asks no more either");
    let tested = site.run(&["device", "test", "gate-1"]);
    assert!(
        !tested.status.success() && told(&tested).contains("secrets file"),
        "{}",
        told(&tested)
    );
    assert_eq!(barrier.count("refused"), 3, "a test asks once");
    daemon.stop();
}

// ---- nobody knows them -----------------------------------------------------------------------------

#[test]
fn a_stranger_is_heard_and_a_profile_is_proposed() {
    let site = Site::new(LANE, &secrets());
    let daemon = site.start();
    let learn = Command::new(env!("CARGO_BIN_EXE_paifang"))
        .args(["device", "learn", "--seconds", "4", "--config"])
        .arg(site.config())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stranger = read("京A12345", 1, false, 0);
    assert_eq!(post(site.http, "/device/new-camera", "application/json", &stranger).status, 404);
    let port = site.mqtt.port().to_string();
    let publish = || {
        let mut sender = Command::new("mosquitto_pub");
        sender.args(["-h", "127.0.0.1", "-p", &port, "-u", "stranger", "-P", "x", "-q", "1"]);
        sender.args(["-t", "device/sn-9/message/up/keep_alive"]);
        sender.args([
            "-m",
            r#"{"sn":"sn-9","name":"keep_alive","timestamp":1,"payload":{"pass_wd":"hunter2"}}"#,
        ]);
        sender.stderr(Stdio::null()).status().unwrap().success()
    };
    wait_for("the open broker", || publish().then_some(()));
    let output = learn.wait_with_output().unwrap();
    let told = told(&output);
    assert!(output.status.success(), "{told}");
    for there in [
        "/device/new-camera",
        "camera/vzenith-http",
        "sn = \"a-1\"",
        "camera/vzenith-mqtt",
        "sn = \"sn-9\"",
    ] {
        assert!(told.contains(there), "{there}: {told}");
    }
    assert!(!told.contains("hunter2") && !told.contains("京A12345"), "{told}");
    wait_for("the closed broker", || (!publish()).then_some(()));
    assert_eq!(sql(&site, "select count(*) from stay"), "0");
    daemon.stop();
}
