//! What a table may ask to be true, phrase by phrase. Changes nothing.

use jiff::{SignedDuration, civil::Date};
use paifang::{
    core::{
        AlarmKind, Message, State, lane::LaneAlarm, pass::PassKind, rules::Zones, stay::StayState,
        task::About,
    },
    types::{LaneId, Plate, ZoneId},
};

use super::{
    steps::{lane_id, minor, plate},
    table::fits,
};

/// One phrase of the last column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Since the row began, the arm was told to open.
    Opens(LaneId),
    StaysShut(LaneId),
    /// What the lane tells its driver now: a [`Message`] by its name, with spaces.
    Says(LaneId, String),
    AsksFor(LaneId, i64),
    /// Open stays whose vehicle is in the zone or in one inside it.
    Inside(String, usize),
    IsInside(Plate),
    IsNotInside(Plate),
    /// How the latest stay of the plate ended, or stands.
    StayIs(Plate, StayState),
    /// By what right its open stay is here: `transient`, `pass`, `listed`, `reservation`, `emergency`.
    StaysBy(Plate, String),
    Called(LaneId),
    NotCalled(LaneId),
    Alarm(String),
    NoAlarm(String),
    /// An open task of this kind.
    Task(String),
    NoTask,
    /// What its vehicle left without paying, earlier.
    Arrears(Plate, i64),
    /// Of the open shift: cash taken, and fees let go.
    ShiftTook(i64),
    ShiftWaived(i64),
    /// Arms that its operator opened by hand.
    ShiftOpened(u32),
    /// Of the shift that was handed over last: counted, less what should have been in the drawer.
    DrawerOver(i64),
    /// Of the cash that was taken in this row.
    ChangeGiven(i64),
    /// What a merchant has given of this month's budget.
    MerchantSpent(String, i64),
    /// What signs tell of a zone.
    FreeSpaces(String, u32),
    /// The pass of this plate is on record as used twice on one way.
    PassedBack(Plate),
    /// How far an operator's count is from the open stays.
    Correction(String, i64),
    /// Income since the beginning, less what went back.
    Takings(i64),
    Refunded(i64),
    /// The last day of the pass of a plate; `None`: it is in none.
    PassUntil(Plate, Option<Date>),
    /// What is left in it: minor units, or stays.
    PassHolds(Plate, i64),
    /// Stored value that the ledger owes to holders of passes.
    Stored(i64),
    /// Income of passes, less what went back.
    PassTakings(i64),
    /// What was asked last in this row was refused, with words that contain these.
    Refused(String),
}

type Make = fn(&[&str]) -> Result<Check, String>;

/// Every phrase, in the order they are tried.
pub(super) const WORDS: &[(&str, Make)] = &[
    ("{} opens", |w| Ok(Check::Opens(lane_id(w[0])?))),
    ("{} stays shut", |w| Ok(Check::StaysShut(lane_id(w[0])?))),
    ("{} asks for {}", |w| Ok(Check::AsksFor(lane_id(w[0])?, minor(w[1])?))),
    ("{} says {*}", |w| Ok(Check::Says(lane_id(w[0])?, w[1].into()))),
    ("{} car inside {}", inside),
    ("{} cars inside {}", inside),
    ("{} is inside", |w| Ok(Check::IsInside(plate(w[0])?))),
    ("{} is not inside", |w| Ok(Check::IsNotInside(plate(w[0])?))),
    ("the stay of {} is {}", |w| Ok(Check::StayIs(plate(w[0])?, stay_state(w[1])?))),
    ("{} stays by {}", |w| Ok(Check::StaysBy(plate(w[0])?, w[1].into()))),
    ("a person is called to {}", |w| Ok(Check::Called(lane_id(w[0])?))),
    ("nobody is called to {}", |w| Ok(Check::NotCalled(lane_id(w[0])?))),
    ("alarm {*}", |w| Ok(Check::Alarm(w[0].into()))),
    ("no alarm {*}", |w| Ok(Check::NoAlarm(w[0].into()))),
    ("task {*}", |w| Ok(Check::Task(w[0].into()))),
    ("no task", |_| Ok(Check::NoTask)),
    ("{} owes {} from before", |w| Ok(Check::Arrears(plate(w[0])?, minor(w[1])?))),
    ("the shift took {} in cash", |w| Ok(Check::ShiftTook(minor(w[0])?))),
    ("the shift let {} go", |w| Ok(Check::ShiftWaived(minor(w[0])?))),
    ("the shift opened {} arms by hand", |w| Ok(Check::ShiftOpened(number(w[0])?))),
    ("the drawer is {} over", |w| Ok(Check::DrawerOver(minor(w[0])?))),
    ("the drawer is {} short", |w| Ok(Check::DrawerOver(-minor(w[0])?))),
    ("{} goes back as change", |w| Ok(Check::ChangeGiven(minor(w[0])?))),
    ("merchant {} has spent {}", |w| Ok(Check::MerchantSpent(w[0].into(), minor(w[1])?))),
    ("signs show {} free in {}", |w| Ok(Check::FreeSpaces(w[1].into(), number(w[0])?))),
    ("{} is on record as handed on", |w| Ok(Check::PassedBack(plate(w[0])?))),
    ("{} holds {} more than is on record", |w| {
        let count = w[1].parse().map_err(|_| format!("\"{}\" is no number", w[1]))?;
        Ok(Check::Correction(w[0].into(), count))
    }),
    ("the pass of {} is good until {}", |w| {
        let day = w[1].parse().map_err(|_| format!("\"{}\" is no day", w[1]))?;
        Ok(Check::PassUntil(plate(w[0])?, Some(day)))
    }),
    ("{} has no pass", |w| Ok(Check::PassUntil(plate(w[0])?, None))),
    ("the pass of {} holds {} stays", |w| {
        let stays = w[1].parse().map_err(|_| format!("\"{}\" is no number", w[1]))?;
        Ok(Check::PassHolds(plate(w[0])?, stays))
    }),
    ("the pass of {} holds {}", |w| Ok(Check::PassHolds(plate(w[0])?, minor(w[1])?))),
    ("the ledger stores {}", |w| Ok(Check::Stored(minor(w[0])?))),
    ("takings of passes are {}", |w| Ok(Check::PassTakings(minor(w[0])?))),
    ("takings are {}", |w| Ok(Check::Takings(minor(w[0])?))),
    ("{} went back", |w| Ok(Check::Refunded(minor(w[0])?))),
    ("refused: {*}", |w| Ok(Check::Refused(w[0].into()))),
];

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no number"))
}

