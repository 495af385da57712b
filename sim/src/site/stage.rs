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
    task::JoinHandle,
};

use super::{
    attendant::{Attendant, SignInError},
    engine::{Counts, Engine, Heard},
    layout::{Layout, Plan},
    wall_clock,
    wires::{Pulse, Reads, Wires},
};
use crate::{
    bank::{self, Gateway, GatewayKeys, GatewaySettings},
    faults::Faults,
    invoicing::SECTION,
    seed::Seed,
    world::{Pace, SiteSpec, World},
};

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
            plan: None,
        }
    }
}

/// A site with everything but its daemon. Dropped, its wires go.
#[derive(Debug)]
pub struct Stage {
    pub layout: Arc<Layout>,
    pub gateway: Gateway,
    /// One for each lane of the layout.
    pub wires: Arc<Vec<Wires>>,
    spec: StageSpec,
    tells: mpsc::UnboundedSender<Heard>,
    heard: Option<mpsc::UnboundedReceiver<Heard>>,
    counts: watch::Sender<Counts>,
    pulses: Arc<Mutex<Vec<Pulse>>>,
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
        let layout = Layout {
            lanes,
            sections: spec
                .plan
                .as_ref()
                .map_or_else(|| SECTION.to_owned(), |plan| plan.sections.clone()),
            folder,
            name: spec.name.clone(),
            http: spec.http,
            mqtt: spec.mqtt,
            external_broker: spec.external_broker,
            link_life_s: spec.link_life_s,
            unread_s: spec.unread_s,
        };
        let settings = GatewaySettings {
            listen: spec.bank,
            seed: spec.seed,
            faults: spec.bank_faults.clone(),
            back_url: Some(layout.public_url()),
            ..GatewaySettings::default()
        };
        let gateway = Gateway::start(settings, GatewayKeys::generate(spec.seed)).await?;
        layout.write(&gateway.site_toml(&layout.folder, &layout.notify_url())?)?;
        let wires: io::Result<Vec<Wires>> =
            layout.lanes.iter().map(|lane| Wires::connect(lane, &layout)).collect();
        let (tells, heard) = mpsc::unbounded_channel();
        Ok(Self {
            layout: Arc::new(layout),
            gateway,
            wires: Arc::new(wires?),
            spec,
            tells,
            heard: Some(heard),
            counts: watch::Sender::default(),
            pulses: Arc::default(),
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
            regulars: Vec::new(),
            unlicensed: 0.0,
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
        };
        self.engine = Some(tokio::spawn(engine.run(heard)));
        Ok(attendant)
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
        if let Some(engine) = self.engine.take() {
            engine.abort();
            let _ = engine.await;
        }
        self.gateway.stop().await;
    }
}
