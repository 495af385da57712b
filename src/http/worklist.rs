//! Everything that waits for a person in one list, the most urgent and then the oldest first: tasks, alarms, admissions,
//! refunds, payments, differences. Each line says what to do and leads to where it is done. Decides nothing.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};

use super::{
    alarms, console::Frame, error::ApiError, roles::Right, router::Web, settlement,
    tasks::TaskSeen, visit::window::WAITING_MAX, words::Lang,
};
use crate::{
    core::{
        Alarm, AlarmKind, Rules, State as Core,
        money::{Order, Payment, Refund, RefundState},
        settle::{Difference, DifferenceState},
        ticket::{Admission, AdmissionState},
    },
    types::{LaneId, Money},
};

/// Differences older than this are history.
const DIFFERENCE_DAYS: i64 = 60;
const DIFFERENCES_MAX: u32 = 50;
/// The tables are asked for differences so often, whoever looks.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(15);

/// How soon somebody should see to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// Somebody stands there, or there is a fire.
    Now,
    /// Somebody may be standing there.
    Soon,
    /// Money, or a vehicle, of which something is not known.
    Today,
    /// A device, a difference.
    Later,
}

/// One thing that waits.
#[derive(Debug)]
pub(super) struct Line {
    urgency: Urgency,
    pub(super) since: Timestamp,
    pub(super) what: String,
    pub(super) place: String,
    pub(super) plate: Option<String>,
    pub(super) why: String,
    pub(super) todo: &'static str,
    /// Who sees to it.
    pub(super) by: Option<String>,
    pub(super) to: String,
}

impl Line {
    pub(super) fn mood(&self) -> &'static str {
        match self.urgency {
            Urgency::Now => "wait",
            Urgency::Soon => "soon",
            Urgency::Today => "today",
            Urgency::Later => "later",
        }
    }
}

/// What waits for this reader.
pub(super) async fn lines(web: &Web, f: &Frame, tasks: &[TaskSeen]) -> Result<Vec<Line>, ApiError> {
    let rules = web.desk.rules();
    let seen = web.desk.read(Undecided::of).await?;
    let mut lines = Vec::new();
    if f.may(Right::SettleTasks) {
        lines.extend(tasks.iter().map(|one| of_task(f.l, one)));
    }
    let alarms = seen.alarms.iter().filter(|alarm| {
        let right = if alarm.kind.is_about_money() { Right::SeePayments } else { Right::SeeLanes };
        f.may(right)
    });
    lines.extend(alarms.map(|alarm| of_alarm(f, &rules, alarm, &seen.payments)));
    if f.may(Right::SettleAdmissions) {
        lines.extend(seen.admissions.iter().map(|one| of_admission(f.l, &rules, one)));
    }
    if f.may(Right::JudgeRefunds) {
        lines.extend(seen.refunds.iter().map(|one| of_refund(f, one)));
    }
    if let Some(office) = web.tickets.as_ref().filter(|_| f.may(Right::SellTickets)) {
        let waiting = office.records.cash_waiting(WAITING_MAX).await?;
        lines.extend(waiting.iter().map(|(order, left)| of_cash(f.l, order, *left)));
    }
    if f.may(Right::SeeSettlement) {
        let open = web.differences.look(web).await?;
        lines.extend(open.iter().map(|one| of_difference(f, one)));
    }
    lines.sort_by_key(|line| (line.urgency, line.since));
    Ok(lines)
}

/// What the state holds of it, besides tasks.
struct Undecided {
    alarms: Vec<Alarm>,
    admissions: Vec<Admission>,
    refunds: Vec<Refund>,
    /// Those that alarms are about.
    payments: Vec<Payment>,
}

impl Undecided {
    fn of(state: &Core) -> Self {
        let told = state.alarms.values().filter(|alarm| !alarm.kind.is_told_elsewhere());
        let unsure = |one: &&Admission| one.state == AdmissionState::Unsure;
        let second = |one: &&Refund| one.state == RefundState::Waiting;
        let alarmed = |one: &&Payment| {
            let of = |alarm: &Alarm| alarm.subject == one.out_trade_no;
            state.alarms.values().any(of)
        };
        Self {
            alarms: told.cloned().collect(),
            admissions: state.admissions.values().filter(unsure).cloned().collect(),
            refunds: state.refunds.values().filter(second).cloned().collect(),
            payments: state.payments.values().filter(alarmed).cloned().collect(),
        }
    }
}

fn of_task(l: Lang, one: &TaskSeen) -> Line {
    let call = one.task.is_call();
    let urgency = match (call && one.task.taken.is_none(), one.waits.is_some()) {
        (true, _) => Urgency::Now,
        (false, true) => Urgency::Soon,
        (false, false) => Urgency::Today,
    };
    let todo = match (call, &one.task.taken) {
        (true, None) => {
            l.say("接听，看车道，再放行或协助付款", "Answer it, look at the lane, help")
        }
        (true, Some(_)) => l.say("处理完后记下结果", "Say what came of it when it is done"),
        (false, _) => l.say("打开核对照片，选定车辆", "Compare the pictures and decide"),
    };
    Line {
        urgency,
        since: one.task.since,
        what: one.what(l).to_owned(),
        place: one.place.clone(),
        plate: one.plate.clone(),
        why: one.why(l),
        todo,
        by: one.task.taken.as_ref().map(|taken| taken.who.clone()),
        to: format!("/console/tasks/{}", one.task.id),
    }
}

