//! Vehicles without a plate (无牌车): a name to stay by at the entry, and the phone that knows it at the exit. Knows no
//! cookie and no page.

use super::{Desk, read::DRIVER};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::{Help, Lane, Phase, Signal, Visit},
        rules::Direction,
    },
    types::{CodeDigest, LaneId, Plate},
};

/// Numbers of stand-ins begin anew after this many; one that is in use is skipped.
const NUMBERS: i64 = 10_000;

impl Desk<'_> {
    pub(super) fn no_plate(&mut self, id: &LaneId, phone: Option<CodeDigest>, by: String) -> Reply {
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let entry = self.direction(id) == Some(Direction::Entry) && self.zone_around(id).is_none();
        if !entry || !self.needs_stand_in(lane, by == DRIVER) {
            return Err(Refusal::PlateThere(id.clone()));
        }
        if phone.is_some_and(|phone| self.state.stay_of_phone(&phone).is_some()) {
            return Err(Refusal::PhoneInside);
        }
        let mut visit = lane.visit.clone().unwrap_or_else(Visit::unread);
        let plate = self.stand_in();
        visit.plate = Some(plate.clone());
        visit.phone = phone;
        visit.help = None;
        self.serve(id, visit)?;
        let named = plate.clone();
        self.record(Change::PlateGiven { lane: id.clone(), plate, by });
        Ok(Answer::Named(named))
    }

    /// A driver may say so once the camera has had its look and a vehicle stands there; an operator sees for himself.
    fn needs_stand_in(&self, lane: &Lane, by_driver: bool) -> bool {
        let help = lane.visit.as_ref().and_then(|visit| visit.help);
        let unread = lane.phase == Phase::Deciding && help == Some(Help::NoPlate);
        if !by_driver {
            return unread || lane.phase == Phase::VehiclePresent;
        }
        let loop_wired = self.rules.lanes.get(&lane.id).is_some_and(|r| r.wired.arrival);
        let stands = !loop_wired || lane.sensors.arrival == Signal::On;
        self.rules.access.unlicensed_by_phone && unread && stands
    }

    /// One that nobody inside, and nobody before a lane, is called by.
    fn stand_in(&self) -> Plate {
        let first = self.next_stay().0;
        let names = (0..NUMBERS).map(|i| Plate::virtual_of((first + i) % NUMBERS));
        let free = |name: &Plate| {
            let waits = self.state.lanes.keys().filter_map(|id| self.lane(id)?.visit.as_ref());
            self.stay_of(name).is_none()
                && !waits.into_iter().any(|visit| visit.plate.as_ref() == Some(name))
        };
        names.into_iter().find(free).unwrap_or_else(|| Plate::virtual_of(first))
    }

    pub(super) fn phone_shown(&mut self, id: &LaneId, phone: &CodeDigest) -> Reply {
        let plate = self.state.stay_of_phone(phone).map(|stay| stay.plate.clone());
        let plate = plate.ok_or(Refusal::PhoneUnknown)?;
        if !self.leads_out(id) {
            return Err(Refusal::NobodyThere(id.clone()));
        }
        self.plate_given(id, plate, DRIVER.to_owned())
    }
}
