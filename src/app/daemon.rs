//! Puts a site together: store, broker, devices, bank, pages around the one writer; and takes it down in order.
//! Decides nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tracing::{error, info, warn};

use super::{
    App, Writer,
    banker::{Banker, Channels},
    clock::{Clock, SystemTime},
    clouds::{CloudCodes, Clouds},
    codes::Codes,
    ears::Listening,
    field::{self, AppFleet, FieldPorts, Intake, MqttIn, Strangers, Tickets},
    invoices::Invoices,
    keys,
    pages::{AppDesk, Door, Tables},
    parts::Parts,
    pictures::Pictures,
    printing::ReceiptDesk,
    reading::LastCards,
    reload::{Reloader, RulesNow},
    rule_files::RuleFiles,
    settling::{self, Settling},
    sisters::{SisterCalls, Sisters},
    webhooks::{self, Webhooks},
};
use crate::{
    config::{InvoiceSettings, Site},
    core::{AlarmKind, Input},
    http::{self, TicketOffice},
    invoice::FileExchange,
    io::mqtt::{Link, LinkStatus},
    store::{Accounts, Options, Reader, Store, Writer as StoreWriter},
    tickets::{SiteCode, TicketKeyError, TicketKeys},
    types::DeviceId,
};

/// Messages of devices that wait to be read; then the broker's connection waits.
const MESSAGES_MAX: usize = 1_024;
/// Pages in flight get this long at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Pictures are kept this many days.
const PICTURE_DAYS: u32 = 30;

