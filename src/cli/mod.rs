//! What the command line does besides running the site. Opens no barrier and asks no bank.

pub mod backup;
pub mod devices;
pub mod init;
pub mod ready;
pub mod reload;
pub mod settlement;
pub mod supervisor;
pub mod tariff;
pub mod ticket;
pub mod tokens;

use std::time::Duration;

use anyhow::{Context, bail};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::{
    app::{
        self, accounts,
        field::{Cameras, Health},
        keys::SiteKeys,
        staff,
    },
    config::Site,
    io::{
        broker::{mosquitto_acl, mosquitto_passwords},
        mqtt::{Link, LinkStatus, Settings},
    },
    store::{Accounts, Doer, Options, Reader, Store},
    types::Role,
};

/// A broker that answers later than this, in microseconds, gathers small packets (no TCP_NODELAY).
const SLOW_BROKER_US: u64 = 20_000;

/// Starts the log on standard error.
#[expect(
    clippy::disallowed_methods,
    reason = "the one setting that is needed before the site file is read"
)]
pub fn start_log(json: bool) {
    let filter = std::env::var("PAIFANG_LOG").unwrap_or_else(|_| "info".into());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).init();
    } else {
        registry.with(fmt::layer().with_writer(std::io::stderr)).init();
    }
}

/// Renders what the daemon counts; one for each process, shared by its clones.
pub use metrics_exporter_prometheus::PrometheusHandle as Metrics;

/// Starts counting; the handle renders `/metrics`.
pub fn start_metrics() -> anyhow::Result<Metrics> {
    let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
    builder.install_recorder().context("the metrics recorder cannot be installed")
}

/// Waits for Ctrl-C or SIGTERM, which are listened for as soon as this is called. Needs a runtime.
pub fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let [term, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    async {
        match (term, interrupt) {
            (Ok(mut term), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = term.recv() => {}
                }
            }
            _ => drop(tokio::signal::ctrl_c().await),
        }
    }
}

/// Each SIGHUP reads prices and products anew. What was refused stands in the log.
pub async fn reload_signals(reloader: crate::app::reload::Reloader) {
    let hang_up = tokio::signal::unix::SignalKind::hangup();
    let Ok(mut signals) = tokio::signal::unix::signal(hang_up) else { return };
    while signals.recv().await.is_some() {
        let _ = reloader.reload("SIGHUP", "read anew").await;
    }
}

/// `paifang check`.
pub async fn check(site: Site, journal: bool, acl: bool) -> anyhow::Result<()> {
    let cameras = Cameras::of(&site, &Health::new(site.rate))?;
    if acl {
        let password = site.mqtt.secrets.mqtt("daemon").unwrap_or_default();
        let accounts = accounts::accounts(&site, &cameras, password);
        println!("{}", mosquitto_acl(&accounts));
        println!("# password_file, to be hashed with `mosquitto_passwd -U`");
        print!("{}", mosquitto_passwords(&accounts));
        return Ok(());
    }
    println!("site file: {} lanes, {} devices, no mistakes", site.lanes.len(), site.devices.len());
    for device in site.devices.values().filter(|device| !device.profile.unverified.is_empty()) {
        println!("device {}: not tried on hardware yet:", device.id);
        device.profile.unverified.iter().for_each(|fact| println!("  - {fact}"));
    }
    for (id, settings) in &site.channels {
        settings.open(id, std::sync::Arc::new(|| jiff::Timestamp::UNIX_EPOCH))?;
        println!("bank.{id}: keys are there and private");
    }
    if site.channels.is_empty() {
        println!("bank: none set; drivers who owe something are sent to the operator");
    }
    check_broker(&site).await?;
    check_database(&site, journal).await
}

