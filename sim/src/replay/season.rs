//! A season of visits through the decision core in virtual time: each vehicle is read, pays what it owes and drives
//! through at once. Keeps the takings and how full it was. Knows no trace's form.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use paifang::{
    core::{
        Change, Effect, Input, Rules, State, decide,
        input::{ArmOutcome, Asked},
        lane::Sensor,
        money::Account,
        rules::{Direction, LaneRules, LaneTimes, Wired},
        stay::Read,
        tariff::Tariff,
    },
    types::{
        Currency, DeviceId, LaneId, Plate, Vehicle,
        bank::{Ask, Word},
    },
};

use super::{trace::Trace, visits::Visit};

/// One day of a season.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    pub entries: u32,
    pub takings_minor: i64,
    /// Most vehicles inside at a time, and by the trace's readings.
    pub peak: u32,
    pub trace_peak: u32,
}

/// What a season came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Season {
    pub name: String,
    pub capacity: u32,
    pub visits: u32,
    pub paid: u32,
    pub takings_minor: i64,
    pub peak: u32,
    pub days: BTreeMap<Date, Day>,
    /// Vehicles inside less the trace's, at its readings: how many readings, sum and worst of the differences.
    pub readings: u32,
    pub off_sum: u64,
    pub off_worst: u32,
    /// Decisions of the core.
    pub decisions: u64,
}

/// Why a season ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trace}: visit {visit}: {what}")]
pub struct Stuck {
    pub trace: String,
    pub visit: usize,
    pub what: String,
}

#[derive(Debug)]
struct Gate {
    state: State,
    rules: Rules,
    now: Timestamp,
    reads: u64,
    season: Season,
    /// Payments paid at the bank, with their amounts, until the core has heard of it.
    paid: Vec<(String, Word)>,
}

enum Event {
    In,
    Out,
    Reading(u32),
}

/// Runs all visits. `progress` is told how many of how many events are done.
pub fn run(
    trace: &Trace,
    visits: &[Visit],
    tariff: &Tariff,
    zone: &TimeZone,
    currency: Currency,
    mut progress: impl FnMut(usize, usize),
) -> Result<Season, Stuck> {
    let mut events: Vec<(Timestamp, usize, Event)> = Vec::with_capacity(visits.len() * 2);
    for (nth, visit) in visits.iter().enumerate() {
        events.push((visit.from, nth, Event::In));
        events.push((visit.to, nth, Event::Out));
    }
    let readings = trace.points.iter();
    events.extend(readings.map(|(at, count)| (*at, usize::MAX, Event::Reading(*count))));
    // Of what happens in one instant, whoever comes comes first, and the reading is last.
    events.sort_by_key(|(at, nth, event)| (*at, *nth, matches!(event, Event::Out)));
    let Some(start) = events.first().map(|(at, ..)| *at) else { return Ok(Season::default()) };
    let mut gate = Gate::new(trace, tariff, zone, currency, start);
    let total = events.len();
    for (done, (at, nth, event)) in events.into_iter().enumerate() {
        gate.go_on_to(at);
        let passed = match event {
            Event::In => gate.comes(nth),
            Event::Out => gate.leaves(nth),
            Event::Reading(count) => {
                gate.compare(count);
                Ok(())
            }
        };
        passed.map_err(|what| Stuck { trace: trace.name.clone(), visit: nth, what })?;
        if done % 2_000 == 0 {
            progress(done, total);
        }
    }
    progress(total, total);
    Ok(gate.season)
}

fn lane(direction: Direction) -> LaneId {
    let name = if direction == Direction::Entry { "in" } else { "out" };
    LaneId::parse(name).expect("a lane of this file")
}

impl Gate {
    fn new(
        trace: &Trace,
        tariff: &Tariff,
        zone: &TimeZone,
        currency: Currency,
        now: Timestamp,
    ) -> Self {
        let wired = Wired { arrival: true, safety: true, ..Wired::default() };
        // Vehicles pass here without any time between them, and no camera reads one twice.
        let times = LaneTimes { echo: Duration::ZERO, ..LaneTimes::default() };
        let lanes = [Direction::Entry, Direction::Exit].map(|direction| {
            (lane(direction), LaneRules { times, ..LaneRules::new(direction, wired) })
        });
        let usual = Rules::new(&trace.name, zone.clone(), currency, tariff.clone());
        let season =
            Season { name: trace.name.clone(), capacity: trace.capacity, ..Season::default() };
        let mut gate = Self {
            state: State::default(),
            rules: Rules { lanes: lanes.into(), ..usual },
            now,
            reads: 0,
            season,
            paid: Vec::new(),
        };
        gate.tell(Input::Started);
        for direction in [Direction::Entry, Direction::Exit] {
            for sensor in [Sensor::Arrival, Sensor::Safety] {
                gate.tell(Input::Sensor { lane: lane(direction), sensor, on: false });
            }
        }
        gate
    }

