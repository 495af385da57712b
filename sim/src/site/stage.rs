//! Puts a simulated site together in a folder, and runs it. Runs no daemon.

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use super::{
    annex::{self, Annex},
    attendant::{Attendant, SignInError},
    booth::Booth,
    engine::{Counts, Engine, Heard},
    layout::{LaneAt, Layout, Plan},
    office::{self, Shop},
    scenic::{self, Scenic},
    staff::{Staff, Unpaid},
    tales::Tales,
    visitors::Gates,
    wall_clock,
    wires::{Pulse, Reads, Wires},
};
use crate::{
    bank::{
        self, Gateway, GatewayKeys, GatewaySettings,
        swiftpass::{SwiftpassGateway, SwiftpassGatewaySettings},
    },
    faults::Faults,
    invoicing::SECTION,
    seed::Seed,
    world::{Pace, SiteSpec, World},
};

/// Share of vehicles without a plate that come to a large site.
const UNLICENSED: f64 = 0.08;

/// What kind of site.
#[derive(Clone, Debug)]
pub struct StageSpec {
    pub name: String,
    pub entries: usize,
    pub exits: usize,
    /// The last entry's arm is moved by its camera's relay.
    pub camera_arm: bool,
    /// The last exit's camera calls over HTTP and moves its arm by its relay.
    pub http_exit: bool,
    pub seed: u64,
    /// Seconds between arrivals, on average.
    pub gap_s: f64,
    /// Seconds of a stay, from and to.
    pub stay_s: (f64, f64),
    /// Drivers are this many times as quick with their phones as on a real day.
    pub haste: f64,
    pub faults: Faults,
    pub bank_faults: bank::Faults,
    /// Seconds a cashier link lives.
    pub link_life_s: u32,
    /// Seconds a vehicle stands unread before its camera is asked to look.
    pub unread_s: u32,
    /// Where the daemon shall serve its pages.
    pub http: SocketAddr,
    /// Where cameras find their broker.
    pub mqtt: SocketAddr,
    /// That broker is not the daemon's own.
    pub external_broker: bool,
    pub bank: SocketAddr,
    /// Channels of its file, those first that new payments go to first: `icbc`, `swiftpass`.
    pub channels: Vec<&'static str>,
    /// More settings of channels, as TOML.
    pub channel_more: Vec<(&'static str, String)>,
    /// More sections of the site file.
    pub sections: String,
    /// More keys of a lane's `[[lane]]`, by its name.
    pub lane_keys: Vec<(&'static str, String)>,
    /// Seconds that the clocks of cameras and banks are ahead of this machine's, with the daemon's own.
    pub ahead_s: i32,
    /// Also with what a large site has: a zone within, a sign, a booth, people who come often, a scenic part.
    pub large: bool,
    /// Seconds between two visitors on foot of a large site, from and to.
    pub visitor_gap_s: (f64, f64),
    /// In place of entries and exits.
    pub plan: Option<Plan>,
}

impl StageSpec {
    /// Two entries and two exits with mild weather. Arrivals every 8 s, stays of 20 to 120 s.
    pub fn new(http: SocketAddr, mqtt: SocketAddr) -> Self {
        Self {
            name: "湖滨停车场".into(),
            entries: 2,
            exits: 2,
            camera_arm: true,
            http_exit: false,
            seed: 1,
            gap_s: 8.0,
            stay_s: (20.0, 120.0),
            haste: 8.0,
            faults: Faults::none(),
            bank_faults: bank::Faults::default(),
            link_life_s: 300,
            unread_s: 3,
            http,
            mqtt,
            external_broker: false,
            bank: ([127, 0, 0, 1], 0).into(),
            channels: vec!["icbc"],
            channel_more: Vec::new(),
            sections: String::new(),
            lane_keys: Vec::new(),
            ahead_s: 0,
            large: false,
            visitor_gap_s: (1.5, 4.0),
            plan: None,
        }
    }
}

/// A site with everything but its daemon. Dropped, its wires go.
#[derive(Debug)]
pub struct Stage {
    pub layout: Arc<Layout>,
    pub gateway: Gateway,
    /// Of other banks, where the site has a contract there.
    pub swiftpass: Option<SwiftpassGateway>,
    /// One for each lane of the layout.
    pub wires: Arc<Vec<Wires>>,
    spec: StageSpec,
    tells: mpsc::UnboundedSender<Heard>,
    heard: Option<mpsc::UnboundedReceiver<Heard>>,
    counts: watch::Sender<Counts>,
    pulses: Arc<Mutex<Vec<Pulse>>>,
    annex: Option<Annex>,
    scenic: Option<Scenic>,
    /// Who works or walks there; gone with the stage.
    errands: JoinSet<()>,
    engine: Option<JoinHandle<()>>,
}

impl Stage {
    /// Opens the wires, starts the bank, writes the daemon's files into `folder`. No vehicle comes before
    /// [`Self::run`].
    pub async fn build(folder: &Path, spec: StageSpec) -> io::Result<Self> {
        fs::create_dir_all(folder.join("lines"))?;
        let folder = folder.canonicalize()?;
        let lanes = match &spec.plan {
            Some(plan) => Layout::planned(&folder, plan),
            None => {
                Layout::lanes(&folder, spec.entries, spec.exits, spec.camera_arm, spec.http_exit)
            }
        };
        let mut lanes = lanes;
        let mut sections =
            spec.plan.as_ref().map_or_else(|| SECTION.to_owned(), |plan| plan.sections.clone());
        sections.push_str(&spec.sections);
        for lane in &mut lanes {
            let own = spec.lane_keys.iter().filter(|(id, _)| *id == lane.id);
            lane.keys.extend(own.map(|(_, key)| key.clone()));
        }
        if spec.large {
            lanes.extend(Layout::inner(&folder, annex::ZONE));
            lanes.iter_mut().for_each(LaneAt::christen);
            let lines = folder.join("lines");
            sections.push_str(&annex::sections(&lines));
            sections.push_str(&scenic::sections(&lines));
        }
        let layout = Layout {
            lanes,
            sections,
            folder,
            name: spec.name.clone(),
            http: spec.http,
            mqtt: spec.mqtt,
            external_broker: spec.external_broker,
            link_life_s: spec.link_life_s,
            unread_s: spec.unread_s,
        };
        let gateway = icbc(&spec, &layout).await?;
        let swiftpass = if spec.channels.contains(&"swiftpass") {
            Some(swiftpass(&spec, &layout).await?)
        } else {
            None
        };
        layout.write(banks(&spec, &layout, &gateway, swiftpass.as_ref())?)?;
        if spec.large {
            fs::write(layout.folder.join("products.toml"), scenic::PRODUCTS)?;
            let tariffs = layout.folder.join("tariffs");
            // Versions that the owner published since are kept.
            if !tariffs.exists() {
                fs::create_dir(&tariffs)?;
                fs::write(tariffs.join("lot.toml"), annex::TARIFF)?;
            }
        }
        let wires: io::Result<Vec<Wires>> =
            layout.lanes.iter().map(|lane| Wires::connect(lane, &layout, spec.ahead_s)).collect();
        let lines = layout.folder.join("lines");
        let annex = spec.large.then(|| Annex::connect(&lines)).transpose()?;
        let scenic = spec.large.then(|| Scenic::connect(&lines)).transpose()?;
        let (tells, heard) = mpsc::unbounded_channel();
        Ok(Self {
            layout: Arc::new(layout),
            gateway,
            swiftpass,
            wires: Arc::new(wires?),
            spec,
            tells,
            heard: Some(heard),
            counts: watch::Sender::default(),
            pulses: Arc::default(),
            annex,
            scenic,
            errands: JoinSet::new(),
            engine: None,
        })
    }

    /// Traffic begins. The attendant uses `password`; see [`Attendant::new`].
    pub fn run(
        &mut self,
        password: &str,
        one_time: Option<String>,
    ) -> Result<Arc<Attendant>, SignInError> {
        let attendant = Arc::new(Attendant::new(&self.layout.public_url(), password, one_time)?);
        let Some(heard) = self.heard.take() else { return Ok(attendant) };
        let spec = SiteSpec {
            lanes: self.layout.lanes.iter().enumerate().map(|(nth, lane)| lane.spec(nth)).collect(),
            vehicles_per_day: 86_400.0 / self.spec.gap_s,
            pace: Pace { stay_s: Some(self.spec.stay_s), haste: self.spec.haste },
            regulars: if self.spec.large { office::regulars() } else { Vec::new() },
            unlicensed: if self.spec.large { UNLICENSED } else { 0.0 },
            starts_at: wall_clock(),
        };
        let engine = Engine {
            world: World::new(spec, Seed(self.spec.seed), self.spec.faults.clone()),
            layout: self.layout.clone(),
            wires: self.wires.clone(),
            attendant: attendant.clone(),
            tells: self.tells.clone(),
            counts: self.counts.clone(),
            pulses: self.pulses.clone(),
            shown: vec![None; self.wires.len()],
            reads: self.wires.iter().map(|_| Reads::default()).collect(),
            greeted: std::collections::BTreeSet::new(),
            drivers: std::collections::BTreeMap::new(),
            nameless: std::collections::BTreeMap::new(),
            staff: None,
            unpaid: Unpaid::default(),
        };
        self.engine = Some(tokio::spawn(engine.run(heard)));
        Ok(attendant)
    }

    /// Opens the office, the booth with its two operators, the shop and the turnstile of a large site. Whoever hears
    /// the story is told the first of each kind.
    pub async fn employ(
        &mut self,
        operators: [Arc<Attendant>; 2],
    ) -> (Tales, mpsc::UnboundedReceiver<String>) {
        let (tales, story) = Tales::new();
        let clerk = operators[0].clone();
        office::put_passes(&clerk).await;
        let shop = Shop::open(&clerk, &self.layout.public_url()).await;
        let booth = Arc::new(Booth::open(operators, tales.clone()).await);
        let staff = Staff { booth: booth.clone(), shop, tales: tales.clone() };
        let _ = self.tells.send(Heard::Staffed(Arc::new(staff)));
        self.errands.spawn(booth.clone().keep());
        if let Some(scenic) = self.scenic.clone() {
            let (url, gap_s) = (self.layout.public_url(), self.spec.visitor_gap_s);
            let gates = Gates { scenic, clerk, booth, url, tales: tales.clone(), gap_s };
            self.errands.spawn(gates.open(self.spec.seed));
        }
        (tales, story)
    }

    /// What the sign at the street shows, where there is one.
    pub fn sign(&self) -> Vec<String> {
        self.annex.as_ref().map(Annex::sign).unwrap_or_default()
    }

    /// The turnstile, its scanners, the printer of a large site.
    pub fn scenic(&self) -> Option<&Scenic> {
        self.scenic.as_ref()
    }

    /// Nobody comes any more, and whoever is inside leaves within `within`.
    pub fn drain(&self, within: Duration) {
        let _ = self.tells.send(Heard::Drain(within));
    }

    /// How it goes; changes can be awaited.
    pub fn counts(&self) -> watch::Receiver<Counts> {
        self.counts.subscribe()
    }

    /// Every order that reached an arm so far.
    pub fn pulses(&self) -> Vec<Pulse> {
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Traffic freezes where it is; the bank closes.
    pub async fn stop(mut self) {
        self.errands.shutdown().await;
        if let Some(engine) = self.engine.take() {
            engine.abort();
            let _ = engine.await;
        }
        self.gateway.stop().await;
        if let Some(swiftpass) = self.swiftpass {
            swiftpass.stop().await;
        }
    }
}

/// The banks' clocks are the site's.
fn faults(spec: &StageSpec) -> bank::Faults {
    let clock_apart_s = spec.bank_faults.clock_apart_s + spec.ahead_s;
    bank::Faults { clock_apart_s, ..spec.bank_faults.clone() }
}

async fn icbc(spec: &StageSpec, layout: &Layout) -> io::Result<Gateway> {
    let settings = GatewaySettings {
        listen: spec.bank,
        seed: spec.seed,
        faults: faults(spec),
        back_url: Some(layout.public_url()),
        ..GatewaySettings::default()
    };
    Gateway::start(settings, GatewayKeys::generate(spec.seed)).await
}

async fn swiftpass(spec: &StageSpec, layout: &Layout) -> io::Result<SwiftpassGateway> {
    let settings = SwiftpassGatewaySettings {
        seed: spec.seed,
        faults: faults(spec),
        back_url: Some(layout.public_url()),
        ..SwiftpassGatewaySettings::default()
    };
    SwiftpassGateway::start(settings, GatewayKeys::generate(spec.seed + 1)).await
}

/// `[bank]` of the site file.
fn banks(
    spec: &StageSpec,
    layout: &Layout,
    gateway: &Gateway,
    swiftpass: Option<&SwiftpassGateway>,
) -> io::Result<toml::Table> {
    let table = |text: &str| text.parse::<toml::Table>().map_err(io::Error::other);
    let mut banks = toml::Table::new();
    banks.insert("order".to_owned(), spec.channels.clone().into());
    if spec.channels.contains(&"icbc") {
        let url = layout.notify_url("icbc");
        let mut icbc = table(&gateway.site_toml(&layout.folder, &url)?)?;
        icbc.insert("statement".to_owned(), table(&gateway.statement_toml())?.into());
        banks.insert("icbc".to_owned(), icbc.into());
    }
    if let Some(swiftpass) = swiftpass {
        let url = layout.notify_url("swiftpass");
        let section = swiftpass.site_toml(&layout.folder, &url)?;
        banks.insert("swiftpass".to_owned(), table(&section)?.into());
    }
    for (channel, more) in &spec.channel_more {
        if let Some(section) = banks.get_mut(*channel).and_then(toml::Value::as_table_mut) {
            section.extend(table(more)?);
        }
    }
    Ok(banks)
}
