//! From a plate read to the open command, durable, beside what it cannot be faster than: the bare hop through the same
//! broker and one bare commit on the same disk, all measured in turns in one run.
//!
//! The daemon and its broker run in a process of their own (this program again, as a child), so that resident memory
//! is theirs alone. Each camera is a real MQTT client with its own account. `cargo bench --bench passage`.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rumqttc::{AsyncClient, Event, MqttOptions, NetworkOptions, Packet, QoS};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::mpsc;

/// Lanes of the site: what the memory bound names.
const LANES: usize = 50;
/// Lanes with a vehicle at once in the sustained part.
const IN_FLIGHT: usize = 32;
/// Rounds of (hop, commit, passage) in turn.
const ROUNDS: usize = 2_000;
/// Rounds not counted.
const WARM_UP: usize = 200;
/// Passages of the sustained part.
const SUSTAINED: usize = 60_000;
/// Consoles open at once in the watched part, and its blocks: without and with them by turns.
const WATCHERS: usize = 20;
const BLOCKS: usize = 10;
const BLOCK_PASSAGES: usize = 200;
/// Between two passages of the watched part: some 50 a second, which is a lane a second.
const BETWEEN: Duration = Duration::from_millis(20);
const BODY_BYTES: usize = 600;
const PASSWORD: &str = "bench";

fn main() -> Result<()> {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match std::env::args().nth(1).as_deref() {
        Some("--daemon") => {
            let dir = std::env::args().nth(2).context("a folder")?;
            runtime()?.block_on(daemon(Path::new(&dir)))
        }
        _ => runtime()?.block_on(bench()),
    }
}

// ---- the daemon's process --------------------------------------------------------------------------

fn sn(lane: usize) -> String {
    format!("bench-{lane:03}")
}

/// The site: entries and exits by turns; cameras that open by their own relay, no loops, so that a read is all there is
/// to a passage.
fn site_toml(dir: &Path, broker: std::net::SocketAddr) -> Result<()> {
    let mut text = format!(
        "[site]\nname = \"Bench\"\nzone = \"Asia/Shanghai\"\ndata_dir = \"data\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nurl = \"mqtt://{broker}\"\n\
         [limits]\ndevice_messages_per_s = 1000000\ndevice_messages_burst = 1000000\n\
         [tariff]\nfree_minutes = 15\nhour_minor = 500\nday_cap_minor = 4000\n"
    );
    for lane in 0..LANES {
        text += &format!(
            "[[device]]\nid = \"cam-{lane}\"\nprofile = \"camera/vzenith-mqtt\"\nsn = \"{}\"\n\
             [[lane]]\nid = \"lane-{lane}\"\ndirection = \"{}\"\ncamera = \"cam-{lane}\"\n\
             barrier = \"cam-{lane}\"\ninputs = {{}}\n",
            sn(lane),
            if lane % 2 == 0 { "entry" } else { "exit" },
        );
    }
    std::fs::write(dir.join("site.toml"), text)?;
    let secrets = dir.join("secrets.toml");
    std::fs::write(&secrets, format!("[mqtt]\ndaemon = \"{PASSWORD}\"\n"))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(secrets, mode)?;
    Ok(())
}

async fn daemon(dir: &Path) -> Result<()> {
    use paifang::io::broker::{Account, Broker, Settings};
    let mut accounts = vec![
        Account::daemon("paifang", PASSWORD, &["$/device/+/message/up/keep_alive".into()]),
        Account::daemon("controller", PASSWORD, &[]),
    ];
    for lane in 0..LANES {
        let (publish, subscribe) =
            (format!("device/{}/#", sn(lane)), format!("device/{}/#", sn(lane)));
        accounts.push(Account::device(
            &sn(lane),
            PASSWORD,
            vec![publish, format!("hop/{lane}/up")],
            vec![subscribe, format!("hop/{lane}/down")],
        ));
    }
    let listen = "127.0.0.1:0".parse()?;
    let broker = Broker::start(Settings { listen, accounts, ..Settings::default() })?;
    site_toml(dir, broker.addr())?;
    let site = paifang::config::load(&dir.join("site.toml"))?;
    let metrics = paifang::cli::start_metrics()?;
    let daemon = paifang::app::daemon::Daemon::start(site, metrics).await?;
    let password = daemon.first_password.clone().context("a new site has a first password")?;
    println!("{} {} {password}", broker.addr(), daemon.http);
    std::io::stdout().flush()?;
    // Until the parent closes our input.
    tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await?;
    daemon.stop().await;
    broker.stop();
    Ok(())
}

