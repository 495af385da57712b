//! One seed from the first input to the last check. Knows no thread and no screen.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use jiff::Timestamp;
use paifang::{
    core::{AlarmKind, Change, Decision, Input, Rules, State, decide, input::Reply},
    types::{LaneId, OrderId},
};

use super::{
    RunSpec, Sabotage,
    admissions::Admissions,
    bank::PureBank,
    books::Books,
    charges,
    check::{Broken, Law, law},
    counter::Counter,
    counts::Counts,
    flight::Item,
    journal::Journal,
    machine::{Cut, Machine},
    office,
    people::People,
    places::Places,
    rights::Rights,
    scenic::Scenic,
    seen,
    site::{Feature, faults_of},
    story::Told,
    wishes::Wishes,
};
use crate::{
    faults::{Faults, Tally},
    queue::Queue,
    seed::{Draws, Seed},
    world::{PhoneId, World},
};

/// Steps kept for the story of a failure.
pub const STORY: usize = 40;
/// After the last day everybody leaves, and what is undecided gets its end.
const LEAVES_WITHIN: Duration = Duration::from_hours(2);
const ENDS_WITHIN: Duration = Duration::from_hours(10);

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub steps: u64,
    pub lines: u64,
    /// Of the journal: the same for the same seed.
    pub hash: u64,
    pub payments: u64,
    pub refunds: u64,
    /// Steps that moved money.
    pub money_steps: u32,
    /// Stays still open when everybody has left: misread plates, exits nobody saw.
    pub stays_left: u64,
    /// Alarms raised when all was over.
    pub alarms_left: BTreeMap<AlarmKind, u64>,
    /// The last steps, if more than those of a failure were asked for.
    pub story: String,
    pub tally: Tally,
}

impl Summary {
    pub fn merge(&mut self, other: &Self) {
        self.steps += other.steps;
        self.lines += other.lines;
        self.hash = self.hash.rotate_left(1) ^ other.hash;
        self.payments += other.payments;
        self.refunds += other.refunds;
        self.money_steps += other.money_steps;
        self.stays_left += other.stays_left;
        for (kind, count) in &other.alarms_left {
            *self.alarms_left.entry(*kind).or_default() += count;
        }
        self.tally.merge(&other.tally);
    }
}

/// A broken law, with what led to it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    pub step: u64,
    pub at: Timestamp,
    pub broken: Broken,
    /// The last steps, a line each.
    pub story: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, at, broken, story } = self;
        write!(f, "{story}seed {seed} failed at step {step}, {at}\n{broken}")
    }
}

#[derive(Debug)]
pub struct Run {
    pub(super) seed: u64,
    pub(super) spec: RunSpec,
    pub(super) faults: Faults,
    pub(super) world: World,
    pub(super) bank: PureBank,
    pub(super) state: State,
    /// Fed by what was read back from the journal's lines.
    pub(super) shadow: State,
    pub(super) journal: Journal,
    pub(super) books: Books,
    pub(super) people: People,
    pub(super) gates: Admissions,
    pub(super) counter: Counter,
    pub(super) wishes: Wishes,
    pub(super) scenic: Scenic,
    pub(super) places: Places,
    counts: Counts,
    rights: Rights,
    /// The rules the core goes by: those of the site, unless a sabotage has it forget one.
    obeyed: Rules,
    pub(super) queue: Queue<Item>,
    pub(super) machine: Machine,
    pub(super) wire: Draws,
    pub(super) codes: Draws,
    pub(super) phones: BTreeMap<PhoneId, OrderId>,
    /// Until when the channel waits for an answer, by payment number.
    pub(super) asking: BTreeMap<String, Timestamp>,
    /// The world's time.
    pub(super) now: Timestamp,
    pub(super) tally: Tally,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) drains: bool,
    pub(super) steps: u64,
    story: VecDeque<Told>,
    story_max: usize,
    spins: u32,
    /// When the last of them was.
    spun_at: Option<Timestamp>,
}

