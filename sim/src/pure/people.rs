//! Visitors and turnstiles in virtual time: they scan, walk, stay away, jump over; turnstiles count, fall silent, lose
//! their power. Keeps its own count of who really went. Knows no vehicle.

mod strolls;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use paifang::{
    core::{
        Input,
        gate::{Counted, PassAction, Way},
        input::PassOutcome,
        presented::Presented,
        rules::{Direction, GateRules},
    },
    types::{Code, CommandId, LaneId, ZoneId},
};

use crate::{
    faults::{Faults, Tally},
    queue::Queue,
    seed::{Draws, Seed},
};

/// A turnstile takes a permission back by itself after this.
const PATIENCE: Duration = Duration::from_secs(8);
/// After this the driver calls an order unanswered.
const TIMEOUT: Duration = Duration::from_millis(300);

/// What a visitor does once the turnstile opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Walks,
    /// Waits for somebody, and the turnstile closes again.
    StaysAway,
    /// Goes back to the end of the queue and scans again.
    TurnsBack,
}

#[derive(Clone, Copy, Debug)]
struct Visitor {
    shown: Presented,
    manner: Manner,
    /// Goes out again by a gate of the same zone, and up the tower where that is `true`; `None`: nobody sees it go.
    strolls: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Ev {
    Arrive,
    /// The next of a group holds the same code there.
    Scan(usize, Visitor),
    Walk(usize, Visitor),
    Through(usize),
    Jump(usize),
    Silent(usize, bool),
    /// Its own power goes: it counts from nothing.
    Restart(usize),
    Fire(bool),
    Release,
}

#[derive(Debug)]
struct Turnstile {
    id: LaneId,
    zone: ZoneId,
    way: Way,
    counts: bool,
    counter: u32,
    open_until: Option<Timestamp>,
    free: bool,
    silent: bool,
    /// Somebody is in it.
    busy: bool,
    waiting: VecDeque<Visitor>,
    /// Who really went, ever.
    passages: u64,
    /// It lost its count at least once.
    restarted: bool,
}

/// A ticket that was sold.
#[derive(Clone, Copy, Debug)]
struct Sold {
    nth: usize,
    persons: u32,
}

#[derive(Debug)]
pub(super) struct People {
    gates: Vec<Turnstile>,
    sold: Vec<Sold>,
    queue: Queue<Ev>,
    draws: Draws,
    faults: Faults,
    per_day: f64,
    /// Persons who really went in less those who went out.
    inside: BTreeMap<ZoneId, i64>,
    on_fire: bool,
    drains: bool,
    pub(super) tally: Tally,
}

impl People {
    pub(super) fn new<'r>(
        seed: Seed,
        faults: &Faults,
        gates: impl Iterator<Item = (&'r LaneId, &'r GateRules)>,
        now: Timestamp,
        scenic: bool,
    ) -> Self {
        let turnstile = |(id, rules): (&LaneId, &GateRules)| Turnstile {
            id: id.clone(),
            zone: rules.zone.clone(),
            way: if rules.direction == Direction::Entry { Way::In } else { Way::Out },
            counts: rules.counter,
            counter: 0,
            open_until: None,
            free: false,
            silent: false,
            busy: false,
            waiting: VecDeque::new(),
            passages: 0,
            restarted: false,
        };
        let mut people = Self {
            gates: gates.map(turnstile).collect(),
            sold: Vec::new(),
            queue: Queue::new(),
            draws: seed.child("visitors").draws(),
            faults: faults.clone(),
            per_day: if scenic { 0.0 } else { 150.0 },
            inside: BTreeMap::new(),
            on_fire: false,
            drains: false,
            tally: Tally::default(),
        };
        if people.gates.is_empty() {
            return people;
        }
        people.plan(now, people.per_day, Ev::Arrive);
        for gate in 0..people.gates.len() {
            people.plan(now, people.faults.turnstile.silent_per_day, Ev::Silent(gate, true));
            people.plan(now, people.faults.turnstile.restarts_per_day, Ev::Restart(gate));
            // Whoever went before the daemon read the counter for the first time is nobody's business.
            let read = now + Duration::from_mins(1);
            people.plan(read, people.faults.turnstile.jumps_per_day, Ev::Jump(gate));
        }
        people.plan(now, people.faults.turnstile.fires_per_day, Ev::Fire(true));
        people
    }

