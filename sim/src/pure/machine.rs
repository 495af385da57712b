//! The machine the daemon runs on: its power goes, its clock jumps. Knows no input.

use std::time::Duration;

use jiff::Timestamp;
use paifang::core::{Change, Decision, Input};

use super::{check::Broken, flight::Item, run::Run};
use crate::{
    faults::{MachineFaults, Tally},
    seed::{Draws, Seed},
};

/// Where in a step the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Decided and lost.
    BeforeCommit,
    /// On disk, and nothing of it done.
    BeforeActing,
    /// Done, and the one who asked not told.
    AfterActing,
}

impl Cut {
    pub const ALL: [Self; 3] = [Self::BeforeCommit, Self::BeforeActing, Self::AfterActing];
}

#[derive(Debug)]
pub(super) struct Machine {
    draws: Draws,
    cuts_per_day: f64,
    steps_per_day: f64,
    next_cut: Option<Timestamp>,
    /// Besides: in the so-manieth step that moves money, counted from 1.
    planned: Option<(u32, Cut)>,
    pub(super) money_steps: u32,
    next_clock_step: Option<Timestamp>,
    down: bool,
    pub(super) down_since: Timestamp,
    /// How far the daemon's clock is ahead of the world's.
    pub(super) ahead: Duration,
    /// Counts power cuts: what was in flight before one does not land after it.
    pub(super) life: u32,
    pub(super) tally: Tally,
}

impl Machine {
    pub(super) fn new(seed: Seed, faults: &MachineFaults, now: Timestamp) -> Self {
        let mut draws = seed.child("machine").draws();
        let mut first = |per_day: f64| (per_day > 0.0).then(|| now + draws.wait(per_day));
        let (next_cut, next_clock_step) = (first(faults.power_cuts), first(faults.clock_steps));
        Self {
            draws,
            cuts_per_day: faults.power_cuts,
            steps_per_day: faults.clock_steps,
            next_cut,
            planned: None,
            money_steps: 0,
            next_clock_step,
            down: false,
            down_since: now,
            ahead: Duration::ZERO,
            life: 0,
            tally: Tally::default(),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.down
    }

    /// Steps the clock when its time has come, and says whether the power goes in this step.
    pub(super) fn cut_now(
        &mut self,
        now: Timestamp,
        decision: &Decision,
        drains: bool,
    ) -> Option<Cut> {
        if drains {
            return None;
        }
        self.money_steps += u32::from(decision.changes.iter().any(is_of_money));
        if let Some((_, cut)) = self.planned.filter(|(at, _)| *at == self.money_steps) {
            self.planned = None;
            self.tally.add("power: cut as planned");
            return Some(cut);
        }
        self.step_clock(now);
        self.next_cut.filter(|at| *at <= now)?;
        let cut = self.draws.pick(&Cut::ALL);
        if decision.effects.is_empty() && cut == Cut::BeforeActing {
            // A better moment comes.
            return None;
        }
        self.next_cut = Some(now + self.draws.wait(self.cuts_per_day));
        self.tally.add(match cut {
            Cut::BeforeCommit => "power: cut before commit",
            Cut::BeforeActing => "power: cut between commit and act",
            Cut::AfterActing => "power: cut after acting",
        });
        Some(cut)
    }

    /// Forward it jumps; back it only seems to: the daemon's clock goes on from where it was.
    fn step_clock(&mut self, now: Timestamp) {
        if self.next_clock_step.is_none_or(|at| at > now) {
            return;
        }
        self.next_clock_step = Some(now + self.draws.wait(self.steps_per_day));
        if self.draws.chance(0.5) {
            self.tally.add("clock: stepped ahead");
            self.ahead += self.draws.secs(1.0, 3_600.0);
        } else {
            self.tally.add("clock: stepped back");
        }
    }
}

fn is_of_money(change: &Change) -> bool {
    matches!(
        change,
        Change::Order(_)
            | Change::Payment(_)
            | Change::Refund(_)
            | Change::Posting(_)
            | Change::Cash(_)
            | Change::Arrears(_)
            | Change::Validation(_)
    )
}

impl Run {
    /// Cuts the power once, in the `at`-th step that moves money, counted from 1.
    #[must_use]
    pub fn cut(mut self, at: u32, cut: Cut) -> Self {
        self.machine.planned = Some((at, cut));
        self
    }

    /// Everything in memory and in flight is gone.
    pub(super) fn power_off(&mut self) -> Result<(), Broken> {
        self.compare_all()?;
        self.state = self.shadow.clone();
        self.machine.down = true;
        self.machine.down_since = self.now;
        self.machine.life += 1;
        self.asking.clear();
        let after = self.machine.draws.secs(3.0, 180.0);
        self.queue.put(self.now + after, Item::PowerOn);
        Ok(())
    }

    /// The state is what the journal says. The clock is set anew, but not before the last row.
    pub(super) fn power_on(&mut self) -> Result<(), Broken> {
        let down = self.now.duration_since(self.machine.down_since).unsigned_abs();
        self.machine.down = false;
        self.machine.ahead = self.machine.ahead.saturating_sub(down);
        self.step(Input::Started)?;
        for lane in 0..self.world.lane_count() {
            let after = self.machine.draws.secs(0.2, 2.0);
            self.queue.put(self.now + after, Item::Levels(lane));
        }
        for gate in 0..self.people.gate_count() {
            let after = self.machine.draws.secs(0.2, 2.0);
            self.queue.put(self.now + after, Item::GateLevel(gate));
        }
        if self.people.gate_count() > 0 {
            let level = self.people.fire_level();
            self.step(level)?;
        }
        Ok(())
    }
}
