//! A vehicle and the one who drives it: where it is, how fast, what its driver is like. Knows no lane.

use jiff::Timestamp;
use paifang::types::{PlateColour, Vehicle as Kind, VehicleClass};

use crate::{faults::PeopleFaults, seed::Draws};

pub type VehicleId = u32;

/// What the driver does when it is time to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Pays,
    /// The passenger scans as well, and both pay if they can.
    TwoPhones,
    /// Opens the cashier and pays when its link is old.
    PaysLate,
    /// Goes back inside after a while, and may pay from there.
    BacksOut,
    /// Waits for the operator.
    NeverPays,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "habits of a driver, each on its own")]
pub struct Vehicle {
    pub id: VehicleId,
    pub plate: String,
    /// What a camera makes of it besides the plate.
    pub kind: Kind,
    /// Metres.
    pub length: f32,
    /// Metres a second.
    pub speed: f32,
    /// Metres from the near edge of the arrival loop.
    pub nose: f32,
    pub tailgates: bool,
    pub dozes: bool,
    pub manner: Manner,
    /// In the zone within the car park.
    pub below: bool,
    /// Past the stop line, or about to be.
    pub goes: bool,
    pub goes_at: Option<Timestamp>,
    /// First in the lane, at the stop line.
    pub at_line_since: Option<Timestamp>,
    pub backs: bool,
    pub typed: bool,
    pub scans: u8,
    /// How often a person tried to help it in this lane.
    pub helped: u32,
    /// Told that this lane is not for it, or that no space is free.
    pub sent_away: bool,
}

impl Vehicle {
    pub fn draw(id: VehicleId, faults: &PeopleFaults, draws: &mut Draws) -> Self {
        let manner = match () {
            () if draws.chance(faults.two_phones) => Manner::TwoPhones,
            () if draws.chance(faults.pays_late) => Manner::PaysLate,
            () if draws.chance(faults.backs_out) => Manner::BacksOut,
            () if draws.chance(faults.never_pays) => Manner::NeverPays,
            () => Manner::Pays,
        };
        let truck = draws.chance(0.05);
        let plate = draw_plate(draws);
        Self {
            id,
            kind: kind_of(&plate, truck),
            plate,
            length: draws.between(35, if truck { 120 } else { 55 }) as f32 / 10.0,
            speed: draws.between(12, 30) as f32 / 10.0,
            nose: 0.0,
            tailgates: draws.chance(faults.tailgates),
            dozes: draws.chance(faults.dozes),
            manner,
            below: false,
            goes: false,
            goes_at: None,
            at_line_since: None,
            backs: false,
            typed: false,
            scans: 0,
            helped: 0,
            sent_away: false,
        }
    }

    pub fn tail(&self) -> f32 {
        self.nose - self.length
    }

    pub fn covers(&self, from: f32, to: f32) -> bool {
        self.nose > from && self.tail() < to
    }

    /// Forgets the lane it came from.
    pub fn comes_anew(&mut self) {
        self.goes = false;
        self.goes_at = None;
        self.at_line_since = None;
        self.backs = false;
        self.typed = false;
        self.scans = 0;
        self.helped = 0;
        self.sent_away = false;
    }
}

/// Plates of eight characters are those of new-energy vehicles; lorries have yellow ones.
pub(super) fn kind_of(plate: &str, truck: bool) -> Kind {
    let new_energy = plate.chars().count() == 8;
    let colour = match (truck, new_energy) {
        _ if plate.is_empty() => None,
        (true, true) => Some(PlateColour::YellowGreen),
        (true, false) => Some(PlateColour::Yellow),
        (false, true) => Some(PlateColour::Green),
        (false, false) => Some(PlateColour::Blue),
    };
    let class = if truck { VehicleClass::Large } else { VehicleClass::Small };
    Kind { class, colour, ..Kind::default() }
}

const PLACES: [char; 8] = ['京', '沪', '粤', '苏', '浙', '川', '鲁', '豫'];
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const SERIAL: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

fn draw_plate(draws: &mut Draws) -> String {
    let mut plate = String::with_capacity(10);
    plate.push(draws.pick(&PLACES));
    plate.push(char::from(draws.pick(LETTERS)));
    let count = if draws.chance(0.3) { 6 } else { 5 };
    (0..count).for_each(|_| plate.push(char::from(draws.pick(SERIAL))));
    plate
}
