//! A table's site on real wires: the daemon itself, cameras at its broker, relay boards on serial lines, phones at its
//! pages, an operator at its console and a bank. Time is the real one: whatever should become true is waited for.

mod people;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use paifang::{
    app::{self, daemon::Daemon},
    cli::Metrics,
    config,
    core::{
        Input, Rules, State,
        lane::{OperatorAct, Phase, Sensor},
        rules::{Direction, LaneRules},
        stay::Stay,
    },
    store::{Reader, Takings},
    types::{LaneId, Plate, PlateColour, Vehicle, VehicleClass},
};
use tokio::{runtime::Runtime, sync::broadcast};

use super::{
    checks::{Check, is, named},
    head::Head,
    run::Backend,
    steps::{BankStep, LaneStep, Step},
};
use crate::{
    bank::Faults,
    site::{Attendant, Plan, Stage, StageSpec, Wires},
    wire::{Page, Phone, RelayEvent, RelayKind, Sighting, free_port},
    world::Told,
};

/// Whatever should happen soon may take this long on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// More than the second that costs nothing.
const MOMENT: jiff::SignedDuration = jiff::SignedDuration::from_millis(1_100);
const LOOK: Duration = Duration::from_millis(20);
const PASSWORD: &str = "scenario-password";
/// What an arm's limits tell on its way up, and down.
const RISES: [(Sensor, bool); 2] = [(Sensor::ClosedLimit, false), (Sensor::OpenLimit, true)];
const FALLS: [(Sensor, bool); 2] = [(Sensor::OpenLimit, false), (Sensor::ClosedLimit, true)];
/// Stays that are looked through for a plate's latest.
const STAYS_MAX: u32 = 100;

/// A daemon with everything it is wired to.
#[derive(Debug)]
pub struct WireSite {
    runtime: Runtime,
    stage: Option<Stage>,
    daemon: Option<Daemon>,
    attendant: std::sync::Arc<Attendant>,
    reader: Reader,
    rules: Rules,
    url: String,
    lanes: BTreeMap<LaneId, Wired>,
    /// Of people who stand in no lane, or come back: by name.
    phones: BTreeMap<String, Phone>,
    refused: bool,
    story: Vec<String>,
}

/// One lane's wires, and what its driver has open.
#[derive(Debug)]
struct Wired {
    wires: Wires,
    relays: broadcast::Receiver<RelayEvent>,
    /// Orders to open that reached the board since the row began.
    opened: u32,
    phone: Phone,
    cashier: Option<Page>,
}

