//! The desk a decision is made at: the state as it stands plus what this decision has changed so far. Changes nothing
//! outside itself.

use jiff::Timestamp;

use super::Decision;
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::{Effect, Message},
        frictionless::Attempt,
        gate::{self, Gate},
        input::Reply,
        lane::{Lane, Phase},
        money::{Order, OrderState, Payment, Refund},
        pass::{PassKind, Standing},
        rules::{Direction, Rules},
        state::State,
        stay::Stay,
        tariff::Quote,
        ticket::{Admission, Ticket},
    },
    types::{
        AdmissionId, CodeDigest, CommandId, LaneId, Money, OrderId, PaymentId, Plate, RefundId,
        StayId, TicketId,
    },
};

pub(super) struct Desk<'a> {
    pub(super) state: &'a State,
    pub(super) rules: &'a Rules,
    pub(super) now: Timestamp,
    /// Displays are told again, whatever they were told before.
    pub(super) show_all: bool,
    pub(super) changes: Vec<Change>,
    effects: Vec<Effect>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(state: &'a State, rules: &'a Rules, now: Timestamp) -> Self {
        Self { state, rules, now, show_all: false, changes: Vec::new(), effects: Vec::new() }
    }

    /// Puts a change down; an entity that changes twice in one decision goes on record once, as it ends. Only a lane
    /// that gave two orders to its arm or turnstile goes on record with each.
    pub(super) fn record(&mut self, change: Change) {
        let same = |known: &&mut Change| match (&change, &**known) {
            (Change::Lane(a), Change::Lane(b)) => a.id == b.id,
            (Change::Gate(a), Change::Gate(b)) => a.id == b.id,
            (Change::Ticket(a), Change::Ticket(b)) => a.id == b.id,
            (Change::Admission(a), Change::Admission(b)) => a.id == b.id,
            (Change::Stay(a), Change::Stay(b)) => a.id == b.id,
            (Change::Order(a), Change::Order(b)) => a.id == b.id,
            (Change::Payment(a), Change::Payment(b)) => a.id == b.id,
            (Change::Refund(a), Change::Refund(b)) => a.id == b.id,
            (Change::PaymentFiled { payment: a }, Change::PaymentFiled { payment: b }) => a == b,
            (Change::Pass(a), Change::Pass(b)) => a.id == b.id,
            (Change::Listed(a), Change::Listed(b)) => a.id == b.id,
            (Change::Reservation(a), Change::Reservation(b)) => a.id == b.id,
            (Change::Merchant(a), Change::Merchant(b)) => a.id == b.id,
            (Change::Validation(a), Change::Validation(b)) => a.id == b.id,
            (Change::Arrears(a), Change::Arrears(b)) => a.id == b.id,
            (Change::Shift(a), Change::Shift(b)) => a.id == b.id,
            (Change::Task(a), Change::Task(b)) => a.id == b.id,
            (Change::Zone(a), Change::Zone(b)) => a.id == b.id,
            (Change::Spent(a), Change::Spent(b)) => a.id == b.id,
            (Change::Settled(a), Change::Settled(b)) => a.id == b.id,
            (Change::Invoice(a), Change::Invoice(b)) => a.id == b.id,
            (Change::Slot(a), Change::Slot(b)) => a.id == b.id,
            (Change::Crowd(a), Change::Crowd(b)) => a.id == b.id,
            (Change::Closure(a), Change::Closure(b)) => a.id == b.id,
            (Change::Sister(a), Change::Sister(b)) => a.id == b.id,
            (Change::SisterAsk(a), Change::SisterAsk(b)) => a.id == b.id,
            (Change::CloudPass(a), Change::CloudPass(b)) => a.id == b.id,
            (Change::Card(a), Change::Card(b)) => a.id == b.id,
            _ => false,
        };
        match self.changes.iter_mut().rev().find(same) {
            Some(known) if !carries_other_order(self.state, known, &change) => *known = change,
            _ => self.changes.push(change),
        }
    }

    pub(super) fn act(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn finish(mut self, reply: Reply) -> Decision {
        self.watch_waits();
        self.show_what_changed();
        self.drop_idle_changes();
        Decision { changes: self.changes, effects: self.effects, reply }
    }

    /// A lane that is as it was needs no row.
    fn drop_idle_changes(&mut self) {
        let state = self.state;
        self.changes.retain(|change| match change {
            Change::Lane(lane) => state.lanes.get(&lane.id) != Some(lane),
            Change::Gate(gate) => state.gates.get(&gate.id) != Some(gate),
            _ => true,
        });
    }

    fn show_what_changed(&mut self) {
        let shown: Vec<Effect> = self
            .changes
            .iter()
            .filter_map(|change| match change {
                // Of a lane with two rows, the last.
                Change::Lane(lane)
                    if self.lane(&lane.id).is_some_and(|last| std::ptr::eq(last, lane)) =>
                {
                    let before = self.state.lanes.get(&lane.id).map(|l| self.message(l, false));
                    Some((&lane.id, before, self.message(lane, true)))
                }
                Change::Gate(gate)
                    if self.gate(&gate.id).is_some_and(|last| std::ptr::eq(last, gate)) =>
                {
                    let before = self.state.gates.get(&gate.id).map(gate_message);
                    Some((&gate.id, before, gate_message(gate)))
                }
                _ => None,
            })
            .filter(|(_, before, message)| self.show_all || before.as_ref() != Some(message))
            .map(|(lane, _, message)| Effect::Show { lane: lane.clone(), message })
            .collect();
        self.effects.extend(shown);
        let turned = self.turned();
        self.effects.extend(turned);
        let told = self.told_besides();
        self.effects.extend(told);
    }

    /// Tidal lanes that turned, or all of them at a start.
    fn turned(&self) -> Vec<Effect> {
        let tidal = self.rules.lanes.iter().filter(|(_, rules)| rules.tide.is_some());
        let turned = tidal.filter_map(|(id, _)| {
            let turned = self.lane(id)?.turned;
            let before = self.state.lanes.get(id).map(|lane| lane.turned);
            (self.show_all || before != Some(turned))
                .then(|| Effect::Turned { lane: id.clone(), turned })
        });
        turned.collect()
    }

    /// What a lane in this state tells its driver. `fresh`: with what this decision has changed.
    pub(super) fn message(&self, lane: &Lane, fresh: bool) -> Message {
        if let Some(called) = self.called(lane, fresh) {
            return called;
        }
        let plate = lane.visit.as_ref().and_then(|visit| visit.plate.clone());
        let order = lane
            .visit
            .as_ref()
            .and_then(|visit| visit.order)
            .and_then(|id| if fresh { self.order(id) } else { self.state.orders.get(&id) });
        match (lane.phase, plate) {
            // Paid or let in, and the coupled lane is not done.
            (Phase::Deciding | Phase::AwaitingPayment, _)
                if lane.visit.as_ref().is_some_and(|visit| visit.waits.is_some()) =>
            {
                Message::Wait
            }
            (Phase::AwaitingPayment, Some(plate)) if is_charging(lane) && order.is_some() => {
                let amount = order.map_or_else(|| self.money(0), |order| order.amount);
                Message::Charging { plate, amount }
            }
            (Phase::AwaitingPayment, Some(plate)) => match order {
                Some(order) => Message::Pay {
                    plate,
                    amount: order.amount,
                    minutes: started_minutes(&order.quote),
                },
                None => Message::Help,
            },
            (Phase::Opening | Phase::Open | Phase::Passing, Some(plate)) => {
                self.greeting(lane, plate, fresh)
            }
            (Phase::Deciding, plate) if lane.visit.as_ref().is_some_and(|v| v.help.is_some()) => {
                let why = lane.visit.as_ref().and_then(|visit| visit.help);
                match (why.filter(|why| why.is_denial()), plate) {
                    (Some(why), Some(plate)) => Message::Denied { plate, why },
                    _ => Message::Help,
                }
            }
            (Phase::Idle | Phase::VehiclePresent, _) if self.is_full_behind(&lane.id, fresh) => {
                Message::Full
            }
            (Phase::HeldOpen, _) => Message::HeldOpen,
            (Phase::Locked, _) => Message::LaneClosed,
            (Phase::Faulty, _) => Message::Faulty,
            (
                Phase::Idle
                | Phase::VehiclePresent
                | Phase::Deciding
                | Phase::AwaitingPayment
                | Phase::Opening
                | Phase::Open
                | Phase::Passing
                | Phase::Closing,
                _,
            ) => Message::Ready,
        }
    }

    /// To one that is let pass; who has a pass hears what is left of it.
    fn greeting(&self, lane: &Lane, plate: Plate, fresh: bool) -> Message {
        let rules = self.rules.lanes.get(&lane.id);
        let entering = rules.is_some_and(|rules| lane.direction(rules) == Direction::Entry);
        let stay = lane.visit.as_ref().and_then(|visit| visit.stay);
        let stay =
            stay.and_then(|id| if fresh { self.stay(id) } else { self.state.stays.get(&id) });
        let pass = stay.and_then(|stay| match stay.standing {
            Standing::Pass(id) if fresh => self.pass(id),
            Standing::Pass(id) => self.state.passes.get(&id),
            _ => None,
        });
        // What the site only warns of, and what this exit has not collected.
        if let Some(amount) = self.owes(&plate) {
            return Message::Owes { plate, amount };
        }
        if let Some(amount) = self.charged_for(lane, fresh) {
            return Message::Charged { plate, amount };
        }
        let Some(pass) = pass else {
            return if entering { Message::Welcome { plate } } else { Message::GoodBye { plate } };
        };
        let left = pass.valid_until.duration_since(self.now);
        match pass.kind {
            _ if left.unsigned_abs() <= self.rules.access.ending && left.is_positive() => {
                Message::PassEnds { plate, entering, days: left.as_hours() / 24 }
            }
            PassKind::Stored { balance_minor } if !entering => {
                Message::Balance { plate, left: self.money(balance_minor) }
            }
            _ if entering => Message::Welcome { plate },
            _ => Message::GoodBye { plate },
        }
    }

    // ---- what is true now ------------------------------------------------------------------------

    pub(super) fn lane(&self, id: &LaneId) -> Option<&Lane> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Lane(lane) if lane.id == *id => Some(lane),
            _ => None,
        });
        changed.or_else(|| self.state.lanes.get(id))
    }

    pub(super) fn gate(&self, id: &LaneId) -> Option<&Gate> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Gate(gate) if gate.id == *id => Some(gate),
            _ => None,
        });
        changed.or_else(|| self.state.gates.get(id))
    }

    /// A ticket in memory, or one that this decision ended.
    pub(super) fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Ticket(ticket) if ticket.id == id => Some(ticket),
            _ => None,
        });
        changed.or_else(|| self.state.tickets.get(&id))
    }

    pub(super) fn ticket_of(&self, digest: &CodeDigest) -> Option<&Ticket> {
        self.state.ticket_of(digest).and_then(|ticket| self.ticket(ticket.id))
    }

    pub(super) fn admission(&self, id: AdmissionId) -> Option<&Admission> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Admission(admission) if admission.id == id => Some(admission),
            _ => None,
        });
        changed.or_else(|| self.state.admissions.get(&id))
    }

    pub(super) fn stay(&self, id: StayId) -> Option<&Stay> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Stay(stay) if stay.id == id => Some(stay),
            _ => None,
        });
        changed.or_else(|| self.state.stays.get(&id)).filter(|stay| stay.state.is_open())
    }

    /// The open stay of a plate.
    pub(super) fn stay_of(&self, plate: &Plate) -> Option<&Stay> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Stay(stay) if stay.plate == *plate && stay.state.is_open() => Some(stay),
            _ => None,
        });
        changed.or_else(|| self.state.stay_of(plate).and_then(|stay| self.stay(stay.id)))
    }

    pub(super) fn order(&self, id: OrderId) -> Option<&Order> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Order(order) if order.id == id => Some(order),
            _ => None,
        });
        changed.or_else(|| self.state.orders.get(&id))
    }

    pub(super) fn payment(&self, id: PaymentId) -> Option<&Payment> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Payment(payment) if payment.id == id => Some(payment),
            _ => None,
        });
        changed.or_else(|| self.state.payments.get(&id))
    }

    /// The watched payments of an order, oldest first.
    pub(super) fn payments_of(&self, order: OrderId) -> Vec<Payment> {
        let known = self.state.payments.values().filter(|p| p.order == order).map(|p| p.id);
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::Payment(p) if p.order == order => Some(p.id),
            _ => None,
        });
        let ids: std::collections::BTreeSet<PaymentId> = known.chain(fresh).collect();
        ids.into_iter().filter_map(|id| self.payment(id).cloned()).collect()
    }

    pub(super) fn refund(&self, id: RefundId) -> Option<&Refund> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::Refund(refund) if refund.id == id => Some(refund),
            _ => None,
        });
        changed.or_else(|| self.state.refunds.get(&id))
    }

    pub(super) fn is_raised(&self, subject: &str, kind: AlarmKind) -> bool {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::AlarmRaised(alarm) if alarm.subject == subject && alarm.kind == kind => {
                Some(true)
            }
            Change::AlarmCleared { subject: cleared, alarm }
                if cleared == subject && *alarm == kind =>
            {
                Some(false)
            }
            _ => None,
        });
        changed.unwrap_or_else(|| {
            !self.state.alarms.is_empty()
                && self.state.alarms.contains_key(&(subject.to_owned(), kind))
        })
    }

    /// The orders of a stay that are in memory, oldest first.
    pub(super) fn orders_of(&self, stay: StayId) -> Vec<Order> {
        let known = self.state.orders.values().filter(|o| o.stay == Some(stay)).map(|o| o.id);
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::Order(order) if order.stay == Some(stay) => Some(order.id),
            _ => None,
        });
        let ids: std::collections::BTreeSet<OrderId> = known.chain(fresh).collect();
        ids.into_iter().filter_map(|id| self.order(id).cloned()).collect()
    }

    pub(super) fn due_orders(&self, stay: StayId) -> Vec<Order> {
        let mut orders = self.orders_of(stay);
        orders.retain(|order| order.state == OrderState::Due);
        orders
    }

    // ---- numbers not handed out yet --------------------------------------------------------------

    pub(super) fn fresh(&self, base: i64, id_of: impl Fn(&Change) -> Option<i64>) -> i64 {
        self.changes.iter().filter_map(id_of).max().unwrap_or(0).max(base) + 1
    }

    pub(super) fn next_stay(&self) -> StayId {
        StayId(self.fresh(self.state.counters.stay, |change| match change {
            Change::Stay(stay) => Some(stay.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_order(&self) -> OrderId {
        OrderId(self.fresh(self.state.counters.order, |change| match change {
            Change::Order(order) => Some(order.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_payment(&self) -> PaymentId {
        PaymentId(self.fresh(self.state.counters.payment, |change| match change {
            Change::Payment(payment) => Some(payment.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_refund(&self) -> RefundId {
        RefundId(self.fresh(self.state.counters.refund, |change| match change {
            Change::Refund(refund) => Some(refund.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_command(&self) -> CommandId {
        CommandId(self.fresh(self.state.counters.command, |change| match change {
            Change::Lane(lane) => lane.order.as_ref().map(|order| order.id.0),
            Change::Gate(gate) => gate.order.as_ref().map(|order| order.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_ticket(&self) -> TicketId {
        let own = &self.rules.tickets;
        let last = self.state.issued.get(&own.issuer).copied().unwrap_or_default();
        TicketId(self.fresh(last.max(own.first()), |change| match change {
            Change::Ticket(ticket) if own.is_own(ticket.id) => Some(ticket.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_admission(&self) -> AdmissionId {
        AdmissionId(self.fresh(self.state.counters.admission, |change| match change {
            Change::Admission(admission) => Some(admission.id.0),
            _ => None,
        }))
    }

    pub(super) fn next_txn(&self) -> i64 {
        self.fresh(self.state.counters.txn, |change| match change {
            Change::Posting(posting) => Some(posting.txn),
            _ => None,
        })
    }

    pub(super) fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.rules.currency)
    }
}

/// The bank is asked to take the fee from what is bound to the plate.
fn is_charging(lane: &Lane) -> bool {
    lane.visit.as_ref().is_some_and(|visit| visit.attempt.and_then(Attempt::until).is_some())
}

/// A minute that has begun counts: nobody was inside for 0 minutes.
fn started_minutes(quote: &Quote) -> i64 {
    (quote.to.duration_since(quote.from).as_secs() + 59) / 60
}

/// Both are rows of one lane, and `known` holds an order to the arm that `change` does not repeat.
fn carries_other_order(state: &State, known: &Change, change: &Change) -> bool {
    let order_of = |change: &Change| match change {
        Change::Lane(lane) => lane.order.as_ref().map(|order| order.id),
        Change::Gate(gate) => gate.order.as_ref().map(|order| order.id),
        _ => None,
    };
    let before = match known {
        Change::Lane(lane) => {
            state.lanes.get(&lane.id).and_then(|lane| lane.order.as_ref()).map(|o| o.id)
        }
        Change::Gate(gate) => {
            state.gates.get(&gate.id).and_then(|gate| gate.order.as_ref()).map(|o| o.id)
        }
        _ => return false,
    };
    order_of(known) != order_of(change) && order_of(known) != before
}

/// What a turnstile in this state tells the person before it.
fn gate_message(gate: &Gate) -> Message {
    match (gate.phase, gate.refused) {
        (gate::Phase::HeldFree, _) => Message::HeldOpen,
        (gate::Phase::Granted | gate::Phase::Passing, _) => {
            Message::PassOn { left: gate.pass.map_or(0, |pass| pass.left) }
        }
        (_, Some(why)) => Message::NotAdmitted { why },
        (gate::Phase::Locked, None) => Message::LaneClosed,
        (gate::Phase::Faulty, None) => Message::Faulty,
        (gate::Phase::Idle | gate::Phase::Closing, None) => Message::Ready,
    }
}
