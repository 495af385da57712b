//! What a stay owes, and what its payment settles. Knows no bank's word.

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::Reply,
        lane::{Cause, Event, Help, Phase},
        money::{
            Account, Order, OrderState, Payment, PaymentState, Posting, Refund, RefundState,
            RefundWhy,
        },
        stay::Stay,
        tariff::{NoQuote, PaidAt, Quote},
    },
    types::{LaneId, OrderId, RefundId, StayId},
};

impl Desk<'_> {
    /// The vehicle stands at the exit: it passes, or it is told what it owes.
    pub(super) fn settle_up(&mut self, lane: &LaneId, stay: StayId) -> Reply {
        let Some(stay) = self.stay(stay).cloned() else {
            return self.lane_event(lane, Event::NeedHelp(Help::NoStay));
        };
        if let Some(order) = stay.order.filter(|_| self.in_leave_time(&stay)) {
            self.void_orders(stay.id);
            return self.admit(lane, Cause::Paid { order });
        }
        let quote = match self.quote(&stay, self.now) {
            Ok(quote) => quote,
            Err(NoQuote::Unknown(_)) => {
                return self.lane_event(lane, Event::NeedHelp(Help::NoTariff));
            }
        };
        let owed_minor = quote.amount.minor - stay.paid_minor;
        let (stay, owed_minor) = self.settle_from_pass(stay, owed_minor);
        if owed_minor <= 0 {
            self.void_orders(stay.id);
            return self.admit(lane, Cause::Free);
        }
        let order = match self.due_orders(stay.id).pop() {
            // The vehicle came back before the fee grew: what its driver may be paying now still fits.
            Some(mut order) if order.amount.minor == owed_minor => {
                order.lane = lane.clone();
                order
            }
            _ => {
                self.void_orders(stay.id);
                Order {
                    id: self.next_order(),
                    stay: stay.id,
                    lane: lane.clone(),
                    amount: self.money(owed_minor),
                    quote,
                    made_at: self.now,
                    state: OrderState::Due,
                }
            }
        };
        self.ask_for(lane, stay, order)
    }

    /// What was paid in is taken first; the rest is owed like anybody's.
    fn settle_from_pass(&mut self, mut stay: Stay, owed_minor: i64) -> (Stay, i64) {
        if owed_minor <= 0 {
            return (stay, owed_minor);
        }
        let taken = self.take_from_pass(&stay, owed_minor);
        if taken > 0 {
            stay.paid_minor += taken;
            stay.paid.push(PaidAt { at: self.now, amount: taken });
            stay.paid_at = (taken == owed_minor).then_some(self.now).or(stay.paid_at);
            self.record(Change::Stay(stay.clone()));
        }
        (stay, owed_minor - taken)
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
        self.lane_event(lane, Event::AwaitPayment(id))
    }

    fn in_leave_time(&self, stay: &Stay) -> bool {
        stay.paid_at.is_some_and(|at| {
            self.now.duration_since(at).unsigned_abs() <= self.rules.pay.leave_time
        })
    }

    /// Nobody has to pay these any more: a later quote takes their place.
    pub(super) fn void_orders(&mut self, stay: StayId) {
        self.close_orders(stay, &OrderState::Void);
    }

    /// Ends what is due for a stay; what is being paid meanwhile is undone.
    pub(super) fn close_orders(&mut self, stay: StayId, became: &OrderState) {
        for mut order in self.due_orders(stay) {
            let id = order.id;
            order.state = became.clone();
            self.record(Change::Order(order));
            if *became != OrderState::Unpaid {
                self.reverse_undecided(id);
            }
        }
    }

    /// A payment is paid, by the bank's own word: it settles its order, or the money goes back.
    pub(super) fn settle(&mut self, payment: &Payment) {
        let Some(order) = self.order(payment.order).cloned() else {
            return self.give_back(payment, RefundWhy::NothingOwed);
        };
        let stay = self.stay(order.stay).cloned();
        if stay.as_ref().is_some_and(|stay| !self.still_owes(stay, payment)) {
            return self.give_back(payment, RefundWhy::NothingOwed);
        }
        match (&order.state, stay) {
            (OrderState::Due | OrderState::Unpaid, stay) => self.pay_order(payment, order, stay),
            // Paid for a quote that a later one replaced, while the vehicle is still here: it counts.
            (OrderState::Void, Some(stay)) => self.pay_order(payment, order, Some(stay)),
            (OrderState::Void | OrderState::Waived { .. }, _) => {
                self.give_back(payment, RefundWhy::NothingOwed);
            }
            (OrderState::Paid { .. }, _) => self.give_back(payment, RefundWhy::PaidTwice),
        }
    }

    /// Another payment may have come first: what the stay does not owe any more goes back.
    fn still_owes(&self, stay: &Stay, payment: &Payment) -> bool {
        let fits = |quote: Quote| {
            stay.paid_minor.saturating_add(payment.amount.minor) <= quote.amount.minor
        };
        // Without a fee to compare with, what was asked for was owed.
        self.quote(stay, self.now).map_or(true, fits)
    }

    fn pay_order(&mut self, payment: &Payment, mut order: Order, stay: Option<Stay>) {
        let (id, lane) = (order.id, order.lane.clone());
        order.state = OrderState::Paid { payment: payment.id, at: self.now };
        self.record(Change::Order(order));
        self.post(payment, None, Account::ChannelReceivable, Account::ParkingRevenue);
        self.reverse_undecided(id);
        let Some(mut stay) = stay else { return self.file_decided(id) };
        let stay_id = stay.id;
        stay.paid_minor += payment.amount.minor;
        stay.paid.push(PaidAt { at: self.now, amount: payment.amount.minor });
        stay.paid_at = Some(self.now);
        stay.order = Some(id);
        self.record(Change::Stay(stay));
        // What is due besides was reckoned without this payment.
        self.void_orders(stay_id);
        self.open_for(&lane, stay_id);
    }

    /// The lane where this stay's vehicle waits lets it go.
    fn open_for(&mut self, lane: &LaneId, stay: StayId) {
        let waits = self.lane(lane).is_some_and(|lane| {
            lane.phase == Phase::AwaitingPayment
                && lane.visit.as_ref().is_some_and(|visit| visit.stay == Some(stay))
        });
        if waits {
            // An order that a later payment outran is looked at again; the answer goes to the lane.
            let _ = self.settle_up(lane, stay);
        }
    }

    fn give_back(&mut self, payment: &Payment, why: RefundWhy) {
        self.post(payment, None, Account::ChannelReceivable, Account::RefundsPayable);
        let id = self.next_refund();
        self.record(Change::Refund(Refund {
            id,
            payment: payment.id,
            out_trade_no: payment.out_trade_no.clone(),
            refund_no: format!("{}R{id}", payment.out_trade_no),
            amount: payment.amount,
            state: RefundState::Pending,
            why,
            made_at: self.now,
            asks: 0,
            next_ask: Some(self.now),
        }));
    }

    pub(super) fn post(
        &mut self,
        payment: &Payment,
        refund: Option<RefundId>,
        debit: Account,
        credit: Account,
    ) {
        let txn = self.next_txn();
        self.record(Change::Posting(Posting {
            txn,
            at: self.now,
            payment: payment.id,
            refund,
            debit,
            credit,
            amount: payment.amount,
        }));
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
