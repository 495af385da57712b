//! Who comes when, how long they stay, and by which lane they leave. Knows no fee.

use std::time::Duration;

use jiff::Timestamp;
use paifang::{core::rules::Direction, types::VehicleClass};

use super::{
    Ev, LaneIx, World,
    lane::LaneGround,
    vehicle::{Vehicle, kind_of},
};

/// Arrivals of each hour of the day, relative to the busiest.
const PROFILE: [f64; 24] = [
    0.05, 0.03, 0.02, 0.02, 0.05, 0.15, 0.4, 0.8, 1.0, 0.9, 0.8, 0.8, 0.75, 0.7, 0.7, 0.7, 0.75,
    0.9, 0.95, 0.8, 0.6, 0.4, 0.25, 0.1,
];

/// Share of arrivals by those who come often.
const REGULAR: f64 = 0.3;

impl World {
    /// Draws the next arrival by thinning: as if every hour were the busiest, then some do not come. At a quick pace
    /// they follow each other more evenly, so that a short run sees all there is.
    pub(super) fn plan_arrival(&mut self, now: Timestamp) {
        if self.spec.pace.stay_s.is_some() {
            let gap_s = 86_400.0 / self.spec.vehicles_per_day;
            let gap = self.draws.traffic.secs(gap_s * 0.5, gap_s * 1.5);
            return self.queue.put(now + gap, Ev::Arrives);
        }
        let mean: f64 = PROFILE.iter().sum::<f64>() / 24.0;
        let busiest = self.spec.vehicles_per_day / mean;
        let draws = &mut self.draws.traffic;
        let mut at = now;
        loop {
            at += draws.wait(busiest);
            let hour = (at.as_second().rem_euclid(86_400) / 3_600) as usize;
            if draws.chance(PROFILE[hour]) {
                break;
            }
        }
        self.queue.put(at, Ev::Arrives);
    }

    pub(super) fn arrives(&mut self, now: Timestamp) {
        if self.drains {
            return;
        }
        self.plan_arrival(now);
        let mut vehicle = self.a_vehicle();
        if self.draws.traffic.chance(self.faults.people.cloned)
            && let Some(other) = self.inside.values().next()
        {
            self.tally.add("people: cloned plate");
            vehicle.takes(other.plate.clone());
        }
        if let Some(plate) = self.a_regular() {
            vehicle.takes(plate);
        } else if self.draws.traffic.chance(self.spec.unlicensed) {
            self.tally.add("traffic: no plate");
            vehicle.takes(String::new());
        }
        let lane = self.a_lane(Direction::Entry, false);
        self.queue.put(now, Ev::Joins(lane, Box::new(vehicle)));
    }

    fn a_vehicle(&mut self) -> Vehicle {
        let id = self.next_vehicle;
        self.next_vehicle += 1;
        Vehicle::draw(id, &self.faults.people, &mut self.draws.traffic)
    }

    /// Somebody who was here before comes again.
    pub fn comes_again(&mut self, now: Timestamp, plate: String) {
        if self.drains {
            return;
        }
        let mut vehicle = self.a_vehicle();
        vehicle.takes(plate);
        let lane = self.a_lane(Direction::Entry, false);
        self.queue.put(now, Ev::Joins(lane, Box::new(vehicle)));
    }

    /// Now and then somebody comes who comes often, unless that vehicle is here already.
    fn a_regular(&mut self) -> Option<String> {
        if self.spec.regulars.is_empty() || !self.draws.traffic.chance(REGULAR) {
            return None;
        }
        let nth = self.draws.traffic.between(0, self.spec.regulars.len() as u64 - 1) as usize;
        let plate = self.spec.regulars[nth].clone();
        if !self.is_about(&plate) {
            return Some(plate);
        }
        // Its card or its place is lent to somebody while the car itself is in.
        let lends = self.draws.traffic.chance(self.faults.people.lends);
        lends.then(|| {
            self.tally.add("people: pass lent");
            plate
        })
    }

    /// The vehicle is inside, in a lane, or on the way to one.
    pub fn is_about(&self, plate: &str) -> bool {
        let on_ground = |lane: &LaneGround| lane.vehicles.iter().any(|v| v.plate == plate);
        self.inside.values().any(|vehicle| vehicle.plate == plate)
            || self.lanes.iter().any(on_ground)
            || self
                .queue
                .iter()
                .any(|event| matches!(event, Ev::Joins(_, vehicle) if vehicle.plate == plate))
    }

    /// Whoever has just paid inside leaves soon.
    pub fn leaves_soon(&mut self, now: Timestamp, plate: &str, after: Duration) {
        let parked = self.inside.values().find(|vehicle| vehicle.plate == plate);
        if let Some(id) = parked.map(|vehicle| vehicle.id) {
            self.queue.put(now + after, Ev::LeavesPlace(id));
        }
    }

