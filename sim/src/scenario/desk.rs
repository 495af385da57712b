//! What people at a desk tell the site in a table: the register, the counter, the work list. Knows no lane's sensors.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time},
};
use paifang::{
    core::{
        Input, Rules, State,
        manage::{ListDraft, Manage, PassDraft, ReservationDraft},
        pass::{List, PassKind, WeekSpan},
    },
    types::{Code, LaneId, Plate, ZoneId},
};

use super::{
    sold::SoldStep,
    steps::{lane_id, minor, plate},
};

/// At a desk, or by a phone that belongs to nobody at a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskStep {
    Pass(PassStep),
    List(Plate, List),
    /// A place kept today, from and to by the clock.
    Reserve(Plate, Time, Time),
    ResetPassback(Plate),
    /// Off the list it was put on last.
    Unlist(Plate),
    /// A driver whose vehicle has no plate, with a phone of this name.
    NoPlate(LaneId, String),
    PhoneShown(LaneId, String),
    /// A plate on the list of members, priced as of a tier.
    Member(Plate, String),
    Sold(SoldStep),
}

/// A pass as a table gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassStep {
    pub holder: String,
    pub plates: Vec<Plate>,
    /// `None`: one for each plate.
    pub spaces: Option<u32>,
    pub kind: PassKind,
    pub zone: Option<ZoneId>,
    /// Its last day.
    pub until: Date,
    /// From and to, on working days.
    pub hours: Option<(Time, Time)>,
}

const OPERATOR: &str = "li";
/// Passes of tables are good from this day on.
const FROM: &str = "2026-01-01";
const WORKING_DAYS: u8 = 0b1_1111;

/// Every phrase of a desk, with its words in their order.
pub(super) fn season(words: &[&str]) -> Result<DeskStep, String> {
    pass(words[0], words[1], words[2], PassKind::Season).map(DeskStep::Pass)
}

pub(super) fn pool(words: &[&str]) -> Result<DeskStep, String> {
    let spaces = words[2].parse().map_err(|_| format!("\"{}\" is no number", words[2]))?;
    let step = pass(words[0], words[1], words[3], PassKind::Season)?;
    Ok(DeskStep::Pass(PassStep { spaces: Some(spaces), ..step }))
}

pub(super) fn zoned(words: &[&str]) -> Result<DeskStep, String> {
    let zone = ZoneId::parse(words[2]).ok_or_else(|| format!("\"{}\" is no zone", words[2]))?;
    let step = pass(words[0], words[1], words[3], PassKind::Season)?;
    Ok(DeskStep::Pass(PassStep { zone: Some(zone), ..step }))
}

pub(super) fn office_hours(words: &[&str]) -> Result<DeskStep, String> {
    let hours = Some((time(words[2])?, time(words[3])?));
    let step = pass(words[0], words[1], words[4], PassKind::Season)?;
    Ok(DeskStep::Pass(PassStep { hours, ..step }))
}

pub(super) fn stored(words: &[&str]) -> Result<DeskStep, String> {
    let kind = PassKind::Stored { balance_minor: minor(words[1])? };
    pass(words[0], "2026-12-31", words[2], kind).map(DeskStep::Pass)
}

pub(super) fn count(words: &[&str]) -> Result<DeskStep, String> {
    let left = words[1].parse().map_err(|_| format!("\"{}\" is no number", words[1]))?;
    pass(words[0], "2026-12-31", words[2], PassKind::Count { left }).map(DeskStep::Pass)
}

pub(super) fn list(words: &[&str]) -> Result<DeskStep, String> {
    let list = match words[1] {
        "black" => List::Black,
        "white" => List::White,
        "VIP" => List::Vip,
        "emergency" => List::Emergency,
        odd => return Err(format!("\"{odd}\" is none of black, white, VIP, emergency")),
    };
    Ok(DeskStep::List(plate(words[0])?, list))
}

pub(super) fn reserve(words: &[&str]) -> Result<DeskStep, String> {
    Ok(DeskStep::Reserve(plate(words[0])?, time(words[1])?, time(words[2])?))
}

