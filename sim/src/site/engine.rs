//! The world on the real clock: what happens there goes to the wires and the people, what they do comes back. A daemon
//! that is away is no reason to stop. Decides nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use paifang::{
    core::{
        Message,
        lane::{ArmAction, OperatorAct},
    },
    types::CommandId,
};
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::sleep,
};

use super::{
    attendant::Attendant,
    layout::{By, Layout},
    people::Driver,
    staff::{Staff, Unpaid},
    wall_clock,
    wires::{Pulse, Reads, Wires},
};
use crate::world::{
    Happening, LaneIx, Page, PhoneId, SENSORS, Told, VehicleId, World, people::CashierSays,
};

/// Displays are looked at this often: quicker than any driver.
const LOOK: Duration = Duration::from_millis(100);

/// What the wires and the people tell the world.
#[derive(Debug)]
pub(super) enum Heard {
    Arm(Pulse),
    Triggered(LaneIx),
    Online(LaneIx),
    Page(PhoneId, Page),
    Cashier(PhoneId, CashierSays),
    Told(LaneIx, OperatorAct, Told),
    /// The site has people who work there from now on.
    Staffed(Arc<Staff>),
    /// A vehicle with this plate was here before.
    ComesAgain(String),
    /// Nobody comes any more; whoever is inside leaves within this.
    Drain(Duration),
}

/// How it goes so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Drove in, drove out.
    pub came: u64,
    pub left: u64,
    /// Payments made at the bank's cashier.
    pub paid: u64,
    /// Openings by the attendant.
    pub waived: u64,
    /// Vehicles in lanes, and parked.
    pub waiting: usize,
    pub inside: usize,
    /// Nobody is left.
    pub empty: bool,
    /// An arm came down on a vehicle.
    pub touched: u64,
}

pub(super) struct Engine {
    pub(super) world: World,
    pub(super) layout: Arc<Layout>,
    pub(super) wires: Arc<Vec<Wires>>,
    pub(super) attendant: Arc<Attendant>,
    pub(super) tells: mpsc::UnboundedSender<Heard>,
    pub(super) counts: watch::Sender<Counts>,
    pub(super) pulses: Arc<std::sync::Mutex<Vec<Pulse>>>,
    pub(super) shown: Vec<Option<Message>>,
    pub(super) reads: Vec<Reads>,
    /// Cameras that have been online; they tell their inputs once, and after that only what changes.
    pub(super) greeted: BTreeSet<LaneIx>,
    pub(super) drivers: BTreeMap<PhoneId, Arc<Mutex<Driver>>>,
    /// Drivers of vehicles without a plate.
    pub(super) nameless: BTreeMap<VehicleId, Arc<Driver>>,
    pub(super) staff: Option<Arc<Staff>>,
    pub(super) unpaid: Unpaid,
}

impl Engine {
    /// Until nobody holds the stage.
    pub(super) async fn run(mut self, mut heard: mpsc::UnboundedReceiver<Heard>) {
        for (lane, wires) in self.wires.iter().enumerate() {
            wires.listen(lane, &self.tells);
            self.set_levels(lane);
        }
        loop {
            let now = wall_clock();
            for happening in self.world.step(now) {
                self.carry(happening);
            }
            self.look(now);
            self.count();
            let next = self
                .world
                .next_at()
                .map_or(LOOK, |at| at.duration_since(now).try_into().unwrap_or(Duration::ZERO));
            tokio::select! {
                what = heard.recv() => match what {
                    Some(what) => self.heard(what),
                    None => return,
                },
                () = sleep(next.min(LOOK)) => {}
            }
        }
    }

    fn set_levels(&self, lane: LaneIx) {
        for (sensor, level) in SENSORS.into_iter().zip(self.world.levels(lane)) {
            if let Some(on) = level {
                self.wires[lane].set_sensor(sensor, on);
            }
        }
    }

    // ---- from the world --------------------------------------------------------------------------

    fn carry(&mut self, happening: Happening) {
        tracing::debug!(?happening, "the world");
        match happening {
            Happening::Sensor { lane, sensor, on } => self.wires[lane].set_sensor(sensor, on),
            Happening::Board { lane, silent } => {
                self.wires[lane].set_silent(silent);
                if !silent {
                    self.set_levels(lane);
                }
            }
            Happening::Read { lane, read } => {
                self.reads[lane].show(&*self.wires[lane].camera, &read);
            }
            Happening::PageWanted { phone, lane } => self.page_wanted(phone, lane),
            Happening::PaysAtCashier { phone, link } => self.pays(phone, link),
            Happening::TypesPlate { lane, plate, by } => self.types_plate(lane, plate, by),
            Happening::Operator { lane, act, reason } => self.operates(lane, act, reason),
            Happening::Touched { .. } => self.counts.send_modify(|counts| counts.touched += 1),
            Happening::HasNoPlate { lane, vehicle } => self.has_no_plate(lane, vehicle),
            Happening::Through { lane, vehicle } => self.went_through(lane, vehicle),
            // The daemon hears the answer itself.
            Happening::ArmAnswered { .. } => {}
        }
    }

