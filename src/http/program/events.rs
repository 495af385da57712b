//! What a row of the journal tells programs: its kind of event, and the thing as the API shows it. Knows no receiver.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::bodies::{
    AdmissionBody, AlarmBody, ArrearsBody, CashBody, PaymentBody, RefundBody, ShiftBody, StayBody,
    TicketBody,
};
use crate::{
    core::{
        Change,
        money::{PaymentState, RefundState},
        stay::StayState,
        ticket::AdmissionState,
    },
    types::{Plate, Scope},
};

/// A kind of event, the kind of row it comes of, and the scope a program needs to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind {
    pub name: &'static str,
    pub row: &'static str,
    pub scope: Scope,
}

const fn kind(name: &'static str, row: &'static str, scope: Scope) -> EventKind {
    EventKind { name, row, scope }
}

pub const EVENT_KINDS: [EventKind; 26] = [
    kind("stay.opened", "stay", Scope::StaysRead),
    kind("stay.closed", "stay", Scope::StaysRead),
    kind("payment.paid", "payment", Scope::PaymentsRead),
    kind("payment.failed", "payment", Scope::PaymentsRead),
    kind("payment.reversed", "payment", Scope::PaymentsRead),
    kind("payment.disputed", "payment", Scope::PaymentsRead),
    kind("refund.done", "refund", Scope::PaymentsRead),
    kind("refund.refused", "refund", Scope::PaymentsRead),
    kind("refund.denied", "refund", Scope::PaymentsRead),
    kind("cash.taken", "cash", Scope::PaymentsRead),
    kind("cash.returned", "cash", Scope::PaymentsRead),
    kind("arrears.opened", "arrears", Scope::ArrearsRead),
    kind("arrears.closed", "arrears", Scope::ArrearsRead),
    kind("shift.opened", "shift", Scope::ShiftsRead),
    kind("shift.closed", "shift", Scope::ShiftsRead),
    kind("ticket.made", "ticket", Scope::TicketsRead),
    kind("ticket.changed", "ticket_acted", Scope::TicketsRead),
    kind("admission.used", "admission", Scope::TicketsRead),
    kind("alarm.raised", "alarm_raised", Scope::AlarmsRead),
    kind("alarm.cleared", "alarm_cleared", Scope::AlarmsRead),
    kind("pass.changed", "pass", Scope::PassesRead),
    kind("list.changed", "listed", Scope::PassesRead),
    kind("reservation.changed", "reservation", Scope::PassesRead),
    kind("task.opened", "task", Scope::TasksRead),
    kind("task.settled", "task", Scope::TasksRead),
    kind("lane.operated", "operator_acted", Scope::LanesRead),
];

pub(super) fn known(name: &str) -> Option<EventKind> {
    EVENT_KINDS.into_iter().find(|kind| kind.name == name)
}

/// What tells a row that says something new from one that says it again: things are journaled whole at each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Always,
    /// If no earlier row since then is of this number, with this field so.
    First {
        id: i64,
        since: Timestamp,
        mark: Option<(&'static str, String)>,
    },
}

/// What a row may tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: &'static str,
    pub news: News,
    /// With whole plates; see [`mask`].
    pub data: Value,
}