pub(super) fn no_plate(words: &[&str]) -> Result<DeskStep, String> {
    Ok(DeskStep::NoPlate(lane_id(words[1])?, words[0].to_owned()))
}

pub(super) fn phone_shown(words: &[&str]) -> Result<DeskStep, String> {
    Ok(DeskStep::PhoneShown(lane_id(words[1])?, words[0].to_owned()))
}

fn pass(holder: &str, until: &str, plates: &str, kind: PassKind) -> Result<PassStep, String> {
    let plates: Result<Vec<Plate>, String> = plates.split(", ").map(plate).collect();
    Ok(PassStep {
        holder: holder.to_owned(),
        plates: plates?,
        spaces: None,
        kind,
        zone: None,
        until: date(until)?,
        hours: None,
    })
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no day such as 2026-12-31"))
}

fn time(text: &str) -> Result<Time, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no time such as 08:00"))
}

impl DeskStep {
    /// What it tells the core.
    pub(super) fn input(
        &self,
        state: &State,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Input, String> {
        let by = OPERATOR.to_owned();
        let instant = |day: Date, time: Time| {
            let at = rules.zone.to_timestamp(day.to_datetime(time));
            at.map_err(|why| why.to_string())
        };
        let midnight = Time::midnight();
        let act = match self {
            Self::Pass(pass) => Manage::AddPass(PassDraft {
                holder: pass.holder.clone(),
                spaces: pass.spaces.unwrap_or(pass.plates.len() as u32),
                plates: pass.plates.clone(),
                kind: pass.kind,
                zones: pass.zone.iter().cloned().collect(),
                valid_from: instant(date(FROM)?, midnight)?,
                valid_until: instant(pass.until.saturating_add(1.day()), midnight)?,
                hours: pass.hours.iter().map(|(from, to)| week(*from, *to)).collect(),
                vehicle: None,
                tier: None,
            }),
            Self::List(plate, list) => Manage::List(ListDraft {
                plate: plate.clone(),
                list: *list,
                note: "table".into(),
                from: now,
                until: None,
                vehicle: None,
                tier: None,
            }),
            Self::Reserve(plate, from, to) => {
                let today = now.to_zoned_datetime(rules.zone.clone()).date();
                Manage::Reserve(ReservationDraft {
                    plate: plate.clone(),
                    host: "table".into(),
                    zone: None,
                    from: instant(today, *from)?,
                    until: instant(today, *to)?,
                    tariff: None,
                })
            }
            Self::Member(plate, tier) => Manage::List(ListDraft {
                plate: plate.clone(),
                list: List::Member,
                note: "table".into(),
                from: now,
                until: None,
                vehicle: None,
                tier: Some(tier.clone()),
            }),
            Self::Unlist(plate) => {
                let entry = state.listed_of(plate).last().ok_or("it is on no list")?;
                Manage::Unlist { id: entry.id }
            }
            Self::Sold(step) => return step.input(state, rules, now),
            Self::ResetPassback(plate) => Manage::ResetPassback { plate: plate.clone() },
            Self::NoPlate(lane, name) => {
                let (lane, phone) = (lane.clone(), Some(phone(name)?));
                return Ok(Input::NoPlate { lane, phone, by: "driver".into() });
            }
            Self::PhoneShown(lane, name) => {
                return Ok(Input::PhoneShown { lane: lane.clone(), phone: phone(name)? });
            }
        };
        Ok(Input::Manage { by, act })
    }
}

fn phone(name: &str) -> Result<paifang::types::CodeDigest, String> {
    let code = Code::parse(&format!("phone-of-{name}"));
    Ok(code.map_err(|why| format!("{why:?}"))?.digest())
}

fn week(from: Time, to: Time) -> WeekSpan {
    let minute = |time: Time| time.hour() as u16 * 60 + time.minute() as u16;
    WeekSpan { days: WORKING_DAYS, from_minute: minute(from), to_minute: minute(to) }
}
