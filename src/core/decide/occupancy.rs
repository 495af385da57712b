//! How full a zone is. Knows no sign and no list.

use super::Desk;
use crate::types::ZoneId;

impl Desk<'_> {
    /// Vehicles inside a zone and what lies within it; one that was let in and is not through yet counts.
    pub(super) fn occupancy(&self, zone: &ZoneId) -> i64 {
        let known = self.state.stays.keys().copied();
        let fresh = self.changes.iter().filter_map(|change| match change {
            crate::core::Change::Stay(stay) if !self.state.stays.contains_key(&stay.id) => {
                Some(stay.id)
            }
            _ => None,
        });
        let inside = known.chain(fresh).filter_map(|id| self.stay(id));
        let inside =
            inside.filter(|stay| self.rules.zones.around(stay.zone_now()).any(|z| z == zone));
        inside.count() as i64 + self.zone(zone).correction
    }
}
