//! Whose turn it is at a lane or with an order, as its driver should see it. Reads what is committed, writes nothing.

use jiff::Timestamp;

use super::{error::ApiError, router::Web, visit};
use crate::{
    core::{
        AlarmKind, Rules, State,
        lane::{Help, Phase, Visit},
        money::{Order, OrderState, Payment, PaymentState},
        stay::Stay,
        tariff::QuoteLine,
    },
    types::{LaneId, Money, OrderId, Plate, bank::PayWay},
};

/// A cashier link that has not come by then: the page says that the bank does not answer.
const LINK_LATE_S: i64 = 10;

/// What a stay costs, as its driver reads it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bill {
    pub(super) order: OrderId,
    /// `None`: paid before going to an exit.
    pub(super) lane: Option<LaneId>,
    /// Empty: it is no stay's.
    pub(super) plate: String,
    /// What a counter sold.
    pub(super) subject: Option<String>,
    /// Tickets that were ordered on the visitors' page, by whoever has this page.
    pub(super) is_visit: bool,
    pub(super) entered_at: Timestamp,
    pub(super) stayed_s: i64,
    pub(super) lines: Vec<QuoteLine>,
    pub(super) paid_before: Option<Money>,
    /// Owed from earlier stays.
    pub(super) arrears: Option<Money>,
    pub(super) amount: Money,
    pub(super) picture: Option<String>,
}

/// What the driver can do now, or waits for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    /// No vehicle stands there.
    Nobody,
    /// The camera looks.
    Reading,
    /// The camera could not tell, or nobody came in with that plate.
    AskPlate(Option<(Help, Option<Plate>)>),
    /// It is not let pass, and why.
    Denied(Help, Option<Plate>),
    /// The arm is up or on its way.
    Go(Option<Plate>),
    LaneClosed,
    Faulty,
    Due(Bill),
    /// What is bound to the plate is asked for the fee; the driver waits for a moment.
    Charging(Bill),
    /// The bank takes the fee from what is bound to the plate: nothing is left to do.
    Charged(Bill),
    /// The bank is asked for its cashier.
    Asking(Bill),
    /// The code on the phone was scanned; the bank has not said what became of it.
    Confirming(Bill),
    /// The cashier is open; the bank has not said that it is paid.
    Paying(Bill, String),
    /// The bank does not answer.
    Silent(Bill, Option<String>),
    /// The bank says that it was not paid.
    Failed(Bill),
    /// The time to pay ran out; the attempt is being undone.
    Lapsed(Bill),
    /// The bank names another amount: a person must look.
    Disputed(Bill),
    Paid {
        bill: Bill,
        leave_by: Timestamp,
        gone: bool,
    },
    /// An operator let it go.
    Waived(Bill),
    /// A later fee took its place.
    Replaced(Bill),
}

impl Turn {
    pub(super) fn bill(&self) -> Option<&Bill> {
        match self {
            Self::Due(bill)
            | Self::Charging(bill)
            | Self::Charged(bill)
            | Self::Asking(bill)
            | Self::Confirming(bill)
            | Self::Paying(bill, _)
            | Self::Silent(bill, _)
            | Self::Failed(bill)
            | Self::Lapsed(bill)
            | Self::Disputed(bill)
            | Self::Paid { bill, .. }
            | Self::Waived(bill)
            | Self::Replaced(bill) => Some(bill),
            Self::Nobody
            | Self::Reading
            | Self::AskPlate(_)
            | Self::Denied(..)
            | Self::Go(_)
            | Self::LaneClosed
            | Self::Faulty => None,
        }
    }

    pub(super) fn order(&self) -> Option<OrderId> {
        self.bill().map(|bill| bill.order)
    }

