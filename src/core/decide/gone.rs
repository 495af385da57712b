//! Stays whose vehicle is not there any more though no exit saw it: its plate came in again, or an operator has looked.
//! Knows no price.

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::{Help, Phase},
        limit::Limited,
        stay::{Stay, StayState},
        task::About,
        till::TillDid,
    },
    types::{LaneId, Plate, StayId},
};

impl Desk<'_> {
    /// It is over without an exit and without a fee.
    pub(super) fn over_unseen(&mut self, mut stay: Stay) {
        self.void_unrelied(stay.id);
        self.end_validations(stay.id);
        stay.state = StayState::Superseded;
        stay.left_at = Some(self.now);
        stay.covered = self.covered(&stay, self.now);
        let orders = self.orders_of(stay.id);
        self.record(Change::Stay(stay.clone()));
        self.right_used(&stay);
        for order in orders {
            self.file_decided(order.id);
        }
    }

    /// An operator says that the vehicle has left. What it would owe is given up, within the limits of giving up money.
    pub(super) fn end_stay(
        &mut self,
        who: &str,
        id: StayId,
        (reason, second): (String, Option<&str>),
    ) -> Reply {
        let stay = self.stay(id).filter(|stay| stay.state == StayState::Inside).cloned();
        let stay = stay.ok_or(Refusal::NoStay(id))?;
        if let Some(lane) = self.stands_in(id) {
            return Err(Refusal::StandsThere(lane));
        }
        let owed = self.quote(&stay, self.now).map_or(0, |quote| quote.due().minor);
        let (limited, most) = (Limited::Waived(who.to_owned()), self.rules.limits.waived_day_minor);
        self.within(&limited, most, owed)?;
        self.two_above(who, second, owed)?;
        self.watch_acts(who, owed, second);
        self.count_spent(&limited, most, owed);
        let plate = stay.plate.clone();
        self.over_unseen(stay);
        let shift = self.shift_of(who).map(|shift| shift.id);
        self.record(Change::TillActed {
            did: TillDid::StayEnded,
            who: who.to_owned(),
            reason: super::till::with_second(reason.clone(), second),
            amount: self.money(owed),
            lane: None,
            stay: Some(id),
            shift,
            picture: None,
            payment: None,
        });
        let about = About::PlateTwice { former: id };
        let asked = self.state.tasks.values().filter(|task| task.about == about);
        let asked: Vec<_> = asked.map(|task| task.id).collect();
        asked.into_iter().for_each(|task| self.task_done(task, who, &reason));
        self.comes_in_after_all(&plate);
        self.look_again(|why| why == Help::Full);
        Ok(Answer::Done)
    }

    /// The lane before which its vehicle stands.
    fn stands_in(&self, id: StayId) -> Option<LaneId> {
        let stands = |lane: &&LaneId| {
            let visit = self.lane(lane).and_then(|lane| lane.visit.as_ref());
            visit.is_some_and(|visit| visit.stay == Some(id))
        };
        self.rules.lanes.keys().find(stands).cloned()
    }

    /// It waits at an entry because it seemed to be inside.
    fn comes_in_after_all(&mut self, plate: &Plate) {
        let waits = |id: &&LaneId| {
            let lane = self.lane(id).filter(|lane| lane.phase == Phase::Deciding);
            lane.and_then(|lane| lane.visit.as_ref()).is_some_and(|visit| {
                visit.help == Some(Help::Twice) && visit.plate.as_ref() == Some(plate)
            })
        };
        let lanes: Vec<LaneId> = self.rules.lanes.keys().filter(waits).cloned().collect();
        for lane in lanes {
            self.bind_visit(&lane, |visit| visit.help = None);
            // The answer goes to the lane.
            let _ = self.decide_visit(&lane);
        }
    }
}
