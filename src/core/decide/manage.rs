//! Changes of the register by an operator: checked, recorded with the name, and carried to those inside. Knows no page.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::Help,
        manage::{ListDraft, Manage, PassDraft, ReservationDraft, Unfit},
        pass::{List, Listed, Pass, PassKind, Reservation, Standing, Whereabouts},
        pass_sale::PassDid,
    },
    types::{ListedId, PassId, Plate, ReservationId, ZoneId},
};

const PLATES_MAX: usize = 20;
const NAME_CHARS_MAX: usize = 100;
const TIER_CHARS_MAX: usize = 40;
/// A hundred thousand yuan in fen; far above what anybody pays in.
const AMOUNT_MAX: i64 = 10_000_000;

impl Desk<'_> {
    pub(super) fn manage(&mut self, by: &str, act: Manage) -> Reply {
        let number = match act {
            Manage::AddPass(draft) => self.add_pass(by, draft)?.0,
            Manage::ChangePass { id, to } => self.change_pass(by, id, to)?.0,
            Manage::ExtendPass { id, until, reason } => self.extend_pass(by, id, until, &reason)?.0,
            Manage::AdjustPass { id, by: delta, reason } => {
                self.adjust_pass(by, id, delta, &reason)?.0
            }
            Manage::EndPass { id, rest, reason } => self.end_pass(by, id, rest, &reason)?.0,
            Manage::ResetPassback { plate } => self.reset_passback(by, &plate)?.0,
            Manage::List(draft) => self.put_on_list(by, draft)?.0,
            Manage::Unlist { id } => self.take_off_list(by, id)?.0,
            Manage::Reserve(draft) => self.reserve(by, draft)?.0,
            Manage::CancelReservation { id } => self.cancel_reservation(by, id)?.0,
        };
        self.look_again(|why| why != Help::WrongLane);
        Ok(Answer::Entered(number))
    }

    // ---- passes ----------------------------------------------------------------------------------

    fn add_pass(&mut self, by: &str, draft: PassDraft) -> Result<PassId, Unfit> {
        self.check_pass(&draft, None)?;
        let pass = self.pass_of(draft, by);
        let (id, kind) = (pass.id, pass.kind);
        self.record(Change::Pass(pass));
        if let PassKind::Stored { balance_minor } = kind {
            self.adjusted(id, balance_minor);
        }
        self.adopt(id);
        Ok(id)
    }

    /// A new one, as it was checked.
    pub(super) fn pass_of(&self, draft: PassDraft, by: &str) -> Pass {
        Pass {
            id: self.next_pass(),
            holder: draft.holder.trim().to_owned(),
            plates: draft.plates,
            spaces: draft.spaces,
            kind: draft.kind,
            zones: draft.zones.into_iter().collect(),
            valid_from: draft.valid_from,
            valid_until: draft.valid_until,
            hours: draft.hours,
            vehicle: draft.vehicle,
            tier: draft.tier,
            paid_in: Vec::new(),
            seen: Vec::new(),
            passback: None,
            by: by.to_owned(),
            over_at: None,
        }
    }

    fn change_pass(&mut self, by: &str, id: PassId, to: PassDraft) -> Result<PassId, Unfit> {
        let former = self.pass(id).cloned().ok_or(Unfit::NoPass(id))?;
        self.check_pass(&to, Some(id))?;
        if std::mem::discriminant(&former.kind) != std::mem::discriminant(&to.kind) {
            return Err(Unfit::KindStays);
        }
        let gone: Vec<Plate> =
            former.plates.iter().filter(|plate| !to.plates.contains(plate)).cloned().collect();
        self.release(id, &gone);
        let mut pass = Pass {
            holder: to.holder.trim().to_owned(),
            plates: to.plates,
            spaces: to.spaces,
            zones: to.zones.into_iter().collect(),
            valid_from: to.valid_from,
            valid_until: to.valid_until,
            hours: to.hours,
            vehicle: to.vehicle,
            tier: to.tier,
            by: by.to_owned(),
            ..former
        };
        pass.seen.retain(|seen| pass.plates.contains(&seen.plate));
        self.record(Change::Pass(pass));
        self.adopt(id);
        Ok(id)
    }

    fn extend_pass(
        &mut self,
        by: &str,
        id: PassId,
        until: Timestamp,
        reason: &str,
    ) -> Result<PassId, Refusal> {
        let reason = super::pass_sale::given(reason)?;
        let mut pass = self.pass(id).cloned().ok_or(Unfit::NoPass(id))?;
        if until <= pass.valid_until || until <= self.now {
            return Err(Unfit::Period.into());
        }
        pass.valid_until = until;
        by.clone_into(&mut pass.by);
        self.no_overlap(&pass.plates, (pass.valid_from, until), &pass.zones, Some(id))?;
        self.record(Change::Pass(pass));
        self.pass_acted(id, PassDid::Extended, by, reason, 0);
        self.adopt(id);
        Ok(id)
    }

    /// Vehicles inside by a pass that is theirs no more: paid for up to now, and not from here on.
    pub(super) fn release(&mut self, id: PassId, plates: &[Plate]) {
        for plate in plates {
            let stay = self.stay_of(plate).filter(|stay| stay.standing == Standing::Pass(id));
            if let Some(stay) = stay.cloned() {
                self.lose_right(stay);
            }
        }
    }

    fn reset_passback(&mut self, by: &str, plate: &Plate) -> Result<PassId, Unfit> {
        let ids: Vec<PassId> = self.state.passes_of(plate).map(|pass| pass.id).collect();
        let first = *ids.first().ok_or_else(|| Unfit::PlateUnknown(plate.clone()))?;
        for id in ids {
            self.note_seen(id, plate, Some(Whereabouts::Neutral));
            if let Some(mut pass) = self.pass(id).cloned() {
                by.clone_into(&mut pass.by);
                self.record(Change::Pass(pass));
            }
        }
        Ok(first)
    }

    pub(super) fn check_pass(&self, draft: &PassDraft, own: Option<PassId>) -> Result<(), Unfit> {
        check_name(&draft.holder)?;
        let plates: BTreeSet<&Plate> = draft.plates.iter().collect();
        let alike = plates.len() != draft.plates.len() || plates.iter().any(|p| p.is_virtual());
        if alike || !(1..=PLATES_MAX).contains(&plates.len()) {
            return Err(Unfit::Plates);
        }
        if !(1..=plates.len() as u32).contains(&draft.spaces) {
            return Err(Unfit::Spaces);
        }
        check_kind(draft.kind)?;
        // One that is changed may have ended: its holder's name can still be put right.
        self.check_period(draft.valid_from, draft.valid_until, own.is_some())?;
        check_tier(draft.tier.as_deref())?;
        if !draft.hours.iter().all(|span| span.is_sound()) {
            return Err(Unfit::Hours);
        }
        draft.zones.iter().try_for_each(|zone| self.check_zone(zone))?;
        let period = (draft.valid_from, draft.valid_until);
        let zones: BTreeSet<ZoneId> = draft.zones.iter().cloned().collect();
        self.no_overlap(&draft.plates, period, &zones, own)
    }

    /// A plate is in one pass at a time and place.
    pub(super) fn no_overlap(
        &self,
        plates: &[Plate],
        (from, until): (Timestamp, Timestamp),
        zones: &BTreeSet<ZoneId>,
        own: Option<PassId>,
    ) -> Result<(), Unfit> {
        for plate in plates {
            let others = self.state.passes_of(plate).filter_map(|pass| self.pass(pass.id));
            let mut others = others.filter(|pass| Some(pass.id) != own);
            let clash = others.find(|pass| {
                let meets =
                    zones.is_empty() || pass.zones.is_empty() || !zones.is_disjoint(&pass.zones);
                from < pass.valid_until && pass.valid_from < until && meets
            });
            if let Some(pass) = clash {
                return Err(Unfit::OtherPass { plate: plate.clone(), pass: pass.id });
            }
        }
        Ok(())
    }

    fn check_period(&self, from: Timestamp, until: Timestamp, old: bool) -> Result<(), Unfit> {
        let sound = from < until && (old || self.now < until);
        if sound { Ok(()) } else { Err(Unfit::Period) }
    }

    fn check_zone(&self, zone: &ZoneId) -> Result<(), Unfit> {
        self.rules.zones.get(zone).map(|_| ()).ok_or_else(|| Unfit::NoZone(zone.clone()))
    }

    // ---- lists -----------------------------------------------------------------------------------

    fn put_on_list(&mut self, by: &str, draft: ListDraft) -> Result<ListedId, Unfit> {
        let ListDraft { plate, list, note, from, until, vehicle, tier } = draft;
        check_tier(tier.as_deref())?;
        if (list == List::Member) != tier.is_some() {
            return Err(Unfit::Tier);
        }
        if note.chars().count() > NAME_CHARS_MAX {
            return Err(Unfit::Name);
        }
        if let Some(until) = until {
            self.check_period(from, until, false)?;
        }
        if let Some(known) = self.on_list(&plate, list) {
            return Err(Unfit::ListedAlready(plate, known));
        }
        let (id, by) = (self.next_listed(), by.to_owned());
        let note = note.trim().to_owned();
        let over_at = None;
        let entry = Listed { id, plate, list, note, from, until, vehicle, tier, by, over_at };
        let (plate, good) = (entry.plate.clone(), entry.is_good(self.now));
        self.record(Change::Listed(entry));
        let inside = self.stay_of(&plate).filter(|stay| stay.standing == Standing::Transient);
        if let Some(mut stay) =
            inside.cloned().filter(|_| good && !matches!(list, List::Black | List::Member))
        {
            stay.standing = Standing::Listed(id);
            self.record(Change::Stay(stay));
        }
        Ok(id)
    }

    /// Its entry on a list, also one that has not begun.
    fn on_list(&self, plate: &Plate, list: List) -> Option<ListedId> {
        let mut entries = self.state.listed_of(plate).filter_map(|entry| self.listed(entry.id));
        let not_over = |entry: &&Listed| entry.until.is_none_or(|until| self.now < until);
        entries.find(|entry| entry.list == list && not_over(entry)).map(|entry| entry.id)
    }

    fn take_off_list(&mut self, by: &str, id: ListedId) -> Result<ListedId, Unfit> {
        let mut entry = self.listed(id).cloned().ok_or(Unfit::NoListed(id))?;
        let stay = self.stay_of(&entry.plate).filter(|s| s.standing == Standing::Listed(id));
        if let Some(stay) = stay.cloned() {
            self.lose_right(stay);
        }
        entry.over_at = Some(self.now);
        by.clone_into(&mut entry.by);
        self.record(Change::Listed(entry));
        Ok(id)
    }

    // ---- reservations ----------------------------------------------------------------------------

    fn reserve(&mut self, by: &str, draft: ReservationDraft) -> Result<ReservationId, Unfit> {
        let ReservationDraft { plate, host, zone, from, until, tariff } = draft;
        check_name(&host)?;
        self.check_period(from, until, false)?;
        if let Some(zone) = &zone {
            self.check_zone(zone)?;
        }
        if let Some(tariff) = &tariff
            && self.rules.tariffs.versions(tariff).is_empty()
        {
            return Err(Unfit::NoTariff(tariff.clone()));
        }
        if let Some(known) = self.reserved(&plate, from, until) {
            return Err(Unfit::ReservedAlready(plate, known));
        }
        let (id, by, host) = (self.next_reservation(), by.to_owned(), host.trim().to_owned());
        let (stay, over_at) = (None, None);
        self.record(Change::Reservation(Reservation {
            id,
            plate,
            host,
            zone,
            from,
            until,
            tariff,
            stay,
            by,
            over_at,
        }));
        Ok(id)
    }

    /// A reservation of the plate that meets a time.
    fn reserved(&self, plate: &Plate, from: Timestamp, until: Timestamp) -> Option<ReservationId> {
        let mut known = self.state.reservations_of(plate).filter_map(|r| self.reservation(r.id));
        known.find(|r| from < r.until && r.from < until).map(|r| r.id)
    }

    fn cancel_reservation(&mut self, by: &str, id: ReservationId) -> Result<ReservationId, Unfit> {
        let mut reservation = self.reservation(id).cloned().ok_or(Unfit::NoReservation(id))?;
        by.clone_into(&mut reservation.by);
        match reservation.stay.and_then(|stay| self.stay(stay)) {
            // Paid for up to now; it ends with the stay.
            Some(_) => reservation.until = reservation.until.min(self.now),
            None => reservation.over_at = Some(self.now),
        }
        self.record(Change::Reservation(reservation));
        Ok(id)
    }

    /// The time is over and nobody came: the place is free.
    pub(super) fn nobody_came(&mut self, id: ReservationId) {
        let Some(mut reservation) = self.reservation(id).cloned() else { return };
        if reservation.stay.is_none() && reservation.until <= self.now {
            reservation.over_at = Some(self.now);
            self.record(Change::Reservation(reservation));
            self.look_again(|why| why == Help::Full);
        }
    }
}

/// As tariffs name them.
fn check_tier(tier: Option<&str>) -> Result<(), Unfit> {
    let fits = |tier: &str| (1..=TIER_CHARS_MAX).contains(&tier.trim().chars().count());
    if tier.is_none_or(fits) { Ok(()) } else { Err(Unfit::Tier) }
}

fn check_name(name: &str) -> Result<(), Unfit> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count());
    if fits { Ok(()) } else { Err(Unfit::Name) }
}

pub(super) fn check_kind(kind: PassKind) -> Result<(), Unfit> {
    let amount = match kind {
        PassKind::Season => 0,
        PassKind::Stored { balance_minor } => balance_minor,
        PassKind::Count { left } => i64::from(left),
    };
    if (0..=AMOUNT_MAX).contains(&amount) { Ok(()) } else { Err(Unfit::Amount) }
}