    /// Tells two turns apart; has no secret in it.
    pub(super) fn key(&self) -> String {
        let name = match self {
            Self::Nobody => "nobody",
            Self::Reading => "reading",
            Self::AskPlate(Some((Help::NoStay, _))) => "ask-no-stay",
            Self::AskPlate(_) => "ask-no-plate",
            Self::Denied(Help::Full, _) => "full",
            Self::Denied(..) => "denied",
            Self::Go(_) => "go",
            Self::LaneClosed => "closed",
            Self::Faulty => "faulty",
            Self::Due(_) => "due",
            Self::Charging(_) => "charging",
            Self::Charged(_) => "charged",
            Self::Asking(_) => "asking",
            Self::Confirming(_) => "confirming",
            Self::Paying(..) => "paying",
            Self::Silent(_, None) => "silent",
            Self::Silent(_, Some(_)) => "silent-link",
            Self::Failed(_) => "failed",
            Self::Lapsed(_) => "lapsed",
            Self::Disputed(_) => "disputed",
            Self::Paid { gone: false, .. } => "paid",
            Self::Paid { gone: true, .. } => "gone",
            Self::Waived(_) => "waived",
            Self::Replaced(_) => "replaced",
        };
        match self.bill() {
            Some(bill) => format!("{name}-{}-{}", bill.order, bill.amount.minor),
            None => name.to_owned(),
        }
    }
}

/// Whether a person was called to a lane; `Some(true)`: one sees to it.
pub(super) async fn called(web: &Web, lane: &LaneId) -> Result<Option<bool>, ApiError> {
    let id = lane.clone();
    let call = move |state: &State| state.call_of(&id).map(|call| call.taken.is_some());
    Ok(web.desk.read(call).await?)
}

/// Tells two states of a lane's page apart.
pub(super) async fn lane_key(web: &Web, lane: &LaneId) -> Result<String, ApiError> {
    let turn = lane_turn(web, lane).await?;
    Ok(with_call(turn.key(), called(web, lane).await?))
}

pub(super) fn with_call(key: String, called: Option<bool>) -> String {
    match called {
        None => key,
        Some(false) => format!("{key}-called"),
        Some(true) => format!("{key}-coming"),
    }
}

/// The turn of whoever stands at a lane.
pub(super) async fn lane_turn(web: &Web, lane: &LaneId) -> Result<Turn, ApiError> {
    let (rules, now, id) = (web.desk.rules(), web.desk.now(), lane.clone());
    let turn = web.desk.read(move |state| see_lane(state, &rules, now, &id)).await?;
    turn.ok_or(ApiError::NotFound)
}

fn see_lane(state: &State, rules: &Rules, now: Timestamp, id: &LaneId) -> Option<Turn> {
    let lane = state.lanes.get(id).filter(|_| rules.lanes.contains_key(id))?;
    let visit = lane.visit.as_ref();
    let plate = || visit.and_then(|visit| visit.plate.clone());
    let order =
        visit.and_then(|visit| visit.order).and_then(|order| see_order(state, rules, now, order));
    Some(match (lane.phase, order) {
        (Phase::Locked, _) => Turn::LaneClosed,
        (Phase::AwaitingPayment, Some(Turn::Due(bill))) if is_charging(visit, now) => {
            Turn::Charging(bill)
        }
        (Phase::AwaitingPayment | Phase::Opening | Phase::Open | Phase::Passing, Some(turn)) => {
            turn
        }
        (Phase::Opening | Phase::Open | Phase::Passing | Phase::HeldOpen, _) => Turn::Go(plate()),
        (Phase::Deciding | Phase::AwaitingPayment, _) => match visit.and_then(|visit| visit.help) {
            Some(help) if help.is_denial() => Turn::Denied(help, plate()),
            Some(help) => Turn::AskPlate(Some((help, plate()))),
            None => Turn::Reading,
        },
        (Phase::VehiclePresent, _) => Turn::Reading,
        (Phase::Faulty, _) => Turn::Faulty,
        (Phase::Idle | Phase::Closing, _) => Turn::Nobody,
    })
}

fn is_charging(visit: Option<&Visit>, now: Timestamp) -> bool {
    let until = visit.and_then(|visit| visit.attempt?.until());
    until.is_some_and(|until| now < until)
}

/// The turn of an order, also long after it was paid.
pub(super) async fn order_turn(web: &Web, id: OrderId) -> Result<Turn, ApiError> {
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let seen = web.desk.read(move |state| see_order(state, &rules, now, id)).await?;
    if let Some(turn) = seen {
        return Ok(turn);
    }
    let (order, payments) = web.records.order(id).await?.ok_or(ApiError::NotFound)?;
    let stay = match order.stay {
        Some(stay) => Some(web.records.stay(stay).await?.ok_or(ApiError::NotFound)?.stay),
        None => None,
    };
    let rules = web.desk.rules();
    Ok(judge(&rules, now, &order, &payments, stay.as_ref(), false))
}

