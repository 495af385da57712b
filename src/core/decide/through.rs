//! What follows from a vehicle that went through, or went away. Knows no price.

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        lane::{Cause, Help, LaneAlarm, Visit},
        money::OrderState,
        rules::Direction,
        stay::{Stay, StayState},
    },
    types::LaneId,
};

impl Desk<'_> {
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
            Some(Cause::Emergency) | None => OrderState::Unpaid,
        };
        if became == OrderState::Unpaid && !self.due_orders(stay.id).is_empty() {
            let detail = format!("{}: stay {} left by {id}", stay.plate, stay.id);
            self.raise(&format!("stay-{}", stay.id), AlarmKind::LeftUnpaid, detail);
        }
        self.close_orders(stay.id, &became);
        stay.state = StayState::Left;
        stay.left_at = Some(self.now);
        stay.exit_lane = Some(id.clone());
        stay.covered = self.covered(&stay, self.now);
        let orders = self.orders_of(stay.id);
        self.record(Change::Stay(stay.clone()));
        self.right_used(&stay);
        for order in orders {
            self.file_decided(order.id);
        }
        self.look_again(|why| why == Help::Full);
    }

    /// The vehicle went away without passing.
    pub(super) fn backed_out(&mut self, id: &LaneId, visit: &Visit) {
        self.clear(id.as_str(), AlarmKind::Lane(LaneAlarm::HelpWanted));
        let Some(mut stay) = visit.stay.and_then(|stay| self.stay(stay)).cloned() else { return };
        if stay.state == StayState::Entering && stay.entry_lane == *id {
            stay.state = StayState::Abandoned;
            stay.left_at = Some(self.now);
            self.record(Change::Stay(stay.clone()));
            self.right_given_back(&stay);
            self.look_again(|why| why == Help::Full);
        }
    }
}

fn waived(who: &str, reason: &str) -> OrderState {
    OrderState::Waived { who: who.to_owned(), reason: reason.to_owned() }
}
