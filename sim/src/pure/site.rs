//! The sites that seeds draw: which inputs a lane has, who closes its arm, what it costs. Knows no fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use paifang::{
    core::{
        Rules,
        rules::{
            AccessRules, ArrearsAtEntry, ArrearsAtExit, BankDown, Behind, CallRules, Closing,
            Couple, Direction, GateRules, GateTimes, LaneRules, LaneUse, PassRules, PassbackMode,
            PayChannel, Tide, TillRules, Turn, Wired, ZoneRules, Zones,
        },
        tariff::{Tariff, TariffBook},
    },
    types::{BoothId, ChannelId, Currency, LaneId, VehicleClass, ZoneId, bank::PayWay},
};

use super::{office, plates, stall, tariffs};
use crate::{
    faults::Faults,
    seed::{Draws, Seed},
    world::{LaneSpec, Pace, SiteSpec},
};

/// A site and the time it is run for.
#[derive(Clone, Debug)]
pub struct RunSpec {
    pub site: SiteSpec,
    pub rules: Rules,
    pub lane_ids: Vec<LaneId>,
    pub days: u32,
}

/// Midnight of a day in the past, so that no clock of the machine matters.
const STARTS_AT_S: i64 = 1_767_225_600;

impl RunSpec {
    /// Two lanes in, two out, built and priced as the seed says.
    pub fn drawn(seed: u64, days: u32) -> Self {
        let mut draws = Seed(seed).child("site").draws();
        let directions = [Direction::Entry, Direction::Entry, Direction::Exit, Direction::Exit];
        let lanes: Vec<LaneSpec> =
            directions.into_iter().map(|direction| draw_lane(direction, &mut draws)).collect();
        let mut lanes = lanes;
        let mut lane_ids = ["in-1", "in-2", "out-1", "out-2"].map(lane_id).to_vec();
        if Feature::Below.is_of(seed) {
            let mut draws = Seed(seed).child("below").draws();
            for (id, direction) in [("b2-in", Direction::Entry), ("b2-out", Direction::Exit)] {
                lane_ids.push(lane_id(id));
                lanes.push(LaneSpec { inner: true, ..draw_lane(direction, &mut draws) });
            }
        }
        let rules = lane_ids.iter().zip(&lanes).map(|(id, lane)| {
            let (direction, wired, closing) = (lane.direction, lane.wired, lane.closing);
            let zone = if lane.inner { below() } else { Zones::only() };
            let tide = (id.as_str() == "in-2" && Feature::Tide.is_of(seed)).then(tide);
            let small = BTreeSet::from([VehicleClass::Small]);
            let one = id.as_str() == "in-2" && Feature::Classes.is_of(seed);
            let classes = if one { small } else { BTreeSet::new() };
            let serves = LaneUse { classes, ..LaneUse::default() };
            let couple = couple_of(seed, id);
            let usual = LaneRules::new(direction, wired);
            (id.clone(), LaneRules { closing, zone, tide, serves, couple, ..usual })
        });
        let hourly = Tariff::hourly(
            draws.pick(&[0, 15, 30]),
            draws.pick(&[100, 500, 1_500]),
            draws.pick(&[1_500, 4_000, 9_900]),
        );
        let (zone, currency) = (TimeZone::UTC, Currency::Cny);
        let tariffs = if Feature::Tariffs.is_of(seed) {
            tariffs::drawn(seed, zone, currency)
        } else {
            TariffBook::single(hourly, zone, currency)
        };
        let main = tariffs.main().clone();
        let mut drawn = Self {
            rules: Rules {
                lanes: rules.collect::<BTreeMap<_, _>>(),
                gates: draw_gates(seed),
                zones: zones(seed),
                till: draw_till(seed),
                passes: PassRules { prices: super::passes::prices(), ..PassRules::default() },
                calls: draw_calls(seed),
                access: draw_access(seed),
                ..Rules::priced(&format!("seed {seed}"), tariffs, main)
            },
            site: SiteSpec {
                lanes,
                vehicles_per_day: draws.between(80, 220) as f64,
                pace: Pace::default(),
                regulars: if Feature::comes_often(seed) { office::regulars() } else { Vec::new() },
                unlicensed: if Feature::Unlicensed.is_of(seed) { 0.05 } else { 0.0 },
                starts_at: Timestamp::UNIX_EPOCH + Duration::from_secs(STARTS_AT_S.unsigned_abs()),
            },
            lane_ids,
            days,
        };
        if Feature::Scenic.is_of(seed) {
            stall::sell(seed, &mut drawn.rules);
        }
        if Feature::TwoBanks.is_of(seed) {
            drawn.rules.pay.channels = channels();
        }
        if Feature::Plates.is_of(seed) {
            plates::allow(&mut drawn.rules, seed.is_multiple_of(4));
        }
        drawn
    }
}

