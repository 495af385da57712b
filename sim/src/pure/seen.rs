//! What really happened in a run, counted from its changes, so that a thousand seeds can show that each thing did. Judges
//! nothing.

use std::time::Duration;

use paifang::{
    core::{
        AlarmKind, Change, State,
        gate::{Gate, NotAdmitted, Way},
        lane::{Help, Lane, LaneAlarm},
        money::{Order, OrderState},
        pass::Standing,
        stay::{Stay, StayState},
        task::{About, Task},
        ticket::{AdmissionState, Again, Ticket},
        till::{Shift, ValidationState},
    },
    types::VehicleClass,
};

use super::tariffs;
use crate::faults::Tally;

/// A lane that could not be turned is tried again sooner than this.
const TRIED_AGAIN: Duration = Duration::from_mins(1);
/// Whoever settles what needs nobody.
const BY_ITSELF: &str = "paifang";

/// The changes of one decision, and the state before them.
pub(super) fn count(state: &State, changes: &[Change], tally: &mut Tally) {
    for change in changes {
        match change {
            Change::Lane(lane) => lane_seen(state, lane, tally),
            Change::Stay(stay) => stay_seen(state, stay, tally),
            Change::Order(order) => order_seen(state, order, tally),
            Change::Task(task) => task_seen(state, task, tally),
            Change::Shift(shift) => shift_seen(state, shift, changes, tally),
            Change::Pass(pass) => {
                let former = state.passes.get(&pass.id).and_then(|pass| pass.passback.as_ref());
                let noted = pass.passback.as_ref().filter(|noted| former != Some(noted));
                match noted.map(|noted| noted.let_pass) {
                    Some(true) => tally.add("passback: let pass, on record"),
                    Some(false) => tally.add("passback: refused"),
                    None => {}
                }
            }
            Change::Arrears(arrears) if arrears.over_at.is_none() => {
                tally.add("arrears: left owing")
            }
            Change::Validation(v) if matches!(v.state, ValidationState::Used { .. }) => {
                tally.add("shop: validation used");
            }
            Change::AlarmRaised(alarm) if alarm.kind == AlarmKind::Lane(LaneAlarm::Tailgated) => {
                tally.add("lane: tailgated");
            }
            Change::Gate(gate) => gate_seen(state, gate, tally),
            Change::Ticket(ticket) => ticket_seen(state, ticket, tally),
            Change::Admission(a) if a.state == AdmissionState::Used => match (a.way, a.again) {
                (Way::Out, _) => tally.add("gate: went out"),
                (_, Again::First) => tally.add("gate: came in"),
                (_, Again::Return | Again::Unseen) => tally.add("gate: came back in"),
            },
            Change::ScanRefused { why, .. } => refused(*why, tally),
            Change::Reservation(kept) if kept.over_at.is_some() && kept.stay.is_none() => {
                tally.add("reservation: nobody came");
            }
            _ => {}
        }
    }
}

fn lane_seen(state: &State, lane: &Lane, tally: &mut Tally) {
    let former = state.lanes.get(&lane.id);
    let Some(former) = former else { return };
    if lane.turned != former.turned {
        let cars = !state.stays.is_empty();
        tally.add(if cars { "tide: turned with cars inside" } else { "tide: turned" });
    }
    let turns = former.turn_at.zip(lane.turn_at).filter(|(was, is)| was < is);
    if turns.is_some_and(|(was, is)| is.duration_since(was).unsigned_abs() < TRIED_AGAIN) {
        tally.add("tide: waited for a car in the lane");
    }
    let visit_of = |lane: &Lane| lane.visit.clone();
    let (was, is) = (visit_of(former), visit_of(lane));
    let waited = |visit: &Option<paifang::core::lane::Visit>| {
        visit.as_ref().is_some_and(|visit| visit.waits.is_some())
    };
    if waited(&is) && !waited(&was) {
        tally.add("couple: held for the other arm");
    }
    if waited(&was)
        && is.as_ref().is_some_and(|visit| visit.waits.is_none() && visit.cause.is_some())
    {
        tally.add("couple: went in its turn");
    }
    let help = |visit: &Option<paifang::core::lane::Visit>| visit.as_ref().and_then(|v| v.help);
    match help(&is).filter(|why| help(&was) != Some(*why)) {
        Some(Help::WrongLane) => tally.add("lane: not for this vehicle"),
        Some(Help::Full) => tally.add("full: turned away"),
        Some(Help::Black) => tally.add("list: black refused"),
        Some(Help::Arrears) => tally.add("arrears: held until paid"),
        _ => {}
    }
}

fn stay_seen(state: &State, stay: &Stay, tally: &mut Tally) {
    let former = state.stays.get(&stay.id);
    if stay.state.is_open() && former.is_none() {
        match stay.standing {
            Standing::Pass(_) => tally.add("pass: came in"),
            Standing::Reservation(_) => tally.add("reservation: used"),
            Standing::Listed(_) => tally.add("list: came in"),
            Standing::Transient | Standing::Emergency => {}
        }
        if stay.plate.is_virtual() {
            tally.add("no plate: came in");
        }
    }
    let Some(former) = former else { return };
    if former.standing.is_transient() && matches!(stay.standing, Standing::Pass(_)) {
        tally.add("pool: another car converted");
    }
    match stay.state {
        StayState::Superseded => tally.add("stay: plate came in twice"),
        StayState::Abandoned => tally.add("stay: backed out after it was let in"),
        StayState::Left => stay_left(state, stay, tally),
        StayState::Entering | StayState::Inside => {}
    }
}