    fn page_wanted(&mut self, phone: PhoneId, lane: LaneIx) {
        let (url, lane) = (self.layout.public_url(), &self.layout.lanes[lane].id);
        let driver = match self.drivers.get(&phone) {
            Some(driver) => driver.clone(),
            None => match Driver::new(&url, lane) {
                Ok(driver) => Arc::new(Mutex::new(driver)),
                Err(why) => return tracing::warn!(%why, "a phone does not work"),
            },
        };
        self.drivers.insert(phone, driver.clone());
        let tells = self.tells.clone();
        tokio::spawn(async move {
            let page = driver.lock().await.look().await;
            let _ = tells.send(Heard::Page(phone, page));
        });
    }

    fn pays(&mut self, phone: PhoneId, link: String) {
        let Some(driver) = self.drivers.get(&phone).cloned() else { return };
        let tells = self.tells.clone();
        tokio::spawn(async move {
            let says = driver.lock().await.pay(&link).await;
            let _ = tells.send(Heard::Cashier(phone, says));
        });
    }

    fn types_plate(&self, lane: LaneIx, plate: String, by: &'static str) {
        let (url, id) = (self.layout.public_url(), self.layout.lanes[lane].id.clone());
        let attendant = self.attendant.clone();
        tokio::spawn(async move {
            if by == "operator" {
                attendant.type_plate(&id, &plate).await;
            } else if let Ok(driver) = Driver::new(&url, &id) {
                // Whoever does not get through waits for the attendant.
                let _ = driver.type_plate(&plate).await;
            }
        });
    }

    // ---- to the world ----------------------------------------------------------------------------

    fn heard(&mut self, heard: Heard) {
        tracing::debug!(?heard, "the site");
        let now = wall_clock();
        match heard {
            Heard::Arm(pulse) => self.arm(pulse, now),
            Heard::Online(lane) => {
                if self.greeted.insert(lane) && self.wires[lane].by == By::Camera {
                    self.set_levels(lane);
                }
            }
            Heard::Triggered(lane) => self.world.trigger(now, lane),
            Heard::Page(phone, page) => {
                let over = page == Page::Over;
                self.world.page(now, phone, page);
                if over {
                    self.drivers.remove(&phone);
                }
            }
            Heard::Cashier(phone, says) => {
                self.world.cashier_said(now, phone, says);
                if says != CashierSays::Busy {
                    self.drivers.remove(&phone);
                }
                if says == CashierSays::Paid {
                    self.counts.send_modify(|counts| counts.paid += 1);
                }
            }
            Heard::Told(lane, act, told) => {
                if act == OperatorAct::Open && told == Told::Done {
                    self.counts.send_modify(|counts| counts.waived += 1);
                }
                self.world.operator_told(now, lane, act, &told);
            }
            Heard::Staffed(staff) => self.staff = Some(staff),
            Heard::ComesAgain(plate) => self.world.comes_again(now, plate),
            Heard::Drain(within) => self.world.drain(now, within),
        }
    }

    /// The relay has closed: how long the order lived is the daemon's matter.
    fn arm(&mut self, pulse: Pulse, now: Timestamp) {
        self.pulses.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(pulse);
        // A release is also what a relay does when nothing was held.
        let action: ArmAction = pulse.action;
        self.world.arm(now, pulse.lane, CommandId(0), action, now + Duration::from_mins(1));
    }

    fn look(&mut self, now: Timestamp) {
        for lane in 0..self.wires.len() {
            let message = self.wires[lane].message();
            if let Some(message) = message.filter(|one| self.shown[lane].as_ref() != Some(one)) {
                tracing::debug!(lane, ?message, "a display");
                self.shown[lane] = Some(message.clone());
                self.noticed(lane, &message, now);
                self.world.show(now, lane, message);
            }
        }
    }

    fn count(&self) {
        let world = &self.world;
        self.counts.send_if_modified(|counts| {
            let before = counts.clone();
            counts.came = world.tally.of("traffic: in");
            counts.left = world.tally.of("traffic: out");
            counts.waiting =
                (0..world.lane_count()).map(|lane| world.on_ground(lane).count()).sum();
            counts.inside = world.inside_count();
            counts.empty = world.is_empty();
            *counts != before
        });
    }
}
