//! What the API and its events say of things. Names follow the trade's own words; knows no route.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    core::{
        Alarm, AlarmKind,
        money::{Order, OrderState, PaidBy, Payment, PaymentState, Refund},
        pass::Standing,
        stay::{Stay, StayState},
        ticket::{Admission, AdmissionState, Ticket, Way},
        till::{Arrears, Cash, Shift, ShiftTotals},
    },
    types::{
        AdmissionId, ArrearsId, BoothId, CashId, ChannelId, CounterId, LaneId, Money, OrderId,
        PaymentId, ProductId, RefundId, ShiftId, SlotId, StayId, TicketId, Vehicle, ZoneId,
    },
};

/// A vehicle's presence; APDS: a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stay)]
pub(in crate::http) struct StayBody {
    id: StayId,
    plate: String,
    state: StayState,
    zone: ZoneId,
    entry_lane: LaneId,
    entered_at: Timestamp,
    exit_lane: Option<LaneId>,
    left_at: Option<Timestamp>,
    /// By what right it is here.
    standing: Standing,
    vehicle: Vehicle,
    /// Collected so far, in minor units.
    paid_minor: i64,
    /// The order that waits to be paid.
    order: Option<OrderId>,
}

impl StayBody {
    pub(in crate::http) fn new(stay: &Stay) -> Self {
        Self {
            id: stay.id,
            plate: stay.plate.full().to_owned(),
            state: stay.state,
            zone: stay.zone_now().clone(),
            entry_lane: stay.entry_lane.clone(),
            entered_at: stay.entered_at,
            exit_lane: stay.exit_lane.clone(),
            left_at: stay.left_at,
            standing: stay.standing,
            vehicle: stay.vehicle,
            paid_minor: stay.paid_minor,
            order: stay.order,
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}

/// What is owed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(in crate::http) struct OrderBody {
    id: OrderId,
    /// What it is of: a stay, or what a counter sold.
    stay: Option<StayId>,
    counter: Option<CounterId>,
    /// What the payer reads of a sale.
    subject: Option<String>,
    lane: Option<LaneId>,
    amount: Money,
    /// `due`, `paid`, `waived`, `void` or `unpaid`.
    state: &'static str,
    /// `bank`, `cash`, `pass` or `account`.
    paid_by: Option<&'static str>,
    paid_at: Option<Timestamp>,
    made_at: Timestamp,
}

impl OrderBody {
    pub(in crate::http) fn new(order: &Order) -> Self {
        let (paid_by, paid_at) = match &order.state {
            OrderState::Paid { by, at } => (Some(way(*by)), Some(*at)),
            _ => (None, None),
        };
        Self {
            id: order.id,
            stay: order.stay,
            counter: order.sale.as_ref().map(|sale| sale.counter.clone()),
            subject: order.sale.as_ref().map(|sale| sale.subject.clone()),
            lane: order.lane.clone(),
            amount: order.amount,
            state: order.state.name(),
            paid_by,
            paid_at,
            made_at: order.made_at,
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}

fn way(by: PaidBy) -> &'static str {
    match by {
        PaidBy::Payment(_) => "bank",
        PaidBy::Cash(_) => "cash",
        PaidBy::Pass(_) => "pass",
        PaidBy::Counter => "account",
    }
}

/// One attempt to collect an order through the bank.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(in crate::http) struct PaymentBody {
    id: PaymentId,
    order: OrderId,
    out_trade_no: String,
    bank_no: Option<String>,
    channel: ChannelId,
    /// Such as `cashier` or `payer_code`.
    way: &'static str,
    amount: Money,
    /// `pending` and `reversing` are undecided; `paid`, `failed`, `reversed`, `disputed`.
    state: &'static str,
    made_at: Timestamp,
    paid_at: Option<Timestamp>,
}

impl PaymentBody {
    pub(in crate::http) fn new(payment: &Payment) -> Self {
        let paid_at = match payment.state {
            PaymentState::Paid { at } => Some(at),
            _ => None,
        };
        Self {
            id: payment.id,
            order: payment.order,
            out_trade_no: payment.out_trade_no.clone(),
            bank_no: payment.bank_no.clone(),
            channel: payment.channel.clone(),
            way: payment.way.name(),
            amount: payment.amount,
            state: payment.state.name(),
            made_at: payment.made_at,
            paid_at,
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}

/// Money going back to a payer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(in crate::http) struct RefundBody {
    id: RefundId,
    payment: PaymentId,
    refund_no: String,
    /// The number of whoever asked for it.
    key: Option<String>,
    amount: Money,
    /// `waiting` for a second person, `pending`, `done`, `refused` by the bank, or `denied`.
    state: &'static str,
    made_at: Timestamp,
}

impl RefundBody {
    pub(in crate::http) fn new(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            payment: refund.payment,
            refund_no: refund.refund_no.clone(),
            key: refund.key.clone(),
            amount: refund.amount,
            state: refund.state.name(),
            made_at: refund.made_at,
        }
    }
}

/// Cash taken, or given back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cash)]
pub(in crate::http) struct CashBody {
    id: CashId,
    order: OrderId,
    stay: Option<StayId>,
    shift: ShiftId,
    amount: Money,
    at: Timestamp,
    /// Given back: of this cash.
    refund_of: Option<CashId>,
}

impl CashBody {
    pub(in crate::http) fn new(cash: &Cash) -> Self {
        Self {
            id: cash.id,
            order: cash.order,
            stay: cash.stay,
            shift: cash.shift,
            amount: cash.amount,
            at: cash.at,
            refund_of: cash.refund_of,
        }
    }
}

/// A fee that was not paid when its vehicle left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Arrears)]
pub(in crate::http) struct ArrearsBody {
    id: ArrearsId,
    plate: String,
    stay: StayId,
    order: OrderId,
    amount: Money,
    lane: LaneId,
    since: Timestamp,
    /// Paid or forgiven.
    over_at: Option<Timestamp>,
}

impl ArrearsBody {
    pub(in crate::http) fn new(arrears: &Arrears) -> Self {
        Self {
            id: arrears.id,
            plate: arrears.plate.full().to_owned(),
            stay: arrears.stay,
            order: arrears.order,
            amount: arrears.amount,
            lane: arrears.lane.clone(),
            since: arrears.since,
            over_at: arrears.over_at,
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}

/// One operator's time at a booth.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shift)]
pub(in crate::http) struct ShiftBody {
    id: ShiftId,
    booth: BoothId,
    operator: String,
    opened_at: Timestamp,
    float: Money,
    totals: ShiftTotals,
    /// What should be in the drawer.
    expected_minor: i64,
    counted: Option<Money>,
    over_at: Option<Timestamp>,
}

impl ShiftBody {
    pub(in crate::http) fn new(shift: &Shift) -> Self {
        Self {
            id: shift.id,
            booth: shift.booth.clone(),
            operator: shift.operator.clone(),
            opened_at: shift.opened_at,
            float: shift.float,
            totals: shift.totals,
            expected_minor: shift.expected_minor(),
            counted: shift.counted,
            over_at: shift.over_at,
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}

/// Something a person should know, as long as it lasts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alarm)]
pub(in crate::http) struct AlarmBody {
    subject: String,
    kind: AlarmKind,
    since: Timestamp,
    detail: String,
}

impl AlarmBody {
    pub(in crate::http) fn new(alarm: &Alarm) -> Self {
        let Alarm { subject, kind, since, detail } = alarm.clone();
        Self { subject, kind, since, detail }
    }
}

/// The right of some persons to come in within a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(in crate::http) struct TicketBody {
    id: TicketId,
    persons: u32,
    /// Persons who went in.
    used: u32,
    valid_from: Timestamp,
    valid_until: Timestamp,
    revoked: bool,
    made_at: Timestamp,
    made_by: String,
    order: Option<OrderId>,
    product: Option<ProductId>,
    slot: Option<SlotId>,
    price: Option<Money>,
}

impl TicketBody {
    pub(in crate::http) fn new(ticket: &Ticket) -> Self {
        let sold = ticket.sold.as_ref();
        Self {
            id: ticket.id,
            persons: ticket.persons,
            used: ticket.used,
            valid_from: ticket.valid_from,
            valid_until: ticket.valid_until,
            revoked: ticket.revoked,
            made_at: ticket.made_at,
            made_by: ticket.made_by.clone(),
            order: sold.map(|sold| sold.order),
            product: sold.map(|sold| sold.product.clone()),
            slot: sold.and_then(|sold| sold.slot.clone()),
            price: sold.map(|sold| sold.price),
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}

/// One person let through a turnstile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Admission)]
pub(in crate::http) struct AdmissionBody {
    id: AdmissionId,
    /// None: by an operator.
    ticket: Option<TicketId>,
    lane: LaneId,
    way: Way,
    zone: Option<ZoneId>,
    state: AdmissionState,
    at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl AdmissionBody {
    pub(in crate::http) fn new(admission: &Admission) -> Self {
        Self {
            id: admission.id,
            ticket: admission.ticket,
            lane: admission.lane.clone(),
            way: admission.way,
            zone: admission.zone.clone(),
            state: admission.state,
            at: admission.at,
            ended_at: admission.ended_at,
        }
    }

    pub(super) fn number(&self) -> i64 {
        self.id.0
    }
}
