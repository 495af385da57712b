//! A read at an exit that fits no open stay: taken for one that it must be, or laid before a person. Knows no distance
//! between plates: that is [`crate::core::matching`].

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::{Event, Help, Phase, Visit},
        matching::{self, Sighting},
        stay::{Stay, StayState},
        task::{About, Candidate, Outcome, Task},
    },
    types::{LaneId, Plate, StayId, TaskId},
};

/// Who settles what needs nobody.
const BY_ITSELF: &str = "paifang";

impl Desk<'_> {
    /// The vehicle at an exit has no open stay: `help` says what is missing.
    pub(super) fn misread(&mut self, id: &LaneId, help: Help) -> Reply {
        let Some(visit) = self.lane(id).and_then(|lane| lane.visit.clone()) else {
            return Err(Refusal::NobodyThere(id.clone()));
        };
        let ranked = self.rank(id, &visit);
        match self.unasked(&visit, &ranked) {
            Some(stay) => {
                let candidates = ranked.iter().map(Candidate::from).collect();
                self.take_for(id, stay, BY_ITSELF, candidates)
            }
            None => self.ask_who(id, &visit, help, ranked.iter().map(Candidate::from).collect()),
        }
    }

    /// The vehicle at a lane, where its read leaves no doubt who it is.
    pub(super) fn sure_stay(&self, id: &LaneId) -> Option<Stay> {
        let visit = self.lane(id)?.visit.as_ref()?;
        let sure = matching::sure(&self.rank(id, visit), self.rules.matching.sureness)?;
        self.stay(sure).filter(|_| is_as_read(visit)).cloned()
    }

    /// Open stays that may be this vehicle. One that stands in another lane is not here.
    fn rank(&self, id: &LaneId, visit: &Visit) -> Vec<matching::Candidate> {
        let read = visit.read.as_ref();
        let sighting = Sighting {
            raw: read.map_or("", |read| &read.raw),
            plate: visit.plate.as_ref(),
            confidence: read.and_then(|read| read.confidence),
            vehicle: visit.vehicle(),
        };
        let elsewhere: Vec<StayId> = self
            .state
            .lanes
            .values()
            .filter(|lane| lane.id != *id)
            .filter_map(|lane| lane.visit.as_ref()?.stay)
            .collect();
        let stays = self
            .state
            .stays
            .values()
            .filter(|stay| !elsewhere.contains(&stay.id) && self.stay(stay.id).is_some());
        matching::rank(&sighting, stays, self.now, self.rules.matching.candidates_max)
    }

    /// The stay that needs nobody's word: a camera read it, it is sure, and little is at stake.
    fn unasked(&self, visit: &Visit, ranked: &[matching::Candidate]) -> Option<StayId> {
        let sure = matching::sure(ranked, self.rules.matching.sureness)?;
        let stay = self.stay(sure)?;
        (is_as_read(visit) && !self.is_above_sum(stay)).then_some(sure)
    }

    /// It owes more than a stranger may learn or lose.
    fn is_above_sum(&self, stay: &Stay) -> bool {
        let owed = self.quote(stay, self.now).map(|quote| quote.amount.minor - stay.paid_minor);
        owed.map_or(true, |owed| owed > self.rules.matching.fee_minor_max)
    }

    /// From now on the vehicle at the lane is this stay's. The read stays on record as it came, and so does who said
    /// whose it is.
    fn take_for(
        &mut self,
        id: &LaneId,
        stay: StayId,
        who: &str,
        candidates: Vec<Candidate>,
    ) -> Reply {
        let stay = self.stay(stay).cloned().ok_or(Refusal::NoStay(stay))?;
        let visit = self.lane(id).and_then(|lane| lane.visit.clone());
        let visit = visit.ok_or_else(|| Refusal::NobodyThere(id.clone()))?;
        if let Some(task) = self.put_misread(id, &visit, candidates) {
            self.close_misread(task, Some(stay.id), who, &format!("taken for stay {}", stay.id));
        }
        let plate = stay.plate.clone();
        self.record(Change::PlateGiven { lane: id.clone(), plate, by: who.to_owned() });
        self.bind_visit(id, |visit| {
            visit.plate = Some(stay.plate.clone());
            visit.help = None;
        });
        let picture = visit.read.and_then(|read| read.picture);
        self.leave(id, stay, picture)
    }

    /// The lane waits for a person, who finds the candidates on the work list.
    fn ask_who(
        &mut self,
        id: &LaneId,
        visit: &Visit,
        help: Help,
        candidates: Vec<Candidate>,
    ) -> Reply {
        if visit.plate.is_some() || !candidates.is_empty() {
            let task = self.put_misread(id, visit, candidates).map(|task| task.id);
            self.bind_visit(id, |visit| visit.task = task);
        }
        if self.lane(id).is_some_and(|lane| lane.phase == Phase::HeldOpen) {
            // It drives out under an arm held open; the operator finds out later whose stay ends.
            return Ok(Answer::Done);
        }
        self.lane_event(id, Event::NeedHelp(help))
    }

    /// What is asked about the vehicle at a lane, as a new task or in place of what was asked before.
    fn put_misread(
        &mut self,
        id: &LaneId,
        visit: &Visit,
        mut candidates: Vec<Candidate>,
    ) -> Option<Task> {
        let raw = match (&visit.read, &visit.plate) {
            (Some(read), _) => read.raw.clone(),
            (None, Some(plate)) => plate.full().to_owned(),
            (None, None) => String::new(),
        };
        let picture = visit.read.as_ref().and_then(|read| read.picture.clone());
        let Some(mut task) = visit.task.and_then(|task| self.task(task)).cloned() else {
            let task = self.next_task();
            self.ask_person(About::Misread { raw, candidates, picture }, Some(id), None);
            return self.task(task).cloned();
        };
        if let (About::Misread { candidates: known, .. }, true) =
            (&task.about, candidates.is_empty())
        {
            candidates.clone_from(known);
        }
        task.about = About::Misread { raw, candidates, picture };
        self.record(Change::Task(task.clone()));
        Some(task)
    }

    /// The picture of the vehicle at the exit came behind its read.
    pub(super) fn picture_of_misread(&mut self, task: TaskId, name: &str) {
        let Some(mut task) = self.task(task).cloned() else { return };
        if let About::Misread { picture, .. } = &mut task.about {
            *picture = Some(name.to_owned());
            self.record(Change::Task(task));
        }
    }

    fn close_misread(&mut self, task: Task, stay: Option<StayId>, who: &str, what: &str) {
        let outcome = Some(Outcome { who: who.into(), what: what.into() });
        self.record(Change::Task(Task { stay, outcome, over_at: Some(self.now), ..task }));
    }

    /// The vehicle went back where it came from: nobody needs to know who it was.
    pub(super) fn misread_went_away(&mut self, visit: &Visit) {
        if let Some(task) = visit.task {
            self.task_done(task, BY_ITSELF, "went away");
        }
    }

    /// An operator picked the stay, or says that none of them is it.
    pub(super) fn settle_misread(&mut self, id: TaskId, stay: Option<StayId>, who: &str) -> Reply {
        let task = self.task(id).filter(|task| matches!(task.about, About::Misread { .. }));
        let task = task.cloned().ok_or(Refusal::NoTask(id))?;
        let Some(stay) = stay else {
            self.task_done(id, who, "none of them");
            return Ok(Answer::Done);
        };
        let known = self.stay(stay).cloned().ok_or(Refusal::NoStay(stay))?;
        let waits_in = self
            .state
            .lanes
            .values()
            .find(|lane| lane.visit.as_ref().is_some_and(|visit| visit.task == Some(id)));
        match waits_in.map(|lane| (lane.id.clone(), lane.phase)) {
            Some((lane, Phase::Deciding)) => self.take_for(&lane, stay, who, Vec::new()),
            Some((lane, _)) => {
                // Under an arm that is up: whose passage it is becomes known before it is over.
                self.bind_visit(&lane, |visit| visit.stay = Some(stay));
                self.close_misread(task, Some(stay), who, &format!("taken for stay {stay}"));
                Ok(Answer::Done)
            }
            None => {
                let lane = task.lane.clone();
                self.close_misread(task, Some(stay), who, &format!("stay {stay} had left"));
                if let Some(lane) = lane {
                    self.left(&lane, known, Visit::unread());
                }
                Ok(Answer::Done)
            }
        }
    }

    /// A driver at the lane's sign says which plate it is. At an entry that is taken where the camera saw none. At an
    /// exit it has to be inside and one character from what the camera read, and little may be at stake.
    pub(super) fn plate_typed(&mut self, id: &LaneId, plate: Plate) -> Reply {
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let visit = lane.visit.clone().filter(|_| lane.phase == Phase::Deciding);
        let visit = visit.ok_or_else(|| Refusal::NobodyThere(id.clone()))?;
        if !self.leads_out(id) {
            return match visit.plate {
                None => self.plate_given(id, plate, "driver".into()),
                Some(_) => Err(Refusal::PlateUnfit(id.clone())),
            };
        }
        if visit.tries >= self.rules.matching.tries_max {
            return Err(Refusal::TriesSpent(id.clone()));
        }
        let read = visit.read.as_ref().and_then(|read| read.plate.as_ref());
        let fits = read.is_none_or(|read| matching::one_character_apart(read, &plate));
        let stay = self.stay_of(&plate).filter(|stay| stay.state == StayState::Inside).cloned();
        let here = |stay: &Stay| !self.stands_elsewhere(id, stay.id);
        let Some(stay) = stay.filter(|stay| fits && here(stay)) else {
            self.bind_visit(id, |visit| visit.tries = visit.tries.saturating_add(1));
            return Err(Refusal::PlateUnfit(id.clone()));
        };
        if self.is_above_sum(&stay) {
            let candidates = vec![Candidate { stay: stay.id, score: NAMED_BY_DRIVER }];
            self.ask_who(id, &visit, visit.help.unwrap_or(Help::NoStay), candidates)?;
            return Err(Refusal::OperatorAsked(id.clone()));
        }
        self.take_for(id, stay.id, "driver", Vec::new())
    }

    fn stands_elsewhere(&self, id: &LaneId, stay: StayId) -> bool {
        let mut others = self.state.lanes.values().filter(|lane| lane.id != *id);
        others.any(|lane| lane.visit.as_ref().is_some_and(|visit| visit.stay == Some(stay)))
    }
}

/// Percent shown for a stay that its driver named.
const NAMED_BY_DRIVER: u8 = 100;

/// Nobody has put another plate in the place of the camera's.
pub(super) fn is_as_read(visit: &Visit) -> bool {
    visit.read.as_ref().is_some_and(|read| read.plate == visit.plate)
}

impl From<&matching::Candidate> for Candidate {
    fn from(ranked: &matching::Candidate) -> Self {
        Self { stay: ranked.stay, score: ranked.score }
    }
}
