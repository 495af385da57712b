//! From a read to a vehicle gone through: entries open a stay, exits find one. Knows no bank.

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change, Taken},
        input::{Answer, Refusal, Reply},
        lane::{Cause, Event, Help, Lane, LaneAlarm, Phase, Reject, Visit},
        money::OrderState,
        rules::Direction,
        stay::{Read, Stay, StayState},
    },
    types::{LaneId, Plate, StayId},
};

/// How many reads a lane remembers to know a second copy.
const RECENT_MAX: usize = 8;

impl Desk<'_> {
    pub(super) fn read(&mut self, id: &LaneId, read: Read) -> Reply {
        if !self.rules.lanes.contains_key(id) {
            return Err(Refusal::NoLane(id.clone()));
        }
        let mut lane = self.lane(id).cloned().ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let fingerprint = read.fingerprint();
        if lane.recent.contains(&fingerprint) {
            return self.second_copy(lane, read);
        }
        if lane.recent.len() >= RECENT_MAX {
            lane.recent.remove(0);
        }
        lane.recent.push(fingerprint);
        let echo = self.is_echo(&lane, &read);
        self.record(Change::Lane(lane));
        let taken = match () {
            () if !read.live => Taken::Replay,
            () if echo => Taken::Echo,
            () => self.take_live(id, &read),
        };
        self.record(Change::ReadTaken { lane: id.clone(), read, as_: taken });
        Ok(Answer::Done)
    }

    fn take_live(&mut self, id: &LaneId, read: &Read) -> Taken {
        let event = read.event.as_str();
        match self.serve(id, Visit::of(read.clone())) {
            Err(Refusal::Lane(_, Reject::SameVehicle)) => Taken::Again,
            Err(Refusal::Lane(_, Reject::LaneLocked)) => Taken::Refused,
            _ => {
                let queued = self
                    .lane(id)
                    .and_then(|lane| lane.next.as_ref())
                    .and_then(|next| next.read.as_ref())
                    .is_some_and(|next| next.event == event);
                if queued { Taken::Queued } else { Taken::Served }
            }
        }
    }

    /// The camera sends a read first without and then with its picture, and some send it twice.
    fn second_copy(&mut self, mut lane: Lane, read: Read) -> Reply {
        let Some(picture) = read.picture else { return Ok(Answer::Duplicate) };
        let visits = [lane.visit.as_mut(), lane.next.as_mut()];
        let Some(visit) = visits.into_iter().flatten().find(|visit| {
            visit.read.as_ref().is_some_and(|r| r.event == read.event && r.picture.is_none())
        }) else {
            return Ok(Answer::Duplicate);
        };
        if let Some(read) = &mut visit.read {
            read.picture = Some(picture.clone());
        }
        let stay = visit.stay;
        let direction = self.rules.lanes.get(&lane.id).map(|rules| rules.direction);
        self.record(Change::Lane(lane));
        if let Some(mut stay) = stay.and_then(|id| self.stay(id).cloned()) {
            match direction {
                Some(Direction::Entry) => stay.entry_picture = Some(picture),
                _ => stay.exit_picture = Some(picture),
            }
            self.record(Change::Stay(stay));
        }
        Ok(Answer::Done)
    }

    fn is_echo(&self, lane: &Lane, read: &Read) -> bool {
        let (Some(plate), Some((passed, at))) = (&read.plate, &lane.passed) else { return false };
        let echo = self.rules.lanes.get(&lane.id).map_or_else(Default::default, |r| r.times.echo);
        plate == passed && self.now.duration_since(*at).unsigned_abs() <= echo
    }

    /// The lane has a vehicle to decide about.
    pub(super) fn decide_visit(&mut self, id: &LaneId) -> Reply {
        let Some(lane) = self.lane(id) else { return Err(Refusal::NoLane(id.clone())) };
        if !matches!(lane.phase, Phase::Deciding | Phase::HeldOpen) {
            return Ok(Answer::Done);
        }
        let Some(visit) = &lane.visit else { return Err(Refusal::NobodyThere(id.clone())) };
        let (plate, picture) =
            (visit.plate.clone(), visit.read.as_ref().and_then(|r| r.picture.clone()));
        let Some(plate) = plate else {
            return self.lane_event(id, Event::NeedHelp(Help::NoPlate));
        };
        match self.rules.lanes.get(id).map(|rules| rules.direction) {
            Some(Direction::Entry) => self.enter(id, &plate, picture),
            Some(Direction::Exit) => match self.stay_of(&plate).cloned() {
                Some(stay) => self.leave(id, stay, picture),
                None => self.lane_event(id, Event::NeedHelp(Help::NoStay)),
            },
            None => Err(Refusal::NoLane(id.clone())),
        }
    }

    fn enter(&mut self, id: &LaneId, plate: &Plate, picture: Option<String>) -> Reply {
        if self.is_on_fire() {
            return self.lane_event(id, Event::NeedHelp(Help::Fire));
        }
        let stay = match self.stay_of(plate).cloned() {
            // It was read and has not gone through yet.
            Some(stay) if stay.state == StayState::Entering && stay.entry_lane == *id => stay.id,
            Some(former) => {
                self.supersede(former);
                self.open_stay(id, plate, picture)
            }
            None => self.open_stay(id, plate, picture),
        };
        self.bind_visit(id, |visit| visit.stay = Some(stay));
        self.admit(id, Cause::Entry)
    }

    fn open_stay(&mut self, id: &LaneId, plate: &Plate, picture: Option<String>) -> StayId {
        let wired = self.rules.lanes.get(id).map(|rules| rules.wired).unwrap_or_default();
        // Without a loop nothing will tell that it drove in: admitted is inside.
        let state =
            if wired.safety || wired.arrival { StayState::Entering } else { StayState::Inside };
        let stay = Stay {
            id: self.next_stay(),
            plate: plate.clone(),
            state,
            entry_lane: id.clone(),
            entered_at: self.now,
            entry_picture: picture,
            exit_lane: None,
            left_at: None,
            exit_picture: None,
            paid_minor: 0,
            paid_at: None,
            order: None,
        };
        let stay_id = stay.id;
        self.record(Change::Stay(stay));
        stay_id
    }

    /// The same plate again: its exit was missed, or somebody copied it. The operator looks.
    fn supersede(&mut self, mut stay: Stay) {
        self.void_orders(stay.id);
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

    fn leave(&mut self, id: &LaneId, mut stay: Stay, picture: Option<String>) -> Reply {
        let stay_id = stay.id;
        self.bind_visit(id, |visit| visit.stay = Some(stay_id));
        if picture.is_some() {
            stay.exit_picture = picture;
            self.record(Change::Stay(stay));
        }
        self.settle_up(id, stay_id)
    }

    /// Lets the lane's vehicle pass; a lane that is held open keeps the operator's reason.
    pub(super) fn admit(&mut self, id: &LaneId, cause: Cause) -> Reply {
        let held = self
            .lane(id)
            .filter(|lane| lane.phase == Phase::HeldOpen)
            .and_then(|lane| lane.order.as_ref().and_then(|order| order.cause.clone()));
        self.lane_event(id, Event::Admit(held.unwrap_or(cause)))
    }

    pub(super) fn bind_visit(&mut self, id: &LaneId, bind: impl FnOnce(&mut Visit)) {
        if let Some(mut lane) = self.lane(id).cloned() {
            if let Some(visit) = &mut lane.visit {
                bind(visit);
            }
            self.record(Change::Lane(lane));
        }
    }

    pub(super) fn plate_given(&mut self, id: &LaneId, plate: Plate, by: String) -> Reply {
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        if !matches!(lane.phase, Phase::Deciding | Phase::VehiclePresent) {
            return Err(Refusal::NobodyThere(id.clone()));
        }
        let mut visit = lane.visit.clone().unwrap_or_else(Visit::unread);
        visit.plate = Some(plate.clone());
        visit.help = None;
        let answer = self.serve(id, visit)?;
        self.record(Change::PlateGiven { lane: id.clone(), plate, by });
        Ok(answer)
    }

    /// The vehicle is through.
    pub(super) fn passed(&mut self, id: &LaneId, visit: Visit) {
        let Some(stay) = visit.stay.and_then(|stay| self.stay(stay)).cloned() else { return };
        match self.rules.lanes.get(id).map(|rules| rules.direction) {
            Some(Direction::Entry) => self.inside(stay),
            Some(Direction::Exit) => self.left(id, stay, visit),
            None => {}
        }
    }

    fn inside(&mut self, mut stay: Stay) {
        if stay.state == StayState::Entering {
            stay.state = StayState::Inside;
            self.record(Change::Stay(stay));
        }
    }

    fn left(&mut self, id: &LaneId, mut stay: Stay, visit: Visit) {
        let became = match visit.cause {
            Some(Cause::Operator { who, reason }) => OrderState::Waived { who, reason },
            Some(Cause::Fire) => waived("fire", "fire alarm"),
            Some(Cause::Key) => waived("key", "opened by the barrier's key"),
            Some(Cause::Free | Cause::Paid { .. } | Cause::Entry) => OrderState::Void,
            None => OrderState::Unpaid,
        };
        if became == OrderState::Unpaid && !self.due_orders(stay.id).is_empty() {
            let detail = format!("{}: stay {} left by {id}", stay.plate, stay.id);
            self.raise(&format!("stay-{}", stay.id), AlarmKind::LeftUnpaid, detail);
        }
        self.close_orders(stay.id, &became);
        stay.state = StayState::Left;
        stay.left_at = Some(self.now);
        stay.exit_lane = Some(id.clone());
        let orders = self.orders_of(stay.id);
        self.record(Change::Stay(stay));
        for order in orders {
            self.file_decided(order.id);
        }
    }

    /// The vehicle went away without passing.
    pub(super) fn backed_out(&mut self, id: &LaneId, visit: &Visit) {
        self.clear(id.as_str(), AlarmKind::Lane(LaneAlarm::HelpWanted));
        let Some(mut stay) = visit.stay.and_then(|stay| self.stay(stay)).cloned() else { return };
        if stay.state == StayState::Entering && stay.entry_lane == *id {
            stay.state = StayState::Abandoned;
            stay.left_at = Some(self.now);
            self.record(Change::Stay(stay));
        }
    }
}

fn waived(who: &str, reason: &str) -> OrderState {
    OrderState::Waived { who: who.to_owned(), reason: reason.to_owned() }
}