/// `None`: rows of this kind, or in this state, tell nothing.
pub fn event(change: &Change) -> Option<Event> {
    let first = |id, since, mark| News::First { id, since, mark };
    let (kind, news, data) = match change {
        Change::Stay(stay) => {
            let (kind, news) = match stay.state {
                StayState::Entering | StayState::Inside => {
                    ("stay.opened", first(stay.id.0, stay.entered_at, None))
                }
                over => {
                    let since = stay.left_at.unwrap_or(stay.entered_at);
                    let mark = Some(("$.state", over.name().to_owned()));
                    ("stay.closed", first(stay.id.0, since, mark))
                }
            };
            (kind, news, json!(StayBody::new(stay)))
        }
        Change::Payment(payment) => {
            let kind = match payment.state {
                PaymentState::Pending | PaymentState::Reversing => return None,
                PaymentState::Paid { .. } => "payment.paid",
                PaymentState::Failed { .. } => "payment.failed",
                PaymentState::Reversed => "payment.reversed",
                PaymentState::Disputed { .. } => "payment.disputed",
            };
            let mark = Some(("$.state.is", payment.state.name().to_owned()));
            (kind, first(payment.id.0, payment.made_at, mark), json!(PaymentBody::new(payment)))
        }
        Change::Refund(refund) => {
            let kind = match refund.state {
                RefundState::Waiting | RefundState::Pending => return None,
                RefundState::Done => "refund.done",
                RefundState::Refused => "refund.refused",
                RefundState::Denied => "refund.denied",
            };
            let mark = Some(("$.state", refund.state.name().to_owned()));
            (kind, first(refund.id.0, refund.made_at, mark), json!(RefundBody::new(refund)))
        }
        Change::Cash(cash) => {
            let kind = if cash.refund_of.is_some() { "cash.returned" } else { "cash.taken" };
            (kind, News::Always, json!(CashBody::new(cash)))
        }
        Change::Arrears(arrears) => {
            let (kind, since, mark) = match arrears.over_at {
                Some(over) => ("arrears.closed", over, ended(over)),
                None => ("arrears.opened", arrears.since, None),
            };
            (kind, first(arrears.id.0, since, mark), json!(ArrearsBody::new(arrears)))
        }
        Change::Shift(shift) => {
            let (kind, since, mark) = match shift.over_at {
                Some(over) => ("shift.closed", over, ended(over)),
                None => ("shift.opened", shift.opened_at, None),
            };
            (kind, first(shift.id.0, since, mark), json!(ShiftBody::new(shift)))
        }
        Change::Ticket(ticket) => (
            "ticket.made",
            first(ticket.id.0, ticket.made_at, None),
            json!(TicketBody::new(ticket)),
        ),
        Change::TicketActed(acted) => ("ticket.changed", News::Always, json!(acted)),
        Change::Admission(admission) => {
            if admission.state != AdmissionState::Used {
                return None;
            }
            let news = first(admission.id.0, admission.at, Some(("$.state", "used".to_owned())));
            ("admission.used", news, json!(AdmissionBody::new(admission)))
        }
        Change::AlarmRaised(alarm) => ("alarm.raised", News::Always, json!(AlarmBody::new(alarm))),
        Change::AlarmCleared { subject, alarm } => {
            ("alarm.cleared", News::Always, json!({ "subject": subject, "kind": alarm }))
        }
        Change::Pass(pass) => ("pass.changed", News::Always, json!(pass)),
        Change::Listed(listed) => ("list.changed", News::Always, json!(listed)),
        Change::Reservation(kept) => ("reservation.changed", News::Always, json!(kept)),
        Change::Task(task) => {
            let (kind, since, mark) = match task.over_at {
                Some(over) => ("task.settled", over, ended(over)),
                None => ("task.opened", task.since, None),
            };
            (kind, first(task.id.0, since, mark), json!(task))
        }
        Change::OperatorActed { lane, act, who, reason, .. } => {
            let data = json!({ "lane": lane, "act": act, "who": who, "reason": reason });
            ("lane.operated", News::Always, data)
        }
        _ => return None,
    };
    Some(Event { kind, news, data })
}

/// It ended then: also a row of the same instant may say that it did not yet.
fn ended(over: Timestamp) -> Option<(&'static str, String)> {
    Some(("$.over_at", over.to_string()))
}

/// Hides the middle of every plate.
pub fn mask(data: &mut Value) {
    match data {
        Value::Object(fields) => {
            for (name, value) in fields {
                if matches!(name.as_str(), "plate" | "plates" | "raw") {
                    mask_plates(value);
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        _ => {}
    }
}

fn mask_plates(value: &mut Value) {
    match value {
        // A read that is no plate may be most of one.
        Value::String(text) => {
            *text = Plate::parse_kept(text).map_or_else(|_| "***".to_owned(), |p| p.masked());
        }
        Value::Array(values) => values.iter_mut().for_each(mask_plates),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_once_and_known() {
        for one in EVENT_KINDS {
            assert_eq!(known(one.name), Some(one));
        }
    }

    #[test]
    fn no_plate_is_left() {
        let mut data = json!({
            "plate": "京A12345", "about": { "raw": "京A1234" }, "seen": [{ "plate": "沪B8888" }],
            "plates": ["粤Z9065澳", "无牌-0012"], "note": "x"
        });
        mask(&mut data);
        let text = data.to_string();
        for part in ["12345", "A1234", "B8888", "9065"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("京A·**345") && text.contains("无牌-0012"), "{text}");
    }
}