impl Run {
    pub fn new(seed: u64, spec: RunSpec, faults: Faults) -> Self {
        let (root, now) = (Seed(seed), spec.site.starts_at);
        let faults = faults_of(seed, faults);
        Self {
            seed,
            world: World::new(spec.site.clone(), root.child("world"), faults.clone()),
            bank: PureBank::new(root, faults.bank.clone(), now),
            state: State::default(),
            shadow: State::default(),
            journal: Journal::default(),
            books: Books::default(),
            people: People::new(
                root,
                &faults,
                spec.rules.gates.iter(),
                now,
                Feature::Scenic.is_of(seed),
            ),
            gates: Admissions::default(),
            counter: Counter::new(seed, &faults, now),
            wishes: Wishes::new(seed, now),
            scenic: Scenic::new(seed, now),
            places: Places::default(),
            counts: Counts::default(),
            rights: Rights::default(),
            obeyed: spec.rules.clone(),
            queue: Queue::new(),
            machine: Machine::new(root, &faults.machine, now),
            wire: root.child("wire").draws(),
            codes: root.child("payer codes").draws(),
            phones: BTreeMap::new(),
            asking: BTreeMap::new(),
            now,
            tally: Tally::default(),
            sabotage: None,
            drains: false,
            steps: 0,
            story: VecDeque::new(),
            story_max: STORY,
            spins: 0,
            spun_at: None,
            spec,
            faults,
        }
    }

    /// Breaks a law on purpose.
    #[must_use]
    pub fn with(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        sabotage.forget(&mut self.obeyed);
        self
    }

    /// Keeps this many steps for the story of a failure.
    #[must_use]
    pub fn with_story(mut self, steps: usize) -> Self {
        self.story_max = steps.max(1);
        self
    }

    /// Runs to the end, or to the first broken law.
    pub fn go(mut self) -> Result<Summary, Box<Failure>> {
        match self.run() {
            Ok(()) => Ok(self.summary()),
            Err(broken) => Err(Box::new(self.failure(broken))),
        }
    }

