//! A lane as the operator sees it: arm, loops, vehicle, what it waits for, what is wrong. Changes nothing.

use askama::Template;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    alarms,
    people::{self, GateSeen},
    tasks::{self, TaskSeen},
    words::{self, Lang},
    zones::{self, Bar},
};
use crate::{
    core::{
        Alarm, AlarmKind, Rules, State,
        lane::{ArmAction, Help, Lane, LaneAlarm, Phase, Signal},
        money::{Order, OrderState, Payment, PaymentState},
        rules::{Direction, LaneRules},
    },
    types::LaneId,
};

/// What the console shows, taken from the state in one look.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) lanes: Vec<Seen>,
    pub(super) alarms: Vec<Alarm>,
    /// Neither paid nor definitely not, or in dispute; the oldest first.
    pub(super) undecided: Vec<Payment>,
    pub(super) inside: usize,
    pub(super) bars: Vec<Bar>,
    /// Calls first, then by how long they wait.
    pub(super) tasks: Vec<TaskSeen>,
    pub(super) people: Vec<GateSeen>,
}

/// A lane and what hangs on it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) lane: Lane,
    pub(super) rules: LaneRules,
    pub(super) order: Option<Order>,
    pub(super) alarms: Vec<Alarm>,
}

impl Seen {
    /// Where it leads now.
    pub(super) fn direction(&self) -> Direction {
        self.lane.direction(&self.rules)
    }
}

impl Board {
    pub(super) fn of(state: &State, rules: &Rules, now: Timestamp) -> Self {
        let lanes = rules.lanes.iter().filter_map(|(id, lane_rules)| {
            let lane = state.lanes.get(id)?.clone();
            let order = lane.visit.as_ref().and_then(|visit| visit.order);
            let order = order.and_then(|order| state.orders.get(&order)).cloned();
            let of_lane = state.alarms.values().filter(|alarm| alarm.subject == id.as_str());
            Some(Seen {
                name: rules.lane_name(id).to_owned(),
                lane,
                rules: lane_rules.clone(),
                order,
                alarms: of_lane.cloned().collect(),
            })
        });
        let open = |p: &&Payment| {
            p.state.is_undecided() || matches!(p.state, PaymentState::Disputed { .. })
        };
        let mut alarms: Vec<Alarm> = state.alarms.values().cloned().collect();
        alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.since));
        Self {
            lanes: lanes.collect(),
            alarms,
            undecided: state.payments.values().filter(open).cloned().collect(),
            inside: state.stays.len(),
            bars: zones::bars(state, rules, now),
            tasks: tasks::open(state, rules),
            people: people::seen(state, rules),
        }
    }
}

/// The live part of a lane's card.
#[derive(Debug, Template)]
#[template(path = "lane.html", config = "src/http/askama.toml")]
pub(super) struct LaneCard<'a> {
    pub(super) l: Lang,
    pub(super) seen: &'a Seen,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
}

