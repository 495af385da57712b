//! What follows from a vehicle that went through, or went away. Knows no price.

use super::Desk;
use crate::{
    core::{
        change::{AlarmKind, Change},
        lane::{Cause, Help, LaneAlarm, Visit},
        money::OrderState,
        rules::Direction,
        stay::{Stay, StayState},
        task::About,
    },
    types::{LaneId, StayId},
};

impl Desk<'_> {
    /// The vehicle is through.
    pub(super) fn passed(&mut self, id: &LaneId, visit: Visit) {
        self.through_sluice(id, &visit);
        let stay = self.stay_of_passage(id, &visit).and_then(|stay| self.stay(stay)).cloned();
        let Some(stay) = stay else { return self.unknown_passed(id) };
        match (self.direction(id), self.zone_around(id)) {
            (Some(_), Some(around)) => self.moved(id, stay, around),
            (Some(Direction::Entry), None) => self.inside(stay),
            (Some(Direction::Exit), None) => self.left(id, stay, visit),
            (None, _) => {}
        }
    }

    /// The vehicle went through behind another, and nobody let it. One that was read keeps its stay, so that its fee
    /// is asked for at the exit, or missed there; one that nobody read changes its zone's count.
    pub(super) fn tailgated(&mut self, id: &LaneId, mut visit: Visit) {
        visit.stay = self.stay_of_passage(id, &visit);
        self.ask_person(About::Tailgate, Some(id), visit.stay);
        self.passed(id, visit);
    }

    /// Whose passage it was. One that came in by a person's hand and was read all the same is inside like any other: its
    /// fee is asked for when it leaves.
    fn stay_of_passage(&mut self, id: &LaneId, visit: &Visit) -> Option<StayId> {
        let plate = visit.plate.as_ref();
        let known = visit.stay.or_else(|| Some(self.stay_of(plate?)?.id));
        if known.is_some() || self.direction(id) != Some(Direction::Entry) {
            return known;
        }
        let picture = visit.read.as_ref().and_then(|read| read.picture.clone());
        let standing = self.may_enter(id, visit).unwrap_or_default();
        Some(self.open_stay(id, plate?, picture, standing))
    }

    fn inside(&mut self, mut stay: Stay) {
        if stay.state == StayState::Entering {
            stay.state = StayState::Inside;
            self.record(Change::Stay(stay));
        }
    }

    pub(super) fn left(&mut self, id: &LaneId, mut stay: Stay, visit: Visit) {
        let seen = visit.clone();
        let became = match visit.cause {
            Some(Cause::Operator { who, reason }) => OrderState::Waived { who, reason },
            Some(Cause::Fire) => waived("fire", "fire alarm"),
            Some(Cause::Key) => waived("key", "opened by the barrier's key"),
            Some(Cause::Free | Cause::Paid { .. } | Cause::Entry) => OrderState::Void,
            Some(Cause::PayLater { .. } | Cause::Charged { .. } | Cause::Emergency) | None => {
                OrderState::Unpaid
            }
        };
        if matches!(became, OrderState::Unpaid | OrderState::Waived { .. }) {
            stay = self.bill_unasked(id, stay);
        }
        if became == OrderState::Unpaid && self.leaves_unpaid(stay.id) {
            let detail = format!("{}: stay {} left by {id}", stay.plate, stay.id);
            self.raise(&format!("stay-{}", stay.id), AlarmKind::LeftUnpaid, detail);
        }
        stay = self.close_bill(id, stay, Some(&seen), &became);
        self.end_segments(&mut stay);
        stay.state = StayState::Left;
        stay.left_at = Some(self.now);
        stay.exit_lane = Some(id.clone());
        stay.covered = self.covered(&stay, self.now);
        stay.tariff = self.own_tariff(&stay).map(str::to_owned);
        stay.tier = self.tier_of(&stay).map(str::to_owned);
        let orders = self.orders_of(stay.id);
        self.record(Change::Stay(stay.clone()));
        self.right_used(&stay);
        self.tell_left(&stay);
        for order in orders {
            self.file_decided(order.id);
        }
        self.look_again(|why| why == Help::Full);
    }

    /// The vehicle went away without passing.
    pub(super) fn backed_out(&mut self, id: &LaneId, visit: &Visit) {
        self.clear(id.as_str(), AlarmKind::Lane(LaneAlarm::HelpWanted));
        self.misread_went_away(visit);
        self.attempt_went_away(visit);
        let Some(mut stay) = visit.stay.and_then(|stay| self.stay(stay)).cloned() else { return };
        if stay.state == StayState::Entering && stay.entry_lane == *id {
            self.end_validations(stay.id);
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
