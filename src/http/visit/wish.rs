//! What somebody chose on a form, as it is asked of the core. Knows no page.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use jiff::civil::Date;

use super::{
    named,
    offer::{self, Choice, Offered},
};
use crate::{
    core::{selling::LineAsked, slot::Schedule, ticket::Visitor},
    http::{error::ApiError, router::Web, words::Lang},
    types::{Currency, Money, ProductId, ScheduleId, SlotId},
};

/// The choice of times and tickets, inside a form of a page, a window or a kiosk.
#[derive(Template)]
#[template(path = "wish.html", config = "src/http/askama.toml")]
pub(in crate::http) struct WishForm<'a> {
    pub(in crate::http) l: Lang,
    pub(in crate::http) money: Currency,
    pub(in crate::http) day: Date,
    /// Of this order: sent twice, it is one.
    pub(in crate::http) key: &'a str,
    pub(in crate::http) offers: &'a [Offered],
    pub(in crate::http) choices: &'a BTreeMap<ScheduleId, Vec<Choice>>,
    pub(in crate::http) fields: &'a Fields,
    pub(in crate::http) schedules: &'a BTreeMap<ScheduleId, Schedule>,
}

impl WishForm<'_> {
    /// Of the currency, such as `¥`.
    fn sign(&self) -> String {
        let zero = Money::zero(self.money).to_string();
        zero.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned()
    }

    fn count(&self, offered: &Offered) -> u32 {
        self.fields.count(&offered.id)
    }

    fn picked(&self, schedule: &ScheduleId, choice: &Choice) -> bool {
        self.fields.get(&format!("slot-{schedule}")) == choice.id.as_str()
    }

    /// The name of a schedule, where others are sold too.
    fn title(&self, schedule: &ScheduleId) -> String {
        let time = self.l.say("时段", "Time");
        // Where all that is sold takes a time of the same kind, that needs no name.
        let others = self.offers.iter().any(|offered| offered.schedule.as_ref() != Some(schedule));
        match self.schedules.get(schedule).filter(|_| others) {
            Some(known) => format!("{time} · {}", named::name(self.l, &known.name)),
            None => time.to_owned(),
        }
    }
}

/// The fields of a form: `day`, `key`, `slot-SCHEDULE`, `n-PRODUCT` (tickets, or persons of a group), and
/// `name-PRODUCT-1`, `number-PRODUCT-1` for visitors.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Fields(HashMap<String, String>);

impl Fields {
    pub(in crate::http) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    pub(in crate::http) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    pub(in crate::http) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(in crate::http) fn day(&self) -> Option<Date> {
        self.get("day").parse().ok()
    }

    pub(in crate::http) fn count(&self, product: &ProductId) -> u32 {
        self.get(&format!("n-{product}")).parse().unwrap_or(0).min(1_000)
    }
}

/// One product of it.
#[derive(Clone, Debug)]
pub(in crate::http) struct Wanted {
    pub(in crate::http) offered: Offered,
    pub(in crate::http) tickets: u32,
    /// On each ticket.
    pub(in crate::http) persons: u32,
    pub(in crate::http) slot: Option<SlotId>,
}

/// What of the day's offers was chosen; counts of nothing are left out.
pub(in crate::http) fn wanted(fields: &Fields, offers: &[Offered]) -> Vec<Wanted> {
    let chosen = offers.iter().filter_map(|offered| {
        let count = fields.count(&offered.id);
        let of = |schedule| SlotId::parse(fields.get(&format!("slot-{schedule}")));
        (count > 0).then(|| Wanted {
            offered: offered.clone(),
            tickets: if offered.is_group() { 1 } else { count },
            persons: if offered.is_group() { count } else { 1 },
            slot: offered.schedule.as_ref().and_then(of),
        })
    });
    chosen.collect()
}

/// Whether names have still to be asked for.
pub(in crate::http) fn lacks_names(fields: &Fields, wanted: &[Wanted]) -> bool {
    let named = wanted.iter().filter(|one| one.offered.wants_names);
    named.into_iter().any(|one| {
        (1..=one.tickets).any(|n| fields.get(&format!("name-{}-{n}", one.offered.id)).is_empty())
    })
}

/// Keeps the names and numbers of all visitors, sealed, before the core is asked.
pub(in crate::http) async fn keep_names(
    web: &Web,
    fields: &Fields,
    wanted: &[Wanted],
) -> Result<(), ApiError> {
    for one in wanted.iter().filter(|one| one.offered.wants_names) {
        for n in 1..=one.tickets {
            let field = |what: &str| fields.get(&format!("{what}-{}-{n}", one.offered.id));
            let (name, number) = (field("name"), field("number"));
            super::keep(web, &super::sealed(web, name, number)?, name, number).await?;
        }
    }
    Ok(())
}

/// As it is asked of the core.
pub(in crate::http) fn lines(
    web: &Web,
    fields: &Fields,
    day: Date,
    wanted: &[Wanted],
) -> Result<Vec<LineAsked>, ApiError> {
    let line = |one: &Wanted| {
        let visitors = if one.offered.wants_names {
            let each = (1..=one.tickets).map(|n| visitor(web, fields, &one.offered.id, n));
            each.collect::<Result<Vec<_>, _>>()?
        } else {
            Vec::new()
        };
        Ok(LineAsked {
            product: one.offered.id.clone(),
            day,
            slot: one.slot.clone(),
            tickets: one.tickets,
            persons: one.persons,
            visitors,
        })
    };
    wanted.iter().map(line).collect()
}

fn visitor(web: &Web, fields: &Fields, product: &ProductId, n: u32) -> Result<Visitor, ApiError> {
    let field = |what: &str| fields.get(&format!("{what}-{product}-{n}")).to_owned();
    super::sealed(web, &field("name"), &field("number"))
}
