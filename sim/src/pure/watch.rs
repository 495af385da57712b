//! The laws that look at the whole of a run: now and then, and when it is over. Knows not what comes next.

use std::time::Duration;

use paifang::core::{
    Change, State,
    money::Payment,
    stay::StayState,
    ticket::{Admission, AdmissionState},
    zone::Zone,
};

use super::{
    check::{Broken, Law, law},
    run::Run,
};

/// Steps between two looks at the whole state.
const WHOLE_EVERY: u64 = 1_000;
/// Nobody stands before an arm for longer, whatever is broken; faults last a quarter of an hour at most, each.
const TRAPPED: Duration = Duration::from_mins(90);

impl Run {
    /// A sabotage: who leaves is counted twice, and only in memory.
    pub(super) fn drift(&mut self, change: &Change) {
        let Change::Stay(stay) = change else { return };
        if stay.state == StayState::Left {
            let (id, corrected_at) = (stay.zone.clone(), None);
            let zone = Change::Zone(Zone { id, correction: -1, corrected_at, counts: Vec::new() });
            self.state.apply(&zone);
            self.shadow.apply(&zone);
        }
    }

    /// What this decision touched is the same in both states; now and then all of it.
    pub(super) fn compare(&self, changes: &[Change]) -> Result<(), Broken> {
        let (a, b) = (&self.state, &self.shadow);
        for change in changes {
            let same = match change {
                Change::Lane(lane) => a.lanes.get(&lane.id) == b.lanes.get(&lane.id),
                Change::Gate(gate) => a.gates.get(&gate.id) == b.gates.get(&gate.id),
                Change::Ticket(t) => a.tickets.get(&t.id) == b.tickets.get(&t.id),
                Change::Admission(x) => a.admissions.get(&x.id) == b.admissions.get(&x.id),
                Change::Stay(stay) => a.stays.get(&stay.id) == b.stays.get(&stay.id),
                Change::Order(order) => a.orders.get(&order.id) == b.orders.get(&order.id),
                Change::Payment(p) => a.payments.get(&p.id) == b.payments.get(&p.id),
                Change::Refund(r) => a.refunds.get(&r.id) == b.refunds.get(&r.id),
                _ => true,
            };
            law(Law::JournalRebuilds, same, || format!("differs after {change:?}"))?;
        }
        law(Law::JournalRebuilds, a.next_deadline() == b.next_deadline(), || {
            "the deadlines differ".to_owned()
        })?;
        if self.steps.is_multiple_of(WHOLE_EVERY) { self.compare_all() } else { Ok(()) }
    }

    pub(super) fn compare_all(&self) -> Result<(), Broken> {
        law(Law::OccupancyIsStays, self.state.occupancy_is_sound(), || {
            "the zones count other vehicles than the stays say".to_owned()
        })?;
        law(Law::JournalRebuilds, self.state == self.shadow, || "the states differ".to_owned())
    }

    /// Nothing goes on any more.
    pub(super) fn is_over(&self) -> bool {
        let waits = |p: &Payment| p.next_ask.is_some();
        let granted = |a: &Admission| a.state == AdmissionState::Granted;
        self.world.is_empty()
            && self.people.is_idle()
            && !self.state.admissions.values().any(granted)
            && !self.state.payments.values().any(waits)
            && self.state.refunds.is_empty()
            && self.state.shifts.is_empty()
    }

    pub(super) fn look_for_trapped(&self) -> Result<(), Broken> {
        for lane in 0..self.world.lane_count() {
            let waited = self.world.waited(self.now, lane);
            law(Law::NobodyTrapped, waited < TRAPPED, || {
                let known = self.state.lanes.get(&self.spec.lane_ids[lane]);
                format!(
                    "a vehicle has stood in {} for {} min; arm at {:.2}; {known:#?}",
                    self.spec.lane_ids[lane],
                    waited.as_secs() / 60,
                    self.world.arm_angle(lane),
                )
            })?;
        }
        Ok(())
    }

    /// When all is over.
    pub(super) fn last_checks(&mut self) -> Result<(), Broken> {
        self.compare_all()?;
        if self.seed.is_multiple_of(50) {
            self.rebuild_from_lines()?;
        }
        self.books.agree_with(&self.bank, &self.state)?;
        self.settle_days()?;
        self.books.memory_is_empty(&self.state)?;
        self.books.charged_or_owed(&self.state)?;
        self.gates.agree_with(&self.people, &self.state)?;
        self.places.earned()?;
        law(Law::NobodyTrapped, self.world.is_empty(), || {
            format!("{} vehicles are still inside", self.world.inside_count())
        })
    }

    fn rebuild_from_lines(&self) -> Result<(), Broken> {
        let mut rebuilt = State::default();
        for line in &self.journal.lines {
            let change: Change = serde_json::from_str(line)
                .map_err(|why| Broken::new(Law::JournalRebuilds, why.to_string()))?;
            rebuilt.apply(&change);
        }
        law(Law::JournalRebuilds, rebuilt == self.state, || "the lines give another state".into())
    }
}
