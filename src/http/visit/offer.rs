//! What a counter offers on a day: prices, time slots, places left. The core decides again when somebody asks for it.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, civil::Date};

use super::named;
use crate::{
    core::{
        Rules, State,
        product::{Kind, Product},
        slot::Span,
    },
    http::{error::ApiError, router::Web, words::Lang},
    types::{CounterId, Money, ProductId, ScheduleId, SlotId},
};

/// Days shown at most, whatever the products say.
const DAYS_MAX: u16 = 62;

/// A time slot as somebody may choose it.
#[derive(Clone, Debug)]
pub(in crate::http) struct Choice {
    pub(in crate::http) id: SlotId,
    pub(in crate::http) name: String,
    pub(in crate::http) left: u32,
    /// Nobody may take a place in it any more, and why.
    pub(in crate::http) shut: Option<String>,
}

/// A product on a day.
#[derive(Clone, Debug)]
pub(in crate::http) struct Offered {
    pub(in crate::http) id: ProductId,
    pub(in crate::http) name: String,
    /// Of one person.
    pub(in crate::http) price: Money,
    /// On one ticket.
    pub(in crate::http) persons: (u32, u32),
    pub(in crate::http) schedule: Option<ScheduleId>,
    pub(in crate::http) wants_names: bool,
    /// What is told beside its name.
    pub(in crate::http) hint: String,
}

impl Offered {
    pub(in crate::http) fn is_group(&self) -> bool {
        self.persons.1 > 1
    }
}

/// One day.
#[derive(Clone, Debug)]
pub(in crate::http) struct Day {
    pub(in crate::http) date: Date,
    /// The least that one person pays; `None`: nothing is sold.
    pub(in crate::http) from: Option<Money>,
    /// In all its slots; `None`: as many as come.
    pub(in crate::http) left: Option<u32>,
    /// Closed, and why.
    pub(in crate::http) closed: Option<String>,
}

impl Day {
    pub(in crate::http) fn is_open(&self) -> bool {
        self.from.is_some() && self.closed.is_none() && self.left != Some(0)
    }
}

/// Everything that is asked of the state at once.
#[derive(Clone, Debug)]
pub(in crate::http) struct Seller {
    pub(in crate::http) counter: CounterId,
    pub(in crate::http) now: Timestamp,
}

impl Seller {
    pub(in crate::http) fn new(web: &Web, counter: &str) -> Result<Self, ApiError> {
        let counter = CounterId::parse(counter).ok_or(ApiError::Internal)?;
        Ok(Self { counter, now: web.desk.now() })
    }

