//! What becomes of a read, and of a plate that a person gives in its place. Decides about no vehicle.

use super::Desk;
use crate::{
    core::{
        change::{Change, Taken},
        input::{Answer, Refusal, Reply},
        lane::{Lane, Phase, Reject, Visit},
        matching,
        rules::Direction,
        stay::Read,
    },
    types::{LaneId, Plate},
};

/// Who gives a plate when it is no operator.
pub(super) const DRIVER: &str = "driver";

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
        let other_way = self.is_of_other_way(&lane, &read);
        self.record(Change::Lane(lane));
        let taken = match () {
            () if !read.live => Taken::Replay,
            () if other_way => Taken::OtherWay,
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
                self.clear_the_way(id);
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
        let (stay, task) = (visit.stay, visit.task);
        let direction = self.direction(&lane.id);
        let lane_id = lane.id.clone();
        self.record(Change::Lane(lane));
        if let Some(task) = task {
            self.picture_of_misread(task, &picture);
        }
        if let Some(mut stay) = stay.and_then(|id| self.stay(id).cloned()) {
            match direction {
                // In between, a stay keeps the pictures of its entry and its exit.
                _ if self.zone_around(&lane_id).is_some() => return Ok(Answer::Done),
                Some(Direction::Entry) => stay.entry_picture = Some(picture),
                _ => stay.exit_picture = Some(picture),
            }
            self.record(Change::Stay(stay));
        }
        Ok(Answer::Done)
    }

    /// The lane leads the other way now, and the camera of that way looks on.
    fn is_of_other_way(&self, lane: &Lane, read: &Read) -> bool {
        let tide = self.rules.lanes.get(&lane.id).and_then(|rules| rules.tide.as_ref());
        let cameras = tide.and_then(|tide| tide.cameras.as_ref());
        cameras.is_some_and(|cameras| cameras.is_other(&read.device, lane.turned))
    }

    fn is_echo(&self, lane: &Lane, read: &Read) -> bool {
        let (Some(plate), Some((passed, at))) = (&read.plate, &lane.passed) else { return false };
        let echo = self.rules.lanes.get(&lane.id).map_or_else(Default::default, |r| r.times.echo);
        let same = plate == passed || matching::looks_alike(plate, passed);
        same && self.now.duration_since(*at).unsigned_abs() <= echo
    }

    pub(super) fn plate_given(&mut self, id: &LaneId, plate: Plate, by: String) -> Reply {
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        if !matches!(lane.phase, Phase::Deciding | Phase::VehiclePresent) {
            return Err(Refusal::NobodyThere(id.clone()));
        }
        let mut visit = lane.visit.clone().unwrap_or_else(Visit::unread);
        visit.plate = Some(plate.clone());
        visit.help = None;
        if let Some(task) = visit.task.take() {
            self.task_done(task, &by, "gave the plate");
        }
        visit.typed = by == DRIVER;
        let answer = self.serve(id, visit)?;
        self.record(Change::PlateGiven { lane: id.clone(), plate, by });
        Ok(answer)
    }
}