fn see_order(state: &State, rules: &Rules, now: Timestamp, id: OrderId) -> Option<Turn> {
    let order = state.orders.get(&id)?;
    let stay = match order.stay {
        Some(stay) => Some(state.stays.get(&stay)?),
        None => None,
    };
    let payments: Vec<Payment> =
        state.payments.values().filter(|p| p.order == id).cloned().collect();
    let silent = payments.last().is_some_and(|payment| {
        state.alarms.contains_key(&(payment.channel.to_string(), AlarmKind::BankSilent))
    });
    Some(judge(rules, now, order, &payments, stay, silent))
}

fn bill_of(order: &Order, stay: Option<&Stay>) -> Bill {
    let currency = order.amount.currency;
    let some = |minor: i64| (minor > 0).then(|| Money::new(minor, currency));
    // Whoever knows a plate may see its fee, but never its picture.
    let stranger = order.by_plate || order.state == OrderState::Unpaid;
    Bill {
        order: order.id,
        lane: order.lane.clone(),
        plate: stay.map(|stay| stay.plate.full().to_owned()).unwrap_or_default(),
        subject: order.sale.as_ref().map(|sale| sale.subject.clone()),
        is_visit: order.basket.is_some()
            && order.sale.as_ref().is_some_and(|sale| sale.counter.as_str() == visit::buy::COUNTER),
        entered_at: order.quote.from,
        stayed_s: order.quote.to.duration_since(order.quote.from).as_secs(),
        lines: order.quote.lines.clone(),
        paid_before: some(order.quote.paid_minor),
        arrears: some(order.amount.minor - order.quote.due().minor),
        amount: order.amount,
        picture: stay.and_then(|stay| stay.entry_picture.clone()).filter(|_| !stranger),
    }
}

fn judge(
    rules: &Rules,
    now: Timestamp,
    order: &Order,
    payments: &[Payment],
    stay: Option<&Stay>,
    silent: bool,
) -> Turn {
    let bill = bill_of(order, stay);
    match &order.state {
        OrderState::Paid { at, .. } => {
            let leave_by = *at + rules.pay.leave_time;
            Turn::Paid { bill, leave_by, gone: stay.is_some_and(|stay| !stay.state.is_open()) }
        }
        OrderState::Waived { .. } => Turn::Waived(bill),
        OrderState::Void => Turn::Replaced(bill),
        OrderState::Due | OrderState::Unpaid => due(now, bill, payments, silent),
    }
}

fn due(now: Timestamp, bill: Bill, payments: &[Payment], silent: bool) -> Turn {
    if payments.iter().any(|p| matches!(p.state, PaymentState::Disputed { .. })) {
        return Turn::Disputed(bill);
    }
    let charges = payments.iter().filter(|payment| payment.state.is_undecided());
    let charges: Vec<_> =
        charges.filter_map(|payment| Some((payment, payment.charge.as_ref()?))).collect();
    if charges.iter().any(|(_, charge)| charge.relied_on) {
        return Turn::Charged(bill);
    }
    if charges.iter().any(|(payment, _)| payment.state == PaymentState::Pending) {
        return Turn::Charging(bill);
    }
    // One that came to nothing is no business of the driver's, who pays by scan.
    let Some(last) = payments.iter().rfind(|payment| payment.charge.is_none()) else {
        return Turn::Due(bill);
    };
    let link = last.link.as_ref().filter(|link| is_web(link));
    match (&last.state, link) {
        (PaymentState::Pending, _) if last.expires_at <= now => Turn::Lapsed(bill),
        (PaymentState::Pending, Some(link)) if silent => Turn::Silent(bill, Some(link.clone())),
        (PaymentState::Pending, Some(link)) => Turn::Paying(bill, link.clone()),
        (PaymentState::Pending, None) if last.way == PayWay::PayerCode => Turn::Confirming(bill),
        (PaymentState::Pending, None) => {
            let late = now.duration_since(last.made_at).as_secs() > LINK_LATE_S;
            if late { Turn::Silent(bill, None) } else { Turn::Asking(bill) }
        }
        (PaymentState::Reversing, _) => Turn::Lapsed(bill),
        (PaymentState::Failed { .. } | PaymentState::Reversed, _) => Turn::Failed(bill),
        (PaymentState::Paid { .. } | PaymentState::Disputed { .. }, _) => Turn::Due(bill),
    }
}

/// The bank's word decides where a phone goes, but never to a script.
pub(super) fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}
