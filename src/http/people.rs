//! Lanes for people on the console: how each turnstile stands, who went today, who was refused last. Lets nobody in.

use askama::Template;

use super::{
    console::{Frame, today},
    error::ApiError,
    lanes,
    router::Web,
    words,
};
use crate::core::{
    Alarm, Rules, State,
    gate::{Gate, Phase},
    rules::Direction,
};

/// A turnstile and what is wrong with it.
#[derive(Clone, Debug)]
pub(super) struct GateSeen {
    gate: Gate,
    name: String,
    direction: Direction,
    alarms: Vec<Alarm>,
}

impl GateSeen {
    fn mood(&self) -> &'static str {
        match self.gate.phase {
            _ if !self.alarms.is_empty() => "bad",
            Phase::Idle => "calm",
            Phase::Granted | Phase::Passing | Phase::Closing => "busy",
            Phase::HeldFree | Phase::Locked => "set",
            Phase::Faulty => "bad",
        }
    }
}

pub(super) fn seen(state: &State, rules: &Rules) -> Vec<GateSeen> {
    let seen = rules.gates.iter().filter_map(|(id, gate_rules)| {
        let of_gate = state.alarms.values().filter(|alarm| alarm.subject == id.as_str());
        Some(GateSeen {
            gate: state.gates.get(id)?.clone(),
            name: rules.lane_name(id).to_owned(),
            direction: gate_rules.direction,
            alarms: of_gate.cloned().collect(),
        })
    });
    seen.collect()
}

#[derive(Template)]
#[template(path = "people.html", config = "src/http/askama.toml")]
struct Cards<'a> {
    f: &'a Frame,
    /// Each with how many went today.
    gates: Vec<(&'a GateSeen, i64)>,
}

impl Cards<'_> {
    fn direction(&self, seen: &GateSeen) -> &'static str {
        lanes::direction(self.f.l, seen.direction)
    }

    fn phase(&self, seen: &GateSeen) -> &'static str {
        words::gate_phase(self.f.l, seen.gate.phase)
    }

    fn refused(&self, seen: &GateSeen) -> Option<String> {
        seen.gate.refused.map(|why| words::not_admitted(self.f.l, why))
    }

    fn alarms(&self, seen: &GateSeen) -> Vec<&'static str> {
        seen.alarms.iter().map(|alarm| super::alarms::words(self.f.l, alarm.kind).0).collect()
    }
}

/// A card for each lane for people; empty: the site has none.
pub(super) async fn cards(web: &Web, f: &Frame, gates: &[GateSeen]) -> Result<String, ApiError> {
    if gates.is_empty() {
        return Ok(String::new());
    }
    let (from, _) = today(f).ok_or(ApiError::Internal)?;
    let went = web.records.admitted_since(from).await?;
    let with_count = |seen| {
        let of = |seen: &GateSeen| went.iter().find(|(lane, _)| *lane == seen.gate.id);
        (seen, of(seen).map_or(0, |(_, count)| *count))
    };
    Ok(Cards { f, gates: gates.iter().map(with_count).collect() }.render()?)
}
