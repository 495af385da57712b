//! Who may come in, and by what right: lists, passes, reservations, a full lot. Changes nothing; knows no price.

use super::Desk;
use crate::{
    core::{
        lane::{Help, Phase, Visit},
        pass::{List, Listed, Pass, PassKind, Reservation, Standing, Whereabouts},
        rules::{AccessRefusal, Full, PassbackMode, Right, Spaces, Unfit},
        stay::Stay,
    },
    types::{LaneId, Plate, StayId, Vehicle, ZoneId},
};

/// It stays where it is, and whether a person is called at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) why: Help,
    pub(super) ask: bool,
}

impl Denied {
    fn of(why: Help, choice: Unfit) -> Option<Self> {
        match choice {
            Unfit::Charge => None,
            Unfit::Refuse => Some(Self { why, ask: false }),
            Unfit::Ask => Some(Self { why, ask: true }),
        }
    }
}

impl Desk<'_> {
    /// The right by which the vehicle before an entry comes in, or why it does not. Whether it is inside already is not
    /// asked here.
    pub(super) fn may_enter(&self, id: &LaneId, visit: &Visit) -> Result<Standing, Denied> {
        let Some(plate) = &visit.plate else { return Ok(Standing::Transient) };
        let zone = self.zone_of_lane(id);
        let standing = self.right_of(plate, visit, &zone)?;
        self.is_for(id, standing, visit.vehicle())?;
        let right = self.kind_of(standing);
        let vehicle = self.vehicle_of(standing, visit.vehicle());
        let is_full = || self.is_full(&zone, right, vehicle);
        match self.full_rule(right) {
            Full::Refuse if is_full() => Err(Denied { why: Help::Full, ask: false }),
            Full::Ask if is_full() => Err(Denied { why: Help::Full, ask: true }),
            Full::Admit | Full::Refuse | Full::Ask => Ok(standing),
        }
    }

    /// Whether one that is inside may go on into a nested zone.
    pub(super) fn may_move_in(&self, id: &LaneId, stay: StayId) -> Result<(), Denied> {
        let Some(stay) = self.stay(stay) else { return Ok(()) };
        let lane = self.lane(id);
        let held = lane.is_some_and(|lane| lane.phase == Phase::HeldOpen);
        let urgent = lane.and_then(|lane| lane.visit.as_ref());
        let urgent = urgent.is_some_and(|visit| self.emergency(&stay.plate, visit).is_some());
        let zone = self.zone_of_lane(id);
        if held || urgent || *stay.zone_now() == zone {
            return Ok(());
        }
        self.is_for(id, stay.standing, stay.vehicle)?;
        let pass = match stay.standing {
            Standing::Pass(pass) => self.pass(pass),
            _ => None,
        };
        if pass.is_some_and(|pass| !self.is_for_zone(pass, &zone)) {
            Denied::of(Help::WrongZone, self.rules.access.wrong_zone).map_or(Ok(()), Err)?;
        }
        let right = self.kind_of(stay.standing);
        match (self.full_rule(right), self.has_no_space(&zone, right, stay.vehicle)) {
            (Full::Refuse, true) => Err(Denied { why: Help::Full, ask: false }),
            (Full::Ask, true) => Err(Denied { why: Help::Full, ask: true }),
            (Full::Admit | Full::Refuse | Full::Ask, _) => Ok(()),
        }
    }

    pub(super) fn zone_of_lane(&self, id: &LaneId) -> ZoneId {
        let lane = self.rules.lanes.get(id);
        lane.map_or_else(crate::core::rules::Zones::only, |rules| rules.zone.clone())
    }

    /// The lane serves vehicles like this one.
    pub(super) fn is_for(
        &self,
        id: &LaneId,
        standing: Standing,
        seen: Vehicle,
    ) -> Result<(), Denied> {
        let Some(lane) = self.rules.lanes.get(id) else { return Ok(()) };
        let class = self.vehicle_of(standing, seen).class;
        let fits = lane.serves.is_for(class, self.kind_of(standing));
        if fits { Ok(()) } else { Err(Denied { why: Help::WrongLane, ask: false }) }
    }

    /// The best right a plate has in a zone.
    fn right_of(&self, plate: &Plate, visit: &Visit, zone: &ZoneId) -> Result<Standing, Denied> {
        let access = &self.rules.access;
        if let Some(standing) = self.emergency(plate, visit) {
            return Ok(standing);
        }
        if self.listed_as(plate, List::Black).is_some() {
            let ask = access.black == AccessRefusal::Ask;
            return Err(Denied { why: Help::Black, ask });
        }
        let listed = [List::Vip, List::White];
        let listed = listed.into_iter().find_map(|list| self.listed_as(plate, list));
        let standing = match listed {
            Some(entry) => Standing::Listed(entry.id),
            None => self.right_by_register(plate, zone)?,
        };
        if !visit.typed || standing == Standing::Transient {
            return Ok(standing);
        }
        Denied::of(Help::TypedPlate, access.typed).map_or(Ok(Standing::Transient), Err)
    }

    fn right_by_register(&self, plate: &Plate, zone: &ZoneId) -> Result<Standing, Denied> {
        let pass = self.pass_right(plate, zone);
        match (pass, self.reservation_of(plate, zone)) {
            (Some(Ok(standing)), _) => Ok(standing),
            (_, Some(reservation)) => Ok(Standing::Reservation(reservation.id)),
            (Some(Err((pass, why))), None) => {
                let fallback = match why {
                    Help::OutOfHours => Standing::Pass(pass.id),
                    _ => Standing::Transient,
                };
                Denied::of(why, self.choice(why)).map_or(Ok(fallback), Err)
            }
            (None, None) => Ok(Standing::Transient),
        }
    }

    fn choice(&self, why: Help) -> Unfit {
        let access = &self.rules.access;
        match why {
            Help::PassEnded => access.expired,
            Help::PassUsedUp => access.over_quota,
            Help::WrongZone => access.wrong_zone,
            _ => access.out_of_hours,
        }
    }

    // ---- lists -----------------------------------------------------------------------------------

    pub(super) fn listed_as(&self, plate: &Plate, list: List) -> Option<&Listed> {
        let entries = self.state.listed_of(plate).filter_map(|entry| self.listed(entry.id));
        entries.into_iter().find(|entry| entry.list == list && entry.is_good(self.now))
    }

    /// By its list, or by its plate; never by a plate that a driver typed, nor one whose colour says otherwise.
    pub(super) fn emergency(&self, plate: &Plate, visit: &Visit) -> Option<Standing> {
        use crate::types::PlateColour::White;
        if visit.typed {
            return None;
        }
        if let Some(entry) = self.listed_as(plate, List::Emergency) {
            return Some(Standing::Listed(entry.id));
        }
        let white = visit.vehicle().colour.is_none_or(|colour| colour == White);
        let fits = self.rules.access.emergency.iter().any(|p| p.fits(plate.full()));
        (white && fits && !plate.is_virtual()).then_some(Standing::Emergency)
    }

    // ---- passes ----------------------------------------------------------------------------------

    /// The pass that lets a plate in, or the one that nearly does and why it does not. One that has not begun is none.
    fn pass_right(&self, plate: &Plate, zone: &ZoneId) -> Option<Result<Standing, (&Pass, Help)>> {
        let passes = self.state.passes_of(plate).filter_map(|pass| self.pass(pass.id));
        let mut nearly = None;
        for pass in passes.filter(|pass| pass.valid_from <= self.now) {
            match self.misfit(pass, plate, zone) {
                None => return Some(Ok(Standing::Pass(pass.id))),
                Some(why) => nearly = Some((pass, why)),
            }
        }
        nearly.map(Err)
    }

    /// Why a pass does not let one more of its plates into a zone now.
    fn misfit(&self, pass: &Pass, plate: &Plate, zone: &ZoneId) -> Option<Help> {
        if pass.valid_until <= self.now {
            return Some(Help::PassEnded);
        }
        if !self.is_for_zone(pass, zone) {
            return Some(Help::WrongZone);
        }
        // A stay of its own ends when it comes in again.
        let own = self.stay_of(plate).is_some_and(|s| s.standing == Standing::Pass(pass.id));
        let taken = self.spaces_taken(pass) - u32::from(own);
        let left = match pass.kind {
            PassKind::Season => u32::MAX,
            PassKind::Count { left } => left,
            PassKind::Stored { balance_minor } if balance_minor > 0 => u32::MAX,
            PassKind::Stored { .. } => 0,
        };
        if taken >= left.min(pass.spaces) {
            return Some(Help::PassUsedUp);
        }
        let soon = self.now + std::time::Duration::from_secs(1);
        let open = pass.hours.is_empty() || !self.hours_of(pass, self.now, soon).is_empty();
        (!open).then_some(Help::OutOfHours)
    }

    fn hours_of(
        &self,
        pass: &Pass,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Vec<crate::core::tariff::Span> {
        crate::core::pass::within(&pass.hours, &self.rules.zone, from, to)
    }

    /// Good in the zone itself, in one around it, or in one that is reached through it.
    pub(super) fn is_for_zone(&self, pass: &Pass, zone: &ZoneId) -> bool {
        let zones = &self.rules.zones;
        let reaches = |good: &ZoneId| {
            zones.around(zone).any(|z| z == good) || zones.around(good).any(|z| z == zone)
        };
        pass.zones.is_empty() || pass.zones.iter().any(reaches)
    }

    /// Vehicles inside that a pass covers.
    pub(super) fn spaces_taken(&self, pass: &Pass) -> u32 {
        let stays = pass.plates.iter().filter_map(|plate| self.stay_of(plate));
        stays.filter(|stay| stay.standing == Standing::Pass(pass.id)).count() as u32
    }

    // ---- anti-passback ---------------------------------------------------------------------------

    /// A pass's plate comes in though it is inside: its pass was handed out, or its exit was missed.
    pub(super) fn came_twice(&self, pass: &Pass, plate: &Plate) -> bool {
        let inside = self.stay_of(plate).is_some_and(|stay| !self.is_long_ago(stay.entered_at));
        let neutral = pass.seen(plate).is_some_and(|s| s.whereabouts == Whereabouts::Neutral);
        self.rules.access.passback.mode != PassbackMode::Off && inside && !neutral
    }

    /// A pass's plate goes out though it has left already.
    pub(super) fn left_twice(&self, pass: &Pass, plate: &Plate) -> bool {
        let outside = pass.seen(plate).is_some_and(|seen| {
            seen.whereabouts == Whereabouts::Outside && !self.is_long_ago(seen.at)
        });
        self.rules.access.passback.mode != PassbackMode::Off && outside
    }

    fn is_long_ago(&self, at: jiff::Timestamp) -> bool {
        self.now.duration_since(at).unsigned_abs() >= self.rules.access.passback.neutral_after
    }

    // ---- reservations and spaces -----------------------------------------------------------------

    fn reservation_of(&self, plate: &Plate, zone: &ZoneId) -> Option<&Reservation> {
        let kept = self.state.reservations_of(plate).filter_map(|r| self.reservation(r.id));
        let mut kept = kept.filter(|r| r.stay.is_none() && self.is_open(r));
        kept.find(|r| r.zone.as_ref().is_none_or(|z| self.rules.zones.around(z).any(|z| z == zone)))
    }

    /// Its vehicle may come now.
    fn is_open(&self, reservation: &Reservation) -> bool {
        reservation.from - self.rules.access.early <= self.now && self.now < reservation.until
    }

    /// Places in a zone that wait for their visitors.
    fn places_kept(&self, zone: &ZoneId) -> i64 {
        let zones = &self.rules.zones;
        let open = self.state.reservations.keys().filter_map(|id| self.reservation(*id));
        let waiting = open.filter(|r| r.stay.is_none() && self.is_open(r));
        let within = waiting.filter(|r| match &r.zone {
            Some(kept) => zones.around(kept).any(|z| z == zone),
            None => zones.get(zone).is_some_and(|rules| rules.parent.is_none()),
        });
        within.count() as i64
    }

    /// A zone, or one around it, has no space for somebody with this right.
    fn is_full(&self, zone: &ZoneId, right: Right, vehicle: Vehicle) -> bool {
        self.rules.zones.around(zone).any(|zone| self.has_no_space(zone, right, vehicle))
    }

    /// One that spaces are kept for takes those first, and others only where the site lets it.
    fn has_no_space(&self, zone: &ZoneId, right: Right, vehicle: Vehicle) -> bool {
        let spaces = self.rules.zones.get(zone).map_or(&[][..], |rules| &rules.spaces);
        let own = spaces.iter().zip(self.taken_apart(zone));
        let own = own.into_iter().find(|(spaces, _)| spaces.of.fits(vehicle));
        match own {
            Some((spaces, taken)) if taken < spaces.count => return false,
            Some((Spaces { others: false, .. }, _)) => return true,
            _ => {}
        }
        let kept_for_passes = match right {
            Right::Transient => i64::from(self.rules.access.full.kept_for_passes),
            Right::Pass | Right::White | Right::Vip | Right::Emergency | Right::Reservation => 0,
        };
        let at = self.occupancy(zone);
        at.capacity.is_some_and(|capacity| {
            let kept = if right == Right::Reservation { 0 } else { self.places_kept(zone) };
            let left = i64::from(capacity) - at.inside - i64::from(at.apart);
            left - kept <= kept_for_passes
        })
    }

    fn full_rule(&self, right: Right) -> Full {
        let full = &self.rules.access.full;
        match right {
            Right::Transient => full.transient,
            Right::Pass | Right::White => full.pass,
            Right::Reservation => full.reservation,
            Right::Vip | Right::Emergency => Full::Admit,
        }
    }

    // ---- what a standing is ----------------------------------------------------------------------

    pub(super) fn kind_of(&self, standing: Standing) -> Right {
        match standing {
            Standing::Transient => Right::Transient,
            Standing::Emergency => Right::Emergency,
            Standing::Pass(_) => Right::Pass,
            Standing::Reservation(_) => Right::Reservation,
            Standing::Listed(id) => match self.listed(id).map(|entry| entry.list) {
                Some(List::Vip) => Right::Vip,
                Some(List::Emergency) => Right::Emergency,
                Some(List::White) => Right::White,
                Some(List::Black | List::ByHand | List::Member) | None => Right::Transient,
            },
        }
    }

    /// As which tier a stay is priced: its pass's, that of any good pass of its plate, or as the list of members says.
    pub(super) fn tier_of(&self, stay: &Stay) -> Option<&str> {
        let own = match stay.standing {
            Standing::Pass(id) => self.pass(id).and_then(|pass| pass.tier.as_deref()),
            _ => None,
        };
        let passes = self.state.passes_of(&stay.plate).filter_map(|pass| self.pass(pass.id));
        let mut good =
            passes.filter(|pass| pass.valid_from <= self.now && self.now < pass.valid_until);
        own.or_else(|| good.find_map(|pass| pass.tier.as_deref()))
            .or_else(|| self.listed_as(&stay.plate, List::Member)?.tier.as_deref())
    }

    /// What a vehicle is priced and let through as: what its pass or list says, else what the camera saw.
    pub(super) fn vehicle_of(&self, standing: Standing, seen: Vehicle) -> Vehicle {
        let said = match standing {
            Standing::Pass(id) => self.pass(id).and_then(|pass| pass.vehicle),
            Standing::Listed(id) => self.listed(id).and_then(|entry| entry.vehicle),
            Standing::Transient | Standing::Emergency | Standing::Reservation(_) => None,
        };
        said.unwrap_or(seen)
    }
}
