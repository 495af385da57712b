//! Persons inside each zone for people, for the report and for the picture of the site. Counts nobody.

use jiff::Timestamp;

use crate::{
    core::{Rules, State, crowd::day_of, gate::Gate},
    http::words::Lang,
    types::ZoneId,
};

/// Persons in a zone now.
#[derive(Clone, Debug)]
pub(in crate::http) struct Inside {
    pub(in crate::http) zone: ZoneId,
    pub(in crate::http) name: String,
    pub(in crate::http) persons: u64,
    /// While so many are inside, visitors wait at its gates.
    pub(in crate::http) most: Option<u32>,
    /// Gates before which somebody waits.
    pub(in crate::http) waiting: usize,
}

impl Inside {
    /// What was counted at the gates, or by an operator; where nobody counts, what tickets say.
    pub(in crate::http) fn all(state: &State, rules: &Rules, now: Timestamp) -> Vec<Self> {
        let today = day_of(now, &rules.zone, rules.tickets.day_begins);
        let by_tickets = |zone: &ZoneId| {
            let areas = state.tickets.values().flat_map(|ticket| &ticket.areas);
            areas.filter(|area| area.zone == *zone).map(|area| u64::from(area.inside)).sum()
        };
        let rows = rules.zones.iter().filter_map(|(id, zone)| {
            let most = rules.tickets.persons_max.get(id).copied();
            let has_gate = rules.gates.values().any(|gate| gate.zone == *id);
            let crowd = state.crowds.get(id).map(|crowd| u64::from(crowd.inside_on(today)));
            let persons = crowd.unwrap_or_else(|| by_tickets(id));
            (has_gate || most.is_some() || persons > 0).then(|| Self {
                zone: id.clone(),
                name: zone.name.clone(),
                persons,
                most,
                waiting: state.gates.values().filter(|gate| is_held(gate, rules, id)).count(),
            })
        });
        rows.collect()
    }

    pub(in crate::http) fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.persons >= u64::from(most))
    }

    pub(in crate::http) fn words(&self, l: Lang) -> String {
        let full =
            if self.is_full() { l.say("已满", "full") } else { l.say("人在园", "inside") };
        match (self.waiting, l) {
            (0, _) => full.to_owned(),
            (waiting, Lang::Zh) => format!("{full} · {waiting} 处等候"),
            (waiting, Lang::En) => format!("{full} · waiting at {waiting}"),
        }
    }
}

/// A visitor waits before it until somebody leaves the zone.
fn is_held(gate: &Gate, rules: &Rules, zone: &ZoneId) -> bool {
    gate.crowded.is_some() && rules.gates.get(&gate.id).is_some_and(|rules| rules.zone == *zone)
}
