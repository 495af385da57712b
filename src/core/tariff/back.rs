//! How far a tariff looks back to visits before the one it prices. Knows no stay.

use jiff::SignedDuration;

use super::{
    Tariff, TariffBook,
    notation::DAY_S,
    spec::{Per, Spec},
};

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
    /// Also where only some vehicles are asked for their visits.
    fn looks_back(&self) -> Option<SignedDuration> {
        self.resolved.iter().filter_map(|(_, spec)| spec.looks_back()).max()
    }
}

impl Spec {
    /// Caps over visits reach as far as their period; a stay that is continued, and time away, say themselves how far.
    fn looks_back(&self) -> Option<SignedDuration> {
        let spec = self;
        let continued = spec.reentry.as_ref().map(|reentry| reentry.within.0);
        let caps = spec.caps.iter().filter(|cap| cap.over_visits).map(|cap| match cap.per {
            Per::Week => 8 * DAY_S,
            Per::Month => 32 * DAY_S,
            // A period begins at a visit that lies within the one before it.
            Per::Every(length) => (2 * length.0).max(2 * DAY_S),
            Per::Stay | Per::Day | Per::Window => 2 * DAY_S,
        });
        let a_day = spec.free.iter().any(|free| free.visits_a_day.is_some()).then_some(2 * DAY_S);
        let away = spec.free.iter().filter_map(|free| free.away).map(|away| away.0);
        caps.chain(away).chain(a_day).chain(continued).max().map(SignedDuration::from_secs)
    }
}
