//! Entries: who comes in, and the stay that begins. Knows no price.

use super::{Desk, access::Denied};
use crate::{
    core::{
        change::{AlarmKind, Change},
        input::Reply,
        lane::{Cause, Event, Help, LaneAlarm, Phase, Visit},
        pass::Standing,
        rules::{ArrearsAtEntry, PassbackMode, Twice, Zones},
        stay::{SeenAs, Stay, StayState},
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
            former => {
                let standing = match self.weigh_entry(id, plate) {
                    Ok(standing) => standing,
                    Err(denied) => return self.turn_away(id, denied),
                };
                match former {
                    Some(former) => match self.inside_twice(id, former, picture, standing) {
                        Some(stay) => stay,
                        None => return self.lane_event(id, Event::NeedHelp(Help::Twice)),
                    },
                    None => self.open_stay(id, plate, picture, standing),
                }
            }
        };
        self.bind_visit(id, |visit| visit.stay = Some(stay));
        self.admit(id, Cause::Entry)
    }

    /// A plate comes in that is inside already: the stay it goes on with, by the site's choice.
    fn inside_twice(
        &mut self,
        id: &LaneId,
        former: Stay,
        picture: Option<String>,
        standing: Standing,
    ) -> Option<StayId> {
        let former_id = former.id;
        self.bar(former_id);
        let about = About::PlateTwice { former: former_id };
        match self.rules.matching.twice {
            Twice::Anew => {
                let plate = former.plate.clone();
                self.supersede(former);
                let standing = self.standing_left(id, standing);
                let stay = self.open_stay(id, &plate, picture, standing);
                self.bar(stay);
                self.ask_person(about, Some(id), Some(stay));
                Some(stay)
            }
            Twice::GoesOn => {
                self.ask_once(about, id, former_id);
                Some(former_id)
            }
            Twice::Ask => {
                self.ask_once(about, id, former_id);
                None
            }
        }
    }

    /// The stay that ended may have handed its pass's space on to another car: then this one pays like anybody.
    fn standing_left(&self, id: &LaneId, weighed: Standing) -> Standing {
        let visit = self.lane(id).and_then(|lane| lane.visit.as_ref());
        match (weighed, visit) {
            (Standing::Pass(_), Some(visit)) => self.may_enter(id, visit).unwrap_or_default(),
            _ => weighed,
        }
    }

    /// The right it comes in by. Under an arm that is held open nobody can be turned away.
    fn weigh_entry(&mut self, id: &LaneId, plate: &Plate) -> Result<Standing, Denied> {
        let Some(lane) = self.lane(id) else { return Ok(Standing::Transient) };
        let held = lane.phase == Phase::HeldOpen;
        let Some(visit) = lane.visit.clone() else { return Ok(Standing::Transient) };
        let weighed = self.may_enter(id, &visit).and_then(|standing| {
            self.pass_back(id, plate, standing, held)?;
            self.settled_before(plate, standing)?;
            Ok(standing)
        });
        if held { Ok(weighed.unwrap_or_default()) } else { weighed }
    }

    /// One that has not paid for earlier stays comes in once it has, where the site wants it so.
    fn settled_before(&self, plate: &Plate, standing: Standing) -> Result<(), Denied> {
        let refuses = self.rules.till.arrears_at_entry == ArrearsAtEntry::Refuse;
        let owes = standing != Standing::Emergency && self.owes(plate).is_some();
        if refuses && owes { Err(Denied { why: Help::Arrears, ask: false }) } else { Ok(()) }
    }

    /// A pass that is inside already does not come in again, or does so on record.
    fn pass_back(
        &mut self,
        id: &LaneId,
        plate: &Plate,
        standing: Standing,
        held: bool,
    ) -> Result<(), Denied> {
        let Standing::Pass(pass) = standing else { return Ok(()) };
        if !self.pass(pass).is_some_and(|pass| self.came_twice(pass, plate)) {
            return Ok(());
        }
        let let_pass = held || self.rules.access.passback.mode == PassbackMode::Soft;
        self.note_passback(pass, plate, id, let_pass);
        if let_pass { Ok(()) } else { Err(Denied { why: Help::AlreadyInside, ask: true }) }
    }

    /// It stays outside and is told why; the operator is called if the site wants it so.
    pub(super) fn turn_away(&mut self, id: &LaneId, denied: Denied) -> Reply {
        let reply = self.lane_event(id, Event::NeedHelp(denied.why))?;
        if denied.ask {
            let detail = self.lane(id).and_then(|lane| lane.visit.as_ref()?.plate.clone());
            let detail = detail.map(|plate| plate.to_string()).unwrap_or_default();
            self.raise_lane(id, LaneAlarm::HelpWanted, detail);
        }
        Ok(reply)
    }

    pub(super) fn open_stay(
        &mut self,
        id: &LaneId,
        plate: &Plate,
        picture: Option<String>,
        standing: Standing,
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
        (stay.state, stay.entry_picture, stay.standing) = (state, picture, standing);
        let visit = self.lane(id).and_then(|lane| lane.visit.as_ref());
        let visit = visit.filter(|visit| visit.plate.as_ref() == Some(plate));
        let seen = visit.map(Visit::vehicle).unwrap_or_default();
        stay.agreement = self.barred_at_entry(plate, visit);
        stay.phone = visit.and_then(|visit| visit.phone);
        stay.entry_read = visit.and_then(|visit| visit.read.as_ref()).map(SeenAs::from);
        stay.vehicle = self.vehicle_of(standing, seen);
        let stay_id = stay.id;
        if self.zone_around(id).is_none() {
            self.put_into(&mut stay, &zone);
        }
        self.record(Change::Stay(stay));
        self.look_back(stay_id, plate);
        self.ask_at_entry(stay_id);
        self.right_taken(stay_id, plate, standing);
        stay_id
    }

    fn right_taken(&mut self, stay: StayId, plate: &Plate, standing: Standing) {
        match standing {
            // Known again: it is inside.
            Standing::Pass(id) => self.note_seen(id, plate, None),
            Standing::Reservation(id) => {
                if let Some(mut reservation) = self.reservation(id).cloned() {
                    reservation.stay = Some(stay);
                    self.record(Change::Reservation(reservation));
                }
            }
            Standing::Transient | Standing::Emergency | Standing::Listed(_) => {}
        }
    }

    /// Asks about a stay unless that is asked already.
    fn ask_once(&mut self, about: About, id: &LaneId, stay: StayId) {
        let asked = self.state.tasks.values().any(|task| task.about == about);
        if !asked {
            self.ask_person(about, Some(id), Some(stay));
        }
    }

    /// The same plate again: its exit was missed, or somebody copied it. The operator looks.
    fn supersede(&mut self, stay: Stay) {
        let detail = format!("{}: stay {} is over without an exit", stay.plate, stay.id);
        let subject = format!("stay-{}", stay.id);
        self.over_unseen(stay);
        self.raise(&subject, AlarmKind::PlateTwice, detail);
    }
}
