//! What a stay owes, and what settles it. Knows no bank's word.

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::Change,
        input::{Answer, Reply},
        lane::{Cause, Event, Help, Phase},
        money::{Account, Order, OrderState, PaidBy, Payment, PaymentState, RefundWhy},
        pass::Standing,
        rules::ArrearsAtExit,
        stay::Stay,
        tariff::{NoQuote, PaidAt, Quote},
        till::Arrears,
    },
    types::{LaneId, OrderId, Plate, StayId},
};

impl Desk<'_> {
    /// The vehicle stands at the exit: it passes, or it is told what it owes.
    pub(super) fn settle_up(&mut self, lane: &LaneId, stay: StayId) -> Reply {
        let Some(stay) = self.stay(stay).cloned() else {
            return self.lane_event(lane, Event::NeedHelp(Help::NoStay));
        };
        let quote = match self.quote(&stay, self.now) {
            Ok(quote) => quote,
            Err(NoQuote::Unknown(_)) => {
                return self.lane_event(lane, Event::NeedHelp(Help::NoTariff));
            }
        };
        let (stay, quote) = self.settle_from_pass(stay, quote);
        if let Some(order) = self.covered_by_charge(&stay, quote.due().minor) {
            return self.admit(lane, Cause::Charged { order });
        }
        let arrears = match (self.rules.till.arrears_at_exit, self.owed_by(&stay.plate)) {
            (ArrearsAtExit::Refuse, owed) if !owed.is_empty() => {
                self.void_orders(stay.id);
                return self.lane_event(lane, Event::NeedHelp(Help::Arrears));
            }
            (ArrearsAtExit::Add, owed) => owed,
            (ArrearsAtExit::Refuse | ArrearsAtExit::Warn, _) => Vec::new(),
        };
        let order = self.order_for(Some(lane), &stay, quote, &arrears);
        if order.amount.is_zero() {
            self.void_orders(stay.id);
            let cause = self.paid_order(&stay).map_or(Cause::Free, |order| Cause::Paid { order });
            return self.admit(lane, cause);
        }
        self.ask_for(lane, stay, order)
    }

    /// What is to be paid for a stay. An order that still fits stays: its driver may be paying it now; any other is void.
    /// Records nothing of the order itself.
    fn order_for(
        &mut self,
        lane: Option<&LaneId>,
        stay: &Stay,
        quote: Quote,
        arrears: &[Arrears],
    ) -> Order {
        let owed = arrears.iter().map(|arrears| arrears.amount.minor);
        let minor = owed.fold(quote.due().minor, i64::saturating_add);
        let arrears: Vec<_> = arrears.iter().map(|arrears| arrears.id).collect();
        match self.due_orders(stay.id).pop() {
            Some(order) if order.amount.minor == minor && order.arrears == arrears => {
                Order { lane: lane.cloned(), ..order }
            }
            _ => {
                self.void_orders(stay.id);
                Order {
                    id: self.next_order(),
                    stay: Some(stay.id),
                    sale: None,
                    basket: None,
                    pass: None,
                    lane: lane.cloned(),
                    amount: self.money(minor),
                    quote,
                    made_at: self.now,
                    state: OrderState::Due,
                    arrears,
                    by_plate: lane.is_none(),
                }
            }
        }
    }

    /// The last order of a stay, if it was paid.
    fn paid_order(&self, stay: &Stay) -> Option<OrderId> {
        let order = self.order(stay.order?)?;
        matches!(order.state, OrderState::Paid { .. }).then_some(order.id)
    }

    /// What was paid in is taken first; the rest is owed like anybody's.
    fn settle_from_pass(&mut self, mut stay: Stay, quote: Quote) -> (Stay, Quote) {
        let owed = quote.due();
        let taken = if owed.is_zero() { 0 } else { self.take_from_pass(&stay, owed.minor) };
        if taken == 0 {
            return (stay, quote);
        }
        stay.paid_minor += taken;
        stay.paid.push(PaidAt { at: self.now, amount: taken });
        stay.paid_at = (taken == owed.minor).then_some(self.now).or(stay.paid_at);
        self.record(Change::Stay(stay.clone()));
        let amount = self.money(taken);
        let zone = Some(self.zone_of_stay(&stay));
        let entry =
            Entry { zone, ..Entry::new(Account::StoredValue, Account::ParkingRevenue, amount) };
        let pass = match stay.standing {
            Standing::Pass(pass) => Some(pass),
            _ => None,
        };
        self.book(Entry { pass, ..entry });
        let quote = self.quote(&stay, self.now).unwrap_or(quote);
        (stay, quote)
    }

    fn ask_for(&mut self, lane: &LaneId, mut stay: Stay, order: Order) -> Reply {
        let id = order.id;
        stay.order = Some(id);
        self.record(Change::Stay(stay));
        self.record(Change::Order(order));
        self.bind_visit(lane, |visit| visit.order = Some(id));
        let held = self.lane(lane).is_some_and(|lane| lane.phase == Phase::HeldOpen);
        if held {
            // It drives out under an arm held open; the operator's reason waives the order as it passes.
            return self.admit(lane, Cause::Free);
        }
        self.lane_event(lane, Event::AwaitPayment(id))?;
        self.try_frictionless(lane, id);
        Ok(Answer::Done)
    }

    /// It leaves and nobody told it what it owes: it was turned away for something else, or followed another closely.
    /// What is due becomes an order all the same, to be booked or waived.
    pub(super) fn bill_unasked(&mut self, lane: &LaneId, mut stay: Stay) -> Stay {
        let Ok(quote) = self.quote(&stay, self.now) else { return stay };
        if quote.due().is_zero() || !self.due_orders(stay.id).is_empty() {
            return stay;
        }
        let order = self.order_for(Some(lane), &stay, quote, &[]);
        stay.order = Some(order.id);
        self.record(Change::Stay(stay.clone()));
        self.record(Change::Order(order));
        stay
    }

    // ---- before the exit -----------------------------------------------------------------------

    /// A driver inside wants to pay: what is due now, to be paid on the phone.
    pub(super) fn prepay_asked(&mut self, plate: &Plate) -> Reply {
        let stay = self.stay_of(plate).cloned().ok_or(crate::core::Refusal::NotInside)?;
        let waits_at_exit = self.due_orders(stay.id).pop().filter(|order| order.lane.is_some());
        if let Some(order) = waits_at_exit {
            return Ok(Answer::Order(order.id));
        }
        let Ok(mut quote) = self.quote(&stay, self.now) else {
            return Ok(Answer::NothingOwed(None));
        };
        // What is stored is taken at the exit; the phone pays what it does not cover.
        let stored = self.would_take(&stay, quote.due().minor);
        quote.paid_minor += stored;
        let leave_by = quote.leave_by.filter(|_| stored == 0);
        let order = self.order_for(None, &stay, quote, &[]);
        if order.amount.is_zero() {
            self.void_orders(stay.id);
            return Ok(Answer::NothingOwed(leave_by));
        }
        let id = order.id;
        self.record(Change::Order(order));
        Ok(Answer::Order(id))
    }

    /// The open stay an order is of.
    pub(super) fn stay_of_order(&self, order: &Order) -> Option<&Stay> {
        order.stay.and_then(|stay| self.stay(stay))
    }

    /// An order made long before the exit may not be what is due any more: then the one that is.
    pub(super) fn fresh_prepay(
        &mut self,
        order: &Order,
    ) -> Result<Option<Answer>, crate::core::Refusal> {
        if order.lane.is_some() || order.state != OrderState::Due {
            return Ok(None);
        }
        let Some(plate) = self.stay_of_order(order).map(|stay| stay.plate.clone()) else {
            return Ok(None);
        };
        let answer = self.prepay_asked(&plate)?;
        Ok((answer != Answer::Order(order.id)).then_some(answer))
    }

    // ---- the end of an order -------------------------------------------------------------------

    /// Nobody has to pay these any more: a later quote takes their place.
    pub(super) fn void_orders(&mut self, stay: StayId) {
        for order in self.due_orders(stay) {
            self.end_order(order, OrderState::Void);
        }
    }

    /// Ends what is due; what is being paid meanwhile is undone.
    pub(super) fn end_order(&mut self, mut order: Order, became: OrderState) {
        let id = order.id;
        if order.state == OrderState::Due && became == OrderState::Void {
            self.release_places(&order);
        }
        order.state = became;
        self.record(Change::Order(order));
        self.reverse_undecided(id);
    }

    /// A payment is paid, by the bank's own word: it settles its order, or the money goes back.
    pub(super) fn settle(&mut self, payment: &Payment) {
        let Some(order) = self.order(payment.order).cloned() else {
            return self.give_back(payment, RefundWhy::NothingOwed);
        };
        match &order.state {
            // A void one was paid for a quote that a later one replaced: while the vehicle is still here, it counts.
            OrderState::Due | OrderState::Unpaid | OrderState::Void if self.still_owed(&order) => {
                let earned = self.earned_by(&order);
                let entry = Entry::earns(Account::ChannelReceivable, &earned, payment.amount);
                self.book(Entry { payment: Some(payment.id), ..entry });
                self.count_paid(payment, &order);
                self.order_paid(order, PaidBy::Payment(payment.id));
            }
            OrderState::Paid { .. } => self.give_back(payment, RefundWhy::PaidTwice),
            OrderState::Due | OrderState::Unpaid | OrderState::Void | OrderState::Waived { .. } => {
                self.give_back(payment, RefundWhy::NothingOwed);
            }
        }
    }

    /// Whether an order may still be paid as it stands: another payment, or a person, may have come first.
    pub(super) fn still_owed(&self, order: &Order) -> bool {
        if order.arrears.iter().any(|id| self.arrears(*id).is_none()) {
            return false;
        }
        if order.basket.is_some() {
            return self.tickets_still_owed(order);
        }
        if order.pass.is_some() {
            return self.pass_still_owed(order);
        }
        if order.sale.is_some() {
            return order.state == OrderState::Due;
        }
        let Some(stay) = self.stay_of_order(order) else { return order.state != OrderState::Void };
        // Without a fee to compare with, what was asked for was owed.
        self.quote(stay, self.now).map_or(true, |quote| self.own_part(order) <= quote.due().minor)
    }

    /// What an order collects for its own stay, without the arrears of earlier ones.
    pub(super) fn own_part(&self, order: &Order) -> i64 {
        let owed = order.arrears.iter().filter_map(|id| self.arrears(*id));
        owed.fold(order.amount.minor, |minor, arrears| minor - arrears.amount.minor)
    }

    /// An order is paid, and posted; it settles all that it collects, and the vehicle may go.
    pub(super) fn order_paid(&mut self, mut order: Order, by: PaidBy) {
        let (id, stay, own, to) = (order.id, order.stay, self.own_part(&order), order.quote.to);
        let (arrears, was_due) = (order.arrears.clone(), order.state == OrderState::Due);
        self.issue(&mut order);
        self.pass_paid(&mut order, by);
        order.state = OrderState::Paid { by, at: self.now };
        self.record(Change::Order(order));
        self.reverse_undecided(id);
        self.arrears_paid(id, &arrears, by);
        let Some(mut stay) = stay.and_then(|stay| self.stay(stay)).cloned() else {
            return self.file_decided(id);
        };
        let stay_id = stay.id;
        stay.paid_minor += own;
        if own > 0 {
            stay.paid.push(PaidAt { at: to, amount: own });
        }
        stay.paid_at = Some(self.now);
        stay.order = Some(id);
        self.record(Change::Stay(stay.clone()));
        self.validations_used(&stay, to, Some(id));
        // What is due besides was reckoned without this payment.
        self.void_orders(stay_id);
        for lane in self.lanes_waiting(stay_id) {
            let asked = self.lane(&lane).and_then(|lane| lane.visit.as_ref()?.order);
            // What the lane asked for is paid, however long that took. Another order may leave something due.
            let _ = if was_due && asked == Some(id) {
                self.admit(&lane, Cause::Paid { order: id })
            } else {
                self.settle_up(&lane, stay_id)
            };
        }
    }

    /// What a stay owes has changed: the lane where its vehicle waits looks again.
    pub(super) fn settle_again(&mut self, stay: StayId) {
        for lane in self.lanes_waiting(stay) {
            // The answer goes to the lane.
            let _ = self.settle_up(&lane, stay);
        }
    }

    fn lanes_waiting(&self, stay: StayId) -> Vec<LaneId> {
        self.rules
            .lanes
            .keys()
            .filter(|id| {
                self.lane(id).is_some_and(|lane| {
                    lane.phase == Phase::AwaitingPayment
                        && lane.visit.as_ref().is_some_and(|visit| visit.stay == Some(stay))
                })
            })
            .cloned()
            .collect()
    }

    /// Payments that are decided, of an order that is over, need no more watching.
    pub(super) fn file_decided(&mut self, order: OrderId) {
        for payment in self.payments_of(order) {
            let decided = matches!(
                payment.state,
                PaymentState::Paid { .. } | PaymentState::Failed { .. } | PaymentState::Reversed
            );
            if decided && payment.next_ask.is_none() {
                self.record(Change::PaymentFiled { payment: payment.id });
            }
        }
    }
}