impl LaneCard<'_> {
    fn lane(&self) -> &Lane {
        &self.seen.lane
    }

    pub(super) fn phase(&self) -> &'static str {
        words::phase(self.l, self.lane().phase)
    }

    /// `good`, `busy` or `bad`.
    pub(super) fn mood(&self) -> &'static str {
        match self.lane().phase {
            _ if !self.seen.alarms.is_empty() => "bad",
            Phase::Idle => "calm",
            Phase::HeldOpen | Phase::Locked => "set",
            Phase::AwaitingPayment => "wait",
            Phase::VehiclePresent
            | Phase::Deciding
            | Phase::Opening
            | Phase::Open
            | Phase::Passing
            | Phase::Closing => "busy",
            Phase::Faulty => "bad",
        }
    }

    /// `up`, `down`, `moving` or `unknown`.
    pub(super) fn arm(&self) -> &'static str {
        let sensors = &self.lane().sensors;
        let order = self.lane().order.as_ref().map(|order| order.action);
        match (sensors.open_limit, sensors.closed_limit, self.lane().phase) {
            (Signal::On, Signal::On, _) => "unknown",
            (Signal::On, ..) => "up",
            (_, Signal::On, _) => "down",
            (_, _, Phase::Opening | Phase::Closing) | (Signal::Off, Signal::Off, _) => "moving",
            (_, _, Phase::Open | Phase::Passing | Phase::HeldOpen) => "up",
            (_, _, Phase::Faulty) => "unknown",
            // Nothing is wired that could tell: the last order is all that is known.
            _ if order == Some(ArmAction::Hold) => "up",
            _ => "down",
        }
    }

    pub(super) fn arm_words(&self) -> &'static str {
        match self.arm() {
            "up" => self.l.say("杆已抬起", "Arm up"),
            "down" => self.l.say("杆已落下", "Arm down"),
            "moving" => self.l.say("杆在动作", "Arm moving"),
            _ => self.l.say("杆位未知", "Arm position unknown"),
        }
    }

    /// Wired loops: place (`before` or `under`), signal, words.
    fn loops(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let (wired, sensors) = (self.seen.rules.wired, &self.lane().sensors);
        let mut loops = Vec::with_capacity(2);
        if wired.arrival {
            loops.push(("before", signal(sensors.arrival), self.l.say("到达地感", "Arrival loop")));
        }
        if wired.safety {
            loops.push(("under", signal(sensors.safety), self.l.say("杆下地感", "Safety loop")));
        }
        loops
    }

    fn signal_words(&self, signal: &str) -> &'static str {
        match signal {
            "on" => self.l.say("有车", "occupied"),
            "off" => self.l.say("无车", "free"),
            _ => self.l.say("未知", "unknown"),
        }
    }

    /// The vehicle it serves, or the last one that passed: plate, and whether it has gone.
    pub(super) fn plate(&self) -> Option<(&str, bool)> {
        let visit = self.lane().visit.as_ref();
        match visit {
            Some(visit) => visit.plate.as_ref().map(|plate| (plate.full(), false)),
            None => self.lane().passed.as_ref().map(|(plate, _)| (plate.full(), true)),
        }
    }

    fn passed_at(&self) -> Option<String> {
        let (_, at) = self.lane().passed.as_ref().filter(|_| self.lane().visit.is_none())?;
        Some(self.clock(*at))
    }

    fn raw(&self) -> Option<String> {
        let visit = self.lane().visit.as_ref().filter(|visit| visit.plate.is_none())?;
        visit.read.as_ref().map(|read| read.raw.clone()).filter(|raw| !raw.is_empty())
    }

    fn confidence(&self) -> Option<u8> {
        self.lane().visit.as_ref()?.read.as_ref()?.confidence
    }

    fn picture(&self) -> Option<&str> {
        self.lane().visit.as_ref()?.read.as_ref()?.picture.as_deref()
    }

    fn stay(&self) -> Option<i64> {
        self.lane().visit.as_ref()?.stay.map(|stay| stay.0)
    }

    fn next(&self) -> Option<&str> {
        self.lane().next.as_ref()?.plate.as_ref().map(crate::types::Plate::full)
    }

    fn help(&self) -> Option<&'static str> {
        self.needs().map(|help| words::help(self.l, help))
    }

    /// Where a tidal lane leads now, and when it turns next.
    fn tide(&self) -> Option<String> {
        self.seen.rules.tide.as_ref()?;
        let now = direction(self.l, self.seen.direction());
        let next = self.lane().turn_at.map(|at| self.clock(at));
        let next = next.map(|at| format!(" · {} {at}", self.l.say("下次换向", "turns at")));
        let cameras = self.seen.rules.tide.as_ref()?.cameras.as_ref();
        let reads = cameras.map(|two| if self.lane().turned { &two.back } else { &two.first });
        let reads = reads.map(|id| format!(" · {} {id}", self.l.say("识别相机", "read by")));
        let (next, reads) = (next.unwrap_or_default(), reads.unwrap_or_default());
        Some(format!("{} {now}{next}{reads}", self.l.say("潮汐车道：", "Tidal:")))
    }

    /// What an operator is asked about the vehicle.
    fn task(&self) -> Option<i64> {
        self.lane().visit.as_ref()?.task.map(|task| task.0)
    }

    fn needs(&self) -> Option<Help> {
        let waits = matches!(self.lane().phase, Phase::Deciding | Phase::VehiclePresent);
        self.lane().visit.as_ref().filter(|_| waits)?.help
    }

    /// What is owed, and whether it has been paid.
    fn fee(&self) -> Option<(String, String)> {
        let order = self.seen.order.as_ref()?;
        Some((order.amount.to_string(), words::order_state(self.l, &order.state)))
    }

    fn is_due(&self) -> bool {
        self.seen.order.as_ref().is_some_and(|order| order.state == OrderState::Due)
    }

    fn cause(&self) -> Option<String> {
        let held = (self.lane().phase == Phase::HeldOpen)
            .then(|| self.lane().order.as_ref().and_then(|order| order.cause.as_ref()))
            .flatten();
        let cause = held.or_else(|| self.lane().visit.as_ref()?.cause.as_ref())?;
        Some(words::cause(self.l, cause))
    }

    fn waits(&self) -> Option<&'static str> {
        match self.lane().phase {
            _ if self.lane().visit.as_ref().is_some_and(|visit| visit.waits.is_some()) => {
                Some(self.l.say("等待联动车道", "the lane it is coupled with"))
            }
            Phase::AwaitingPayment => Some(self.l.say("等待车主付款", "the driver to pay")),
            Phase::Idle | Phase::Locked | Phase::HeldOpen => None,
            _ => self.lane().due.map(|due| words::waits(self.l, due.why)),
        }
    }

    /// Since when it has been waiting, as far as something on record tells.
    fn since(&self) -> Option<(String, String)> {
        let asked = || {
            let is_help = |a: &&Alarm| a.kind == AlarmKind::Lane(LaneAlarm::HelpWanted);
            self.seen.alarms.iter().find(is_help).map(|alarm| alarm.since)
        };
        let since = match self.lane().phase {
            Phase::AwaitingPayment => self.seen.order.as_ref().map(|order| order.made_at),
            Phase::Opening | Phase::Closing | Phase::HeldOpen => {
                self.lane().order.as_ref().map(|order| order.at)
            }
            Phase::Deciding => asked(),
            Phase::Idle
            | Phase::VehiclePresent
            | Phase::Open
            | Phase::Passing
            | Phase::Locked
            | Phase::Faulty => None,
        }?;
        let age = self.now.duration_since(since).as_secs();
        Some((self.clock(since), self.l.duration(age)))
    }

    fn alarms(&self) -> Vec<&'static str> {
        self.seen.alarms.iter().map(|alarm| alarms::words(self.l, alarm.kind).0).collect()
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }
}

fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Unknown => "unknown",
        Signal::Off => "off",
        Signal::On => "on",
    }
}

pub(super) fn direction(l: Lang, direction: Direction) -> &'static str {
    match direction {
        Direction::Entry => l.say("入口", "Entry"),
        Direction::Exit => l.say("出口", "Exit"),
    }
}

/// The id of a lane's live part in the page.
pub(super) fn piece_id(lane: &LaneId) -> String {
    format!("live-{lane}")
}
