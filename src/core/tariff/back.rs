//! How far a tariff looks back to visits before the one it prices. Knows no stay.

use jiff::SignedDuration;

use super::{Tariff, TariffBook, notation::DAY_S};

impl TariffBook {
    /// How long before an entry an earlier visit may have ended and still count; `None`: no tariff of the site asks.
    pub fn looks_back(&self) -> Option<SignedDuration> {
        self.names()
            .iter()
            .flat_map(|name| self.versions(name))
            .filter_map(Tariff::looks_back)
            .max()
    }
}

impl Tariff {
    /// Caps over visits and free visits a day reach over two days at most; a stay that is continued says itself how far.
    fn looks_back(&self) -> Option<SignedDuration> {
        let spec = &self.spec;
        let continued = spec.reentry.as_ref().map(|reentry| reentry.within.0);
        let over_visits = spec.caps.iter().any(|cap| cap.over_visits);
        let a_day = spec.free.iter().any(|free| free.visits_a_day.is_some());
        let days = (over_visits || a_day).then_some(2 * DAY_S);
        continued.max(days).map(SignedDuration::from_secs)
    }
}