// ---- the clients -----------------------------------------------------------------------------------

/// A client that hands each payload it gets to `inbox`.
struct Client {
    client: AsyncClient,
    inbox: mpsc::UnboundedReceiver<(String, Vec<u8>)>,
}

async fn connect(broker: &str, user: &str, id: &str, filter: &str) -> Result<Client> {
    let (host, port) = broker.rsplit_once(':').context("host:port")?;
    let mut options = MqttOptions::new(id, host, port.parse()?);
    options.set_credentials(user, PASSWORD).set_inflight(200);
    let (client, mut events) = AsyncClient::new(options, 1_000);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    client.subscribe(filter, QoS::AtLeastOnce).await?;
    let (tx, inbox) = mpsc::unbounded_channel();
    let (ready_tx, mut ready) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            match event {
                Event::Incoming(Packet::Publish(p)) => {
                    let _ = tx.send((p.topic, p.payload.to_vec()));
                }
                Event::Incoming(Packet::SubAck(_)) => drop(ready_tx.try_send(())),
                _ => {}
            }
        }
    });
    tokio::time::timeout(Duration::from_secs(10), ready.recv()).await.context("no SubAck")?;
    Ok(Client { client, inbox })
}

impl Client {
    async fn next(&mut self) -> Result<(String, Vec<u8>)> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.inbox.recv()).await;
        next.context("nothing came for 10 s")?.context("the connection ended")
    }
}

/// A plate read as a camera sends it, about [`BODY_BYTES`] long.
fn read_payload(sn: &str, number: usize) -> Vec<u8> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let plate = BASE64_STANDARD.encode(format!("京A{number:06}"));
    let mut body = serde_json::json!({
        "id": format!("{number:032}"), "sn": sn, "name": "ivs_result", "version": "1.0",
        "payload": { "AlarmInfoPlate": { "channel": 0, "unique_id": format!("{sn}-{number}"),
            "result": { "PlateResult": { "license": plate, "confidence": 98, "colorType": 1,
                "direction": 4, "triggerType": 1, "isoffline": 0, "plateid": number, "type": 1,
                "full_image_content": "" } } } } });
    let missing = BODY_BYTES.saturating_sub(body.to_string().len() + 16);
    body["payload"]["AlarmInfoPlate"]["user_data"] = "x".repeat(missing).into();
    body.to_string().into_bytes()
}

/// A camera at its lane: reads a vehicle, waits for its relay to be told, answers.
struct Lane {
    camera: Client,
    sn: String,
}

impl Lane {
    async fn connect(broker: &str, lane: usize) -> Result<Self> {
        let sn = sn(lane);
        let filter = format!("device/{sn}/message/down/+");
        Ok(Self { camera: connect(broker, &sn, &sn, &filter).await?, sn })
    }

    /// The time from the read's publish to the open command's arrival.
    async fn passage(&mut self, number: usize) -> Result<Duration> {
        let topic = format!("device/{}/message/up/ivs_result", self.sn);
        let payload = read_payload(&self.sn, number);
        let begun = Instant::now();
        self.camera.client.publish(topic, QoS::AtLeastOnce, false, payload).await?;
        let (topic, payload) = self.camera.next().await?;
        let took = begun.elapsed();
        if !topic.ends_with("/down/gpio_out") {
            bail!("{topic} came instead of the open command");
        }
        let order: serde_json::Value = serde_json::from_slice(&payload)?;
        let reply = serde_json::json!({ "id": order["id"], "sn": self.sn, "name": "gpio_out",
            "version": "1.0", "code": 200, "payload": null });
        let topic = format!("device/{}/message/down/gpio_out/reply", self.sn);
        self.camera.client.publish(topic, QoS::AtMostOnce, false, reply.to_string()).await?;
        Ok(took)
    }
}

// ---- measuring -------------------------------------------------------------------------------------

async fn bare_commit(db: &mut SqliteConnection, body: &str) -> Result<Duration> {
    let begun = Instant::now();
    sqlx::query("insert into row (body) values (?1)").bind(body).execute(db).await?;
    Ok(begun.elapsed())
}