/// An external broker is asked for its answer time; the embedded one runs only with the daemon.
async fn check_broker(site: &Site) -> anyhow::Result<()> {
    let Some(url) = &site.mqtt.url else {
        println!("broker: embedded, on {}", site.mqtt.listen);
        return Ok(());
    };
    let settings = Settings {
        url: url.clone(),
        username: site.mqtt.username.clone(),
        password: site.mqtt.secrets.mqtt("daemon").unwrap_or_default().to_owned(),
        client_id: format!("{}-check", site.mqtt.client_id),
        ..Settings::default()
    };
    let (sink, _messages) = tokio::sync::mpsc::channel(16);
    let link = Link::start(&settings, Vec::new(), sink)?;
    let mut status = link.status();
    let up = status.wait_for(|status| *status == LinkStatus::Up);
    if tokio::time::timeout(Duration::from_secs(5), up).await.is_err() {
        bail!(
            "broker {url}: no connection in 5 s ({:?}); check its address and the daemon's password",
            *link.status().borrow()
        );
    }
    let answer_us = link.probe_us("paifang/probe").await?;
    println!("broker: {url} answers in {answer_us} µs");
    if answer_us > SLOW_BROKER_US {
        println!(
            "  that is slow: it gathers small packets. In mosquitto.conf: set_tcp_nodelay true"
        );
    }
    link.stop().await;
    Ok(())
}

async fn check_database(site: &Site, journal: bool) -> anyhow::Result<()> {
    let file = site.data_dir.join(app::DATABASE);
    if !file.exists() {
        println!("database: none yet; the first start makes it in {}", site.data_dir.display());
        return Ok(());
    }
    SiteKeys::load(&site.data_dir)?;
    let reader = Reader::open(&file).await?;
    if journal {
        let rebuilt = reader.rebuild().await?;
        println!("journal: {} rows, chain whole", rebuilt.tail.seq);
        for difference in &rebuilt.differences {
            println!("  differs from the tables: {difference:?}");
        }
        if !rebuilt.differences.is_empty() {
            bail!("the tables are not what the journal says; restore a back-up and report this");
        }
    }
    println!("database: readable");
    Ok(())
}

/// `paifang migrate`.
pub async fn migrate(site: Site) -> anyhow::Result<()> {
    Store::open(&site.data_dir.join(app::DATABASE), Options::default()).await?;
    println!("the database in {} has this version's shape", site.data_dir.display());
    Ok(())
}

/// Accounts can be changed while the site runs.
async fn open_accounts(site: &Site) -> anyhow::Result<Accounts> {
    let file = site.data_dir.join(app::DATABASE);
    Accounts::beside(&file).await.context("run the site once, or `paifang migrate`, first")
}

#[expect(clippy::disallowed_methods, reason = "when an account was made")]
fn wall_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn by_hand() -> Doer<'static> {
    Doer { name: "command line", now: wall_now() }
}

/// `paifang user add`.
pub async fn add_user(site: Site, name: &str, role: Role) -> anyhow::Result<()> {
    let accounts = open_accounts(&site).await?;
    let password = staff::add(&accounts, name, role, by_hand()).await?;
    println!(
        "{name} ({role}): one-time password {password}; it must be changed at the first sign-in"
    );
    Ok(())
}

/// `paifang user role`.
pub async fn set_user_role(site: Site, name: &str, role: Role) -> anyhow::Result<()> {
    staff::set_role(&open_accounts(&site).await?, name, role, by_hand()).await?;
    println!("{name} is {role} from now on");
    Ok(())
}

/// `paifang user disable` and `enable`.
pub async fn set_user_disabled(site: Site, name: &str, disabled: bool) -> anyhow::Result<()> {
    staff::set_disabled(&open_accounts(&site).await?, name, disabled, by_hand()).await?;
    if disabled {
        println!("{name} is signed out everywhere and cannot sign in");
    } else {
        println!("{name} can sign in again");
    }
    Ok(())
}

/// `paifang user reset`.
pub async fn reset_user(site: Site, name: &str) -> anyhow::Result<()> {
    let accounts = open_accounts(&site).await?;
    let password = staff::reset(&accounts, name, by_hand()).await?;
    println!("{name}: one-time password {password}; it must be changed at the next sign-in");
    Ok(())
}

/// `paifang user list`.
pub async fn list_users(site: Site) -> anyhow::Result<()> {
    let accounts = open_accounts(&site).await?;
    for operator in accounts.operators().await? {
        let state = match (operator.disabled, operator.must_change) {
            (true, _) => "disabled",
            (false, true) => "one-time password not used yet",
            (false, false) => "can sign in",
        };
        println!("{:<32} {:<10} {state}", operator.name, operator.role);
    }
    Ok(())
}