    fn products<'r>(&self, rules: &'r Rules) -> impl Iterator<Item = &'r Product> {
        let counter = self.counter.clone();
        rules.shop.products.values().filter(move |product| product.sold_by(&counter))
    }

    /// Days that something is sold for, from today on.
    pub(in crate::http) fn days(&self, state: &State, rules: &Rules) -> Vec<Day> {
        let ahead = self.products(rules).map(|product| product.window.days_ahead).max();
        let today = self.now.to_zoned_datetime(rules.zone.clone()).date();
        let days = 0..=i64::from(ahead.unwrap_or(0).min(DAYS_MAX));
        let dates = days.filter_map(|n| today.checked_add(n.days()).ok());
        dates.map(|date| self.day(state, rules, date)).collect()
    }

    fn day(&self, state: &State, rules: &Rules, date: Date) -> Day {
        let offers = self.offers(rules, Lang::Zh, date);
        let from = offers.iter().filter(|o| o.price.minor > 0 || offers.len() == 1);
        let from = from.map(|offered| offered.price).min_by_key(|price| price.minor);
        let choices = self.choices(state, rules, date);
        let free = |choice: &Choice| if choice.shut.is_none() { choice.left } else { 0 };
        let left = (!choices.is_empty())
            .then(|| choices.values().flatten().map(free).sum::<u32>())
            .filter(|_| offers.iter().all(|offered| offered.schedule.is_some()));
        Day { date, from, left, closed: closed(state, date) }
    }

    /// What is sold for a day, in the order of the products' numbers.
    pub(in crate::http) fn offers(&self, rules: &Rules, l: Lang, date: Date) -> Vec<Offered> {
        let mut products: Vec<&Product> = self.products(rules).collect();
        products.sort_by_key(|product| product.number);
        let offered = products.into_iter().filter_map(|product| {
            let minor = product.price_minor(date, &rules.tariffs)?;
            let spans = self.spans(rules, product, date);
            let sold = match &product.schedule {
                None => product.is_on_sale(date, None, self.now, &rules.zone),
                Some(_) => {
                    spans.iter().any(|s| product.is_on_sale(date, Some(s), self.now, &rules.zone))
                }
            };
            sold.then(|| Offered {
                id: product.id.clone(),
                name: named::product(rules, l, &product.id),
                price: Money::new(minor, rules.currency),
                persons: product.persons(),
                schedule: product.schedule.clone(),
                wants_names: product.named.is_some(),
                hint: hint(rules, l, product),
            })
        });
        offered.collect()
    }

    #[expect(clippy::unused_self, reason = "reads as the others")]
    fn spans(&self, rules: &Rules, product: &Product, date: Date) -> Vec<Span> {
        let schedule = product.schedule.as_ref().and_then(|id| rules.shop.schedules.get(id));
        schedule.map(|s| s.spans(date, &rules.tariffs).to_vec()).unwrap_or_default()
    }

    /// The time slots of a day, of each schedule that a product on sale has.
    pub(in crate::http) fn choices(
        &self,
        state: &State,
        rules: &Rules,
        date: Date,
    ) -> BTreeMap<ScheduleId, Vec<Choice>> {
        let mut all = BTreeMap::new();
        for product in self.products(rules) {
            let Some(of) = &product.schedule else { continue };
            if all.contains_key(of) {
                continue;
            }
            let open = |span: &Span| product.is_on_sale(date, Some(span), self.now, &rules.zone);
            let spans = self.spans(rules, product, date);
            let choices = spans.iter().filter(|span| open(span));
            let choices: Vec<_> =
                choices.filter_map(|span| self.choice(state, rules, (of, date), span)).collect();
            if !choices.is_empty() {
                all.insert(of.clone(), choices);
            }
        }
        all
    }

    fn choice(
        &self,
        state: &State,
        rules: &Rules,
        (of, date): (&ScheduleId, Date),
        span: &Span,
    ) -> Option<Choice> {
        let id = span.id(of, date)?;
        let slot = state.slots.get(&id);
        let places = slot.and_then(|slot| slot.places).unwrap_or(span.capacity);
        let left = places.saturating_sub(slot.map_or(0, crate::core::slot::Slot::sold));
        let quota = rules.shop.schedules.get(of).and_then(|s| s.quotas.get(&self.counter));
        let mine = slot.map_or(0, |slot| slot.of(&self.counter));
        let left = quota.map_or(left, |quota| left.min(quota.saturating_sub(mine)));
        let shut = slot.and_then(|slot| slot.closed.as_ref()).map(|closed| closed.reason.clone());
        Some(Choice { id, name: named::span(span), left, shut })
    }
}

/// `¥80` for `¥80.00`.
pub(in crate::http) fn short(price: &Money) -> String {
    let text = price.to_string();
    text.strip_suffix(".00").map_or(text.clone(), ToOwned::to_owned)
}

/// Why the site is closed on a day.
pub(in crate::http) fn closed(state: &State, date: Date) -> Option<String> {
    let mut closures = state.closures.values();
    closures.find(|c| (c.from..=c.until).contains(&date)).map(|c| c.reason.clone())
}

fn hint(rules: &Rules, l: Lang, product: &Product) -> String {
    let zh = l.is_zh();
    let mut parts: Vec<String> = Vec::new();
    match &product.kind {
        Kind::Group { min, max } if zh => parts.push(format!("{min}–{max} 人一码")),
        Kind::Group { min, max } => parts.push(format!("{min}–{max} persons on one code")),
        Kind::AddOn { to } => {
            let to = named::product(rules, l, to);
            parts.push(if zh { format!("须与{to}同购") } else { format!("only with {to}") });
        }
        Kind::Annual => parts.push(l.say("年卡", "for a year").to_owned()),
        Kind::Adult | Kind::Child | Kind::Senior | Kind::Combined => {}
    }
    if product.named.is_some() {
        parts.push(l.say("实名", "with names").to_owned());
    }
    if product.refunds.is_empty() {
        parts.push(l.say("不可退", "not returned").to_owned());
    }
    parts.join(" · ")
}