fn of_alarm(f: &Frame, rules: &Rules, alarm: &Alarm, payments: &[Payment]) -> Line {
    let l = f.l;
    let (what, todo) = alarms::words(l, alarm.kind);
    let lane = LaneId::parse(&alarm.subject);
    let lane = lane.filter(|id| rules.lanes.contains_key(id) || rules.gates.contains_key(id));
    let payment = payments.iter().find(|payment| payment.out_trade_no == alarm.subject);
    let stay = alarm.subject.strip_prefix("stay-").filter(|_| f.may(Right::SeeStays));
    let to = match (&lane, payment, stay) {
        (Some(lane), ..) if rules.gates.contains_key(lane) => "/console/admissions".to_owned(),
        (Some(lane), ..) => format!("/console/lanes/{lane}"),
        (None, Some(payment), _) => format!("/console/payments/{}", payment.id),
        (None, None, Some(stay)) => format!("/console/stays/{stay}"),
        (None, None, None) => place_of(f, alarm.kind).to_owned(),
    };
    let why = match payment {
        Some(payment) => format!("{} · {}", payment.amount, alarm.detail),
        None => alarm.detail.clone(),
    };
    Line {
        urgency: match alarm.kind {
            AlarmKind::FireAlarm => Urgency::Now,
            AlarmKind::Lane(_) => Urgency::Soon,
            kind if kind.is_about_money() => Urgency::Today,
            AlarmKind::PlateTwice | AlarmKind::LeftUnpaid | AlarmKind::DiskFull => Urgency::Today,
            _ => Urgency::Later,
        },
        since: alarm.since,
        what: what.to_owned(),
        place: f.subject(&alarm.subject),
        plate: None,
        why: why.trim_end_matches(" · ").to_owned(),
        todo,
        by: None,
        to,
    }
}

/// Where an alarm that is of no lane and no payment is looked into.
fn place_of(f: &Frame, kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::InvoiceTrouble if f.invoices() => "/console/invoices",
        AlarmKind::LeftUnpaid if f.may(Right::SeeArrears) => "/console/arrears",
        kind if kind.is_about_money() => "/console/payments",
        _ if f.may(Right::SeeDevices) => "/console/devices",
        _ => "/console",
    }
}

fn of_admission(l: Lang, rules: &Rules, one: &Admission) -> Line {
    let ticket = one.ticket.map(|id| format!("{} {id}", l.say("门票", "Ticket")));
    Line {
        urgency: Urgency::Soon,
        since: one.ended_at.unwrap_or(one.at),
        what: l.say("不确定是否通过", "Nobody knows whether somebody went through").to_owned(),
        place: rules.lane_name(&one.lane).to_owned(),
        plate: None,
        why: ticket.unwrap_or_default(),
        todo: l.say("看录像或问本人，认定已过或未过", "Look or ask, then say whether they went"),
        by: None,
        to: "/console/admissions".into(),
    }
}

fn of_refund(f: &Frame, one: &Refund) -> Line {
    Line {
        urgency: Urgency::Today,
        since: one.made_at,
        what: f.l.say("退款待复核", "A refund waits for a second person").to_owned(),
        place: one.amount.to_string(),
        plate: None,
        why: super::words::refund_why(f.l, &one.why),
        todo: f.l.say("核对后同意或不同意", "Look into it, then agree or do not"),
        by: None,
        to: format!("/console/payments/{}", one.payment),
    }
}

/// Whoever paid it in cash comes for it some day.
fn of_cash(l: Lang, order: &Order, left_minor: i64) -> Line {
    Line {
        urgency: Urgency::Later,
        since: order.made_at,
        what: l.say("退票现金待领", "Cash of returned tickets waits").to_owned(),
        place: Money::new(left_minor, order.amount.currency).to_string(),
        plate: None,
        why: order.sale.as_ref().map(|sale| sale.subject.clone()).unwrap_or_default(),
        todo: l.say("付款人到窗口时付出", "Hand it over when whoever paid comes to the window"),
        by: None,
        to: format!("/console/window/o/{}", order.id),
    }
}

fn of_difference(f: &Frame, one: &Difference) -> Line {
    let (what, todo) = settlement::in_words(f.l, one);
    Line {
        urgency: Urgency::Later,
        since: one.changed_at,
        what: format!("{} · {what}", f.l.say("对账差异", "Difference")),
        place: format!("{} {}", f.channel(&one.channel), one.day),
        plate: None,
        why: format!("{} {}", one.finding.out_trade_no, one.finding.detail).trim().to_owned(),
        todo,
        by: None,
        to: format!("/console/differences/{}", one.id),
    }
}

/// Open differences, as the tables told when they were last asked.
#[derive(Default)]
pub(super) struct Differences(Mutex<Option<(Timestamp, Vec<Difference>)>>);

impl Differences {
    fn known(&self) -> std::sync::MutexGuard<'_, Option<(Timestamp, Vec<Difference>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.known().as_ref().map_or(0, |(_, open)| open.len())
    }

    pub(super) async fn look(&self, web: &Web) -> Result<Vec<Difference>, ApiError> {
        let Some(records) = &web.settlement else { return Ok(Vec::new()) };
        let now = web.desk.now();
        if let Some((at, open)) = &*self.known()
            && now.duration_since(*at).abs() < LOOK_AGAIN
        {
            return Ok(open.clone());
        }
        let rules = web.desk.rules();
        let today = rules.settle.day_of(now, &rules.zone);
        let from = today.saturating_sub(DIFFERENCE_DAYS.days());
        let mut open = records.differences(from, Date::MAX, true, DIFFERENCES_MAX).await?;
        open.retain(|one| one.state == DifferenceState::Open);
        *self.known() = Some((now, open.clone()));
        Ok(open)
    }

    /// A person did something about one: asked anew the next time.
    pub(super) fn forget(&self) {
        *self.known() = None;
    }
}
