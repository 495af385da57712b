//! What a stay's right pays for: the spans it covers, what it uses up, and who comes next in a pool. Knows no lane.

use jiff::Timestamp;

use super::Desk;
use crate::{
    core::{
        change::Change,
        pass::{Pass, PassKind, Passback, Seen, Standing, Whereabouts},
        rules::{Convert, PassbackMode},
        stay::{Stay, StayState},
        tariff::Span,
    },
    types::{LaneId, PassId, Plate, ZoneId},
};

/// Who changes an entry when nobody does.
const SELF: &str = "paifang";

impl Desk<'_> {
    /// The spans of a stay, up to an instant, that are paid for by its right.
    pub(super) fn covered(&self, stay: &Stay, to: Timestamp) -> Vec<Span> {
        let mut spans = stay.covered.clone();
        let from = stay.standing_since.unwrap_or(stay.entered_at);
        let whole = |from: Timestamp, to: Timestamp| (from < to).then_some(Span { from, to });
        match stay.standing {
            Standing::Transient => {}
            Standing::Emergency => spans.extend(whole(from, to)),
            Standing::Pass(id) => {
                if let Some(pass) = self.pass(id) {
                    let paid_for = pass.covers(&self.rules.zone, from, to);
                    spans.extend(self.in_its_zones(pass, stay, to, paid_for));
                }
            }
            Standing::Listed(id) => spans.extend(self.listed(id).and_then(|entry| {
                let until = entry.until.unwrap_or(to);
                whole(from.max(entry.from), to.min(until))
            })),
            Standing::Reservation(id) => spans.extend(self.reservation(id).and_then(|r| {
                let in_time = to <= r.until + self.rules.access.late;
                let until = if in_time { to } else { r.until };
                r.tariff.is_none().then(|| whole(from, until)).flatten()
            })),
        }
        spans
    }

    /// Of these spans, those that the vehicle spent where its pass is for, or within. A pass that names no zone is for
    /// all.
    fn in_its_zones(&self, pass: &Pass, stay: &Stay, to: Timestamp, spans: Vec<Span>) -> Vec<Span> {
        if pass.zones.is_empty() {
            return spans;
        }
        let mut at = stay.entered_at;
        let mut places: Vec<(&ZoneId, Span)> = Vec::new();
        for segment in &stay.nested {
            let end = segment.to.unwrap_or(to);
            places.push((&stay.zone, Span { from: at, to: segment.from }));
            places.push((&segment.zone, Span { from: segment.from, to: end }));
            at = end;
        }
        places.push((&stay.zone, Span { from: at, to }));
        let is_its = |zone: &ZoneId| self.rules.zones.around(zone).any(|z| pass.zones.contains(z));
        let its = places.iter().filter(|(zone, _)| is_its(zone));
        let pieces = its.flat_map(|(_, place)| {
            spans
                .iter()
                .map(|span| Span { from: span.from.max(place.from), to: span.to.min(place.to) })
        });
        pieces.filter(|piece| piece.from < piece.to).collect()
    }

    /// A stay's right ends here and now, or it never had one: what it paid for stays paid for.
    pub(super) fn lose_right(&mut self, mut stay: Stay) {
        stay.covered = self.covered(&stay, self.now);
        stay.standing = Standing::Transient;
        stay.standing_since = None;
        self.record(Change::Stay(stay));
    }

    /// The stay is over and on record: what it used of its right is used, and its space in a pool goes to the next.
    pub(super) fn right_used(&mut self, stay: &Stay) {
        match stay.standing {
            Standing::Pass(id) => {
                self.pass_used(id, stay);
                self.space_freed(id);
            }
            Standing::Reservation(id) => {
                if let Some(mut reservation) = self.reservation(id).cloned() {
                    reservation.over_at = Some(self.now);
                    self.record(Change::Reservation(reservation));
                }
            }
            Standing::Transient | Standing::Emergency | Standing::Listed(_) => {}
        }
    }

    /// The stay never was: its vehicle backed out of the entry.
    pub(super) fn right_given_back(&mut self, stay: &Stay) {
        match stay.standing {
            Standing::Pass(id) => self.space_freed(id),
            Standing::Reservation(id) => {
                if let Some(mut reservation) = self.reservation(id).cloned() {
                    reservation.stay = None;
                    self.record(Change::Reservation(reservation));
                }
            }
            Standing::Transient | Standing::Emergency | Standing::Listed(_) => {}
        }
    }

    fn pass_used(&mut self, id: PassId, stay: &Stay) {
        let Some(mut pass) = self.pass(id).cloned() else { return };
        if let PassKind::Count { left } = &mut pass.kind
            && self.would_have_paid(stay)
        {
            *left = left.saturating_sub(1);
        }
        if stay.state == StayState::Left && self.rules.access.passback.mode != PassbackMode::Off {
            see(&mut pass, &stay.plate, Some(Whereabouts::Outside), self.now);
        }
        if self.pass(id) != Some(&pass) {
            self.put_pass(pass);
        }
    }

    /// A stay within the free time uses nothing up.
    fn would_have_paid(&self, stay: &Stay) -> bool {
        let plain = Stay { standing: Standing::Transient, covered: Vec::new(), ..stay.clone() };
        self.quote(&plain, self.now).map_or(true, |quote| quote.amount.minor > 0)
    }

    /// What is known of a plate besides the open stays; `None`: nothing any more.
    pub(super) fn note_seen(&mut self, id: PassId, plate: &Plate, now: Option<Whereabouts>) {
        let Some(mut pass) = self.pass(id).cloned() else { return };
        see(&mut pass, plate, now, self.now);
        if self.pass(id) != Some(&pass) {
            self.put_pass(pass);
        }
    }

    pub(super) fn note_passback(
        &mut self,
        id: PassId,
        plate: &Plate,
        lane: &LaneId,
        let_pass: bool,
    ) {
        let Some(mut pass) = self.pass(id).cloned() else { return };
        let (plate, lane, at) = (plate.clone(), lane.clone(), self.now);
        pass.passback = Some(Passback { plate, lane, at, let_pass });
        self.put_pass(pass);
    }

    /// A change that nobody made by hand.
    pub(super) fn put_pass(&mut self, mut pass: Pass) {
        SELF.clone_into(&mut pass.by);
        self.record(Change::Pass(pass));
    }

    /// A space of a pass is free: by the site's choice the vehicle that has paid like anybody for the longest time is
    /// covered from now on.
    pub(super) fn space_freed(&mut self, id: PassId) {
        let Some(pass) = self.pass(id) else { return };
        let good = self.rules.access.convert == Convert::LongestParked
            && pass.valid_from <= self.now
            && self.now < pass.valid_until
            && self.spaces_taken(pass) < pass.spaces.min(stays_left(pass));
        if !good {
            return;
        }
        let waiting = pass.plates.iter().filter_map(|plate| self.stay_of(plate));
        let waiting = waiting.filter(|stay| {
            stay.standing == Standing::Transient
                && stay.state == StayState::Inside
                && self.is_for_zone(pass, &stay.zone)
        });
        let Some(mut next) = waiting.min_by_key(|stay| (stay.entered_at, stay.id)).cloned() else {
            return;
        };
        next.standing = Standing::Pass(id);
        next.standing_since = Some(self.now);
        self.record(Change::Stay(next));
    }

    /// The pass is new, or good for longer: its vehicles that are inside as transients are covered as far as it reaches.
    pub(super) fn adopt(&mut self, id: PassId) {
        let Some(pass) = self.pass(id).cloned() else { return };
        for plate in &pass.plates {
            let Some(mut stay) = self.stay_of(plate).cloned() else { continue };
            let fits = pass.valid_from <= self.now
                && self.now < pass.valid_until
                && self.spaces_taken(&pass) < pass.spaces.min(stays_left(&pass))
                && self.is_for_zone(&pass, &stay.zone);
            if fits && stay.standing == Standing::Transient {
                stay.standing = Standing::Pass(id);
                stay.standing_since = None;
                self.record(Change::Stay(stay));
            }
        }
    }

    /// Takes what a stay owes, or as much as there is, from what was paid in; tells how much.
    pub(super) fn take_from_pass(&mut self, stay: &Stay, owed_minor: i64) -> i64 {
        let Standing::Pass(id) = stay.standing else { return 0 };
        let Some(mut pass) = self.pass(id).cloned() else { return 0 };
        let good = pass.valid_from <= self.now && self.now < pass.valid_until;
        let PassKind::Stored { balance_minor } = &mut pass.kind else { return 0 };
        if !good || *balance_minor <= 0 {
            return 0;
        }
        let taken = owed_minor.min(*balance_minor);
        *balance_minor -= taken;
        self.put_pass(pass);
        taken
    }
}

/// Stays that a pass is still good for.
fn stays_left(pass: &Pass) -> u32 {
    match pass.kind {
        PassKind::Count { left } => left,
        PassKind::Season | PassKind::Stored { .. } => u32::MAX,
    }
}

fn see(pass: &mut Pass, plate: &Plate, whereabouts: Option<Whereabouts>, at: Timestamp) {
    pass.seen.retain(|seen| seen.plate != *plate);
    if let Some(whereabouts) = whereabouts {
        pass.seen.push(Seen { plate: plate.clone(), at, whereabouts });
    }
}

/// The spans leave nothing out between two instants.
pub(super) fn covers_all(spans: &[Span], from: Timestamp, to: Timestamp) -> bool {
    let mut spans: Vec<&Span> = spans.iter().collect();
    spans.sort_by_key(|span| span.from);
    let reached =
        spans.iter().fold(
            from,
            |reached, span| {
                if span.from <= reached { reached.max(span.to) } else { reached }
            },
        );
    !spans.is_empty() && reached >= to
}