    fn a_lane(&mut self, direction: Direction, inner: bool) -> LaneIx {
        let fits: Vec<LaneIx> = (0..self.lanes.len())
            .filter(|lane| {
                let spec = &self.lanes[*lane].spec;
                spec.direction == direction && spec.inner == inner
            })
            .collect();
        self.draws.traffic.pick(&fits)
    }

    /// In from the street: some drive on to the zone within, where there is one.
    pub(super) fn came_in(&mut self, vehicle: Vehicle, now: Timestamp) {
        let below = self.lanes.iter().any(|lane| lane.spec.inner);
        // At a quick pace one lane below is soon a queue, and one that a phone cannot open the longest.
        let quick = self.spec.pace.stay_s.is_some();
        let share = if quick { 0.25 } else { 0.5 };
        let stays_up = quick && vehicle.plate.is_empty();
        if !below || stays_up || !self.draws.traffic.chance(share) {
            return self.parks(vehicle, now);
        }
        let after = self.drives_on();
        let lane = self.a_lane(Direction::Entry, true);
        self.queue.put(now + after, Ev::Joins(lane, Box::new(vehicle)));
    }

    /// Through a lane between the car park and the zone within it.
    pub(super) fn through_inner(&mut self, lane: LaneIx, mut vehicle: Vehicle, now: Timestamp) {
        vehicle.below = self.lanes[lane].spec.direction == Direction::Entry;
        if vehicle.below {
            self.tally.add("traffic: into the zone within");
            return self.parks(vehicle, now);
        }
        let after = self.drives_on();
        let exit = self.a_lane(Direction::Exit, false);
        self.queue.put(now + after, Ev::Joins(exit, Box::new(vehicle)));
    }

    /// From one lane to the next.
    fn drives_on(&mut self) -> Duration {
        let haste = self.spec.pace.haste;
        self.draws.traffic.secs(10.0 / haste, 90.0 / haste)
    }

    /// In: it takes a place and stays for minutes or hours.
    pub(super) fn parks(&mut self, vehicle: Vehicle, now: Timestamp) {
        let draws = &mut self.draws.traffic;
        let minutes = match draws.between(0, 99) {
            0..=11 => draws.secs(2.0 * 60.0, 14.0 * 60.0),
            12..=71 => draws.secs(30.0 * 60.0, 240.0 * 60.0),
            72..=96 => draws.secs(240.0 * 60.0, 600.0 * 60.0),
            _ => draws.secs(600.0 * 60.0, 1_800.0 * 60.0),
        };
        let stay = match self.spec.pace.stay_s {
            Some((from, to)) => draws.secs(from, to),
            None if self.drains => draws.secs(60.0, 3_600.0),
            None => minutes,
        };
        self.queue.put(now + stay, Ev::LeavesPlace(vehicle.id));
        self.inside.insert(vehicle.id, vehicle);
    }

    pub(super) fn leaves_place(&mut self, id: u32, now: Timestamp) {
        if let Some(vehicle) = self.inside.remove(&id) {
            let lane = self.a_lane(Direction::Exit, vehicle.below);
            self.queue.put(now, Ev::Joins(lane, Box::new(vehicle)));
        }
    }

    /// Back the way it came: from an exit inside, from an entry away, or it tries once more.
    pub(super) fn backed_out(&mut self, lane: LaneIx, vehicle: Vehicle, now: Timestamp) {
        self.tally.add("people: backed out");
        let spec = &self.lanes[lane].spec;
        let (inner, direction) = (spec.inner, spec.direction);
        if !inner && direction == Direction::Entry && vehicle.sent_away {
            // Some try another lane, the rest find another car park.
            let other = self.a_lane(Direction::Entry, false);
            if other != lane {
                self.tally.add("people: took another lane");
                let after = self.drives_on();
                self.queue.put(now + after, Ev::Joins(other, Box::new(vehicle)));
            }
            return;
        }
        if inner || direction == Direction::Exit {
            let mut vehicle = vehicle;
            vehicle.manner = super::Manner::Pays;
            let (from, to) = self.spec.pace.stay_s.unwrap_or((30.0, 30.0 * 60.0));
            let pause = self.draws.traffic.secs(from, to);
            self.queue.put(now + pause, Ev::LeavesPlace(vehicle.id));
            self.inside.insert(vehicle.id, vehicle);
        }
    }

    /// No more arrivals and no new faults; whoever is inside leaves within `within`.
    pub fn drain(&mut self, now: Timestamp, within: Duration) {
        self.drains = true;
        let ids: Vec<u32> = self.inside.keys().copied().collect();
        for id in ids {
            let after = self.draws.traffic.secs(1.0, within.as_secs_f64());
            self.queue.put(now + after, Ev::LeavesPlace(id));
        }
    }
}

impl Vehicle {
    /// The same vehicle under another plate.
    fn takes(&mut self, plate: String) {
        self.kind = kind_of(&plate, self.kind.class == VehicleClass::Large);
        self.plate = plate;
    }
}
