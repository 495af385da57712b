//! What a tariff must fulfil beyond its shape: each mistake with its key and the mend. Knows no price.

use super::{
    days::DaySet,
    notation::{Amount, DAY_S, Length},
    plan::{BANDS_MAX, CAPS_MAX, milli, shares},
    spec::{Again, Amounts, Band, Boundary, Cap, Every, FreeMode, Per, Spec, Started, Step},
};
use crate::types::Currency;

/// A key and what is wrong with it.
type Wrong = (String, String);

fn wrong<T>(key: impl Into<String>, what: impl Into<String>) -> Result<T, Wrong> {
    Err((key.into(), what.into()))
}

pub(super) fn check(spec: &Spec) -> Result<(), Wrong> {
    let name = &spec.name;
    let fits = (1..=32).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        return wrong("name", "must have 1 to 32 characters");
    }
    if spec.valid_from.zip(spec.valid_until).is_some_and(|(from, until)| from > until) {
        return wrong("valid_until", "comes before valid_from");
    }
    if spec.bands.len() > BANDS_MAX {
        return wrong("band", format!("at most {BANDS_MAX}"));
    }
    if spec.caps.len() > CAPS_MAX {
        return wrong("cap", format!("at most {CAPS_MAX}"));
    }
    for (at, free) in spec.free.iter().enumerate() {
        let key = |name: &str| format!("free[{at}].{name}");
        if free.again == Again::Window {
            let mend = "cannot be \"window\": make the band's first step cost \"0\" instead";
            return wrong(key("again"), mend);
        }
        if matches!(free.again, Again::Every(period) if period <= free.time) {
            return wrong(key("again"), "must be longer than free.time");
        }
        if free.again == Again::Day && free.time.0 >= DAY_S / 2 {
            return wrong(key("time"), "must be under 12h where it comes again each day");
        }
        days(&key("days"), &free.days)?;
        if free.uses_steps && free.mode == FreeMode::Grace {
            return wrong(key("uses_steps"), "is for mode = \"deducted\"");
        }
    }
    for (at, band) in spec.bands.iter().enumerate() {
        let key = format!("band[{at}]");
        if spec.bands[..at].iter().any(|other| other.name == band.name) {
            return wrong(format!("{key}.name"), format!("\"{}\" is there already", band.name));
        }
        days(&format!("{key}.days"), &band.days)?;
        rate(spec, band, &key)?;
    }
    if shares(spec).is_none() {
        return wrong(
            "band",
            "the lengths of `every` and `by` fit each other too badly: use rounder ones",
        );
    }
    for (at, cap) in spec.caps.iter().enumerate() {
        check_cap(spec, cap, &format!("cap[{at}]"))?;
    }
    rest(spec)
}

fn days(key: &str, texts: &[String]) -> Result<(), Wrong> {
    DaySet::parse(texts).map(|_| ()).map_err(|what| (key.to_owned(), what))
}

fn rate(spec: &Spec, band: &Band, key: &str) -> Result<(), Wrong> {
    for (at, step) in band.rate.iter().enumerate() {
        let key = format!("{key}.rate[{at}]");
        let last = at + 1 == band.rate.len();
        match step.every {
            Every::Window => window_step(spec, band, step, &key)?,
            Every::Time(every) => timed_step(step, every, last, &key)?,
        }
    }
    Ok(())
}

fn window_step(spec: &Spec, band: &Band, step: &Step, key: &str) -> Result<(), Wrong> {
    let alone = band.rate.len() == 1;
    let plain = step.by.is_none() && step.tolerance.is_none() && step.lasts.is_none();
    if band.hours.is_none() || !alone || !plain || step.started == Started::Free {
        return wrong(
            format!("{key}.every"),
            "\"window\" needs a band with hours and a rate of this step alone, without for, by, started, tolerance",
        );
    }
    if spec.boundary == Boundary::Entry {
        return wrong(format!("{key}.every"), "\"window\" does not go with boundary = \"entry\"");
    }
    Ok(())
}

fn timed_step(step: &Step, every: Length, last: bool, key: &str) -> Result<(), Wrong> {
    let piece = step.by.unwrap_or(every);
    if piece > every {
        return wrong(format!("{key}.by"), "must not be longer than `every`");
    }
    if step.tolerance.is_some_and(|tolerance| tolerance >= piece) {
        return wrong(format!("{key}.tolerance"), "must be shorter than the unit");
    }
    match step.lasts {
        Some(_) if last => wrong(
            format!("{key}.for"),
            "the last step lasts for ever: leave `for` out, or add a step",
        ),
        Some(lasts) if lasts.0 % piece.0 != 0 => wrong(
            format!("{key}.for"),
            "must be a multiple of `every` (of `by` where that is given)",
        ),
        _ => Ok(()),
    }
}

