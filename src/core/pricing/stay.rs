//! The facts of a stay, put to the tariffs the same way while it is inside and long after. Knows no merchant and no right.

use jiff::Timestamp;

use crate::core::{
    rules::Zones,
    stay::Stay,
    tariff::{Case, Segment},
};

/// What a stay says of itself. Benefits, payments, what a right covers and the tier are the asker's.
pub fn case_of<'a>(stay: &'a Stay, tariff: &'a str, to: Timestamp, leave_s: i64) -> Case<'a> {
    Case {
        vehicle: stay.vehicle,
        earlier: &stay.earlier,
        lost: stay.lost,
        leave_s: leave_s + late_s(stay),
        ..Case::new(tariff, stay.entered_at, to)
    }
}

/// Seconds from the time up to which a stay is paid to the payment itself, from which the time to leave counts.
fn late_s(stay: &Stay) -> i64 {
    let paid = stay.paid.last().zip(stay.paid_at);
    paid.map_or(0, |(up_to, at)| at.duration_since(up_to.at).as_secs().max(0))
}

/// What is priced apart: time under another tariff than the outermost zone's. A zone without a tariff of its own is priced
/// as the one around it, and going from one to the other ends nothing.
pub fn priced_apart<'a>(zones: &'a Zones, stay: &Stay, to: Timestamp) -> Vec<Segment<'a>> {
    let root = zones.root(&stay.zone).clone();
    let mut priced: Vec<Segment<'_>> = Vec::new();
    for segment in &stay.nested {
        let Some((zone, _)) = zones.get_key(&segment.zone) else { continue };
        let nested = zones.around(zone).take_while(|zone| **zone != root);
        let mut tariffs = nested.filter_map(|zone| zones.get(zone)?.tariff.as_deref());
        let Some(tariff) = tariffs.next() else { continue };
        let (from, to) = (segment.from, segment.to.unwrap_or(to));
        match priced.last_mut() {
            Some(last) if last.tariff == tariff && last.to == from => last.to = to,
            _ => priced.push(Segment { tariff, from, to }),
        }
    }
    priced
}