    fn run(&mut self) -> Result<(), Broken> {
        let start = self.now;
        let days_end = start + Duration::from_hours(24 * u64::from(self.spec.days));
        let end = days_end + ENDS_WITHIN;
        let mut next_look = start;
        self.power_on()?;
        if Feature::TwoBanks.is_of(self.seed) {
            self.bank.open_second(start);
        }
        if Feature::Passes.is_of(self.seed) {
            for input in office::register(self.core_now()) {
                self.step(input)?;
            }
        }
        self.open_shops()?;
        while let Some(at) = self.next_at().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            if !self.drains && self.now >= days_end {
                self.drains = true;
                self.bank.drains = true;
                self.people.drain();
                self.counter.drain(self.now);
                self.world.drain(self.now, LEAVES_WITHIN);
            }
            self.turn()?;
            if self.now >= next_look {
                next_look = self.now + Duration::from_mins(5);
                self.look_for_trapped()?;
                if self.drains && self.is_over() {
                    break;
                }
            }
        }
        self.last_checks()
    }

    /// All that is due now, each in its turn.
    fn turn(&mut self) -> Result<(), Broken> {
        let now = self.now;
        for happening in self.world.step(now) {
            self.happened(happening)?;
        }
        for (number, word) in self.bank.step(now) {
            self.notified(number, word)?;
        }
        for input in self.people.step(now) {
            self.step(input)?;
        }
        self.counter_turn()?;
        self.wishes_turn()?;
        self.scenic_turn()?;
        while let Some(item) = self.queue.take(now) {
            self.land(item)?;
        }
        let due = self.state.next_deadline().is_some_and(|at| at <= self.core_now());
        if !due && !self.machine.is_down() {
            charges::patience_ends(&self.state, self.core_now())?;
        }
        if due && !self.machine.is_down() {
            // A lane that is asked again and again whether it is empty by now does so at another time.
            let now = self.core_now();
            self.spins = if self.spun_at == Some(now) { self.spins + 1 } else { 0 };
            self.spun_at = Some(now);
            law(Law::DeadlinesEnd, self.spins < 200, || {
                format!("{:?} is due and stays due", self.state.overdue(self.core_now(), 3))
            })?;
            self.step(Input::Tick)?;
        } else {
            self.spins = 0;
        }
        Ok(())
    }

    fn next_at(&self) -> Option<Timestamp> {
        let deadline = self.state.next_deadline().filter(|_| !self.machine.is_down());
        let deadline = deadline.map(|at| (at - self.machine.ahead).max(self.now));
        let (people, counter) = (self.people.next_at(), self.counter.next_at());
        let (wishes, scenic) = (self.wishes.next_at(), self.scenic.queue.next_at());
        [
            self.world.next_at(),
            self.bank.next_at(),
            people,
            counter,
            wishes,
            scenic,
            self.queue.next_at(),
            deadline,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What the daemon's clock says: it may be ahead of the world, and never goes back.
    pub(super) fn core_now(&self) -> Timestamp {
        self.now + self.machine.ahead
    }

    /// Decide, commit, check, act. `None`: the power went before the one who asked was told.
    pub(super) fn step(&mut self, input: Input) -> Result<Option<Reply>, Broken> {
        if self.machine.is_down() {
            return Ok(None);
        }
        let at = self.core_now();
        let mut decision = decide(&self.state, &self.obeyed, at, input.clone());
        if let Some(sabotage) = self.sabotage
            && (sabotage != Sabotage::IgnoreDeadlines || input == Input::Tick)
        {
            sabotage.spoil(&self.state, &input, &mut decision);
        }
        self.steps += 1;
        let cut = self.machine.cut_now(self.now, &decision, self.drains);
        if cut == Some(Cut::BeforeCommit) {
            self.redeliver(input.clone());
            self.tell_story(at, input, Decision { changes: Vec::new(), ..decision });
            self.power_off()?;
            return Ok(None);
        }
        seen::count(&self.state, &decision.changes, &mut self.tally);
        self.commit(&decision.changes)?;
        let changes = &decision.changes;
        let checked =
            self.books.take(changes, &self.spec.rules, at).and_then(|()| self.compare(changes));
        let checked = checked
            .and_then(|()| self.counts.take(changes, &self.state, &self.spec.rules))
            .and_then(|()| self.rights.take(changes, &self.state, &self.spec.rules))
            .and_then(|()| self.gates.take(changes, &self.people))
            .and_then(|()| self.places.take(changes, &self.state, &self.spec.rules))
            .and_then(|()| Admissions::fire(&input, &self.spec.rules, &self.state))
            .and_then(|()| self.books.charged_alone(changes, &self.state));
        let effects = decision.effects.clone();
        let reply = decision.reply.clone();
        let kept = if cut == Some(Cut::BeforeActing) { Some(input.clone()) } else { None };
        self.tell_story(at, input, decision);
        checked?;
        if let Some(input) = kept {
            self.redeliver(input);
        } else {
            for effect in effects {
                self.perform(effect)?;
            }
        }
        if cut.is_some() {
            self.power_off()?;
            return Ok(None);
        }
        Ok(Some(reply))
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Broken> {
        for change in changes {
            let back = self.journal.write(change);
            let back = back.map_err(|why| Broken::new(Law::JournalRebuilds, why.to_string()))?;
            if self.sabotage != Some(Sabotage::SkipJournal) {
                self.shadow.apply(&back);
            }
            self.state.apply(change);
            if self.sabotage == Some(Sabotage::DriftCount) {
                self.drift(change);
            }
            if let Change::Lane(lane) = change
                && let Some(rules) =
                    self.spec.rules.lanes.get(&lane.id).filter(|r| r.tide.is_some())
                && let Some(ix) = self.spec.lane_ids.iter().position(|id| *id == lane.id)
            {
                self.world.turn(ix, lane.direction(rules));
            }
        }
        Ok(())
    }

    // ---- the end ---------------------------------------------------------------------------------

    fn summary(self) -> Summary {
        let mut tally = self.tally;
        tally.merge(&self.world.tally);
        tally.merge(&self.bank.tally);
        tally.merge(&self.people.tally);
        tally.merge(&self.counter.tally);
        tally.merge(&self.machine.tally);
        let mut alarms_left = BTreeMap::new();
        for (_, kind) in self.state.alarms.keys() {
            *alarms_left.entry(*kind).or_default() += 1;
        }
        let mut story = String::new();
        if self.story_max > STORY {
            self.story.iter().for_each(|told| told.line(&mut story));
        }
        Summary {
            story,
            steps: self.steps,
            lines: self.journal.lines.len() as u64,
            hash: self.journal.hash(),
            payments: self.books.payments.len() as u64,
            refunds: self.books.refunds.len() as u64,
            money_steps: self.machine.money_steps,
            stays_left: self.state.stays.len() as u64,
            alarms_left,
            tally,
        }
    }

    // ---- the story -------------------------------------------------------------------------------

    fn tell_story(&mut self, at: Timestamp, input: Input, decision: Decision) {
        let Decision { changes, effects, reply } = decision;
        if self.story.len() >= self.story_max {
            self.story.pop_front();
        }
        self.story.push_back(Told { step: self.steps, at, input, changes, effects, reply });
    }

    fn failure(self, broken: Broken) -> Failure {
        let mut story = String::new();
        for told in &self.story {
            told.line(&mut story);
        }
        Failure { seed: self.seed, step: self.steps, at: self.now, broken, story }
    }

    pub(super) fn lane_ix(&self, id: &LaneId) -> Option<usize> {
        self.spec.lane_ids.iter().position(|known| known == id)
    }
}
