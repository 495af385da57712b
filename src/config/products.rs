//! What a scenic site sells: its product files, checked as a whole. Knows no order.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{
    check::{Check, line_of, unreadable},
    product_file::{Kind, PlanSection, ProductSection, ProductsFile, Returns, ScheduleSection},
    tickets::TicketsSection,
};
use crate::{
    core::{
        product::{self, Names, Price, Product, ProductArea, Rebook, RefundStep, SaleWindow},
        rules::{ShopRules, TicketRules, Zones},
        slot::{DayPlan, Schedule, Span},
        tariff::{OnDays, TariffBook},
    },
    types::{Currency, ProductId, SCHEDULE_CHARS_MAX, ScheduleId},
};

/// A file that was read.
struct Sheet {
    path: PathBuf,
    text: String,
    file: ProductsFile,
}

/// What products are checked against.
pub(super) struct Around<'a> {
    pub(super) base: &'a Path,
    pub(super) zones: &'a Zones,
    pub(super) book: &'a TariffBook,
    pub(super) currency: Currency,
}

impl Check<'_> {
    /// Puts all products and time slots into the rules.
    pub(super) fn products(
        &mut self,
        section: &TicketsSection,
        around: &Around<'_>,
        shop: &mut ShopRules,
        numbering: &mut TicketRules,
    ) {
        let sheets = self.product_sheets(section, around.base);
        for sheet in &sheets {
            for section in &sheet.file.schedules {
                self.schedule(sheet, section, around, &mut shop.schedules);
            }
        }
        for sheet in &sheets {
            for section in &sheet.file.products {
                let known = (&shop.schedules, &mut shop.products);
                if let Some(product) = self.product(sheet, section, around, known) {
                    self.number(sheet, section, &product, numbering);
                    shop.products.insert(product.id.clone(), product);
                }
            }
        }
        let add_ons = sheets.iter().flat_map(|sheet| {
            sheet
                .file
                .products
                .iter()
                .filter_map(move |product| Some((sheet, product.to.as_ref()?)))
        });
        // One with mistakes of its own is named all the same.
        let named = |to: &ProductId| {
            let mut products = sheets.iter().flat_map(|sheet| &sheet.file.products);
            products.any(|product| product.id.get_ref() == to)
        };
        for (sheet, to) in add_ons {
            if !named(to.get_ref()) {
                self.odd(sheet, to, "product.to", "names no product of this site");
            }
        }
    }

    /// The file, or all `*.toml` of the folder in the order of names.
    fn product_sheets(&mut self, section: &TicketsSection, base: &Path) -> Vec<Sheet> {
        let usual = [Path::new("products.toml"), Path::new("products")];
        let named = section.products.as_ref().map(|path| base.join(path.get_ref()));
        let found = named.or_else(|| usual.iter().map(|name| base.join(name)).find(|p| p.exists()));
        let Some(at) = found else { return Vec::new() };
        let mut paths = vec![at.clone()];
        if at.is_dir() {
            let entries = std::fs::read_dir(&at).into_iter().flatten();
            paths = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.retain(|path| path.extension().is_some_and(|kind| kind == "toml"));
            paths.sort();
        } else if let Some(named) = section.products.as_ref().filter(|_| !at.exists()) {
            let what = format!("there is no file or folder {}", at.display());
            self.wrong(named, "tickets.products", what);
            return Vec::new();
        }
        paths.into_iter().filter_map(|path| self.sheet_of(path)).collect()
    }

    fn sheet_of(&mut self, path: PathBuf) -> Option<Sheet> {
        let text = self.text_of(&path, "products")?;
        match toml::from_str(&text) {
            Ok(file) => Some(Sheet { path, text, file }),
            Err(error) => {
                let told = unreadable(&text, &error);
                self.mistake_in(&path, told.line, &told.field, told.what);
                None
            }
        }
    }

    fn odd<T>(&mut self, sheet: &Sheet, at: &Spanned<T>, field: &str, what: impl Into<String>) {
        self.mistake_in(&sheet.path, line_of(&sheet.text, at.span().start), field, what);
    }

    // ---- time slots --------------------------------------------------------------------------------

    fn schedule(
        &mut self,
        sheet: &Sheet,
        section: &ScheduleSection,
        around: &Around<'_>,
        known: &mut BTreeMap<ScheduleId, Schedule>,
    ) {
        let id = section.id.get_ref();
        if id.as_str().len() > SCHEDULE_CHARS_MAX {
            let what = format!("has at most {SCHEDULE_CHARS_MAX} characters");
            self.odd(sheet, &section.id, "schedule.id", what);
        }
        let plans =
            section.plans.iter().filter_map(|plan| self.plan(sheet, plan, around)).collect();
        let quotas = section.quotas.iter();
        let schedule = Schedule {
            name: names(section.name.as_deref(), section.name_en.as_deref(), id.as_str()),
            plans,
            early_min: section.early_minutes,
            late_min: section.late_minutes,
            quotas: quotas.map(|(counter, places)| (counter.clone(), *places)).collect(),
        };
        for (key, minutes) in [("early", section.early_minutes), ("late", section.late_minutes)] {
            if minutes > 1_440 {
                let field = format!("schedule.{key}_minutes");
                self.odd(sheet, &section.id, &field, "must be 0 to 1440");
            }
        }
        if known.insert(id.clone(), schedule).is_some() {
            self.odd(sheet, &section.id, "schedule.id", "is used twice");
        }
    }

    fn plan(&mut self, sheet: &Sheet, plan: &PlanSection, around: &Around<'_>) -> Option<DayPlan> {
        let days = self.on_days(sheet, &plan.days, "schedule.plan.days", around)?;
        let mut spans = Vec::new();
        for slot in plan.slots.get_ref() {
            match slot.parse() {
                Ok(span) => spans.push(span),
                Err(what) => self.odd(sheet, &plan.slots, "schedule.plan.slots", what),
            }
        }
        let spans: Vec<Span> = spans;
        let in_order = spans.windows(2).all(|pair| pair[0].from < pair[1].from);
        if !in_order {
            let what = "time slots begin one after the other, in this order";
            self.odd(sheet, &plan.slots, "schedule.plan.slots", what);
        }
        Some(DayPlan { days, spans })
    }

    fn on_days(
        &mut self,
        sheet: &Sheet,
        days: &Spanned<Vec<String>>,
        field: &str,
        around: &Around<'_>,
    ) -> Option<OnDays> {
        match OnDays::parse(days.get_ref()) {
            Err(what) => self.odd(sheet, days, field, what),
            Ok(on) => {
                let Some(unknown) = on.unknown(around.book) else { return Some(on) };
                let what = format!("the calendar has no days called \"{unknown}\"");
                self.odd(sheet, days, field, what);
            }
        }
        None
    }

    // ---- products ------------------------------------------------------------------------------------

    fn product(
        &mut self,
        sheet: &Sheet,
        section: &ProductSection,
        around: &Around<'_>,
        (schedules, known): (&BTreeMap<ScheduleId, Schedule>, &mut BTreeMap<ProductId, Product>),
    ) -> Option<Product> {
        let before = self.count();
        let id = section.id.get_ref();
        if known.contains_key(id) {
            self.odd(sheet, &section.id, "product.id", "is used twice");
        }
        let kind = self.kind(sheet, section);
        let prices = self.product_prices(sheet, section, around);
        let areas = self.product_areas(sheet, section, around.zones);
        if let Some(named) =
            section.schedule.as_ref().filter(|s| !schedules.contains_key(s.get_ref()))
        {
            self.odd(sheet, named, "product.schedule", "names no [[schedule]]");
        }
        let valid = section.valid(section.schedule.is_some()).unwrap_or_else(|what| {
            let at = section.valid.as_ref().map_or(section.id.span(), Spanned::span);
            let line = line_of(&sheet.text, at.start);
            self.mistake_in(&sheet.path, line, "product.valid", what);
            product::Validity::Day
        });
        let refunds = self.refunds(sheet, section);
        if section.named == Some(0) {
            self.odd(sheet, &section.id, "product.named", "0 lets nobody buy: leave it out");
        }
        let named_days = section.named_days.as_ref();
        if let Some(days) =
            named_days.filter(|days| section.named.is_none() || !(1..=400).contains(days.get_ref()))
        {
            let what = "must be 1 to 400, beside product.named";
            self.odd(sheet, days, "product.named_days", what);
        }
        let sale = &section.sale;
        let usual = if section.schedule.is_some() { 0 } else { -24 };
        let product = Product {
            id: id.clone(),
            number: *section.number.get_ref(),
            name: names(section.name.as_deref(), section.name_en.as_deref(), id.as_str()),
            kind: kind?,
            prices,
            areas,
            schedule: section.schedule.as_ref().map(|schedule| schedule.get_ref().clone()),
            valid,
            window: SaleWindow {
                from: sale.from,
                until: sale.until,
                days_ahead: sale.days_ahead.unwrap_or(30),
                opens: sale.opens.unwrap_or_default(),
                closes: sale.closes.unwrap_or(jiff::SignedDuration::from_hours(usual)),
            },
            counters: section.counters.iter().cloned().collect(),
            named: section.named,
            named_days: named_days.map_or(0, |days| *days.get_ref()),
            refunds,
            rebook: section.rebook.as_ref().map(|rule| Rebook {
                times: rule.times,
                until: rule.until,
                refund_down: rule.refund_down,
            }),
            rename: section.rename,
            medium: section.medium,
        };
        (self.count() == before).then_some(product)
    }

    fn kind(&mut self, sheet: &Sheet, section: &ProductSection) -> Option<product::Kind> {
        let (persons, to) = (section.persons.as_ref(), section.to.as_ref());
        if let Some(persons) = persons.filter(|_| section.kind != Kind::Group) {
            self.odd(sheet, persons, "product.persons", "is of kind = \"group\" only");
        }
        if let Some(to) = to.filter(|_| section.kind != Kind::AddOn) {
            self.odd(sheet, to, "product.to", "is of kind = \"add_on\" only");
        }
        match section.kind {
            Kind::Adult => Some(product::Kind::Adult),
            Kind::Child => Some(product::Kind::Child),
            Kind::Senior => Some(product::Kind::Senior),
            Kind::Annual => Some(product::Kind::Annual),
            Kind::Combined => Some(product::Kind::Combined),
            Kind::AddOn => {
                if to.is_none() {
                    let what = "an add-on says what it is added to";
                    self.odd(sheet, &section.id, "product.to", what);
                }
                to.map(|to| product::Kind::AddOn { to: to.get_ref().clone() })
            }
            Kind::Group => {
                let [min, max] = persons.map_or([2, 50], |persons| *persons.get_ref());
                if min < 1 || min > max || max > 1_000 {
                    let at = persons.map_or(section.id.span(), Spanned::span);
                    let line = line_of(&sheet.text, at.start);
                    let what = "must be [least, most], 1 to 1000";
                    self.mistake_in(&sheet.path, line, "product.persons", what);
                }
                Some(product::Kind::Group { min, max })
            }
        }
    }

    fn product_prices(
        &mut self,
        sheet: &Sheet,
        section: &ProductSection,
        around: &Around<'_>,
    ) -> Vec<Price> {
        let mut prices = Vec::new();
        if section.prices.is_empty() {
            self.odd(sheet, &section.id, "product.price", "a product has a price");
        }
        for price in &section.prices {
            let days = self.on_days(sheet, &price.days, "product.price.days", around);
            let minor = super::product_file::minor(price.amount.get_ref(), around.currency);
            match (days, minor) {
                (Some(days), Ok(minor)) => prices.push(Price { days, minor }),
                (_, Err(what)) => self.odd(sheet, &price.amount, "product.price.amount", what),
                (None, _) => {}
            }
        }
        prices
    }

    fn product_areas(
        &mut self,
        sheet: &Sheet,
        section: &ProductSection,
        zones: &Zones,
    ) -> Vec<ProductArea> {
        let mut areas = Vec::new();
        for area in &section.areas {
            if zones.get(area.zone.get_ref()).is_none() {
                self.odd(sheet, &area.zone, "product.areas.zone", "names no [[zone]] of the site");
            }
            let returns = match area.returns {
                Returns::Times(times) => Some(times),
                Returns::Any => None,
            };
            areas.push(ProductArea { zone: area.zone.get_ref().clone(), returns });
        }
        areas
    }

    fn refunds(&mut self, sheet: &Sheet, section: &ProductSection) -> Vec<RefundStep> {
        let steps = section.refunds.get_ref();
        let falls = steps.windows(2).all(|pair| pair[0].until > pair[1].until);
        if !falls {
            let what = "steps come in the order of time, the longest before the visit first";
            self.odd(sheet, &section.refunds, "product.refund", what);
        }
        if steps.iter().any(|step| step.percent > 100) {
            self.odd(sheet, &section.refunds, "product.refund.percent", "must be 0 to 100");
        }
        steps.iter().map(|s| RefundStep { until: s.until, percent: s.percent }).collect()
    }

    /// A number stands for one product for ever: in the codes of tickets that are out there.
    fn number(
        &mut self,
        sheet: &Sheet,
        section: &ProductSection,
        product: &Product,
        numbering: &mut TicketRules,
    ) {
        if product.number == 0 || numbering.product(product.number).is_some() {
            let what = "must be 1 to 65535, and of one product only";
            self.odd(sheet, &section.number, "product.number", what);
        }
        numbering.numbers.insert(product.id.clone(), product.number);
    }
}

fn names(zh: Option<&str>, en: Option<&str>, id: &str) -> Names {
    let own = zh.or(en).unwrap_or(id);
    Names { zh: own.to_owned(), en: en.unwrap_or(own).to_owned() }
}
