//! What the people of a large site make of what happens at its lanes: the booth helps, the cinema gives discounts, one
//! driver leaves without paying and comes again. Knows no wire.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use paifang::{
    core::{
        Message,
        lane::{ArmAction, OperatorAct},
        rules::Direction,
    },
    types::{CommandId, Plate},
};
use tokio::time::sleep;

use super::{
    booth::Booth,
    engine::{Engine, Heard},
    office::{POOL, SEASON, Shop},
    people::Driver,
    tales::{Tale, Tales},
};
use crate::world::{LaneIx, Manner, Told, VehicleId};

/// Each of so many guests goes to the cinema.
const GUESTS_EACH: VehicleId = 4;
/// The one who does not pay comes again after this.
const AWAY: Duration = Duration::from_secs(8);
/// Somebody opens an arm by its own key once, after so many vehicles have come in.
const KEY_AFTER: u64 = 4;

/// Who works there.
#[derive(Debug)]
pub(super) struct Staff {
    pub(super) booth: Arc<Booth>,
    pub(super) shop: Option<Shop>,
    pub(super) tales: Tales,
}

/// How far the story of the one who does not pay has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Unpaid {
    #[default]
    Nobody,
    Leaves(LaneIx, String),
    Gone(String),
}

impl Engine {
    /// The driver's own phone says so, and is known again at the exit.
    pub(super) fn has_no_plate(&mut self, lane: LaneIx, vehicle: VehicleId) {
        let (url, at) = (self.layout.public_url(), &self.layout.lanes[lane]);
        let driver = match self.nameless.get(&vehicle) {
            Some(driver) => driver.clone(),
            None => match Driver::new(&url, &at.id) {
                Ok(driver) => Arc::new(driver),
                Err(why) => return tracing::warn!(%why, "a phone does not work"),
            },
        };
        self.nameless.insert(vehicle, driver.clone());
        let (lane, exit) = (at.id.clone(), at.direction == Direction::Exit);
        let staff = self.staff.clone();
        tokio::spawn(async move {
            let done = driver.has_no_plate(&lane).await.is_ok();
            if let Some(staff) = staff.filter(|_| done && exit) {
                staff.tales.tell(Tale::Nameless, || {
                    format!("{lane}: a vehicle without a plate is known by its driver's phone")
                });
            }
        });
    }

    /// The booth looks first what it can settle; then the arm is opened with a reason.
    pub(super) fn operates(&self, lane: LaneIx, act: OperatorAct, reason: &'static str) {
        let (attendant, id) = (self.attendant.clone(), self.layout.lanes[lane].id.clone());
        let (tells, staff) = (self.tells.clone(), self.staff.clone());
        let plate = self.world.at_line(lane).map(|(_, plate)| plate.to_owned());
        tokio::spawn(async move {
            if let (Some(staff), Some(plate), OperatorAct::Open) = (staff, plate, act)
                && staff.booth.settles(&id, &plate).await
            {
                let _ = tells.send(Heard::Told(lane, act, Told::Refused(None)));
                return;
            }
            let told = attendant.operate(&id, act, reason).await;
            let _ = tells.send(Heard::Told(lane, act, told));
        });
    }

    /// A lane's display says something new.
    pub(super) fn noticed(&mut self, lane: LaneIx, message: &Message, now: Timestamp) {
        let Some(staff) = self.staff.clone() else { return };
        let at = &self.layout.lanes[lane];
        match message {
            Message::Pay { plate, .. } if !at.inner => {
                if POOL.contains(&plate.full()) {
                    let words = || format!("{}: the second car of a pool pays", at.id);
                    staff.tales.tell(Tale::PoolPays, words);
                }
                self.collect(lane, plate, &staff, now);
            }
            Message::GoodBye { plate } if plate.full() == SEASON && !at.inner => {
                staff.tales.tell(Tale::Pass, || format!("{}: {SEASON} leaves on its pass", at.id));
            }
            Message::Owes { plate, .. } => {
                let words = || format!("{}: {} is told what it owes", at.id, plate.full());
                staff.tales.tell(Tale::Owes, words);
            }
            _ => {}
        }
    }

    fn collect(&mut self, lane: LaneIx, plate: &Plate, staff: &Arc<Staff>, now: Timestamp) {
        let Some((manner, seen)) = self.world.at_line(lane) else { return };
        if manner == Manner::NeverPays {
            let (staff, id) = (staff.clone(), self.layout.lanes[lane].id.clone());
            tokio::spawn(async move { staff.booth.takes_cash(&id).await });
            return;
        }
        let fits = seen == plate.full() && !plate.is_virtual();
        let came = self.world.tally.of("traffic: in");
        if self.unpaid == Unpaid::Nobody && fits && came >= KEY_AFTER {
            self.unpaid = Unpaid::Leaves(lane, seen.to_owned());
            self.world.arm(now, lane, CommandId(0), ArmAction::Open, now + Duration::from_mins(1));
        }
    }

    /// A vehicle is through a lane.
    pub(super) fn went_through(&mut self, lane: LaneIx, vehicle: VehicleId) {
        let at = &self.layout.lanes[lane];
        if at.direction == Direction::Exit && !at.inner {
            self.nameless.remove(&vehicle);
        }
        let Some(staff) = self.staff.clone() else { return };
        if let Unpaid::Leaves(from, plate) = &self.unpaid
            && *from == lane
        {
            let (plate, tells) = (plate.clone(), self.tells.clone());
            self.unpaid = Unpaid::Gone(plate.clone());
            staff.tales.tell(Tale::Unpaid, || {
                format!("{}: the arm was opened by its key; {plate} left without paying", at.id)
            });
            tokio::spawn(async move {
                sleep(AWAY).await;
                let _ = tells.send(Heard::ComesAgain(plate));
            });
            return;
        }
        let guest = self.world.parked(vehicle).filter(|plate| !plate.is_empty());
        if let Some(plate) = guest.filter(|_| vehicle.is_multiple_of(GUESTS_EACH)) {
            let plate = plate.to_owned();
            tokio::spawn(async move {
                if let Some(shop) = &staff.shop {
                    shop.give(&plate, &staff.tales).await;
                }
            });
        }
    }
}
