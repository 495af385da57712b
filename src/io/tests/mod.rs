//! The link and the brokers with real sockets: the embedded broker against mosquitto's clients,
//! the link against both. Waits are on conditions, with a limit.

mod embedded;
mod external;

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    sync::mpsc as sync_mpsc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use super::{
    broker::{Account, mosquitto_acl, mosquitto_passwords},
    mqtt::{Incoming, Link, LinkStatus, PublishError, Settings},
};

const LIMIT: Duration = Duration::from_secs(10);

fn accounts() -> Vec<Account> {
    let camera = |name: &str| {
        Account::device(
            name,
            &format!("{name}-secret"),
            vec![format!("device/{name}/message/up/+")],
            vec![format!("device/{name}/message/down/#")],
        )
    };
    vec![Account::daemon("paifang", "paifang-secret", &[]), camera("cam1"), camera("cam2")]
}

fn up(camera: &str) -> String {
    format!("device/{camera}/message/up/ivs_result")
}

fn down(camera: &str) -> String {
    format!("device/{camera}/message/down/gpio_out")
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Repeats `look` until it sees something.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(started.elapsed() < LIMIT, "waited in vain for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A device: one of mosquitto's clients with the credentials of `username`.
fn client(program: &str, addr: SocketAddr, username: &str) -> Command {
    // Its lines come at once, not when a buffer is full.
    let mut command = Command::new("stdbuf");
    command.args(["-oL", program, "-h", "127.0.0.1", "-p", &addr.port().to_string(), "-q", "1"]);
    if !username.is_empty() {
        command.args(["-u", username, "-P", &format!("{username}-secret")]);
    }
    command
}

fn publish(addr: SocketAddr, username: &str, topic: &str, payload: &str) -> Output {
    client("mosquitto_pub", addr, username).args(["-t", topic, "-m", payload]).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// A device that listens; its lines are `topic payload`.
struct Listener {
    child: Child,
    lines: sync_mpsc::Receiver<String>,
    /// Messages that came before the broker answered the subscription.
    early: VecDeque<String>,
}

const MESSAGE: &str = "message ";

impl Listener {
    /// Listens on `filter`; returns when the broker has answered the subscription.
    async fn start(addr: SocketAddr, username: &str, filter: &str, more: &[&str]) -> Listener {
        let mut child = client("mosquitto_sub", addr, username)
            .args(["-d", "-t", filter, "-F", "message %t %p"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = sync_mpsc::channel();
        for stream in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let send = send.clone();
            std::thread::spawn(move || {
                BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|l| send.send(l))
            });
        }
        let mut listener = Listener { child, lines, early: VecDeque::new() };
        until("SUBACK", || {
            let line = listener.lines.try_recv().ok()?;
            if line.starts_with(MESSAGE) {
                listener.early.push_back(line.clone());
            }
            line.contains("SUBACK").then_some(())
        })
        .await;
        listener
    }

    async fn next(&mut self) -> String {
        until("a message", || {
            let line = self.early.pop_front().or_else(|| self.lines.try_recv().ok())?;
            line.strip_prefix(MESSAGE).map(str::to_owned)
        })
        .await
    }

    /// The next line that contains `part`, of the client's own words too.
    async fn says(&self, part: &str) -> String {
        until(part, || self.lines.try_recv().ok().filter(|line| line.contains(part))).await
    }

    /// As if its power were cut.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian's broker with the rules of `accounts`.
struct Mosquitto {
    child: Child,
    addr: SocketAddr,
    folder: PathBuf,
}

impl Mosquitto {
    async fn start(port: u16) -> Mosquitto {
        Mosquitto::with(port, "set_tcp_nodelay true").await
    }

    async fn with(port: u16, more: &str) -> Mosquitto {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("paifang-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("acl", &mosquitto_acl(&accounts()));
        write("passwords", &mosquitto_passwords(&accounts()));
        let at = |name: &str| folder.join(name).display().to_string();
        let hashed = Command::new("mosquitto_passwd").args(["-U", &at("passwords")]).output();
        assert!(hashed.unwrap().status.success());
        write(
            "conf",
            &format!(
                "listener {port} 127.0.0.1\nuser root\nallow_anonymous false\n\
                 {more}\nacl_file {}\npassword_file {}\n",
                at("acl"),
                at("passwords")
            ),
        );
        let child = Command::new("/usr/sbin/mosquitto")
            .args(["-c", &at("conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let addr = ([127, 0, 0, 1], port).into();
        until("mosquitto", || TcpStream::connect(addr).ok()).await;
        Mosquitto { child, addr, folder }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn settings(addr: SocketAddr) -> Settings {
    Settings {
        url: format!("mqtt://{addr}"),
        username: "paifang".into(),
        password: "paifang-secret".into(),
        client_id: "paifang-test".into(),
        ..Settings::default()
    }
}

/// The daemon's end: a link that listens to all cameras.
struct Daemon {
    link: Link,
    messages: mpsc::Receiver<Incoming>,
}

impl Daemon {
    async fn start(addr: SocketAddr) -> Daemon {
        Daemon::with(&settings(addr), 100).await
    }

    async fn with(settings: &Settings, room: usize) -> Daemon {
        let (sink, messages) = mpsc::channel(room);
        let filters = vec!["device/+/message/up/+".to_owned()];
        let daemon = Daemon { link: Link::start(settings, filters, sink).unwrap(), messages };
        daemon.is_up().await;
        daemon
    }

    async fn is_up(&self) {
        let mut status = self.link.status();
        let up = status.wait_for(|status| *status == LinkStatus::Up);
        timeout(LIMIT, up).await.expect("the link comes up").unwrap();
    }

    async fn is_down(&self) -> String {
        let mut status = self.link.status();
        let down = status.wait_for(|status| matches!(status, LinkStatus::Down { .. }));
        match timeout(LIMIT, down).await.expect("the link goes down").unwrap().clone() {
            LinkStatus::Down { why } => why,
            LinkStatus::Up => unreachable!(),
        }
    }

    async fn next(&mut self) -> Incoming {
        timeout(LIMIT, self.messages.recv()).await.expect("a message").expect("an open link")
    }

    /// The next payload, acknowledged.
    async fn payload(&mut self) -> String {
        let Incoming { payload, ack, .. } = self.next().await;
        ack.done();
        String::from_utf8(payload.to_vec()).unwrap()
    }
}

/// Writes `bytes` bytes into a file for a client to publish.
fn payload_file(bytes: usize) -> PathBuf {
    let path = std::env::temp_dir().join(format!("paifang-{}-{bytes}", std::process::id()));
    fs::File::create(&path).unwrap().write_all(&vec![b'x'; bytes]).unwrap();
    path
}

fn publish_file(addr: SocketAddr, username: &str, topic: &str, bytes: usize) -> Output {
    let path = payload_file(bytes);
    let output =
        client("mosquitto_pub", addr, username).args(["-t", topic, "-f"]).arg(&path).output();
    fs::remove_file(path).unwrap();
    output.unwrap()
}
