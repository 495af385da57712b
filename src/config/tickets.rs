//! Tickets: `[tickets]` of the site file. Knows no product and no key.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use jiff::civil::Time;
use serde::Deserialize;
use toml::Spanned;

use super::{ZoneSection, check::Check};
use crate::{
    core::rules::{AREAS_MAX, PassbackMode, ShopRules, TicketPassback, TicketRules, Zones},
    types::{CounterId, ZoneId},
};

/// How tickets are numbered, held and kept. Products are in files of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketsSection {
    /// A TOML file, or a folder of them, with products and time slots; relative to the site file. Default
    /// `products.toml` or `products/`, if it is there; without either nothing is sold.
    pub products: Option<Spanned<PathBuf>>,
    /// Minutes that places are held for an order that is not paid, 2 to 120. Default 15.
    pub hold_minutes: Option<Spanned<u32>>,
    /// Persons of one order at most, besides groups, 1 to 1000. Default 20.
    pub persons_max: Option<Spanned<u32>>,
    /// Counters that settle by account: they confirm what they sell and are sent the bill. Default none.
    pub on_account: Vec<Spanned<CounterId>>,
    /// Zones in the order of their bits in codes, at most 15; new ones go behind, none changes its place. Default: the
    /// site's zones in the order of the file, which therefore must not change once tickets were sold.
    pub areas: Option<Spanned<Vec<ZoneId>>>,
    /// Stands in every code, so that another site's ticket is known as such. Default: `pay.trade_prefix` and the site's
    /// name. Tickets that were sold open no gate after it has changed.
    pub site_code: Option<Spanned<String>>,
    /// Tells the daemons of one site apart, 0 to 255. Default 0.
    pub issuer: u8,
    /// Days that visitors' names and numbers are kept, sealed, after they were given, 1 to 3650. Default 90: as long as
    /// a visit is sold ahead and somebody may ask about it.
    pub keep_days: Option<Spanned<u32>>,
    /// Days that a time slot stays in memory after it ended, for late returns, 1 to 400. Default 30.
    pub slot_days: Option<Spanned<u32>>,
    /// Orders that a closure gives back at a time, 1 to 200. Default 20, so that gates and payments go on between.
    pub closure_batch: Option<Spanned<u32>>,
    pub passback: TicketPassbackSection,
    /// Minutes after which whoever came in may come back where nobody watches ways out, 1 to 1440. Default 10.
    pub return_pause_minutes: Option<Spanned<u32>>,
    /// Persons of one ticket who follow each other on one scan, 1 to 50. Default 1: each scan lets in one.
    pub burst: Option<Spanned<u32>>,
    /// Seconds that a visitor waits at a gate of a full zone until somebody leaves, 1 to 600; after that they scan again.
    /// Default 60.
    pub crowd_wait_seconds: Option<Spanned<u32>>,
    /// The time at which the site's day begins, with nobody inside, such as `"04:00"`. Default 04:00.
    pub day_begins: Option<Time>,
}

/// `[tickets.passback]`: a ticket that comes in while it is inside, where ways out are watched.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketPassbackSection {
    /// `off`, `soft` (one that may come back is let in, on record) or `hard` (it is turned away). Default `hard`.
    pub mode: Option<PassbackMode>,
    /// Hours after its last passage from which nobody knows where its holder is, 1 to 168. Default 12.
    pub neutral_hours: Option<Spanned<u32>>,
}

/// What is no rule of the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketSettings {
    pub site_code: String,
    pub keep_days: u32,
}

const KEEP_DAYS: u32 = 90;