fn inside(words: &[&str]) -> Result<Check, String> {
    let count = words[0].parse().map_err(|_| format!("\"{}\" is no number", words[0]))?;
    Ok(Check::Inside(words[1].into(), count))
}

fn stay_state(name: &str) -> Result<StayState, String> {
    let all = [
        StayState::Entering,
        StayState::Inside,
        StayState::Left,
        StayState::Abandoned,
        StayState::Superseded,
    ];
    let found = all.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| {
        format!("\"{name}\" is none of entering, inside, left, abandoned, superseded")
    })
}

impl Check {
    /// Reads one phrase.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut found =
            WORDS.iter().filter_map(|(pattern, make)| Some((fits(pattern, text)?, make)));
        let (words, make) = found
            .next()
            .ok_or_else(|| format!("\"{text}\" is nothing that can be looked at; see README.md"))?;
        make(&words)
    }

    /// Whether the state says so; `None`: that is no matter of the state.
    pub(super) fn holds(&self, state: &State, zones: &Zones) -> Option<Result<(), String>> {
        let told = match self {
            Self::Inside(zone, count) => is(inside_of(state, zone), *count),
            Self::IsInside(plate) => is(is_inside(state, plate), true),
            Self::IsNotInside(plate) => is(is_inside(state, plate), false),
            Self::AsksFor(lane, minor) => {
                let visit = state.lanes.get(lane).and_then(|lane| lane.visit.as_ref());
                let order = visit.and_then(|visit| state.orders.get(&visit.order?));
                is(order.map(|order| order.amount.minor), Some(*minor))
            }
            Self::PassUntil(plate, day) => {
                let pass = state.passes_of(plate).last();
                let last = pass.map(|pass| pass.valid_until - SignedDuration::from_secs(1));
                // Tables are of a site at this offset.
                let last = last.map(|at| jiff::tz::Offset::constant(8).to_datetime(at).date());
                is(last, *day)
            }
            Self::PassHolds(plate, wanted) => {
                let held = state.passes_of(plate).last().map(|pass| match pass.kind {
                    PassKind::Season => 0,
                    PassKind::Stored { balance_minor } => balance_minor,
                    PassKind::Count { left } => left.into(),
                });
                is(held, Some(*wanted))
            }
            Self::StaysBy(plate, right) => {
                let standing = state.stay_of(plate).map(|stay| stay.standing);
                let body = serde_json::to_value(standing).unwrap_or_default();
                let named = body.get("as").and_then(|name| name.as_str()).map(str::to_owned);
                is(named, Some(right.clone()))
            }
            Self::Arrears(plate, minor) => {
                let owed = state.arrears.values().filter(|arrears| arrears.plate == *plate);
                is(owed.map(|arrears| arrears.amount.minor).sum(), *minor)
            }
            Self::ShiftTook(minor) => {
                is(state.shifts.values().map(|shift| shift.totals.cash_minor).sum(), *minor)
            }
            Self::ShiftWaived(minor) => {
                is(state.shifts.values().map(|shift| shift.totals.waived_minor).sum(), *minor)
            }
            Self::ShiftOpened(count) => {
                is(state.shifts.values().map(|shift| shift.totals.openings).sum::<u32>(), *count)
            }
            Self::MerchantSpent(name, minor) => {
                let known = state.merchants.values().find(|merchant| merchant.name == *name);
                is(known.map(|merchant| merchant.spent_minor), Some(*minor))
            }
            Self::FreeSpaces(zone, free) => {
                let zone = ZoneId::parse(zone);
                is(zone.and_then(|zone| state.occupancy(zones, &zone).free()), Some(*free))
            }
            Self::PassedBack(plate) => {
                let mut noted = state.passes_of(plate).filter_map(|pass| pass.passback.as_ref());
                is(noted.any(|noted| noted.plate == *plate), true)
            }
            Self::Correction(zone, count) => {
                let zones = state.zones.values().filter(|known| known.id.as_str() == zone);
                is(zones.map(|zone| zone.correction).sum(), *count)
            }
            Self::Called(lane) => is(is_called(state, lane), true),
            Self::NotCalled(lane) => is(is_called(state, lane), false),
            Self::Alarm(kind) => has(&alarms(state), kind, true),
            Self::NoAlarm(kind) => has(&alarms(state), kind, false),
            Self::Task(kind) => has(&tasks(state), kind, true),
            Self::NoTask => is(tasks(state), Vec::new()),
            Self::Opens(_)
            | Self::StaysShut(_)
            | Self::Says(..)
            | Self::StayIs(..)
            | Self::Takings(_)
            | Self::Refunded(_)
            | Self::Stored(_)
            | Self::PassTakings(_)
            | Self::DrawerOver(_)
            | Self::ChangeGiven(_)
            | Self::Refused(_) => return None,
        };
        Some(told)
    }
}