async fn bare_hop(camera: &mut Client, body: &[u8]) -> Result<Duration> {
    let begun = Instant::now();
    camera.client.publish("hop/0/up", QoS::AtLeastOnce, false, body).await?;
    camera.next().await?;
    Ok(begun.elapsed())
}

fn percentile_us(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6
}

/// Where the daemon's process is reached.
struct Reached {
    broker: String,
    http: String,
    /// Of the first sign-in.
    password: String,
}

fn start_daemon(dir: &Path) -> Result<(Child, Reached)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--daemon")
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut next = || words.next().context("the daemon did not start");
    let reached = Reached { broker: next()?, http: next()?, password: next()? };
    Ok((child, reached))
}

/// The daemon's own figure, from its `/metrics`.
async fn own_commit_us(http: &str) -> Result<f64> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(http).await?;
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {http}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let mark = "paifang_commit_seconds{quantile=\"0.5\"} ";
    let line = text.lines().find_map(|line| line.strip_prefix(mark)).context("no figure")?;
    Ok(line.parse::<f64>()? * 1e6)
}

fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kib: f64 = line.split_whitespace().nth(1).context("VmRSS")?.parse()?;
    Ok(kib / 1024.0)
}

async fn bench() -> Result<()> {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("passage-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let (mut child, reached) = start_daemon(&dir)?;
    let result = measure(&dir, &reached, child.id()).await;
    drop(child.stdin.take());
    child.wait()?;
    std::fs::remove_dir_all(&dir)?;
    result
}

async fn measure(dir: &Path, reached: &Reached, pid: u32) -> Result<()> {
    let Reached { broker, http, password } = reached;
    let options =
        SqliteConnectOptions::new().filename(dir.join("bare.sqlite")).create_if_missing(true);
    let options = options
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut db = options.connect().await?;
    sqlx::query("create table row (id integer primary key, body text)").execute(&mut db).await?;
    let mut hopper = connect(broker, &sn(0), "hopper", "hop/0/down").await?;
    let mut controller = connect(broker, "controller", "controller", "hop/0/up").await?;
    tokio::spawn(async move {
        while let Some((_, payload)) = controller.inbox.recv().await {
            let _ = controller.client.publish("hop/0/down", QoS::AtLeastOnce, false, payload).await;
        }
    });
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        lanes.push(Lane::connect(broker, lane).await?);
    }
    let body = "x".repeat(BODY_BYTES);
    let (mut hops, mut commits, mut opens) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let hop = bare_hop(&mut hopper, body.as_bytes()).await?;
        let commit = bare_commit(&mut db, &body).await?;
        // In by an even lane, out by the odd one beside it, within the free time.
        let open = lanes[round % LANES].passage(round / 2).await?;
        if round >= WARM_UP {
            hops.push(hop);
            commits.push(commit);
            opens.push(open);
        }
    }
    db.close().await?;
    let own_commit_us = own_commit_us(http).await?;
    let watched = watched(&mut lanes, http, password).await?;
    let rate = sustained(lanes).await?;
    let rss_mib = resident_mib(pid)?;
    let (hop_us, commit_us) = (percentile_us(&mut hops, 50), percentile_us(&mut commits, 50));
    let (open_p50_us, open_p99_us) = (percentile_us(&mut opens, 50), percentile_us(&mut opens, 99));
    println!(
        "bare hop there and back      p50 {hop_us:8.0} µs  p99 {:8.0} µs",
        percentile_us(&mut hops, 99)
    );
    println!(
        "bare durable commit          p50 {commit_us:8.0} µs  p99 {:8.0} µs",
        percentile_us(&mut commits, 99)
    );
    println!("read to open, durable        p50 {open_p50_us:8.0} µs  p99 {open_p99_us:8.0} µs");
    println!("  of which its commit        p50 {own_commit_us:8.0} µs");
    let Watched { alone_us, watched_us, kib_each } = watched;
    println!("  nobody watches             p50 {alone_us:8.0} µs");
    println!(
        "  {WATCHERS} consoles are open       p50 {watched_us:8.0} µs  ({kib_each:.0} KiB to each)"
    );
    println!("{IN_FLIGHT} lanes in flight          {rate:8.0} passages/s ({SUSTAINED} passages)");
    println!("daemon with broker, {LANES} lanes {rss_mib:8.1} MiB resident");
    let ratio = open_p50_us / (hop_us + commit_us);
    println!(
        "passage hop_us={hop_us:.0} commit_us={commit_us:.0} open_p50_us={open_p50_us:.0} \
         open_p99_us={open_p99_us:.0} ratio={ratio:.2} rate={rate:.0} rss_mib={rss_mib:.1} \
         watched={:.2}",
        watched_us / alone_us
    );
    Ok(())
}