    fn plan(&mut self, now: Timestamp, per_day: f64, event: Ev) {
        if per_day > 0.0 && !self.drains {
            let after = self.draws.wait(per_day);
            self.queue.put(now + after, event);
        }
    }

    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.queue.next_at()
    }

    /// Nobody comes any more.
    pub(super) fn drain(&mut self) {
        self.drains = true;
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.on_fire && self.gates.iter().all(|gate| !gate.busy && !gate.silent)
    }

    /// Who really went through a gate so far, and whether its counter can tell all of it.
    pub(super) fn passages(&self, id: &LaneId) -> (u64, bool) {
        let gate = self.gates.iter().find(|gate| gate.id == *id);
        gate.map_or((0, false), |gate| (gate.passages, gate.counts && !gate.restarted))
    }

    /// What the daemon gets to know now.
    pub(super) fn step(&mut self, now: Timestamp) -> Vec<Input> {
        let mut told = Vec::new();
        while let Some(event) = self.queue.take(now) {
            self.happens(now, event, &mut told);
        }
        told
    }

    fn happens(&mut self, now: Timestamp, event: Ev, told: &mut Vec<Input>) {
        match event {
            Ev::Arrive => self.arrive(now, told),
            Ev::Scan(gate, visitor) => self.scan(gate, visitor, told),
            Ev::Walk(gate, visitor) => self.walk(now, gate, visitor, told),
            Ev::Through(gate) => self.through(gate, told),
            Ev::Jump(gate) => {
                self.plan(now, self.faults.turnstile.jumps_per_day, Ev::Jump(gate));
                if !self.gates[gate].busy {
                    self.tally.add("turnstile: jumped over");
                    self.enter(now, gate, told);
                }
            }
            Ev::Silent(gate, silent) => self.fall_silent(now, gate, silent, told),
            Ev::Restart(gate) => {
                self.plan(now, self.faults.turnstile.restarts_per_day, Ev::Restart(gate));
                self.tally.add("turnstile: counter lost");
                let turnstile = &mut self.gates[gate];
                (turnstile.counter, turnstile.restarted) = (0, true);
                (turnstile.open_until, turnstile.free) = (None, false);
                self.fall_silent(now, gate, true, told);
            }
            Ev::Fire(on) => self.fire(now, on, told),
            Ev::Release => self.release(told),
        }
    }

    // ---- visitors --------------------------------------------------------------------------------

    /// A group with a new ticket, or somebody who tries an old one.
    fn arrive(&mut self, now: Timestamp, told: &mut Vec<Input>) {
        self.plan(now, self.per_day, Ev::Arrive);
        if self.drains {
            return;
        }
        let gate = self.draws.between(0, self.gates.len() as u64 - 1) as usize;
        let old = self.draws.chance(0.15) && !self.sold.is_empty();
        let (ticket, persons) = if old {
            let nth = self.draws.between(0, self.sold.len() as u64 - 1) as usize;
            (self.sold[nth].nth, self.sold[nth].persons)
        } else {
            self.sell(now, told)
        };
        let extra = u64::from(self.draws.chance(0.2));
        for person in 0..u64::from(persons) + extra {
            let manner = match self.draws.between(0, 99) {
                0..=79 => Manner::Walks,
                80..=92 => Manner::StaysAway,
                _ => Manner::TurnsBack,
            };
            let after = self.draws.secs(0.0, 6.0) + Duration::from_secs(person * 4);
            let shown = Presented::from(&code(ticket));
            let visitor = Visitor { shown, manner, strolls: None };
            self.queue.put(now + after, Ev::Scan(gate, visitor));
        }
    }

    fn sell(&mut self, now: Timestamp, told: &mut Vec<Input>) -> (usize, u32) {
        let (nth, persons) = (self.sold.len(), self.draws.between(1, 4) as u32);
        self.sold.push(Sold { nth, persons });
        if self.draws.chance(0.03) {
            // A code nobody sold.
            return (nth, persons);
        }
        let early = self.draws.chance(0.05);
        let valid_from = if early { now + Duration::from_hours(1) } else { now };
        // Decided time may be ahead of the world's by up to some hours.
        let valid_until = now + Duration::from_hours(self.draws.between(2, 40));
        let digest = code(nth).digest();
        let by = "li".to_owned();
        told.push(Input::TicketMade {
            digest,
            persons,
            valid_from: Some(valid_from),
            valid_until,
            by,
        });
        (nth, persons)
    }

    fn scan(&mut self, gate: usize, visitor: Visitor, told: &mut Vec<Input>) {
        self.tally.add("traffic: scanned");
        let turnstile = &mut self.gates[gate];
        // Whoever stood there for longest has gone away.
        if turnstile.waiting.len() >= 3 {
            turnstile.waiting.pop_front();
        }
        turnstile.waiting.push_back(visitor);
        let lane = turnstile.id.clone();
        told.push(Input::Scanned { lane, shown: visitor.shown });
    }

    /// The turnstile opens: whoever stands first goes, or not.
    fn opened(&mut self, now: Timestamp, gate: usize) {
        let Some(visitor) = self.gates[gate].waiting.pop_front() else { return };
        match visitor.manner {
            Manner::Walks => {
                let after = self.draws.secs(0.3, 9.0);
                self.queue.put(now + after, Ev::Walk(gate, visitor));
            }
            Manner::StaysAway => self.tally.add("visitor: stayed away"),
            Manner::TurnsBack => {
                self.tally.add("visitor: turned back");
                let after = self.draws.secs(15.0, 60.0);
                let visitor = Visitor { manner: Manner::Walks, ..visitor };
                self.queue.put(now + after, Ev::Scan(gate, visitor));
            }
        }
    }

    fn walk(&mut self, now: Timestamp, gate: usize, visitor: Visitor, told: &mut Vec<Input>) {
        let turnstile = &mut self.gates[gate];
        let open = turnstile.free || turnstile.open_until.is_some_and(|until| now <= until);
        if !open || turnstile.busy {
            return self.tally.add("visitor: came too late");
        }
        if !turnstile.free {
            turnstile.open_until = None;
        }
        self.tally.add("traffic: walked");
        self.enter(now, gate, told);
        if let Some(tower) = visitor.strolls {
            self.goes_on(now, gate, visitor, tower);
        }
    }

    /// In the turnstile; it counts when they are through.
    fn enter(&mut self, now: Timestamp, gate: usize, told: &mut Vec<Input>) {
        let after = self.draws.secs(0.5, 2.0);
        self.gates[gate].busy = true;
        self.queue.put(now + after, Ev::Through(gate));
        if !self.gates[gate].counts {
            self.tell(gate, Counted::Walks, told);
        }
    }

    fn through(&mut self, gate: usize, told: &mut Vec<Input>) {
        let turnstile = &mut self.gates[gate];
        turnstile.busy = false;
        turnstile.passages += 1;
        turnstile.counter = turnstile.counter.wrapping_add(1);
        let by = if turnstile.way == Way::In { 1 } else { -1 };
        *self.inside.entry(turnstile.zone.clone()).or_default() += by;
        let count = if turnstile.counts { Counted::Total(turnstile.counter) } else { Counted::One };
        self.tell(gate, count, told);
    }

    fn tell(&self, gate: usize, count: Counted, told: &mut Vec<Input>) {
        let turnstile = &self.gates[gate];
        if !turnstile.silent {
            told.push(Input::Went { lane: turnstile.id.clone(), way: turnstile.way, count });
        }
    }

    // ---- turnstiles ------------------------------------------------------------------------------

    pub(super) fn index(&self, id: &LaneId) -> Option<usize> {
        self.gates.iter().position(|gate| gate.id == *id)
    }

    pub(super) fn gate_count(&self) -> usize {
        self.gates.len()
    }

    /// Its state read anew, as after a start of the daemon.
    pub(super) fn level(&self, gate: usize) -> Option<Input> {
        let turnstile = &self.gates[gate];
        let count = match (turnstile.counts, turnstile.busy) {
            (true, _) => Counted::Total(turnstile.counter),
            (false, true) => Counted::Walks,
            (false, false) => Counted::Nobody,
        };
        let (lane, way) = (turnstile.id.clone(), turnstile.way);
        (!turnstile.silent).then_some(Input::Went { lane, way, count })
    }

    /// An order on the line: what comes back, and how long after.
    pub(super) fn order(
        &mut self,
        now: Timestamp,
        gate: usize,
        command: CommandId,
        action: PassAction,
        expires_at: Timestamp,
    ) -> (Duration, Input) {
        let lane = self.gates[gate].id.clone();
        let answered = |outcome| Input::PassAnswered { lane, command, outcome };
        if now > expires_at {
            return (Duration::ZERO, answered(PassOutcome::Refused("expired".into())));
        }
        let silent = || PassOutcome::Silent("no answer".into());
        let lost = self.draws.chance(self.faults.turnstile.order_lost);
        if self.gates[gate].silent || lost {
            return (TIMEOUT, answered(silent()));
        }
        self.carry_out(now, gate, action);
        if self.draws.chance(self.faults.turnstile.answer_lost) {
            self.tally.add("turnstile: answer lost");
            return (TIMEOUT, answered(silent()));
        }
        let turnstile = &self.gates[gate];
        let reads = action == PassAction::Close && turnstile.counts;
        let total = reads.then_some(turnstile.counter);
        (self.draws.secs(0.01, 0.1), answered(PassOutcome::Done(total)))
    }

    fn carry_out(&mut self, now: Timestamp, gate: usize, action: PassAction) {
        let turnstile = &mut self.gates[gate];
        match action {
            PassAction::Grant => {
                turnstile.open_until = Some(now + PATIENCE);
                self.opened(now, gate);
            }
            PassAction::Free => turnstile.free = true,
            PassAction::Close => (turnstile.free, turnstile.open_until) = (false, None),
        }
    }

    fn fall_silent(&mut self, now: Timestamp, gate: usize, silent: bool, told: &mut Vec<Input>) {
        self.gates[gate].silent = silent;
        if silent {
            self.tally.add("turnstile: silent");
            told.push(Input::TurnstileLost { lane: self.gates[gate].id.clone() });
            let lasts = self.draws.secs(1.0, 300.0);
            self.queue.put(now + lasts, Ev::Silent(gate, false));
        } else {
            told.extend(self.level(gate));
            self.plan(now, self.faults.turnstile.silent_per_day, Ev::Silent(gate, true));
        }
    }

    // ---- fire ------------------------------------------------------------------------------------

    fn fire(&mut self, now: Timestamp, on: bool, told: &mut Vec<Input>) {
        self.on_fire = on;
        told.push(self.fire_level());
        let after = self.draws.secs(30.0, 600.0);
        if on {
            self.tally.add("turnstile: fire");
            self.queue.put(now + after, Ev::Fire(false));
        } else {
            self.queue.put(now + Duration::from_secs(20), Ev::Release);
            self.plan(now, self.faults.turnstile.fires_per_day, Ev::Fire(true));
        }
    }

    pub(super) fn fire_level(&self) -> Input {
        let contact = paifang::types::DeviceId::parse("board-fire").expect("a device's name");
        Input::Fire { contact, on: self.on_fire }
    }

    /// The operator releases what is still held; a refusal is told by the phase and does no harm.
    fn release(&self, told: &mut Vec<Input>) {
        if self.on_fire {
            return;
        }
        let gates = self.gates.iter().map(|gate| gate.id.clone());
        let exits = ["out-1", "out-2"].map(|id| LaneId::parse(id).expect("a lane's name"));
        for lane in gates.chain(exits) {
            told.push(Input::Operator {
                lane,
                act: paifang::core::lane::OperatorAct::Release,
                who: "li".into(),
                reason: "the fire alarm is over".into(),
            });
        }
    }
}

fn code(nth: usize) -> Code {
    Code::parse(&format!("TICKET-{nth}")).expect("a short text")
}