/// What is there against what should be.
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
pub(super) fn is<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("it is {found:?}")) }
}

fn has(all: &[String], wanted: &str, there: bool) -> Result<(), String> {
    let found = all.iter().any(|one| one.contains(wanted));
    if found == there { Ok(()) } else { Err(format!("there is {all:?}")) }
}

fn inside_of(state: &State, zone: &str) -> usize {
    let stays = state.stays.values().filter(|stay| stay.state == StayState::Inside);
    stays
        .filter(|stay| {
            let nested = stay.nested.iter().filter(|segment| segment.to.is_none());
            stay.zone.as_str() == zone || nested.into_iter().any(|s| s.zone.as_str() == zone)
        })
        .count()
}

fn is_inside(state: &State, plate: &Plate) -> bool {
    state.stay_of(plate).is_some_and(|stay| stay.state == StayState::Inside)
}

fn is_called(state: &State, lane: &LaneId) -> bool {
    state.alarms.contains_key(&(lane.to_string(), AlarmKind::Lane(LaneAlarm::HelpWanted)))
}

/// Such as `lane under_arm at out`.
fn alarms(state: &State) -> Vec<String> {
    let named = |kind: &AlarmKind| match kind {
        AlarmKind::Lane(alarm) => snake(&format!("{alarm:?}")),
        other => snake(&format!("{other:?}")),
    };
    state.alarms.keys().map(|(subject, kind)| format!("{} at {subject}", named(kind))).collect()
}

/// Such as `misread at out: 京A12345, 京A12346`: the candidates, best first.
fn tasks(state: &State) -> Vec<String> {
    let plate = |id| state.stays.get(&id).map_or("?", |stay| stay.plate.full());
    let told = state.tasks.values().map(|task| {
        let lane = task.lane.as_ref().map_or(String::new(), |lane| format!(" at {lane}"));
        let of: Vec<&str> = match &task.about {
            About::Misread { candidates, .. } => candidates.iter().map(|c| plate(c.stay)).collect(),
            _ => task.stay.map(plate).into_iter().collect(),
        };
        let body = serde_json::to_value(&task.about).unwrap_or_default();
        let kind = body.get("is").and_then(|is| is.as_str()).unwrap_or_default().replace('_', " ");
        if of.is_empty() {
            format!("{kind}{lane}")
        } else {
            format!("{kind}{lane}: {}", of.join(", "))
        }
    });
    told.collect()
}

/// A message's name with spaces, and why where it says why: `welcome`, `not admitted: too late`.
pub(super) fn named(message: &Message) -> String {
    let body = serde_json::to_value(message).unwrap_or_default();
    let word =
        |key: &str| body.get(key).and_then(|says| says.as_str()).map(|w| w.replace('_', " "));
    match (word("says"), word("why")) {
        (Some(says), Some(why)) => format!("{says}: {why}"),
        (says, _) => says.unwrap_or_default(),
    }
}

fn snake(camel: &str) -> String {
    let mut text = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
