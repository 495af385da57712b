//! The laws of who may come in: spaces, lanes for some vehicles only, reservations, passes that are lent, and lanes that
//! share a roadway. Knows no fee.

use std::collections::BTreeMap;

use jiff::Timestamp;
use paifang::{
    core::{
        Change, Rules, State,
        lane::{ArmAction, Cause, Phase, Signal},
        pass::Standing,
        rules::{LaneRules, PassbackMode, Right},
        stay::{Stay, StayState},
    },
    types::{LaneId, PassId, Plate, ReservationId, StayId, ZoneId},
};

use super::check::{Broken, Law, law};

#[derive(Debug, Default)]
pub(super) struct Rights {
    /// Open stays: where each is, whose it is, by what right.
    open: BTreeMap<StayId, (ZoneId, Plate, Standing)>,
    inside: BTreeMap<ZoneId, i64>,
    corrections: BTreeMap<ZoneId, i64>,
    /// Who came in on a reservation.
    came: BTreeMap<ReservationId, StayId>,
    /// Passes whose stay ended because their plate came in again, and when.
    superseded: BTreeMap<Plate, (PassId, Timestamp)>,
}

impl Rights {
    /// All changes of one decision, as committed, and the state after them.
    pub(super) fn take(
        &mut self,
        changes: &[Change],
        state: &State,
        rules: &Rules,
    ) -> Result<(), Broken> {
        changes.iter().try_for_each(|change| match change {
            Change::Stay(stay) => self.stay(stay, state, rules),
            Change::Zone(zone) => {
                self.corrections.insert(zone.id.clone(), zone.correction);
                Ok(())
            }
            Change::Pass(pass) => {
                let mode = rules.access.passback.mode;
                let noted = pass.passback.as_ref();
                let known = state.passes.get(&pass.id).and_then(|known| known.passback.as_ref());
                let fresh = noted.filter(|noted| known == Some(noted));
                law(Law::PassbackKept, fresh.is_none() || mode != PassbackMode::Off, || {
                    format!("nobody looks for it, and yet {noted:?}")
                })
            }
            _ => Ok(()),
        })
    }

    fn stay(&mut self, stay: &Stay, state: &State, rules: &Rules) -> Result<(), Broken> {
        let former = self.open.remove(&stay.id);
        let known = former.is_some();
        if let Some((zone, ..)) = &former {
            *self.inside.entry(zone.clone()).or_default() -= 1;
        }
        if !stay.state.is_open() {
            match (stay.state, former, stay.left_at) {
                (StayState::Abandoned, ..) => self.came.retain(|_, by| *by != stay.id),
                (StayState::Superseded, Some((_, plate, Standing::Pass(pass))), Some(at)) => {
                    self.superseded.insert(plate, (pass, at));
                }
                _ => {}
            }
            return Ok(());
        }
        if !known {
            self.comes_in(stay, state, rules)?;
        }
        if let Standing::Reservation(id) = stay.standing {
            let first = *self.came.entry(id).or_insert(stay.id);
            law(Law::ReservedOnce, first == stay.id, || {
                format!("stays {first} and {} came in on reservation {id}", stay.id)
            })?;
        }
        let zone = stay.zone_now().clone();
        *self.inside.entry(zone.clone()).or_default() += 1;
        self.open.insert(stay.id, (zone, stay.plate.clone(), stay.standing));
        Ok(())
    }

    /// One that the rules let in, and no person and no fire.
    fn comes_in(&self, stay: &Stay, state: &State, rules: &Rules) -> Result<(), Broken> {
        let Some(lane) = state.lanes.get(&stay.entry_lane) else { return Ok(()) };
        let Some(lane_rules) = rules.lanes.get(&lane.id) else { return Ok(()) };
        let visit = lane.visit.as_ref().filter(|visit| visit.stay == Some(stay.id));
        let cause = visit.and_then(|visit| visit.cause.as_ref().or(visit.waits.as_ref()));
        if lane.phase == Phase::HeldOpen || cause != Some(&Cause::Entry) {
            return Ok(());
        }
        self.has_space(stay, rules)?;
        fits_lane(stay, lane_rules)?;
        match stay.standing {
            Standing::Pass(pass) => self.not_lent(pass, stay, state, rules),
            _ => Ok(()),
        }
    }

