//! Lanes for people on the console: how each turnstile stands, who went today, who was refused last. Lets nobody in.

use askama::Template;

use super::{
    console::{Frame, today},
    error::ApiError,
    lanes,
    router::Web,
    words::{self, Lang},
};
use crate::{
    core::{
        Alarm, Rules, State,
        gate::{Gate, Phase},
        rules::Direction,
    },
    types::LaneId,
};

/// A turnstile and what is wrong with it.
#[derive(Clone, Debug)]
pub(super) struct GateSeen {
    gate: Gate,
    pub(super) name: String,
    direction: Direction,
    alarms: Vec<Alarm>,
}

impl GateSeen {
    pub(super) fn id(&self) -> &LaneId {
        &self.gate.id
    }

    pub(super) fn phase(&self, l: Lang) -> &'static str {
        words::gate_phase(l, self.gate.phase)
    }

    pub(super) fn mood(&self) -> &'static str {
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
        seen.phase(self.f.l)
    }

    fn refused(&self, seen: &GateSeen) -> Option<String> {
        seen.gate.refused.map(|why| words::not_admitted(self.f.l, why))
    }

    fn alarms(&self, seen: &GateSeen) -> Vec<&'static str> {
        seen.alarms.iter().map(|alarm| super::alarms::words(self.f.l, alarm.kind).0).collect()
    }
}

/// How many went through each lane for people today.
pub(super) async fn went_today(web: &Web, f: &Frame) -> Result<Vec<(LaneId, i64)>, ApiError> {
    if f.has_gates() {
        let (from, _) = today(f).ok_or(ApiError::Internal)?;
        return Ok(web.records.admitted_since(from).await?);
    }
    Ok(Vec::new())
}

pub(super) fn count(went: &[(LaneId, i64)], gate: &GateSeen) -> i64 {
    went.iter().find(|(lane, _)| *lane == gate.gate.id).map_or(0, |(_, count)| *count)
}

/// A card for each lane for people; empty: the site has none.
pub(super) fn cards(
    f: &Frame,
    gates: &[GateSeen],
    went: &[(LaneId, i64)],
) -> Result<String, ApiError> {
    if gates.is_empty() {
        return Ok(String::new());
    }
    let gates = gates.iter().map(|gate| (gate, count(went, gate))).collect();
    Ok(Cards { f, gates }.render()?)
}
