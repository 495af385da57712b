//! `paifang device`: the devices of a running site, asked over its own HTTP. Opens no device itself.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde::de::DeserializeOwned;

use crate::{
    app::keys::SiteKeys,
    config::Site,
    http::{
        folder_token,
        ports::{DeviceReport, DeviceState, Spoken, StrangerReport, TestReport},
    },
};

/// A running daemon answers at once; a test of a device takes up to this.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at who has spoken.
const LOOK: Duration = Duration::from_secs(1);

/// The running daemon.
pub(super) struct Daemon {
    client: Client,
    base: String,
    token: String,
}

impl Daemon {
    pub(super) fn of(site: &Site) -> anyhow::Result<Self> {
        let secret = SiteKeys::read(&site.data_dir).with_context(|| {
            format!("the site has not run with the data folder {} yet", site.data_dir.display())
        })?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).build()?;
        let base = format!("http://{}", reachable(site.http_listen));
        Ok(Self { client, base, token: folder_token(&secret) })
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let bearer = format!("Bearer {}", self.token);
        self.client
            .request(method, format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, bearer)
    }

    async fn sent(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await;
        let answer = answer.map_err(|error| {
            let what =
                if error.is_connect() { "nobody answers" } else { "the answer did not come" };
            anyhow::anyhow!("{}: {what}; is `paifang run` running with this site file?", self.base)
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        if status == 401 {
            bail!("{} belongs to a daemon with another data folder", self.base);
        }
        let body: serde_json::Value = read(answer).await.unwrap_or_default();
        let text = body.get("detail").and_then(serde_json::Value::as_str);
        bail!("{}", text.unwrap_or(status.as_str()));
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.ask(Method::GET, path).timeout(PATIENCE);
        read(self.sent(request).await?).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: String,
    ) -> anyhow::Result<T> {
        let request = self.ask(Method::POST, path).timeout(PATIENCE);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        read(self.sent(request).await?).await
    }
}

async fn read<T: DeserializeOwned>(answer: Response) -> anyhow::Result<T> {
    let bytes = answer.bytes().await.context("the daemon went away")?;
    serde_json::from_slice(&bytes).context("the daemon is of another version")
}

/// A daemon that listens everywhere is reached on this machine.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(at) if at.ip().is_unspecified() => ([127, 0, 0, 1], at.port()).into(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, at.port()).into()
        }
        at => at,
    }
}

