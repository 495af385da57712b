//! Entries: who comes in, and the stay that begins. Knows no price.

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        input::Reply,
        lane::{Cause, Event, Help},
        rules::{Twice, Zones},
        stay::{Stay, StayState},
        task::About,
    },
    types::{LaneId, Plate, StayId},
};

impl Desk<'_> {
    pub(super) fn enter(&mut self, id: &LaneId, plate: &Plate, picture: Option<String>) -> Reply {
        if self.is_on_fire() {
            return self.lane_event(id, Event::NeedHelp(Help::Fire));
        }
        let stay = match self.stay_of(plate).cloned() {
            // It was read and has not gone through yet.
            Some(stay) if stay.state == StayState::Entering && stay.entry_lane == *id => stay.id,
            Some(former) => match self.rules.matching.twice {
                Twice::Anew => {
                    let former_id = former.id;
                    self.supersede(former);
                    let stay = self.open_stay(id, plate, picture);
                    self.ask_person(About::PlateTwice { former: former_id }, Some(id), Some(stay));
                    stay
                }
                Twice::GoesOn => {
                    self.ask_once(About::PlateTwice { former: former.id }, id, former.id);
                    former.id
                }
                Twice::Ask => {
                    self.ask_once(About::PlateTwice { former: former.id }, id, former.id);
                    return self.lane_event(id, Event::NeedHelp(Help::Twice));
                }
            },
            None => self.open_stay(id, plate, picture),
        };
        self.bind_visit(id, |visit| visit.stay = Some(stay));
        self.admit(id, Cause::Entry)
    }

    pub(super) fn open_stay(
        &mut self,
        id: &LaneId,
        plate: &Plate,
        picture: Option<String>,
    ) -> StayId {
        let lane = self.rules.lanes.get(id);
        let wired = lane.map(|rules| rules.wired).unwrap_or_default();
        let zone = lane.map_or_else(Zones::only, |rules| rules.zone.clone());
        // Straight from the street into a zone within another: the outer clock runs as well.
        let root = self.rules.zones.root(&zone).clone();
        // Without a loop nothing will tell that it drove in: admitted is inside.
        let state =
            if wired.safety || wired.arrival { StayState::Entering } else { StayState::Inside };
        let mut stay = Stay::new(self.next_stay(), plate.clone(), id.clone(), root, self.now);
        (stay.state, stay.entry_picture) = (state, picture);
        let stay_id = stay.id;
        if self.zone_around(id).is_none() {
            self.put_into(&mut stay, &zone);
        }
        self.record(Change::Stay(stay));
        self.look_back(stay_id, plate);
        stay_id
    }

    /// Asks about a stay unless that is asked already.
    fn ask_once(&mut self, about: About, id: &LaneId, stay: StayId) {
        let asked = self.state.tasks.values().any(|task| task.about == about);
        if !asked {
            self.ask_person(about, Some(id), Some(stay));
        }
    }

    /// The same plate again: its exit was missed, or somebody copied it. The operator looks.
    fn supersede(&mut self, mut stay: Stay) {
        self.void_orders(stay.id);
        self.end_validations(stay.id);
        let detail = format!("{}: stay {} is over without an exit", stay.plate, stay.id);
        let subject = format!("stay-{}", stay.id);
        stay.state = StayState::Superseded;
        stay.left_at = Some(self.now);
        let orders = self.orders_of(stay.id);
        self.record(Change::Stay(stay));
        for order in orders {
            self.file_decided(order.id);
        }
        self.raise(&subject, AlarmKind::PlateTwice, detail);
    }
}