fn stay_left(state: &State, stay: &Stay, tally: &mut Tally) {
    let paid = stay.paid_minor > 0;
    let turned = |lane| state.lanes.get(lane).is_some_and(|lane: &Lane| lane.turned);
    for (seen, what) in [
        (paid && stay.plate.is_virtual(), "no plate: left paid"),
        (paid && stay.vehicle.class == VehicleClass::Large, "tariff: a lorry paid"),
        (paid && stay.vehicle.is_new_energy(), "tariff: a new-energy car paid"),
        (!stay.earlier.is_empty(), "tariff: visits before counted"),
        (stay.paid.len() > 1, "tariff: paid, and the difference later"),
        (!stay.nested.is_empty(), "zone: had been in the zone within"),
        (!stay.waived.is_empty(), "stay: left with something let go"),
        (stay.exit_lane.as_ref().is_some_and(turned), "tide: left by a turned lane"),
    ] {
        if seen {
            tally.add(what);
        }
    }
}

fn order_seen(state: &State, order: &Order, tally: &mut Tally) {
    let former = state.orders.get(&order.id).map(|order| &order.state);
    let is_paid = matches!(order.state, OrderState::Paid { .. });
    if order.basket.is_some() && former != Some(&order.state) {
        match (former, &order.state) {
            (Some(OrderState::Due), OrderState::Void) => tally.add("ticket: places free again"),
            (Some(OrderState::Void), OrderState::Paid { .. }) => {
                tally.add("ticket: paid late, places taken again");
            }
            _ => {}
        }
    }
    if !is_paid || matches!(former, Some(OrderState::Paid { .. })) {
        return;
    }
    if !order.arrears.is_empty() {
        tally.add("arrears: collected at an exit");
    }
    if former == Some(&OrderState::Unpaid) {
        tally.add("arrears: paid from afar");
    }
    if order.stay.is_some() && order.lane.is_none() {
        tally.add("stay: paid before going to the exit");
    }
    if let Some(name) = tariffs::counted_as(&order.quote.tariff) {
        tally.add(name);
    }
}

fn gate_seen(state: &State, gate: &Gate, tally: &mut Tally) {
    let Some(former) = state.gates.get(&gate.id) else { return };
    if former.crowded.is_none() && gate.crowded.is_some() {
        tally.add("crowd: held at a gate");
    }
    if former.crowded.is_some() && gate.crowded.is_none() && gate.pass.is_some() {
        tally.add("crowd: let in when somebody left");
    }
}

fn ticket_seen(state: &State, ticket: &Ticket, tally: &mut Tally) {
    let Some(former) = state.tickets.get(&ticket.id) else { return };
    if ticket.sold.is_some() && ticket.used > former.used && ticket.used < ticket.persons {
        tally.add("ticket: some of a group came in");
    }
    let slot_of = |ticket: &Ticket| ticket.sold.as_ref().and_then(|sold| sold.slot.clone());
    if slot_of(former) != slot_of(ticket) {
        tally.add("ticket: moved to another slot");
    }
}

fn refused(why: NotAdmitted, tally: &mut Tally) {
    tally.add(match why {
        NotAdmitted::Unknown => "gate: refused, unknown",
        NotAdmitted::UsedUp => "gate: refused, used up",
        NotAdmitted::TooEarly => "gate: refused, too early",
        NotAdmitted::TooLate => "gate: refused, too late",
        NotAdmitted::Revoked => "gate: refused, went back",
        NotAdmitted::OtherGate => "gate: refused, other gate",
        NotAdmitted::Inside => "gate: refused, inside already",
        NotAdmitted::NoReturn => "gate: refused, no return",
        NotAdmitted::Full => "gate: refused, full",
        _ => "gate: refused, for the gate's sake",
    });
}

fn task_seen(state: &State, task: &Task, tally: &mut Tally) {
    let was_over = state.tasks.get(&task.id).is_some_and(|task| task.outcome.is_some());
    let Some(outcome) = task.outcome.as_ref().filter(|_| !was_over) else { return };
    if matches!(task.about, About::Misread { .. }) && task.stay.is_some() {
        tally.add(match outcome.who.as_str() {
            BY_ITSELF => "misread: taken for a stay unasked",
            _ => "misread: settled by a person",
        });
    }
}

fn shift_seen(state: &State, shift: &Shift, changes: &[Change], tally: &mut Tally) {
    let counted = state.shifts.get(&shift.id).is_some_and(|shift| shift.counted.is_none());
    if !counted || shift.counted.is_none() {
        return;
    }
    let next = |change: &Change| matches!(change, Change::Shift(next) if next.id != shift.id);
    let handed = changes.iter().any(next);
    tally.add(if handed { "shift: handed over" } else { "shift: closed" });
}