// ---- with operators who watch ----------------------------------------------------------------------

struct Watched {
    alone_us: f64,
    watched_us: f64,
    /// What each console was sent while it was open.
    kib_each: f64,
}

/// Passages with every lane on [`WATCHERS`] open consoles and with none, in blocks by turns; a site's traffic between
/// them, not as fast as it goes.
async fn watched(lanes: &mut [Lane], http: &str, password: &str) -> Result<Watched> {
    let cookie = sign_in(http, password).await?;
    let (mut alone, mut seen, mut bytes) = (Vec::new(), Vec::new(), 0);
    for block in 0..BLOCKS {
        let is_watched = block % 2 == 1;
        let mut consoles = tokio::task::JoinSet::new();
        let (stop, _) = tokio::sync::watch::channel(());
        for _ in 0..if is_watched { WATCHERS } else { 0 } {
            consoles.spawn(console(http.to_owned(), cookie.clone(), stop.subscribe()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        for k in 0..BLOCK_PASSAGES {
            let nth = block * BLOCK_PASSAGES + k;
            let took = lanes[k % LANES].passage(50_000 + nth / 2).await?;
            if is_watched {
                seen.push(took)
            } else {
                alone.push(took)
            }
            tokio::time::sleep(BETWEEN).await;
        }
        drop(stop);
        while let Some(sent) = consoles.join_next().await {
            bytes += sent??;
        }
    }
    let kib_each = bytes as f64 / 1024.0 / (WATCHERS * BLOCKS / 2) as f64;
    let (alone_us, watched_us) = (percentile_us(&mut alone, 50), percentile_us(&mut seen, 50));
    Ok(Watched { alone_us, watched_us, kib_each })
}

/// One operator's open console; how many bytes it was sent until `stop` is dropped.
async fn console(
    http: String,
    cookie: String,
    mut stop: tokio::sync::watch::Receiver<()>,
) -> Result<usize> {
    let request =
        reqwest::Client::new().get(format!("http://{http}/console/live")).header("cookie", cookie);
    let mut live = request.send().await?.error_for_status()?;
    let mut bytes = 0;
    loop {
        tokio::select! {
            _ = stop.changed() => return Ok(bytes),
            chunk = live.chunk() => bytes += chunk?.context("the stream ended")?.len(),
        }
    }
}

/// The cookie of the first operator, with a password of its own.
async fn sign_in(http: &str, first: &str) -> Result<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let post = async |path: &str, cookie: &str, form: &[(&str, &str)]| {
        let request = client.post(format!("http://{http}{path}")).form(form);
        let request = request.header("origin", format!("http://{http}")).header("cookie", cookie);
        let reply = request.send().await?;
        let set = reply.headers().get("set-cookie").context("no cookie: not signed in")?;
        anyhow::Ok(set.to_str()?.split(';').next().unwrap_or_default().to_owned())
    };
    let cookie = post("/signin", "", &[("name", "admin"), ("password", first)]).await?;
    let new = "a-bench-of-passages";
    post("/password", &cookie, &[("old", first), ("new", new), ("again", new)]).await
}

/// Passages per second with a vehicle in each of [`IN_FLIGHT`] lanes all the time.
async fn sustained(lanes: Vec<Lane>) -> Result<f64> {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    let mut lanes = lanes.into_iter();
    for pair in 0..IN_FLIGHT / 2 {
        let (mut entry, mut exit) = lanes.next().zip(lanes.next()).context("two lanes")?;
        let (inside, mut waiting) = mpsc::channel(64);
        tasks.spawn(async move {
            for k in 0..SUSTAINED / IN_FLIGHT {
                let number = 100_000 + pair + k * IN_FLIGHT / 2;
                entry.passage(number).await?;
                inside.send(number).await?;
            }
            anyhow::Ok(())
        });
        tasks.spawn(async move {
            while let Some(number) = waiting.recv().await {
                exit.passage(number).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((SUSTAINED / IN_FLIGHT * IN_FLIGHT) as f64 / begun.elapsed().as_secs_f64())
}
