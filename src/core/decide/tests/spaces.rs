//! Spaces that are for some vehicles: who takes which, who waits outside, what is told. One row, one car park.

use super::*;
use crate::{
    core::{
        rules::{Spaces, SpacesFor, ZoneRules, Zones},
        zone::SpacesCount,
    },
    types::{PlateColour, Vehicle, VehicleClass},
};

/// Five spaces: one for lorries, which park nowhere else; one for new-energy cars, which do.
fn site() -> Site {
    let mut site = Site::new();
    let spaces = vec![
        Spaces { of: SpacesFor::Large, count: 1, others: false },
        Spaces { of: SpacesFor::NewEnergy, count: 1, others: true },
    ];
    let (name, parent, capacity, tariff) = (String::new(), None, Some(5), None);
    let rules = ZoneRules { name, parent, capacity, spaces, tariff };
    site.rules.zones = Zones::new([(Zones::only(), rules)].into()).unwrap();
    site
}

/// `s`mall, `l`arge, `n`ew energy.
fn vehicle(kind: char) -> Vehicle {
    match kind {
        'l' => Vehicle::of(VehicleClass::Large),
        'n' => Vehicle { colour: Some(PlateColour::Green), ..Vehicle::default() },
        _ => Vehicle::default(),
    }
}

impl Site {
    /// Whether the vehicle is let in.
    fn comes(&mut self, nth: usize, kind: char) -> bool {
        let before = self.state.stays.len();
        self.sensor("in", Sensor::Arrival, true);
        self.reads_vehicle("in", &format!("京C{nth}{nth}{nth}0{nth}"), vehicle(kind));
        let came = self.state.stays.len() > before;
        if came {
            self.drive_through("in");
        } else {
            self.sensor("in", Sensor::Arrival, false);
            self.after(Duration::from_secs(10));
        }
        self.after(Duration::from_mins(1));
        came
    }
}

#[test]
fn each_vehicle_takes_what_is_kept_for_it_and_leaves_the_rest() {
    // Who comes one after the other; a capital letter is one that is turned away; free for all in the end.
    for (coming, free) in [
        ("sssS", 0),
        ("lLsss", 0),
        ("nsssSN", 0),
        ("nnnnNS", 0),
        ("nnl", 2),
        ("ssl", 1),
        ("sssnNlL", 0),
        ("lL", 3),
    ] {
        let mut site = site();
        for (nth, kind) in coming.chars().enumerate() {
            let came = site.comes(nth + 1, kind.to_ascii_lowercase());
            assert_eq!(came, kind.is_lowercase(), "{coming}: number {}", nth + 1);
        }
        let at = site.state.occupancy(&site.rules.zones, &Zones::only());
        assert_eq!(at.free(), Some(free), "{coming}: {at:?}");
        assert!(site.state.occupancy_is_sound());
    }
}

#[test]
fn what_is_free_is_told_apart() {
    let mut site = site();
    site.comes(1, 'l');
    site.comes(2, 's');
    let told = crate::core::zone::Count::all(&site.state, &site.rules).remove(0);
    assert_eq!((told.vehicles, told.capacity, told.free), (2, Some(5), Some(2)));
    let spaces = |of, free| SpacesCount { of, count: 1, free };
    assert_eq!(told.spaces, [spaces(SpacesFor::Large, 0), spaces(SpacesFor::NewEnergy, 1)]);
}