/// What some sites have and others have not: each seed draws its own mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    /// A zone within the car park, behind lanes of its own.
    Below,
    /// A lane that is an exit from the afternoon on.
    Tide,
    /// Passes, pools and lists, and people who come often.
    Passes,
    /// Vehicles without a plate.
    Unlicensed,
    /// A bank that charges what is bound to plates.
    Plates,
    /// Booths where cash is taken.
    Booths,
    /// Shops that pay for their customers.
    Shops,
    /// A second bank, for new payments while the first is silent.
    TwoBanks,
    /// People who want money given back.
    Wishes,
    /// Exits that let go while the bank is down, and drivers who come back and owe.
    Arrears,
    /// A published tariff in place of one by the hour, and drivers who pay inside.
    Tariffs,
    /// A lane for small cars only.
    Classes,
    /// A way in and a way out that share a roadway.
    Coupled,
    /// Visitors whom somebody expects.
    Guests,
    /// Fewer spaces than cars that come.
    Full,
    /// A park with time slots, a tower within it, and gates out.
    Scenic,
}

impl Feature {
    pub(super) fn is_of(self, seed: u64) -> bool {
        match self {
            Self::Below => seed % 4 == 1,
            Self::Tide => seed % 5 == 2,
            Self::Passes => seed % 3 == 2,
            Self::Unlicensed => seed % 7 == 4,
            Self::Plates => seed % 6 == 4,
            Self::TwoBanks => seed % 6 == 1,
            Self::Wishes => seed % 5 == 4,
            Self::Booths => seed % 2 == 1,
            Self::Shops => seed % 4 == 2,
            Self::Arrears => seed % 5 == 3,
            Self::Tariffs => matches!(seed % 5, 1 | 2),
            Self::Classes => seed % 11 == 3,
            Self::Coupled => seed % 7 == 2,
            Self::Guests => seed.is_multiple_of(4),
            Self::Full => seed % 8 == 6,
            Self::Scenic => seed % 8 == 3,
        }
    }

    /// Some come again and again.
    fn comes_often(seed: u64) -> bool {
        [Self::Passes, Self::Arrears, Self::Tariffs].iter().any(|feature| feature.is_of(seed))
    }
}

/// The zone within the car park.
fn below() -> ZoneId {
    ZoneId::parse("b2").expect("a zone of this file")
}

fn zones(seed: u64) -> Zones {
    let zone = |name: &str, parent, capacity| ZoneRules {
        name: name.to_owned(),
        parent,
        capacity,
        spaces: Vec::new(),
        tariff: None,
    };
    let mut draws = Seed(seed).child("zones").draws();
    let spaces = Feature::Full.is_of(seed).then(|| draws.between(12, 30) as u32);
    let mut zones = BTreeMap::from([(Zones::only(), zone("lot", None, spaces))]);
    if Feature::Below.is_of(seed) {
        let own = Feature::Tariffs.is_of(seed) && draws.chance(0.5);
        let tariff = own.then(|| tariffs::WITHIN.to_owned());
        let within = zone("b2", Some(Zones::only()), Some(60));
        zones.insert(below(), ZoneRules { tariff, ..within });
    }
    if Feature::Scenic.is_of(seed) {
        zones.insert(stall::park(), zone("park", None, None));
        zones.insert(stall::tower(), zone("tower", Some(stall::park()), None));
    }
    Zones::new(zones).expect("zones of this file")
}

/// The second bank's name.
const SECOND: &str = "second";

fn channels() -> Vec<PayChannel> {
    let named = ["first", SECOND].into_iter().filter_map(ChannelId::parse);
    let ways = || vec![PayWay::Cashier, PayWay::PayerCode];
    named.map(|id| PayChannel { id, ways: ways(), hears_of_exits: false }).collect()
}

/// Which of the two banks a channel is.
pub(super) fn bank_of(channel: &ChannelId) -> usize {
    usize::from(channel.as_str() == SECOND)
}

fn tide() -> Tide {
    let turn = |hour, direction| Turn { at: Time::constant(hour, 0, 0, 0), direction };
    Tide { turns: vec![turn(5, Direction::Entry), turn(15, Direction::Exit)], cameras: None }
}

/// One way in and one way out lead over the same ramp.
fn couple_of(seed: u64, lane: &LaneId) -> Option<Couple> {
    if !Feature::Coupled.is_of(seed) {
        return None;
    }
    let other = match lane.as_str() {
        "in-1" => "out-1",
        "out-1" => "in-1",
        _ => return None,
    };
    Some(Couple { lane: lane_id(other), waits_for: Behind::Arm })
}