impl Check<'_> {
    /// Without products; and the numbering of tickets without those of products.
    pub(super) fn tickets(
        &mut self,
        section: &TicketsSection,
        (zones, in_order): (&Zones, &[ZoneSection]),
        site: &str,
    ) -> (TicketSettings, ShopRules, TicketRules) {
        let usual = ShopRules::default();
        let held = usual.hold.as_secs() as u32 / 60;
        let hold =
            self.ticket_number(section.hold_minutes.as_ref(), "hold_minutes", (2, 120), held);
        let persons_max = self.ticket_number(
            section.persons_max.as_ref(),
            "persons_max",
            (1, 1_000),
            usual.persons_max,
        );
        let closure_batch = self.ticket_number(
            section.closure_batch.as_ref(),
            "closure_batch",
            (1, 200),
            usual.closure_batch,
        );
        let days = self.ticket_number(section.slot_days.as_ref(), "slot_days", (1, 400), 30);
        let keep_days =
            self.ticket_number(section.keep_days.as_ref(), "keep_days", (1, 3_650), KEEP_DAYS);
        let site_code = match &section.site_code {
            Some(code) if code.get_ref().trim().is_empty() => {
                self.wrong(code, "tickets.site_code", "must not be empty");
                String::new()
            }
            Some(code) => code.get_ref().trim().to_owned(),
            None => site.to_owned(),
        };
        let shop = ShopRules {
            hold: Duration::from_mins(hold.into()),
            persons_max,
            slot_kept: Duration::from_hours(24 * u64::from(days)),
            closure_batch,
            on_account: section.on_account.iter().map(|c| c.get_ref().clone()).collect(),
            ..usual
        };
        let areas = self.areas(section, zones, in_order);
        let rules =
            TicketRules { issuer: section.issuer, areas, ..self.admission(section, in_order) };
        (TicketSettings { site_code, keep_days }, shop, rules)
    }

    /// How gates take tickets.
    fn admission(&mut self, section: &TicketsSection, zones: &[ZoneSection]) -> TicketRules {
        let usual = TicketRules::default();
        let minutes = |time: Duration| time.as_secs() as u32 / 60;
        let neutral = self.ticket_number(
            section.passback.neutral_hours.as_ref(),
            "passback.neutral_hours",
            (1, 168),
            minutes(usual.passback.neutral_after) / 60,
        );
        let pause = self.ticket_number(
            section.return_pause_minutes.as_ref(),
            "return_pause_minutes",
            (1, 1_440),
            minutes(usual.return_pause),
        );
        let burst = self.ticket_number(section.burst.as_ref(), "burst", (1, 50), usual.burst);
        let wait = self.ticket_number(
            section.crowd_wait_seconds.as_ref(),
            "crowd_wait_seconds",
            (1, 600),
            usual.crowd_wait.as_secs() as u32,
        );
        let clock = |time: Time| (time.hour() as u64 * 60 + time.minute() as u64) * 60;
        let begins = section.day_begins.map(clock).map(Duration::from_secs);
        let mut persons_max = BTreeMap::new();
        for zone in zones {
            let Some(most) = &zone.persons_max else { continue };
            if !(1..=1_000_000).contains(most.get_ref()) {
                self.wrong(most, "zone.persons_max", "must be 1 to 1000000");
            }
            persons_max.insert(zone.id.get_ref().clone(), *most.get_ref());
        }
        TicketRules {
            passback: TicketPassback {
                mode: section.passback.mode.unwrap_or(usual.passback.mode),
                neutral_after: Duration::from_hours(neutral.into()),
            },
            return_pause: Duration::from_mins(pause.into()),
            burst,
            persons_max,
            crowd_wait: Duration::from_secs(wait.into()),
            day_begins: begins.unwrap_or(usual.day_begins),
            ..usual
        }
    }

    fn ticket_number(
        &mut self,
        value: Option<&Spanned<u32>>,
        key: &str,
        (least, most): (u32, u32),
        usual: u32,
    ) -> u32 {
        let Some(value) = value else { return usual };
        if !(least..=most).contains(value.get_ref()) {
            self.wrong(value, &format!("tickets.{key}"), format!("must be {least} to {most}"));
        }
        *value.get_ref()
    }

    fn areas(
        &mut self,
        section: &TicketsSection,
        zones: &Zones,
        in_order: &[ZoneSection],
    ) -> Vec<ZoneId> {
        let Some(areas) = &section.areas else {
            let named = in_order.iter().map(|zone| zone.id.get_ref().clone());
            let mut all: Vec<ZoneId> = named.take(AREAS_MAX).collect();
            if all.is_empty() {
                all.push(Zones::only());
            }
            return all;
        };
        let known = areas.get_ref();
        if known.len() > AREAS_MAX {
            self.wrong(areas, "tickets.areas", format!("a code has room for {AREAS_MAX} areas"));
        }
        if let Some(unknown) = known.iter().find(|zone| zones.get(zone).is_none()) {
            let what = format!("no zone is called {unknown}: add [[zone]], or take it out");
            self.wrong(areas, "tickets.areas", what);
        }
        let twice = known.iter().enumerate().find(|(at, zone)| known[..*at].contains(zone));
        if let Some((_, twice)) = twice {
            self.wrong(areas, "tickets.areas", format!("{twice} is there twice"));
        }
        known.clone()
    }
}
