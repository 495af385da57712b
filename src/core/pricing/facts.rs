//! A case as a person types it, on the command line or in a form. Knows no stay on record.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use rust_decimal::Decimal;

use crate::{
    core::tariff::{Benefit, Case, Earlier, PaidAt, Segment, Span},
    types::{Currency, Money, PlateColour, Vehicle, VehicleClass},
};

/// All facts of a case, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub tariff: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub vehicle: Vehicle,
    pub tier: Option<String>,
    pub lost: bool,
    /// Seconds to leave after paying in full.
    pub leave_s: i64,
    pub benefits: Vec<Benefit>,
    pub covered: Vec<Span>,
    pub earlier: Vec<Earlier>,
    pub paid: Vec<PaidAt>,
    /// Tariff, from, to.
    pub nested: Vec<(String, Timestamp, Timestamp)>,
}

/// What was typed is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no {what}")]
pub struct FactsError {
    pub text: String,
    /// What was expected, and how it is written.
    pub what: &'static str,
}

fn wrong(text: &str, what: &'static str) -> FactsError {
    FactsError { text: text.to_owned(), what }
}

/// `2026-11-23T08:00` by the site's clock, or an instant such as `2026-11-23T00:00:00Z`.
pub fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, FactsError> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let civil: Option<DateTime> = text.parse().ok();
    let at = civil.and_then(|civil| zone.to_timestamp(civil).ok());
    at.ok_or_else(|| wrong(text, "time: write 2026-11-23T08:00, by the site's clock"))
}

fn money(text: &str, currency: Currency) -> Result<i64, FactsError> {
    let major: Option<Decimal> =
        text.trim().parse().ok().filter(|d: &Decimal| !d.is_sign_negative());
    let money = major.and_then(|major| Money::round_half_up_to_minor(major, currency));
    money.map(|money| money.minor).ok_or_else(|| wrong(text, "amount: write 5 or 2.50"))
}

fn span(text: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp), FactsError> {
    let what = "span: write FROM..TO";
    let (from, to) = text.split_once("..").ok_or_else(|| wrong(text, what))?;
    let (from, to) = (moment(from, zone)?, moment(to, zone)?);
    if to < from { Err(wrong(text, "span: it ends before it begins")) } else { Ok((from, to)) }
}

impl Facts {
    /// A small car of which nothing else is known.
    pub fn new(tariff: &str, from: Timestamp, to: Timestamp) -> Self {
        Self {
            tariff: tariff.to_owned(),
            from,
            to,
            vehicle: Vehicle::default(),
            tier: None,
            lost: false,
            leave_s: 0,
            benefits: Vec::new(),
            covered: Vec::new(),
            earlier: Vec::new(),
            paid: Vec::new(),
            nested: Vec::new(),
        }
    }

    /// `motorcycle`, `small`, `medium` or `large`.
    pub fn class(&mut self, text: &str) -> Result<(), FactsError> {
        self.vehicle.class = match text.trim() {
            "motorcycle" => VehicleClass::Motorcycle,
            "small" => VehicleClass::Small,
            "medium" => VehicleClass::Medium,
            "large" => VehicleClass::Large,
            other => return Err(wrong(other, "class: motorcycle, small, medium, large")),
        };
        Ok(())
    }

    /// `blue`, `green`, `yellow_green`, `yellow`, `white`, `black` or `other`.
    pub fn colour(&mut self, text: &str) -> Result<(), FactsError> {
        self.vehicle.colour = Some(match text.trim().replace('-', "_").as_str() {
            "blue" => PlateColour::Blue,
            "green" => PlateColour::Green,
            "yellow_green" => PlateColour::YellowGreen,
            "yellow" => PlateColour::Yellow,
            "white" => PlateColour::White,
            "black" => PlateColour::Black,
            "other" => PlateColour::Other,
            other => {
                let what = "plate colour: blue, green, yellow_green, yellow, white, black, other";
                return Err(wrong(other, what));
            }
        });
        Ok(())
    }

    /// `front:60`, `back:60` (minutes), `amount:5.00`, `percent:50`, `all`, `tariff:NAME`.
    pub fn benefit(&mut self, text: &str, currency: Currency) -> Result<(), FactsError> {
        let what = "benefit: front:60, back:60, amount:5.00, percent:50, all, tariff:NAME";
        let text = text.trim();
        let (kind, value) = text.split_once(':').unwrap_or((text, ""));
        let minutes = || value.parse::<u32>().map_err(|_| wrong(text, what));
        self.benefits.push(match kind {
            "front" => Benefit::TimeFront { minutes: minutes()? },
            "back" => Benefit::TimeBack { minutes: minutes()? },
            "amount" => Benefit::Amount { minor: money(value, currency)? },
            "percent" => {
                let off = value.parse().ok().filter(|off| *off <= 100);
                Benefit::Percent { off: off.ok_or_else(|| wrong(text, what))? }
            }
            "all" => Benefit::AllFree,
            "tariff" if !value.is_empty() => Benefit::OtherTariff { name: value.into() },
            _ => return Err(wrong(text, what)),
        });
        Ok(())
    }

