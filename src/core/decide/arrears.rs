//! Fees that were not paid when their vehicle left: booked, collected later, or forgiven. Knows no lane's machine.

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::{Help, Phase},
        limit::Limited,
        money::{Account, Order, OrderState, PaidBy},
        stay::Stay,
        till::{Arrears, TillDid},
    },
    types::{ArrearsId, LaneId, Money, OrderId, Plate, StayId},
};

impl Desk<'_> {
    /// What a plate has not paid for earlier stays; `None`: nothing.
    pub(super) fn owes(&self, plate: &Plate) -> Option<Money> {
        let owed = self.owed_by(plate);
        let minor = owed.iter().fold(0_i64, |sum, one| sum.saturating_add(one.amount.minor));
        (!owed.is_empty()).then(|| self.money(minor))
    }

    /// Whose order it is, also when its vehicle has left without paying.
    pub(super) fn plate_of(&self, order: &Order) -> Option<&Plate> {
        let of_stay = self.stay_of_order(order).map(|stay| &stay.plate);
        let owed = || self.state.arrears.values().find(|arrears| arrears.order == order.id);
        of_stay.or_else(|| owed().map(|arrears| &arrears.plate))
    }

    /// The arrears of a plate, oldest first.
    pub(super) fn owed_by(&self, plate: &Plate) -> Vec<Arrears> {
        let known = self.state.arrears_of(plate).map(|arrears| arrears.id);
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::Arrears(arrears) if arrears.plate == *plate => Some(arrears.id),
            _ => None,
        });
        let ids: std::collections::BTreeSet<ArrearsId> = known.chain(fresh).collect();
        ids.into_iter().filter_map(|id| self.arrears(id).cloned()).collect()
    }

    /// A vehicle left and has not paid. Its order stays payable; one that collected arrears of earlier stays as well
    /// gives its place to one of this stay alone.
    pub(super) fn book_arrears(&mut self, lane: &LaneId, stay: &Stay, order: Order) {
        self.book_arrears_of(lane, stay.id, &stay.plate, order);
    }

    /// As [`Self::book_arrears`], of a stay that is not in memory any more.
    pub(super) fn book_arrears_of(
        &mut self,
        lane: &LaneId,
        stay: StayId,
        plate: &Plate,
        mut order: Order,
    ) {
        let own = self.own_part(&order);
        if !order.arrears.is_empty() {
            let quote = order.quote.clone();
            self.end_order(order, OrderState::Void);
            order = Order {
                id: self.next_order(),
                stay: Some(stay),
                sale: None,
                basket: None,
                pass: None,
                lane: Some(lane.clone()),
                amount: self.money(own),
                quote,
                made_at: self.now,
                state: OrderState::Unpaid,
                arrears: Vec::new(),
                by_plate: true,
            };
        }
        if own <= 0 {
            return;
        }
        let arrears = Arrears {
            id: self.next_arrears(),
            plate: plate.clone(),
            stay,
            order: order.id,
            amount: order.amount,
            lane: lane.clone(),
            since: self.now,
            over_at: None,
        };
        order.state = OrderState::Unpaid;
        let (account, income) = (Account::ArrearsReceivable, Account::ArrearsRevenue);
        self.book_owed(&order, Entry::new(account, income, arrears.amount));
        // First what keeps the order in memory.
        self.record(Change::Arrears(arrears));
        self.record(Change::Order(order));
    }

    fn book_owed(&mut self, order: &Order, entry: Entry) {
        let zone = self.earned_by(order).zone;
        self.book(Entry { zone, order: Some(order.id), ..entry });
    }

    /// An order was paid: the arrears it collects are over, and the one it is of itself.
    pub(super) fn arrears_paid(&mut self, paid: OrderId, collected: &[ArrearsId], by: PaidBy) {
        let mut over: Vec<Arrears> =
            collected.iter().filter_map(|id| self.arrears(*id).cloned()).collect();
        let own = self.state.arrears.values().find(|arrears| arrears.order == paid);
        over.extend(own.and_then(|arrears| self.arrears(arrears.id)).cloned());
        for arrears in over {
            let state = OrderState::Paid { by, at: self.now };
            self.end_arrears(arrears, state, Some(paid));
        }
    }

    /// `cause`: the order that was paid, which is ended already.
    fn end_arrears(&mut self, mut arrears: Arrears, became: OrderState, cause: Option<OrderId>) {
        let (id, plate, order) = (arrears.id, arrears.plate.clone(), arrears.order);
        // Paid, it is a parking fee like any other; forgiven, it is lost.
        let lost = matches!(became, OrderState::Waived { .. });
        let account = if lost { Account::ArrearsForgiven } else { Account::ArrearsRevenue };
        if let Some(order) = self.order(order).cloned() {
            let entry = Entry::new(account, Account::ArrearsReceivable, arrears.amount);
            self.book_owed(&order, entry);
        }
        arrears.over_at = Some(self.now);
        // First the order, then what keeps it in memory.
        if let Some(order) = self.order(order).filter(|order| Some(order.id) != cause).cloned() {
            self.end_order(order, became);
        }
        self.record(Change::Arrears(arrears));
        self.file_if_over(order);
        self.not_owed_any_more(id, &plate);
    }

    /// Orders that collect it are void, and a lane that waits for it looks again.
    fn not_owed_any_more(&mut self, id: ArrearsId, plate: &Plate) {
        let Some(stay) = self.stay_of(plate).map(|stay| stay.id) else {
            return self.try_again(plate);
        };
        let collects: Vec<Order> =
            self.due_orders(stay).into_iter().filter(|o| o.arrears.contains(&id)).collect();
        let any = !collects.is_empty();
        for order in collects {
            self.end_order(order, OrderState::Void);
        }
        if any {
            self.settle_again(stay);
        }
        self.try_again(plate);
    }

    /// Lanes that let this plate neither in nor out for its arrears.
    fn try_again(&mut self, plate: &Plate) {
        if self.owes(plate).is_some() {
            return;
        }
        let waits = |id: &&LaneId| {
            let Some(lane) = self.lane(id).filter(|lane| lane.phase == Phase::Deciding) else {
                return false;
            };
            let visit = lane.visit.as_ref();
            visit.is_some_and(|v| v.help == Some(Help::Arrears) && v.plate.as_ref() == Some(plate))
        };
        let lanes: Vec<LaneId> = self.rules.lanes.keys().filter(waits).cloned().collect();
        for lane in lanes {
            self.bind_visit(&lane, |visit| visit.help = None);
            // The answer goes to the lane.
            let _ = self.decide_visit(&lane);
        }
    }

    pub(super) fn forgive(
        &mut self,
        who: String,
        id: ArrearsId,
        (reason, second): (String, Option<&str>),
    ) -> Reply {
        let arrears = self.arrears(id).cloned().ok_or(Refusal::NoArrears(id))?;
        let amount = arrears.amount;
        let (limited, most) = (Limited::Waived(who.clone()), self.rules.limits.waived_day_minor);
        self.within(&limited, most, amount.minor)?;
        self.two_above(&who, second, amount.minor)?;
        let reason = super::till::with_second(reason, second);
        self.watch_acts(&who, amount.minor, second);
        self.count_spent(&limited, most, amount.minor);
        let (lane, stay) = (Some(arrears.lane.clone()), Some(arrears.stay));
        let shift = self.shift_of(&who).map(|shift| shift.id);
        let became = OrderState::Waived { who: who.clone(), reason: reason.clone() };
        self.end_arrears(arrears, became, None);
        if let Some(shift) = shift {
            self.count(shift, |totals| {
                totals.forgiven_minor += amount.minor;
                totals.forgiven_count += 1;
            });
        }
        let did = TillDid::Forgave;
        self.record(Change::TillActed {
            did,
            who,
            reason,
            amount,
            lane,
            stay,
            shift,
            picture: None,
            payment: None,
        });
        Ok(Answer::Done)
    }
}