    fn today(&mut self) -> &mut Day {
        let date = self.now.to_zoned_datetime(self.rules.zone.clone()).date();
        self.season.days.entry(date).or_default()
    }

    fn inside(&self) -> u32 {
        self.state.stays.len() as u32
    }

    fn compare(&mut self, count: u32) {
        let off = self.inside().abs_diff(count);
        let day = self.today();
        day.trace_peak = day.trace_peak.max(count);
        self.season.readings += 1;
        self.season.off_sum += u64::from(off);
        self.season.off_worst = self.season.off_worst.max(off);
    }

    // ---- vehicles --------------------------------------------------------------------------------

    fn comes(&mut self, nth: usize) -> Result<(), String> {
        self.stands(Direction::Entry, nth);
        self.drives_through(Direction::Entry);
        let inside = self.inside();
        let day = self.today();
        day.entries += 1;
        day.peak = day.peak.max(inside);
        self.season.visits += 1;
        self.season.peak = self.season.peak.max(inside);
        let known = self.state.stay_of(&plate(nth)).is_some();
        if known { Ok(()) } else { Err("it was not let in".into()) }
    }

    fn leaves(&mut self, nth: usize) -> Result<(), String> {
        self.stands(Direction::Exit, nth);
        let visit = self.state.lanes.get(&lane(Direction::Exit)).and_then(|l| l.visit.as_ref());
        let due = visit.and_then(|visit| visit.order.filter(|_| visit.cause.is_none()));
        if let Some(order) = due {
            self.tell(Input::PayAsked { order });
            while let Some((out_trade_no, word)) = self.paid.pop() {
                self.season.paid += 1;
                self.tell(Input::BankSaid { out_trade_no, to: Asked::Notified, word });
            }
        }
        self.drives_through(Direction::Exit);
        let gone = self.state.stay_of(&plate(nth)).is_none();
        if gone { Ok(()) } else { Err("it was not let out".into()) }
    }

    fn stands(&mut self, direction: Direction, nth: usize) {
        let (plate, lane) = (plate(nth), lane(direction));
        self.tell(Input::Sensor { lane: lane.clone(), sensor: Sensor::Arrival, on: true });
        self.reads += 1;
        let read = Read {
            device: DeviceId::parse("cam").expect("a device of this file"),
            event: self.reads.to_string(),
            raw: plate.full().to_owned(),
            plate: Some(plate),
            confidence: Some(99),
            vehicle: Vehicle::default(),
            live: true,
            taken_at: None,
            picture: None,
        };
        self.tell(Input::Read { lane, read });
    }

    fn drives_through(&mut self, direction: Direction) {
        for (sensor, on) in
            [(Sensor::Safety, true), (Sensor::Arrival, false), (Sensor::Safety, false)]
        {
            self.tell(Input::Sensor { lane: lane(direction), sensor, on });
        }
    }

    // ---- the core --------------------------------------------------------------------------------

    fn go_on_to(&mut self, at: Timestamp) {
        while let Some(due) = self.state.next_deadline().filter(|due| *due <= at) {
            self.now = due.max(self.now);
            self.tell(Input::Tick);
        }
        self.now = at.max(self.now);
    }

    fn tell(&mut self, input: Input) {
        let decision = decide(&self.state, &self.rules, self.now, input);
        self.season.decisions += 1;
        for change in &decision.changes {
            self.state.apply(change);
            if let Change::Posting(posting) = change {
                let side = |account| i64::from(account == Account::ParkingRevenue);
                let minor = (side(posting.credit) - side(posting.debit)) * posting.amount.minor;
                self.season.takings_minor += minor;
                self.today().takings_minor += minor;
            }
        }
        for effect in decision.effects {
            match effect {
                Effect::Arm { lane, command, .. } => {
                    self.tell(Input::ArmAnswered { lane, command, outcome: ArmOutcome::Done });
                }
                Effect::AskBank { ask: Ask::Generate { out_trade_no, amount, .. }, .. } => {
                    let bank_no = String::new();
                    let paid = Word::Paid { amount, bank_no, paid_at: None, payer: None };
                    self.paid.push((out_trade_no.clone(), paid));
                    let word = Word::Cashier { link: "bank:".into() };
                    self.tell(Input::BankSaid { out_trade_no, to: Asked::Generate, word });
                }
                // Nothing else goes wrong here, so nothing is asked about.
                _ => {}
            }
        }
    }
}

/// A plate of its own for each visit.
fn plate(nth: usize) -> Plate {
    const PROVINCES: [char; 8] = ['京', '沪', '粤', '浙', '苏', '鲁', '川', '闽'];
    let letter = char::from(b'A' + (nth / 100_000 % 26) as u8);
    // Neighbours in time do not look alike.
    let number = nth % 100_000 * 38_459 % 100_000;
    let text = format!("{}{letter}{number:05}", PROVINCES[nth / 2_600_000 % 8]);
    Plate::parse(&text).expect("a plate of this file")
}