    /// `FROM..TO`: a pass pays for it.
    pub fn cover(&mut self, text: &str, zone: &TimeZone) -> Result<(), FactsError> {
        let (from, to) = span(text, zone)?;
        self.covered.push(Span { from, to });
        Ok(())
    }

    /// `FROM..TO=5.00`: a visit before, and what it was charged.
    pub fn visit(
        &mut self,
        text: &str,
        zone: &TimeZone,
        currency: Currency,
    ) -> Result<(), FactsError> {
        let what = "earlier visit: write FROM..TO=5.00";
        let (times, charged) = text.rsplit_once('=').ok_or_else(|| wrong(text, what))?;
        let (from, to) = span(times, zone)?;
        self.earlier.push(Earlier { from, to, charged_minor: money(charged, currency)? });
        Ok(())
    }

    /// `AT=5.00`.
    pub fn pay(
        &mut self,
        text: &str,
        zone: &TimeZone,
        currency: Currency,
    ) -> Result<(), FactsError> {
        let what = "payment: write AT=5.00";
        let (at, amount) = text.rsplit_once('=').ok_or_else(|| wrong(text, what))?;
        self.paid.push(PaidAt { at: moment(at, zone)?, amount: money(amount, currency)? });
        Ok(())
    }

    /// `TARIFF@FROM..TO`: in a nested zone with a tariff of its own.
    pub fn nest(&mut self, text: &str, zone: &TimeZone) -> Result<(), FactsError> {
        let what = "time in a nested zone: write TARIFF@FROM..TO";
        let (tariff, times) = text.split_once('@').ok_or_else(|| wrong(text, what))?;
        let (from, to) = span(times, zone)?;
        self.nested.push((tariff.trim().to_owned(), from, to));
        Ok(())
    }

    /// Puts the case to somebody who prices it.
    pub fn with<T>(&self, price: impl FnOnce(&Case<'_>) -> T) -> T {
        let segments: Vec<Segment<'_>> = self
            .nested
            .iter()
            .map(|(tariff, from, to)| Segment { tariff, from: *from, to: *to })
            .collect();
        price(&Case {
            vehicle: self.vehicle,
            segments: &segments,
            covered: &self.covered,
            benefits: &self.benefits,
            earlier: &self.earlier,
            paid: &self.paid,
            tier: self.tier.as_deref(),
            lost: self.lost,
            leave_s: self.leave_s,
            ..Case::new(&self.tariff, self.from, self.to)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> (Facts, TimeZone) {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let at = moment("2026-11-23T08:00", &zone).unwrap();
        (Facts::new("lot", at, at), zone)
    }

    #[test]
    fn times_are_the_sites_or_say_so() {
        let (facts, zone) = facts();
        assert_eq!(facts.from.to_string(), "2026-11-23T00:00:00Z");
        assert_eq!(moment("2026-11-23T00:00:00Z", &zone).unwrap(), facts.from);
        assert_eq!(moment(" 2026-11-23 08:00 ", &zone).unwrap(), facts.from);
        for bad in ["", "8", "2026-11-23", "2026-13-01T08:00", "tomorrow"] {
            // A bare date is its midnight; all else is refused.
            assert_eq!(moment(bad, &zone).is_ok(), bad == "2026-11-23", "{bad}");
        }
    }

    #[test]
    fn what_is_typed_becomes_a_case() {
        let (mut f, zone) = facts();
        let cny = Currency::Cny;
        f.class("large").unwrap();
        f.colour("yellow-green").unwrap();
        for text in ["front:60", "back:5", "amount:2.5", "percent:50", "all", "tariff:mall"] {
            f.benefit(text, cny).unwrap();
        }
        f.cover("2026-11-23T08:00..2026-11-23T09:00", &zone).unwrap();
        f.visit("2026-11-22T08:00..2026-11-22T09:00=7", &zone, cny).unwrap();
        f.pay("2026-11-23T09:00=0.01", &zone, cny).unwrap();
        f.nest("vip@2026-11-23T08:10..2026-11-23T08:20", &zone).unwrap();
        assert!(f.vehicle.is_new_energy());
        f.with(|case| {
            assert_eq!(case.vehicle.class, VehicleClass::Large);
            assert_eq!(case.benefits.len(), 6);
            assert_eq!(case.benefits[2], Benefit::Amount { minor: 250 });
            assert_eq!(case.earlier[0].charged_minor, 700);
            assert_eq!((case.paid[0].amount, case.covered.len()), (1, 1));
            assert_eq!(case.segments[0].tariff, "vip");
        });
    }

    #[test]
    fn what_is_not_understood_says_how_to_write_it() {
        let (mut f, zone) = facts();
        for text in ["front", "front:x", "percent:101", "amount:-1", "tariff:", "gift"] {
            assert!(f.benefit(text, Currency::Cny).is_err(), "{text}");
        }
        assert!(f.class("lorry").unwrap_err().to_string().contains("motorcycle, small"));
        assert!(f.colour("pink").is_err() && f.cover("08:00", &zone).is_err());
        let back = "2026-11-23T09:00..2026-11-23T08:00";
        assert!(f.cover(back, &zone).unwrap_err().what.contains("ends before"));
        assert!(f.pay("2026-11-23T09:00", &zone, Currency::Cny).is_err());
    }
}