    /// Everybody but those for whom a place is found in any case.
    fn has_space(&self, stay: &Stay, rules: &Rules) -> Result<(), Broken> {
        let full = &rules.access.full;
        let kept = match stay.standing {
            Standing::Transient => i64::from(full.kept_for_passes),
            Standing::Pass(_) => 0,
            Standing::Emergency | Standing::Listed(_) | Standing::Reservation(_) => return Ok(()),
        };
        for zone in rules.zones.around(stay.zone_now()) {
            let Some(capacity) = rules.zones.get(zone).and_then(|rules| rules.capacity) else {
                continue;
            };
            let inside = self.inside_of(zone, rules);
            law(Law::SpacesKept, inside + kept < i64::from(capacity), || {
                format!("{zone} holds {inside} of {capacity}, {kept} kept, and lets in {stay:?}")
            })?;
        }
        Ok(())
    }

    fn inside_of(&self, zone: &ZoneId, rules: &Rules) -> i64 {
        let within = self.inside.iter().filter(|(at, _)| rules.zones.around(at).any(|a| a == zone));
        let stays: i64 = within.map(|(_, count)| count).sum();
        stays + self.corrections.get(zone).copied().unwrap_or_default()
    }

    /// Under a hard rule a pass does not come in while it is inside, whoever drives it.
    fn not_lent(
        &self,
        pass: PassId,
        stay: &Stay,
        state: &State,
        rules: &Rules,
    ) -> Result<(), Broken> {
        if rules.access.passback.mode != PassbackMode::Hard {
            return Ok(());
        }
        // Its former stay ends in the same decision.
        let noted = state.passes.get(&pass).and_then(|pass| pass.passback.as_ref());
        let lent =
            noted.is_some_and(|n| n.let_pass && n.plate == stay.plate && n.at == stay.entered_at);
        let twice = self.superseded.get(&stay.plate) == Some(&(pass, stay.entered_at));
        law(Law::PassbackKept, !lent && !twice, || {
            format!("pass {pass} is inside and comes in again: {stay:?}")
        })
    }

    /// An effect leaves for an arm that shares its roadway with another: that one is down, and stays so.
    pub(super) fn perform(
        lane: &LaneId,
        action: ArmAction,
        state: &State,
        rules: &Rules,
    ) -> Result<(), Broken> {
        let couple = rules.lanes.get(lane).and_then(|rules| rules.couple.as_ref());
        let known = state.lanes.get(lane).and_then(|lane| lane.order.as_ref());
        let by_rule = known.and_then(|order| order.cause.as_ref()).is_some_and(|cause| {
            !matches!(cause, Cause::Operator { .. } | Cause::Fire | Cause::Key | Cause::Emergency)
        });
        let (Some(couple), ArmAction::Open, true) = (couple, action, by_rule) else {
            return Ok(());
        };
        let Some(other) = state.lanes.get(&couple.lane) else { return Ok(()) };
        let is_up = matches!(
            other.phase,
            Phase::Opening | Phase::Open | Phase::Passing | Phase::Closing | Phase::HeldOpen
        );
        law(Law::OneArmOfTwo, !is_up && other.sensors.open_limit != Signal::On, || {
            format!("{lane} opens while {} is {:?}", other.id, other.phase)
        })
    }
}

/// A lane for some vehicles lets in no other.
fn fits_lane(stay: &Stay, lane: &LaneRules) -> Result<(), Broken> {
    let right = match stay.standing {
        Standing::Emergency => Right::Emergency,
        _ => Right::Transient,
    };
    let fits = lane.serves.only.is_empty() && lane.serves.is_for(stay.vehicle.class, right);
    law(Law::LaneServes, fits, || format!("{:?} lets in {stay:?}", lane.serves))
}
