//! Exits: whose stay ends here. Knows no price.

use super::{Desk, access::Denied};
use crate::{
    core::{
        change::Change,
        input::Reply,
        lane::{Cause, Help, Lane, Phase},
        pass::{List, PassKind, Whereabouts},
        rules::PassbackMode,
        stay::{SeenAs, Stay},
    },
    types::{LaneId, Plate},
};

impl Desk<'_> {
    pub(super) fn leave(&mut self, id: &LaneId, mut stay: Stay, picture: Option<String>) -> Reply {
        let stay_id = stay.id;
        let visit = self.lane(id).and_then(|lane| lane.visit.clone());
        if let Some(standing) = visit.and_then(|visit| self.emergency(&stay.plate, &visit)) {
            (stay.standing, stay.standing_since) = (standing, None);
            self.record(Change::Stay(stay.clone()));
        } else if let Err(denied) = self.is_for(id, stay.standing, stay.vehicle) {
            return self.turn_away(id, denied);
        }
        self.bind_visit(id, |visit| visit.stay = Some(stay_id));
        let read = self.lane(id).and_then(|lane| lane.visit.as_ref()?.read.as_ref());
        let seen = read.map(SeenAs::from);
        if picture.is_some() || seen != stay.exit_read {
            stay.exit_picture = picture.or(stay.exit_picture);
            stay.exit_read = seen;
            self.record(Change::Stay(stay));
        }
        self.settle_up(id, stay_id)
    }

    /// A vehicle that owes nothing in any case may leave though nobody saw it come in; `None`: this one may not.
    pub(super) fn leave_unseen(&mut self, id: &LaneId, plate: &Plate) -> Option<Reply> {
        let visit = self.lane(id).and_then(|lane| lane.visit.clone())?;
        let listed = || {
            let lists = [List::Vip, List::White];
            lists.into_iter().find_map(|list| self.listed_as(plate, list))
        };
        if self.emergency(plate, &visit).is_some() || (!visit.typed && listed().is_some()) {
            return Some(self.admit(id, Cause::Free));
        }
        let zone = self.zone_of_lane(id);
        let passes = self.state.passes_of(plate).filter_map(|pass| self.pass(pass.id));
        let mut seasons = passes.filter(|pass| pass.kind == PassKind::Season && !visit.typed);
        let pass = seasons.find(|pass| {
            let good = pass.valid_from <= self.now && self.now < pass.valid_until;
            good && self.is_for_zone(pass, &zone)
        })?;
        let (pass, twice) = (pass.id, self.left_twice(pass, plate));
        let mode = self.rules.access.passback.mode;
        if twice {
            let let_pass = mode == PassbackMode::Soft;
            self.note_passback(pass, plate, id, let_pass);
            if !let_pass {
                return Some(self.turn_away(id, Denied { why: Help::NotInside, ask: true }));
            }
        }
        if mode != PassbackMode::Off {
            self.note_seen(pass, plate, Some(Whereabouts::Outside));
        }
        Some(self.admit(id, Cause::Free))
    }

    /// An emergency vehicle waits behind one that has not paid: that one is let go, and goes on owing.
    pub(super) fn clear_the_way(&mut self, id: &LaneId) {
        let Some(lane) = self.lane(id) else { return };
        let next = lane.next.as_ref().filter(|_| lane.phase == Phase::AwaitingPayment);
        let urgent = next.is_some_and(|next| {
            next.plate.as_ref().is_some_and(|plate| self.emergency(plate, next).is_some())
        });
        if urgent {
            let _ = self.admit(id, Cause::Emergency);
        }
    }

    /// Somebody left, or the register changed: who was turned away for a reason that may be gone is looked at again,
    /// the one who has waited longest first.
    pub(super) fn look_again(&mut self, again: impl Fn(Help) -> bool) {
        let waits = |lane: &Lane| {
            let help = lane.visit.as_ref()?.help.filter(|help| again(*help))?;
            (lane.phase == Phase::Deciding && help.is_denial())
                .then_some(lane.due.map(|due| due.at))
        };
        let lanes = self.rules.lanes.keys().filter_map(|id| Some((waits(self.lane(id)?)?, id)));
        let mut lanes: Vec<_> = lanes.collect();
        lanes.sort();
        for (_, id) in lanes {
            // What becomes of it goes to the lane, not to whoever left.
            let _ = self.decide_visit(id);
        }
    }
}
