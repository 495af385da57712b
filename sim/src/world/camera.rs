//! What a camera makes of a vehicle: reads, misreads, copies and silence. Knows no wire format.

use std::time::Duration;

use jiff::Timestamp;
use paifang::types::Vehicle as Kind;

use crate::{
    faults::{CameraFaults, Tally},
    seed::Draws,
};

/// One result of a camera, as it would put it on its wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraRead {
    /// The same for the quick and the full result of one read.
    pub event: u64,
    /// As written by the camera, so not always a plate.
    pub raw: String,
    pub confidence: u8,
    pub live: bool,
    /// By the camera's own clock.
    pub taken_at: Timestamp,
    pub picture: bool,
    /// What it saw besides the plate.
    pub kind: Kind,
}

#[derive(Debug, Default)]
pub struct Camera {
    pub offline: bool,
    /// Read while offline.
    pub kept: Vec<CameraRead>,
    last: Option<(String, Kind)>,
    events: u64,
}

/// Pairs that cameras take for each other.
const ALIKE: [(char, char); 8] = [
    ('0', 'D'),
    ('1', 'L'),
    ('2', 'Z'),
    ('5', 'S'),
    ('8', 'B'),
    ('6', 'G'),
    ('7', 'T'),
    ('川', '州'),
];

const GARBAGE: [&str; 7] =
    ["_无_", "", "null", "unknown", "C0\u{0}0D", "'; drop table--", "京京京京京京京京京京京京京"];

impl Camera {
    /// What comes of a vehicle in view, and how long after.
    pub fn look(
        &mut self,
        (plate, kind): (&str, Kind),
        now: Timestamp,
        faults: &CameraFaults,
        draws: &mut Draws,
        tally: &mut Tally,
    ) -> Vec<(Duration, CameraRead)> {
        let mut shots = Vec::with_capacity(3);
        if draws.chance(faults.missed) {
            tally.add("camera: missed");
            return shots;
        }
        let raw = Self::text(plate, faults, draws, tally);
        let read = self.read((raw, kind), now, faults, draws, tally);
        let quick = draws.secs(0.05, 0.15);
        let full = quick + draws.secs(0.1, 0.6);
        shots.push((quick, read.clone()));
        let read = CameraRead { picture: true, ..read };
        if draws.chance(faults.doubled) {
            tally.add("camera: doubled");
            shots.push((full + draws.secs(0.0, 5.0), read.clone()));
        }
        shots.push((full, read));
        if draws.chance(faults.again) {
            tally.add("camera: read again");
            let raw = Self::text(plate, faults, draws, tally);
            let read = self.read((raw, kind), now, faults, draws, tally);
            shots.push((draws.secs(0.5, 20.0), CameraRead { picture: true, ..read }));
        }
        let former = self.last.replace((plate.to_owned(), kind));
        if let Some(former) = former.filter(|_| draws.chance(faults.old_plate)) {
            tally.add("camera: old plate");
            let read = self.read(former, now, faults, draws, tally);
            shots.push((draws.secs(0.5, 90.0), CameraRead { picture: true, ..read }));
        }
        shots
    }

    /// A read of nothing, for bursts.
    pub fn noise(&mut self, now: Timestamp) -> CameraRead {
        self.events += 1;
        let raw = GARBAGE[self.events as usize % GARBAGE.len()].to_owned();
        CameraRead {
            event: self.events,
            raw,
            confidence: 3,
            live: true,
            taken_at: now,
            picture: false,
            kind: Kind::default(),
        }
    }

    fn text(plate: &str, faults: &CameraFaults, draws: &mut Draws, tally: &mut Tally) -> String {
        if plate.is_empty() {
            return NO_PLATE.to_owned();
        }
        if draws.chance(faults.garbage) {
            tally.add("camera: garbage");
            return draws.pick(&GARBAGE).to_owned();
        }
        if draws.chance(faults.misread) {
            tally.add("camera: misread");
            return misread(plate, draws);
        }
        plate.to_owned()
    }

    fn read(
        &mut self,
        (raw, kind): (String, Kind),
        now: Timestamp,
        faults: &CameraFaults,
        draws: &mut Draws,
        tally: &mut Tally,
    ) -> CameraRead {
        self.events += 1;
        let mut taken_at = now;
        if draws.chance(faults.clock_off) {
            tally.add("camera: clock off");
            let off = Duration::from_hours(draws.between(1, 8_760));
            taken_at = if draws.chance(0.5) { now + off } else { now - off };
        }
        let confidence = draws.between(60, 100) as u8;
        CameraRead {
            event: self.events,
            raw,
            confidence,
            live: true,
            taken_at,
            picture: false,
            kind,
        }
    }
}

/// What a camera writes of a vehicle that has none.
const NO_PLATE: &str = "_无_";

/// One character for one that looks like it; any other letter where none does.
fn misread(plate: &str, draws: &mut Draws) -> String {
    let mut chars: Vec<char> = plate.chars().collect();
    let start = draws.between(0, chars.len() as u64 - 1) as usize;
    for step in 0..chars.len() {
        let at = (start + step) % chars.len();
        let found = ALIKE.iter().find_map(|(a, b)| match chars[at] {
            c if c == *a => Some(*b),
            c if c == *b => Some(*a),
            _ => None,
        });
        if let Some(c) = found {
            chars[at] = c;
            return chars.into_iter().collect();
        }
    }
    chars.pop();
    chars.push('8');
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_misread_differs_and_stays_a_text_of_the_same_length() {
        let mut draws = Seed(1).draws();
        for plate in ["京A12345", "川AD00000", "沪CYYYYY"] {
            let read = misread(plate, &mut draws);
            assert_ne!(read, plate);
            assert_eq!(read.chars().count(), plate.chars().count());
        }
    }

    #[test]
    fn quick_and_full_result_share_their_event() {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let (mut camera, mut tally) = (Camera::default(), Tally::default());
        let shots = camera.look(
            ("京A12345", Kind::default()),
            now,
            &CameraFaults::default(),
            &mut Seed(1).draws(),
            &mut tally,
        );
        let [(quick, first), (full, second)] = &shots[..] else { panic!("{shots:?}") };
        assert!(quick < full && !first.picture && second.picture);
        assert_eq!((first.event, &first.raw), (second.event, &second.raw));
        assert_eq!(tally.total(), 0);
    }
}