impl WireSite {
    /// The site a table's head describes, in a folder of its own, with its daemon running.
    pub fn new(head: &Head, folder: &Path, metrics: &Metrics) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        let port = || free_port().map_err(|e| e.to_string());
        let (http, mqtt) = (port()?, port()?);
        let lanes = head.lanes.iter();
        let plan = Plan {
            lanes: lanes.map(|l| (l.id.clone(), l.direction, l.more.clone())).collect(),
            sections: head.sections(),
        };
        let spec = StageSpec { plan: Some(plan), ..StageSpec::new(http, mqtt) };
        head.write_files(folder).map_err(|e| e.to_string())?;
        let stage = runtime.block_on(Stage::build(folder, spec)).map_err(|e| e.to_string())?;
        let site = config::load(&stage.layout.site_file()).map_err(|e| e.to_string())?;
        let rules = site.rules.clone();
        let daemon = runtime
            .block_on(Daemon::start(site, metrics.clone()))
            .map_err(|e| format!("the daemon does not start: {e}"))?;
        let url = stage.layout.public_url();
        let attendant = Attendant::new(&url, PASSWORD, daemon.first_password.clone())
            .map_err(|e| e.to_string())?;
        runtime.block_on(attendant.sign_in()).map_err(|e| e.to_string())?;
        let file = stage.layout.data_dir().join(app::DATABASE);
        let reader = runtime.block_on(Reader::open(&file)).map_err(|e| e.to_string())?;
        let mut lanes = BTreeMap::new();
        for (at, wires) in stage.layout.lanes.iter().zip(&*stage.wires) {
            let id = LaneId::parse(&at.id).ok_or_else(|| format!("{} names no lane", at.id))?;
            let wired = Wired {
                wires: wires.clone(),
                relays: wires.line.relay_events(),
                opened: 0,
                phone: Phone::new(&url).map_err(|e| e.to_string())?,
                cashier: None,
            };
            wires.set_sensor(Sensor::ClosedLimit, true);
            lanes.insert(id, wired);
        }
        let site = Self {
            runtime,
            stage: Some(stage),
            daemon: Some(daemon),
            attendant: attendant.into(),
            reader,
            rules,
            url,
            lanes,
            phones: BTreeMap::new(),
            refused: false,
            story: Vec::new(),
        };
        site.in_service()?;
        Ok(site)
    }

    /// Cameras are signed in and every lane rests.
    fn in_service(&self) -> Result<(), String> {
        for (id, wired) in &self.lanes {
            wait(&format!("the camera of {id}"), || {
                wired.wires.camera.online().borrow().then_some(()).ok_or_else(String::new)
            })?;
        }
        let idle = |state: &State| state.lanes.values().all(|lane| lane.phase == Phase::Idle);
        wait(
            "all lanes",
            || {
                if self.seen(idle)? { Ok(()) } else { Err("a lane is not idle".into()) }
            },
        )
    }

    // ---- looking ---------------------------------------------------------------------------------

    fn daemon(&self) -> Result<&Daemon, String> {
        self.daemon.as_ref().ok_or_else(|| "there is no daemon".into())
    }

    fn seen<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, String> {
        self.runtime.block_on(self.daemon()?.app.read(look)).map_err(|e| e.to_string())
    }

    fn stay(&self, plate: &Plate) -> Result<Option<Stay>, String> {
        let stays = self.runtime.block_on(self.reader.recent_stays(STAYS_MAX));
        Ok(stays.map_err(|e| e.to_string())?.into_iter().find(|stay| stay.plate == *plate))
    }

    fn takings(&self) -> Result<Takings, String> {
        let ever = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        self.runtime.block_on(self.reader.takings(ever.0, ever.1)).map_err(|e| e.to_string())
    }

    /// What reached the board of a lane is counted.
    fn count_opened(&mut self, lane: &LaneId) -> u32 {
        let Some(wired) = self.lanes.get_mut(lane) else { return 0 };
        while let Ok(event) = wired.relays.try_recv() {
            let opens = matches!(event.kind, RelayKind::Pulse { .. } | RelayKind::On);
            wired.opened += u32::from(event.relay == 1 && opens);
        }
        wired.opened
    }

    fn looked(&mut self, check: &Check) -> Result<(), String> {
        let (asked, zones) = (check.clone(), self.rules.zones.clone());
        if let Some(told) = self.seen(move |state| asked.holds(state, &zones))? {
            return told;
        }
        match check {
            Check::Opens(lane) => is(self.count_opened(lane), 1),
            Check::StaysShut(lane) => is(self.count_opened(lane), 0),
            Check::Says(lane, wanted) => {
                let wired = self.lanes.get(lane).ok_or_else(|| format!("no lane {lane}"))?;
                is(wired.wires.message().as_ref().map(named), Some(wanted.clone()))
            }
            Check::StayIs(plate, wanted) => is(self.stay(plate)?.map(|s| s.state), Some(*wanted)),
            Check::Takings(minor) => is(self.takings()?.revenue_minor, *minor),
            Check::Refunded(minor) => is(self.takings()?.refunded_minor, *minor),
            // The console says why in the operator's own language.
            Check::Refused(_) => is(self.refused, true),
            _ => Err("that is no matter of a site on real wires".into()),
        }
    }

    // ---- doing -----------------------------------------------------------------------------------

    fn wires(&self, lane: &LaneId) -> Result<&Wires, String> {
        let wired = self.lanes.get(lane).ok_or_else(|| format!("no lane {lane}"))?;
        Ok(&wired.wires)
    }

    /// A sensor moves, and the daemon knows.
    fn sensor(&self, lane: &LaneId, sensor: Sensor, on: bool) -> Result<(), String> {
        use paifang::core::lane::Signal;
        self.wires(lane)?.set_sensor(sensor, on);
        let wanted = if on { Signal::On } else { Signal::Off };
        wait(&format!("{sensor:?} of {lane}"), || {
            let id = lane.clone();
            let known = self.seen(move |state| {
                let sensors = state.lanes.get(&id).map(|lane| lane.sensors).unwrap_or_default();
                match sensor {
                    Sensor::Arrival => sensors.arrival,
                    Sensor::Safety => sensors.safety,
                    Sensor::OpenLimit => sensors.open_limit,
                    Sensor::ClosedLimit => sensors.closed_limit,
                    Sensor::Beam => sensors.beam,
                    Sensor::ManualKey => sensors.manual_key,
                }
            })?;
            is(known, wanted)
        })
    }

    /// The camera says it, and the daemon has taken it.
    fn read(&self, lane: &LaneId, seen: &Sighting) -> Result<(), String> {
        let recent =
            |id: LaneId| move |state: &State| state.lanes.get(&id).map(|lane| lane.recent.clone());
        let before = self.seen(recent(lane.clone()))?;
        self.wires(lane)?.camera.read(&seen.clone().with_pictures());
        wait(&format!("the read of {lane}"), || {
            let now = self.seen(recent(lane.clone()))?;
            if now == before { Err("it has not come".into()) } else { Ok(()) }
        })
    }

    fn lane_step(&mut self, lane: &LaneId, step: &LaneStep) -> Result<(), String> {
        match step {
            LaneStep::Arrives(plate) => {
                self.parked_for_a_second(lane)?;
                self.sensor(lane, Sensor::Arrival, true)?;
                let seen = plate.as_deref().map_or_else(Sighting::without_plate, Sighting::of);
                self.read(lane, &seen)
            }
            LaneStep::ArrivesAs(plate, vehicle) => {
                self.parked_for_a_second(lane)?;
                self.sensor(lane, Sensor::Arrival, true)?;
                let color = colour_number(*vehicle)?;
                self.read(lane, &Sighting { color, ..Sighting::of(plate) })
            }
            LaneStep::Comes => self.sensor(lane, Sensor::Arrival, true),
            LaneStep::Reads(raw, confidence) => {
                self.read(lane, &Sighting { confidence: *confidence, ..Sighting::of(raw) })
            }
            LaneStep::DrivesThrough => self.drive_through(lane),
            LaneStep::SlipsThrough => {
                self.moves(lane, &RISES)?;
                self.goes_through(lane)
            }
            LaneStep::BacksOut => self.back_out(lane),
            LaneStep::RollsBack => {
                self.moves(lane, &RISES)?;
                self.moves(
                    lane,
                    &[(Sensor::Safety, true), (Sensor::Safety, false), (Sensor::Arrival, false)],
                )?;
                self.moves(lane, &FALLS)?;
                self.rests(lane)
            }
            LaneStep::HasNoPlate(_) => self.fills(&format!("/console/lanes/{lane}/no-plate"), &[]),
            LaneStep::Pays => {
                self.open_cashier(lane)?;
                self.pay_at_cashier(lane)
            }
            LaneStep::OpensCashier => self.open_cashier(lane),
            LaneStep::PaysAtCashier => self.pay_at_cashier(lane),
            LaneStep::Types(plate) => {
                let wired = self.lanes.get(lane).ok_or_else(|| format!("no lane {lane}"))?;
                let typed = wired.phone.type_plate(lane.as_str(), plate.full());
                let typed = self.runtime.block_on(typed);
                self.refused = typed.is_err();
                Ok(())
            }
            LaneStep::OperatorTypes(plate, _) => {
                let typed = self.attendant.type_plate(lane.as_str(), plate.full());
                let told = self.runtime.block_on(typed);
                self.refused = told != Told::Done;
                Ok(())
            }
            LaneStep::Picks(plate, who) => self.pick(lane, plate.clone(), who.clone()),
            LaneStep::Operates(act, _, reason) => {
                let told =
                    self.runtime.block_on(self.attendant.operate(lane.as_str(), *act, reason));
                self.refused = told != Told::Done;
                if *act == OperatorAct::Turn && !self.refused { self.rests(lane) } else { Ok(()) }
            }
            LaneStep::TwoDriveThrough | LaneStep::DrivesThroughNextMovesUp => {
                Err("that is not played on real wires".into())
            }
        }
    }

    /// A stay of less than a second costs nothing. Whose it is, only the daemon knows when the camera misreads it.
    fn parked_for_a_second(&self, lane: &LaneId) -> Result<(), String> {
        let leads_out = |rules: &LaneRules| rules.direction == Direction::Exit;
        if !self.rules.lanes.get(lane).is_some_and(leads_out) {
            return Ok(());
        }
        self.a_second_passes()
    }

    fn a_second_passes(&self) -> Result<(), String> {
        let daemon = self.daemon()?;
        wait("a second of parking", || {
            let came = self.seen(|state| state.stays.values().map(|s| s.entered_at).max())?;
            let long = came.is_none_or(|came| daemon.app.now() - came > MOMENT);
            if long { Ok(()) } else { Err("it has just come in".into()) }
        })
    }

    fn pick(&mut self, lane: &LaneId, plate: Option<Plate>, who: String) -> Result<(), String> {
        let id = lane.clone();
        let (task, stay) = self.seen(move |state| {
            let task = state.lanes.get(&id).and_then(|lane| lane.visit.as_ref()?.task);
            let stay = plate.as_ref().and_then(|plate| state.stay_of(plate)).map(|stay| stay.id);
            (task, stay)
        })?;
        let task = task.ok_or("there is no task")?;
        self.tell(Input::MisreadSettled { task, stay, who })
    }

    fn tell(&mut self, input: Input) -> Result<(), String> {
        let daemon = self.daemon.as_ref().ok_or("there is no daemon")?;
        let reply = self.runtime.block_on(daemon.app.tell(input)).map_err(|e| e.to_string())?;
        self.refused = reply.is_err();
        Ok(())
    }

    fn rests(&self, lane: &LaneId) -> Result<(), String> {
        wait(&format!("{lane} to rest"), || {
            let id = lane.clone();
            is(self.seen(move |state| state.lanes.get(&id).map(|l| l.phase))?, Some(Phase::Idle))
        })
    }

    /// From the arrival loop through the open arm and away, as the loops and limits see it.
    fn drive_through(&mut self, lane: &LaneId) -> Result<(), String> {
        let begun = now();
        while self.count_opened(lane) == 0 {
            if begun.elapsed() > SOON {
                return Err(format!("the arm of {lane} is down"));
            }
            std::thread::sleep(LOOK);
        }
        self.moves(lane, &RISES)?;
        self.goes_through(lane)
    }

    /// Under an arm that is up.
    fn goes_through(&self, lane: &LaneId) -> Result<(), String> {
        self.moves(
            lane,
            &[(Sensor::Safety, true), (Sensor::Arrival, false), (Sensor::Safety, false)],
        )?;
        self.moves(lane, &FALLS)?;
        self.rests(lane)
    }

    /// Back the way it came. An arm that was told to rise does so, and comes down by itself.
    fn back_out(&mut self, lane: &LaneId) -> Result<(), String> {
        let id = lane.clone();
        let phase = self.seen(move |state| state.lanes.get(&id).map(|lane| lane.phase))?;
        if !matches!(phase, Some(Phase::Opening | Phase::Open)) {
            self.sensor(lane, Sensor::Arrival, false)?;
            return self.rests(lane);
        }
        self.moves(lane, &RISES)?;
        self.sensor(lane, Sensor::Arrival, false)?;
        self.moves(lane, &FALLS)?;
        self.rests(lane)
    }

    fn moves(&self, lane: &LaneId, edges: &[(Sensor, bool)]) -> Result<(), String> {
        edges.iter().try_for_each(|(sensor, on)| self.sensor(lane, *sensor, *on))
    }

    fn open_cashier(&mut self, lane: &LaneId) -> Result<(), String> {
        let wired = self.lanes.get_mut(lane).ok_or_else(|| format!("no lane {lane}"))?;
        let page = self.runtime.block_on(wired.phone.go_to_cashier(lane.as_str()));
        wired.cashier = Some(page.map_err(|e| e.to_string())?);
        Ok(())
    }

    fn pay_at_cashier(&mut self, lane: &LaneId) -> Result<(), String> {
        let wired = self.lanes.get_mut(lane).ok_or_else(|| format!("no lane {lane}"))?;
        let cashier = wired.cashier.as_ref().ok_or("no cashier is open")?;
        let said = self.runtime.block_on(wired.phone.pay_at_cashier(cashier));
        let said = said.map_err(|e| e.to_string())?.text();
        if said.contains("支付成功") { Ok(()) } else { Err(format!("the bank says {said}")) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a table on real wires lives in real time")]
fn now() -> Instant {
    Instant::now()
}

/// As the camera numbers the colours of plates; it tells no size.
fn colour_number(vehicle: Vehicle) -> Result<u8, String> {
    if vehicle.class != VehicleClass::Small {
        return Err("a camera that tells sizes is not played on real wires".into());
    }
    Ok(match vehicle.colour {
        Some(PlateColour::White) => 3,
        Some(PlateColour::Green) => 5,
        _ => 1,
    })
}

/// Looks again until it is so.
fn wait(what: &str, mut look: impl FnMut() -> Result<(), String>) -> Result<(), String> {
    let begun = now();
    loop {
        match look() {
            Ok(()) => return Ok(()),
            Err(why) if begun.elapsed() > SOON => {
                return Err(format!("waited in vain for {what}: {why}"));
            }
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

impl Backend for WireSite {
    fn go_to(&mut self, _: u64) -> Result<(), String> {
        Err("time is the real one on the wire".into())
    }

    fn wait(&mut self, _: Duration) -> Result<(), String> {
        Err("time is the real one on the wire".into())
    }

    fn row(&mut self) {
        let lanes: Vec<LaneId> = self.lanes.keys().cloned().collect();
        for lane in lanes {
            self.count_opened(&lane);
        }
        self.lanes.values_mut().for_each(|wired| wired.opened = 0);
        self.refused = false;
    }

    fn act(&mut self, step: &Step) -> Result<(), String> {
        self.story.push(format!("{step:?}"));
        match step {
            Step::Lane(lane, step) => self.lane_step(lane, step),
            Step::Desk(step) => self.desk_step(step),
            Step::Counter(step) => self.counter_step(step),
            Step::Prepays(plate) => self.prepay(plate),
            Step::PaysArrears(plate) => self.pay_arrears(plate),
            Step::Plate(_) => Err("that is not played on real wires".into()),
            Step::Wait(time) => self.wait(*time),
            Step::Bank(step) => {
                let stage = self.stage.as_ref().ok_or("there is no bank")?;
                let silent = if *step == BankStep::Silent { 1.0 } else { 0.0 };
                stage.gateway.set_faults(Faults { silent, ..stage.gateway.faults() });
                Ok(())
            }
        }
    }

    fn look(&mut self, check: &Check) -> Result<(), String> {
        let begun = now();
        loop {
            match self.looked(check) {
                Err(why) if begun.elapsed() > SOON => return Err(why),
                Err(_) => std::thread::sleep(LOOK),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// No vehicle is under an arm; the books of the bank are the site's.
    fn end(&mut self) -> Result<(), String> {
        let stage = self.stage.as_ref().ok_or("there is no bank")?;
        let books = stage.gateway.books();
        let compared = self.runtime.block_on(crate::site::compare(&self.reader, &books));
        let compared = compared.map_err(|e| e.to_string())?;
        is(compared.hidden, Vec::new())
    }

    fn story(&self) -> String {
        self.story.join("\n")
    }
}

impl Drop for WireSite {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            self.runtime.block_on(daemon.stop());
        }
        if let Some(stage) = self.stage.take() {
            self.runtime.block_on(stage.stop());
        }
    }
}