fn check_cap(spec: &Spec, cap: &Cap, key: &str) -> Result<(), Wrong> {
    days(&format!("{key}.days"), &cap.days)?;
    let unknown = cap.bands.iter().find(|name| spec.bands.iter().all(|band| band.name != **name));
    if let Some(name) = unknown {
        return wrong(format!("{key}.bands"), format!("there is no band \"{name}\""));
    }
    if cap.hours.is_some() && cap.per != Per::Window {
        return wrong(format!("{key}.hours"), "is for per = \"window\"");
    }
    if cap.per == Per::Window && cap.hours.is_none() {
        let capped = |band: &&Band| cap.bands.is_empty() || cap.bands.contains(&band.name);
        let endless = spec.bands.iter().filter(capped).any(|band| band.hours.is_none());
        if endless || spec.boundary == Boundary::Entry {
            return wrong(
                format!("{key}.per"),
                "\"window\" needs bands with hours: name them in `bands`, or give the cap `hours`",
            );
        }
    }
    if cap.over_visits && matches!(cap.per, Per::Stay | Per::Window) {
        return wrong(
            format!("{key}.over_visits"),
            "is for per = \"day\", \"week\", \"month\" or a length such as \"24h\"",
        );
    }
    if cap.restart_units && matches!(cap.per, Per::Week | Per::Month) {
        return wrong(format!("{key}.restart_units"), "does not go with a week or a month");
    }
    if matches!(&cap.amount, Amounts::Rising(list) if list.is_empty()) {
        return wrong(format!("{key}.amount"), "names no amount");
    }
    if cap.times == Some(0) {
        return wrong(format!("{key}.times"), "must be 1 or more");
    }
    Ok(())
}

fn rest(spec: &Spec) -> Result<(), Wrong> {
    if matches!(&spec.whole, Some(whole) if matches!(&whole.amount, Amounts::Rising(l) if l.is_empty()))
    {
        return wrong("whole.amount", "names no amount");
    }
    for (at, rule) in spec.alternatives.iter().enumerate() {
        let key = format!("alternative[{at}]");
        if rule.amount.is_some() == rule.tariff.is_some() {
            return wrong(key, "needs either `amount` or `tariff`");
        }
        days(&format!("{key}.days"), &rule.days)?;
    }
    for (at, rule) in spec.surcharges.iter().enumerate() {
        let key = format!("surcharge[{at}]");
        if rule.past.is_some() == rule.after.is_some() {
            return wrong(key, "needs either `past` or `after`");
        }
        if rule.again.is_some() && (rule.after.is_none() || rule.each_time) {
            return wrong(format!("{key}.again"), "goes with `after`, and in place of `each_time`");
        }
        days(&format!("{key}.days"), &rule.days)?;
    }
    if spec.benefits.order[0] == spec.benefits.order[1] {
        return wrong("benefits.order", "must name \"percent\" and \"amount\" once each");
    }
    if matches!(spec.round.to, Some(Amount::Major(to)) if to.is_zero()) {
        return wrong("round.to", "must be more than 0");
    }
    Ok(())
}

/// Amounts must be whole in the currency's thousandths of minor units: the first one that is not.
pub(super) fn unfit_amount(spec: &Spec, currency: Currency) -> Option<Amount> {
    let list = |amounts: &Amounts| match amounts {
        Amounts::One(amount) => vec![*amount],
        Amounts::Rising(amounts) => amounts.clone(),
    };
    let mut all: Vec<Amount> =
        spec.bands.iter().flat_map(|band| &band.rate).map(|step| step.amount).collect();
    all.extend(spec.caps.iter().flat_map(|cap| list(&cap.amount)));
    all.extend(spec.whole.iter().flat_map(|whole| list(&whole.amount)));
    all.extend(spec.alternatives.iter().filter_map(|rule| rule.amount));
    all.extend(spec.surcharges.iter().map(|rule| rule.amount));
    all.extend([spec.minimum, spec.maximum, spec.round.to].into_iter().flatten());
    all.extend(spec.lost.map(|lost| lost.amount));
    all.into_iter().find(|amount| milli(*amount, currency).is_none_or(|milli| milli < 0))
}