fn draw_access(seed: u64) -> AccessRules {
    let mut draws = Seed(seed).child("access").draws();
    let mut access = AccessRules::default();
    let modes = [PassbackMode::Off, PassbackMode::Soft, PassbackMode::Hard];
    access.passback.mode = draws.pick(&modes);
    access.full.kept_for_passes = draws.pick(&[0, 0, 2]);
    access
}

/// Where vehicles go unpaid while the bank is down, it is down for hours.
pub(super) fn faults_of(seed: u64, mut faults: Faults) -> Faults {
    if Feature::Arrears.is_of(seed) {
        faults.bank.silent_per_day *= 8.0;
    }
    faults
}

pub(super) fn booths(seed: u64) -> Vec<BoothId> {
    let booths: &[&str] = if Feature::Booths.is_of(seed) { &["east", "west"] } else { &[] };
    booths.iter().filter_map(|id| BoothId::parse(id)).collect()
}

fn draw_till(seed: u64) -> TillRules {
    let mut draws = Seed(seed).child("till").draws();
    let mut till = TillRules { booths: booths(seed), ..TillRules::default() };
    if Feature::Wishes.is_of(seed) {
        till.approve_above_minor = draws.pick(&[0, 600, 100_000]);
    }
    if Feature::Arrears.is_of(seed) {
        till.arrears_at_entry = draws.pick(&[ArrearsAtEntry::Refuse, ArrearsAtEntry::Warn]);
        till.arrears_at_exit =
            draws.pick(&[ArrearsAtExit::Refuse, ArrearsAtExit::Warn, ArrearsAtExit::Add]);
    }
    till
}

fn draw_calls(seed: u64) -> CallRules {
    let mut draws = Seed(seed).child("calls").draws();
    let let_go = Feature::Arrears.is_of(seed).then(|| BankDown::LetGo {
        after: draws.secs(20.0, 60.0),
        at_most_minor: draws.pick(&[2_000, 5_000, 20_000]),
    });
    CallRules { bank_down: let_go.unwrap_or_default(), ..CallRules::default() }
}

/// Every fourth site has two lanes for people as well: one counts for itself, one is told by a contact.
fn draw_gates(seed: u64) -> BTreeMap<LaneId, GateRules> {
    if seed % 4 != 3 {
        return BTreeMap::new();
    }
    if Feature::Scenic.is_of(seed) {
        return scenic_gates();
    }
    let mut draws = Seed(seed).child("gates").draws();
    let gates = ["gate-1", "gate-2"].into_iter().enumerate();
    gates
        .map(|(nth, id)| {
            let direction = draws.pick(&[Direction::Entry, Direction::Entry, Direction::Exit]);
            let times = GateTimes::default();
            (
                lane_id(id),
                GateRules { direction, zone: Zones::only(), counter: nth == 0, alone: true, times },
            )
        })
        .collect()
}

/// A way in and a way out of the park and of the tower; the ways in count for themselves.
fn scenic_gates() -> BTreeMap<LaneId, GateRules> {
    let (entry, exit) = (Direction::Entry, Direction::Exit);
    let gates = [
        ("gate-1", stall::park(), entry),
        ("gate-2", stall::park(), exit),
        ("gate-3", stall::tower(), entry),
        ("gate-4", stall::tower(), exit),
    ];
    let gate = |(id, zone, direction)| {
        let times = GateTimes::default();
        (
            lane_id(id),
            GateRules { direction, zone, counter: direction == entry, alone: true, times },
        )
    };
    gates.map(gate).into()
}

fn draw_lane(direction: Direction, draws: &mut Draws) -> LaneSpec {
    let wired = match draws.between(0, 99) {
        0..=59 => [true, true, true, true],
        60..=74 => [true, true, false, false],
        75..=84 => [false, true, true, true],
        85..=92 => [true, false, true, true],
        _ => [false; 4],
    };
    let [arrival, safety, open_limit, closed_limit] = wired;
    LaneSpec {
        direction,
        wired: Wired { arrival, safety, open_limit, closed_limit, ..Wired::default() },
        // Closing on command without a safety loop would meet the vehicle under the arm.
        closing: if safety && draws.chance(0.25) { Closing::OnCommand } else { Closing::ByItself },
        rise: draws.secs(1.5, 6.0),
        inner: false,
    }
}

fn lane_id(text: &str) -> LaneId {
    LaneId::parse(text).expect("a lane name of this file")
}
