//! A file of products and time slots as it is written: every key, with its default. Checks what one key says, and no
//! more.

use std::{collections::BTreeMap, str::FromStr};

use jiff::{SignedDuration, civil::Date};
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use crate::{
    core::{product::Validity, slot::Span, ticket::Medium},
    types::{CounterId, Currency, Money, ProductId, ScheduleId, ZoneId},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductsFile {
    #[serde(default, rename = "schedule")]
    pub(super) schedules: Vec<ScheduleSection>,
    #[serde(default, rename = "product")]
    pub(super) products: Vec<ProductSection>,
}

/// The time slots of each kind of day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleSection {
    /// At most 18 characters.
    pub(super) id: Spanned<ScheduleId>,
    pub(super) name: Option<String>,
    pub(super) name_en: Option<String>,
    /// Minutes before a slot in which its visitors are let in already. Default 0.
    #[serde(default)]
    pub(super) early_minutes: u32,
    /// Minutes after a slot in which its visitors are let in still. Default 0.
    #[serde(default)]
    pub(super) late_minutes: u32,
    /// Places of each slot that a counter sells at most. Default: all.
    #[serde(default)]
    pub(super) quotas: BTreeMap<CounterId, u32>,
    /// The first whose days fit counts; a day that fits none has no slots.
    #[serde(rename = "plan")]
    pub(super) plans: Vec<PlanSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanSection {
    /// As in tariffs: `["mon-fri"]`, `["restday"]`, `["2026-10-01..2026-10-07"]`. Default: every day.
    #[serde(default = "every_day")]
    pub(super) days: Spanned<Vec<String>>,
    /// Such as `"09:00-11:00 500"`: from, to, persons. None: closed.
    pub(super) slots: Spanned<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductSection {
    pub(super) id: Spanned<ProductId>,
    /// Stands in codes, 1 to 65535; never given to another product.
    pub(super) number: Spanned<u16>,
    pub(super) name: Option<String>,
    pub(super) name_en: Option<String>,
    pub(super) kind: Kind,
    /// Of a group: least and most on one ticket. Default `[2, 50]`.
    pub(super) persons: Option<Spanned<[u32; 2]>>,
    /// Of an add-on: the product it is sold with.
    pub(super) to: Option<Spanned<ProductId>>,
    /// Of one person; the first whose days fit counts.
    #[serde(rename = "price")]
    pub(super) prices: Vec<PriceSection>,
    /// Default: everywhere, and nobody comes back.
    #[serde(default)]
    pub(super) areas: Vec<AreaSection>,
    pub(super) schedule: Option<Spanned<ScheduleId>>,
    /// `slot`, `day`, `3 days`, `until 2026-12-31` or `year`. Default: `slot` with a schedule, else `day`.
    pub(super) valid: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) sale: SaleSection,
    /// Who sells it: `page`, `window`, `kiosk` or an agent. Default: everybody.
    #[serde(default)]
    pub(super) counters: Vec<CounterId>,
    /// Real names: tickets of this product that each number gets for one day or time slot. Default: no names.
    pub(super) named: Option<u32>,
    /// In place of one day or time slot, `named` is for so many days of visits in a row, 1 to 400.
    pub(super) named_days: Option<Spanned<u16>>,
    /// The longest before the visit first. Default: never taken back.
    #[serde(default = "none", rename = "refund")]
    pub(super) refunds: Spanned<Vec<RefundSection>>,
    /// Default: it stays on its day.
    pub(super) rebook: Option<RebookSection>,
    /// It may be given to somebody else. Default false.
    #[serde(default)]
    pub(super) rename: bool,
    /// `any`, `phone` or `paper`: where its codes may be shown. Default `any`.
    #[serde(default)]
    pub(super) medium: Medium,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Adult,
    Child,
    Senior,
    Group,
    Annual,
    Combined,
    AddOn,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceSection {
    /// Default: every day.
    #[serde(default = "every_day")]
    pub(super) days: Spanned<Vec<String>>,
    /// In major units, such as `"60.00"`.
    pub(super) amount: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaSection {
    pub(super) zone: Spanned<ZoneId>,
    /// How often each person may come back, or `"any"`. Default 0.
    #[serde(default)]
    pub(super) returns: Returns,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "ReturnsText")]
pub(super) enum Returns {
    Times(u32),
    Any,
}

impl Default for Returns {
    fn default() -> Self {
        Self::Times(0)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "how often, or \"any\"")]
enum ReturnsText {
    Times(u32),
    Word(AnyWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnyWord {
    Any,
}

impl From<ReturnsText> for Returns {
    fn from(text: ReturnsText) -> Self {
        match text {
            ReturnsText::Times(times) => Self::Times(times),
            ReturnsText::Word(AnyWord::Any) => Self::Any,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SaleSection {
    /// First and last day it is sold on. Default: always.
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    /// Days before the visit at most. Default 30.
    pub(super) days_ahead: Option<u16>,
    /// The time of day, such as `"08:00"`, at which the sale begins on `from`, and at which each further day of visits
    /// comes on sale. Default midnight.
    pub(super) opens: Option<jiff::civil::Time>,
    /// Before the slot begins, such as `"30m"`; after it, `"-30m"`. Default: when the slot begins; without slots, when
    /// the day is over.
    pub(super) closes: Option<SignedDuration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundSection {
    /// Before the visit begins, such as `"24h"`; after that, `"-2h"`.
    pub(super) until: SignedDuration,
    /// Of the price that goes back.
    pub(super) percent: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RebookSection {
    /// Default 1.
    #[serde(default = "once")]
    pub(super) times: u8,
    /// Before the visit begins, as in `refund`.
    pub(super) until: SignedDuration,
    /// What the new time costs less goes back. Default true.
    #[serde(default = "yes")]
    pub(super) refund_down: bool,
}

fn every_day() -> Spanned<Vec<String>> {
    Spanned::new(0..0, Vec::new())
}

fn none() -> Spanned<Vec<RefundSection>> {
    Spanned::new(0..0, Vec::new())
}

fn once() -> u8 {
    1
}

fn yes() -> bool {
    true
}

impl ProductSection {
    pub(super) fn valid(&self, has_slots: bool) -> Result<Validity, String> {
        let wrong = || {
            "must be \"slot\", \"day\", \"3 days\", \"until 2026-12-31\" or \"year\"; \
             \"slot\" needs a schedule"
                .to_owned()
        };
        let Some(text) = &self.valid else {
            return Ok(if has_slots { Validity::Slot } else { Validity::Day });
        };
        match text.get_ref().trim() {
            "slot" if has_slots => Ok(Validity::Slot),
            "day" => Ok(Validity::Day),
            "year" => Ok(Validity::Year),
            text => {
                if let Some(date) = text.strip_prefix("until ") {
                    return date.trim().parse().map(Validity::Until).map_err(|_| wrong());
                }
                let days = text.strip_suffix("days").and_then(|days| days.trim().parse().ok());
                days.filter(|days| (1..=366).contains(days)).map(Validity::Days).ok_or_else(wrong)
            }
        }
    }
}

impl FromStr for Span {
    type Err = String;

    /// Reads `09:00-11:00 500`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no time slot: write \"09:00-11:00 500\", from, to and persons; it may end after \
                 midnight, and is no longer than a day"
            )
        };
        let clock = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour <= 24 && minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
        };
        let (hours, capacity) = text.trim().rsplit_once(' ').ok_or_else(wrong)?;
        let (from, to) = hours.split_once('-').ok_or_else(wrong)?;
        let capacity = capacity.parse().map_err(|_| wrong())?;
        let (from, to) =
            clock(from).zip(clock(to)).filter(|(f, _)| *f < 1_440).ok_or_else(wrong)?;
        let to = if to <= from { to + 1_440 } else { to };
        Ok(Self { from, to, capacity })
    }
}

/// Minor units of an amount that needs no rounding.
pub(super) fn minor(text: &str, currency: Currency) -> Result<i64, String> {
    let wrong = || format!("\"{text}\" is no amount: write major units, such as \"60.00\"");
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let major = Decimal::from_str(text).ok().filter(|_| plain).ok_or_else(wrong)?;
    let money = Money::round_half_up_to_minor(major, currency).ok_or_else(wrong)?;
    let exact = Decimal::new(money.minor, currency.decimals()) == major;
    if exact && money.minor <= 10_000_000 { Ok(money.minor) } else { Err(wrong()) }
}