/// `paifang device list`.
pub async fn list(site: &Site) -> anyhow::Result<()> {
    let devices: Vec<DeviceReport> = Daemon::of(site)?.get("/api/v1/devices").await?;
    let head = [
        "DEVICE",
        "STATE",
        "LAST HEARD",
        "MESSAGES",
        "ANSWERS MS",
        "ERRORS",
        "CLOCK",
        "FIRMWARE",
        "PROFILE",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(devices.iter().map(row));
    let mut widths = [0; 9];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    Ok(())
}

fn row(device: &DeviceReport) -> [String; 9] {
    let or = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let state = match device.state {
        DeviceState::NeverHeard => "not heard yet",
        DeviceState::Mute => "told, answers nothing",
        DeviceState::Well => "well",
        DeviceState::Failing => "last answer failed",
        DeviceState::Silent => "SILENT",
        DeviceState::Flooding => "FLOODS",
        DeviceState::LockedOut => "REFUSES PASSWORD",
    };
    let ms = |us: u64| format!("{:.1}", us as f64 / 1_000.0);
    let latency =
        device.latency.map(|l| format!("{} ({}..{})", ms(l.last_us), ms(l.p50_us), ms(l.p99_us)));
    let mut errors: Vec<String> =
        device.errors.iter().map(|(fault, n)| format!("{fault:?} {n}").to_lowercase()).collect();
    for (count, name) in [(device.nonsense, "nonsense"), (device.dropped, "dropped")] {
        if count > 0 {
            errors.push(format!("{name} {count}"));
        }
    }
    [
        device.id.to_string(),
        state.into(),
        or(device.last_seen.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        device.messages.to_string(),
        or(latency),
        or((!errors.is_empty()).then(|| errors.join(", "))),
        or(device.clock_offset_ms.map(|ms| format!("{:+.1} s", ms as f64 / 1_000.0))),
        or(device.firmware.clone()),
        device.profile.clone(),
    ]
}

/// `paifang device watch`.
pub async fn watch(site: &Site) -> anyhow::Result<()> {
    let daemon = Daemon::of(site)?;
    let mut stream = daemon.sent(daemon.ask(Method::GET, "/api/v1/devices/live")).await?;
    eprintln!("watching; Ctrl-C ends it");
    let mut held = Vec::new();
    while let Some(chunk) = stream.chunk().await.context("the daemon went away")? {
        held.extend_from_slice(&chunk);
        while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = held.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            if let Ok(said) = serde_json::from_slice::<Spoken>(data) {
                let at =
                    said.at.to_zoned_datetime(site.rules.zone.clone()).strftime("%H:%M:%S%.3f");
                println!("{at}  {}  {}", said.device, said.what);
            }
        }
    }
    bail!("the daemon stopped")
}

/// `paifang device test`.
pub async fn test(site: &Site, device: &str, moves: bool) -> anyhow::Result<()> {
    let daemon = Daemon::of(site)?;
    let known: Vec<DeviceReport> = daemon.get("/api/v1/devices").await?;
    if !known.iter().any(|report| report.id.as_str() == device) {
        let names: Vec<_> = known.iter().map(|report| report.id.as_str()).collect();
        bail!("no device is called {device:?}; there are: {}", names.join(", "));
    }
    let path = format!("/api/v1/devices/{device}/test");
    let report: TestReport = daemon.post(&path, format!("{{\"moves\":{moves}}}")).await?;
    report.lines.iter().for_each(|line| println!("{device}: {line}"));
    if !report.passed {
        bail!("{device} did not pass");
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Listening {
    notes: Vec<String>,
}

/// `paifang device learn`.
pub async fn learn(site: &Site, seconds: u64) -> anyhow::Result<()> {
    let daemon = Daemon::of(site)?;
    let body = format!("{{\"seconds\":{seconds}}}");
    let listening: Listening = daemon.post("/api/v1/devices/strangers", body).await?;
    listening.notes.iter().for_each(|note| eprintln!("{note}"));
    eprintln!("listening for {seconds} s; let the device send something, such as a plate");
    let mut look = tokio::time::interval(LOOK);
    let mut told: Vec<StrangerReport> = Vec::new();
    for _ in 0..=seconds {
        look.tick().await;
        let strangers: Vec<StrangerReport> = daemon.get("/api/v1/devices/strangers").await?;
        for stranger in strangers.into_iter().rev() {
            let known = told.iter_mut().find(|known| known.place == stranger.place);
            match known {
                Some(known)
                    if known.guesses == stranger.guesses && known.shape == stranger.shape => {}
                Some(known) => {
                    tell(&stranger);
                    *known = stranger;
                }
                None if stranger.shape.is_empty() => {}
                None => {
                    tell(&stranger);
                    told.push(stranger);
                }
            }
        }
    }
    if told.is_empty() {
        println!("nobody spoke whom the site file does not name");
    }
    Ok(())
}

/// Whoever speaks within a time without being named in the site file, as the running daemon hears it.
pub(super) async fn strangers(
    site: &Site,
    listen: Duration,
) -> anyhow::Result<Vec<StrangerReport>> {
    let daemon = Daemon::of(site)?;
    let body = format!("{{\"seconds\":{}}}", listen.as_secs());
    daemon.post::<Listening>("/api/v1/devices/strangers", body).await?;
    tokio::time::sleep(listen).await;
    daemon.get("/api/v1/devices/strangers").await
}

fn tell(stranger: &StrangerReport) {
    let StrangerReport { place, from, bytes, shape, guesses, .. } = stranger;
    let from = if from.is_empty() { String::new() } else { format!(" from {from}") };
    println!("{place}{from}: {bytes} bytes, {shape}");
    let Some(best) = guesses.first() else {
        println!("  no profile understands it");
        return;
    };
    for guess in guesses {
        let says = if guess.says.is_empty() {
            "known, but of no use".into()
        } else {
            guess.says.join(", ")
        };
        println!("  {} understands: {says}", guess.profile);
    }
    println!("  to take it in, add to the site file and its password or key to the secrets file:");
    println!("    [[device]]\n    id = \"choose-a-name\"\n    profile = {:?}", best.profile);
    if let Some(sn) = &best.sn {
        println!("    sn = {sn:?}");
    }
}