/// Why a site does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error(transparent)]
    Staff(#[from] super::staff::StaffError),
    #[error(transparent)]
    Keys(#[from] keys::KeyError),
    #[error(transparent)]
    TicketKeys(#[from] TicketKeyError),
    #[cfg(feature = "embedded-broker")]
    #[error(transparent)]
    Broker(#[from] crate::io::broker::BrokerError),
    #[error("this build has no embedded broker; set mqtt.url in the site file")]
    NoBroker,
    #[error(transparent)]
    Link(#[from] crate::io::mqtt::LinkError),
    #[error("device {device}: {what}")]
    Device { device: DeviceId, what: String },
    #[error(transparent)]
    Sister(#[from] super::sisters::SisterError),
    #[error(transparent)]
    Bank(#[from] crate::bank::ChannelError),
    #[error("http.listen {at} cannot be used: {source}; is another daemon running there?")]
    Listen { at: SocketAddr, source: std::io::Error },
}

/// A running site.
#[derive(Debug)]
pub struct Daemon {
    pub app: App,
    /// Reads prices and products anew.
    pub reloader: Reloader,
    pub http: SocketAddr,
    /// Where the embedded broker listens, if it runs.
    pub mqtt: Option<SocketAddr>,
    /// Shown once: the first account's password, when this start has made it.
    pub first_password: Option<String>,
    stop: watch::Sender<bool>,
    finish: watch::Sender<bool>,
    writer: JoinHandle<StoreWriter>,
    tasks: JoinSet<()>,
    serving: JoinHandle<std::io::Result<()>>,
    link: Link,
    #[cfg(feature = "embedded-broker")]
    broker: Option<crate::io::broker::Broker>,
}

impl Daemon {
    /// Starts everything the site file names.
    pub async fn start(site: Site, metrics: PrometheusHandle) -> Result<Self, StartError> {
        let max_mib = (site.database_mib_max > 0).then_some(site.database_mib_max);
        let file = site.data_dir.join(super::DATABASE);
        let store = Store::open(&file, Options { max_mib }).await?;
        let books = store.settlements();
        let Store { writer: store, reader, accounts } = store;
        let secrets = keys::SiteKeys::load(&site.data_dir)?;
        let first_password = super::staff::first(&accounts, wall_now()).await?;
        let loaded = reader.load().await?;
        let (clock, stepped) = Clock::start(Box::new(SystemTime), loaded.tail.last_at);
        let site_code = SiteCode::of(&site.tickets.site_code);
        let tickets = TicketKeys::open(&site.data_dir.join(super::TICKET_KEYS), site_code)?;
        let shapes = site.channels.iter().filter_map(|(id, s)| Some((id.clone(), s.cloud()?.0)));
        let cloud_codes = CloudCodes::new(shapes.collect(), tickets.clone());
        let codes = Codes::new(tickets.clone(), cloud_codes.clone());
        let mut rules = site.rules.clone();
        rules.shop.codes = Some(Arc::new(tickets.clone()));
        let channels = channels(&site)?;
        obey(&channels, &mut rules)?;
        let rules = Arc::new(rules);
        let (app, inbox) = App::new();
        let rules_now = RulesNow::new(Arc::clone(&rules));
        let reloader = Reloader::new(app.clone(), site.file.clone(), rules_now.clone());

        let mut parts = Parts::new(&site, &app)?;
        #[cfg(feature = "embedded-broker")]
        let broker = parts.broker(&site, &secrets)?;
        #[cfg(feature = "embedded-broker")]
        let mqtt = broker.as_ref().map(crate::io::broker::Broker::addr);
        #[cfg(not(feature = "embedded-broker"))]
        let mqtt: Option<SocketAddr> = None;
        let (messages_tx, messages) = mpsc::channel(MESSAGES_MAX);
        let link = parts.link(&site, &secrets, mqtt, messages_tx)?;
        let banker =
            Banker::new(app.clone(), reader.clone(), channels.clone(), secrets.site_secret);
        let cloud_channels = channels.clone();
        let settling = Settling::new(&site, &app, books, channels, banker.clone());
        let invoices = site.invoices.as_ref().map(|s| invoices(s, &app, &reader, &accounts));
        let own = site.rules.tickets.issuer;
        let sisters = Sisters::open(own, &site.sisters, &app, &reader)?;
        let sister_door = (!site.sisters.is_empty()).then(|| {
            SisterCalls::new(own, &site.sisters, app.clone(), reader.clone())
                as Arc<dyn http::ports::SisterDoor>
        });
        let pictures = Pictures::new(&site.data_dir, site.rules.zone.clone());
        let listener = TcpListener::bind(site.http_listen)
            .await
            .map_err(|source| StartError::Listen { at: site.http_listen, source })?;
        let http = listener.local_addr().unwrap_or(site.http_listen);

        let (buses, arms, passes) = parts.boards(&site)?;
        parts.scanners(&site, &tickets, &cloud_codes)?;
        let (messages_of, two_displays) = parts.displays(&site, &buses, &link)?;
        let (cameras, backs) = parts.readers(&site, &link);
        parts.signs(&site, &buses, &link, &rules)?;
        let printers = parts.printers(&site)?;
        let last_cards = LastCards::default();
        let of_cards = (tickets.clone(), last_cards.clone());
        let cards = parts.card_readers(&site, &buses, &messages_of, of_cards)?;
        let ports = FieldPorts {
            app: app.clone(),
            link: link.clone(),
            orders: parts.orders.clone(),
            arms,
            passes,
            tickets: Tickets { app: app.clone(), reader: reader.clone() },
            cameras,
            two_ways: Parts::two_ways(&site, two_displays, backs),
            messages: messages_of,
            banker: banker.clone(),
            invoices: invoices.clone(),
            sisters: sisters.clone(),
            clouds: Clouds {
                app: app.clone(),
                reader: reader.clone(),
                channels: cloud_channels,
                codes: cloud_codes,
            },
        };
        let writer = Writer::new(
            loaded.state,
            Arc::clone(&rules),
            (store, reader.clone()),
            clock,
            ports,
            inbox,
        );
        let (finish, finished) = watch::channel(false);
        let writer = tokio::spawn(writer.run(stepped, finished));
        let intake = Intake {
            app: app.clone(),
            orders: parts.orders.clone(),
            pictures: pictures.clone(),
            zone: site.rules.zone.clone(),
        };
        parts.callers(&site, &intake, &link)?;
        let strangers = Strangers::default();
        #[cfg(feature = "embedded-broker")]
        let quarantine =
            || broker.as_ref().map(|broker| super::ears::Ears::Quarantine(broker.quarantine()));
        #[cfg(not(feature = "embedded-broker"))]
        let quarantine = || None;
        let ears = parts.ears(&site).or_else(quarantine).ok_or(StartError::NoBroker)?;
        let listening = Listening::new(ears, strangers.clone());
        let fleet = AppFleet {
            app: app.clone(),
            health: parts.health.clone(),
            strangers: strangers.clone(),
            probes: parts.probes,
            arms: Parts::movers(&site),
            last_cards,
            ears: Box::new(move |window| listening.open(window)),
        };
        let door = field::Door {
            devices: parts.pushers.clone(),
            intake: intake.clone(),
            strangers: strangers.clone(),
        };
        let mqtt_in = MqttIn { intake, cameras: parts.cameras, strangers, link: link.clone() };
        let mut tasks = parts.tasks;
        tasks.spawn(mqtt_in.run(messages));
        tasks.spawn(parts.orders.watch(app.clone()));
        tasks.spawn(parts.pushers.watch(app.clone()));
        tasks.spawn(parts.health.watch(app.clone()));
        tasks.spawn(cards.run());
        if let Some(invoices) = invoices.clone() {
            tasks.spawn(invoices.run());
        }
        for run in sisters.runs() {
            tasks.spawn(run);
        }
        tasks.spawn(watch_link(app.clone(), link.clone()));
        tasks.spawn(prune(pictures.clone()));
        tasks.spawn(look_for_keys(tickets));
        let keep = site.tickets.keep_days;
        tasks.spawn(super::visitors::forget(app.clone(), accounts.clone(), keep));
        let (stop, stopped) = watch::channel(false);
        let programs = accounts.clone();
        let hooks = Webhooks::new(
            app.clone(),
            (reader.clone(), accounts.clone()),
            site.data_dir.join(webhooks::FOLDER),
            rules.site_name.clone(),
            secrets.site_secret,
        );
        tasks.spawn(hooks.clone().run());
        let tables =
            Arc::new(Tables { reader, accounts, app: app.clone(), currency: rules.currency });
        let sells = !rules.shop.products.is_empty();
        let rule_files = RuleFiles {
            reloader: reloader.clone(),
            tariffs: site.tariffs_dir.clone(),
            drafts: site.data_dir.join("tariff-drafts"),
        };
        let receipts = ReceiptDesk { app: app.clone(), rules: Arc::clone(&rules), printers };
        let pages = http::Parts {
            desk: Arc::new(AppDesk { app: app.clone(), rules: rules_now }),
            rule_files: Some(Arc::new(rule_files)),
            records: tables.clone(),
            till: tables.clone(),
            payments: tables.clone(),
            lists: tables.clone(),
            programs: Some(Arc::new(programs)),
            hooks: Some(hooks.clone()),
            staff: tables.clone(),
            tickets: sells.then(|| TicketOffice { codes: Arc::new(codes), records: tables }),
            settlement: Some(settling::shared(&settling)),
            pictures: Arc::new(pictures),
            bank: Some(Arc::new(Door { banker })),
            fleet: Arc::new(fleet),
            door: Arc::new(door),
            sisters: sister_door,
            receipts: Some(Arc::new(receipts)),
            invoices: invoices
                .map(|invoices| Arc::new(invoices) as Arc<dyn http::ports::InvoiceDesk>),
            metrics: Some(metrics),
            settings: http::Settings {
                site_secret: secrets.site_secret.to_vec(),
                public_url: site.public_url.clone(),
                behind_proxy: site.behind_proxy,
            },
            stop: stopped,
        };
        tasks.spawn(settling.run());
        let serving = tokio::spawn(http::serve(listener, pages));
        info!(%http, mqtt = ?mqtt, site = site.rules.site_name, "open for vehicles");
        Ok(Self {
            app,
            reloader,
            http,
            mqtt,
            first_password,
            stop,
            finish,
            writer,
            tasks,
            serving,
            link,
            #[cfg(feature = "embedded-broker")]
            broker,
        })
    }

    /// Stops in order: no new requests, no new messages, what was told is decided and committed, then the broker.
    pub async fn stop(mut self) {
        info!("stopping");
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, self.serving).await.is_err() {
            warn!("some pages were still being served");
        }
        self.link.stop().await;
        self.tasks.shutdown().await;
        self.finish.send_replace(true);
        match tokio::time::timeout(GRACE, self.writer).await {
            Ok(Ok(store)) => drop(store),
            Ok(Err(panic)) => error!(%panic, "the writer ended badly"),
            Err(_) => warn!("the disk takes nothing; what waits is in the devices' hands"),
        }
        #[cfg(feature = "embedded-broker")]
        if let Some(broker) = self.broker {
            broker.stop();
        }
        info!("stopped");
    }
}

/// What the channels cannot do is not asked of them.
fn obey(
    channels: &super::banker::Channels,
    rules: &mut crate::core::Rules,
) -> Result<(), StartError> {
    for (id, bank) in channels.iter() {
        let can = bank.capabilities();
        if can.currency != rules.currency {
            let (ours, theirs) = (rules.currency.code(), can.currency.code());
            let what = format!("collects {theirs}, and the site's currency is {ours}");
            let (channel, field) = (id.clone(), "currency");
            return Err(crate::bank::ChannelError { channel, field, what }.into());
        }
        if !can.part_refund {
            rules.pay.whole_refunds.insert(id.clone());
        }
        if !can.reverse {
            rules.pay.never_close.insert(id.clone());
        }
    }
    Ok(())
}

fn channels(site: &Site) -> Result<Channels, StartError> {
    if site.channels.is_empty() {
        warn!("no bank channel is set: drivers who owe something are sent to the operator");
    }
    let opened = site.channels.iter().map(|(id, settings)| {
        Ok::<_, StartError>((id.clone(), settings.open(id, Arc::new(wall_now))?))
    });
    Ok(Arc::new(opened.collect::<Result<_, _>>()?))
}

fn invoices(
    settings: &InvoiceSettings,
    app: &App,
    reader: &Reader,
    accounts: &Accounts,
) -> Invoices {
    let InvoiceSettings { folder, seller, keep_days } = settings.clone();
    Invoices {
        app: app.clone(),
        reader: reader.clone(),
        accounts: accounts.clone(),
        provider: Arc::new(FileExchange::new(folder, seller, Arc::new(wall_now))),
        keep_days,
        one: Arc::default(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the bank wants the wall clock in each request")]
fn wall_now() -> Timestamp {
    Timestamp::now()
}

/// Tells the operator while the broker is away.
async fn watch_link(app: App, link: Link) {
    let mut status = link.status();
    loop {
        let now = status.borrow_and_update().clone();
        let (subject, kind) = ("broker".to_owned(), AlarmKind::BrokerDown);
        let input = match now {
            LinkStatus::Up => Input::Well { subject, kind },
            LinkStatus::Down { why } => Input::Trouble { subject, kind, detail: why },
        };
        if app.submit(input, None).await.is_err() || status.changed().await.is_err() {
            return;
        }
    }
}

/// A key made by `paifang ticket keys` is used within a minute.
async fn look_for_keys(keys: TicketKeys) {
    let mut minute = tokio::time::interval(Duration::from_mins(1));
    loop {
        minute.tick().await;
        let keys = keys.clone();
        let read = tokio::task::spawn_blocking(move || keys.refresh()).await;
        if let Ok(Err(trouble)) = read {
            warn!(%trouble, "the ticket keys cannot be read anew; those in use stay");
        }
    }
}

/// Once an hour, the pictures of days long past go.
async fn prune(pictures: Pictures) {
    let mut hour = tokio::time::interval(Duration::from_hours(1));
    loop {
        hour.tick().await;
        let pictures = pictures.clone();
        let pruned = tokio::task::spawn_blocking(move || pictures.prune(wall_now(), PICTURE_DAYS));
        match pruned.await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(days)) => info!(days, "old pictures removed"),
            Ok(Err(trouble)) => warn!(%trouble, "old pictures could not be removed"),
        }
    }
}
