//! What products, times and places are called on pages and paper. Knows no order.

use jiff::{civil::Date, tz::TimeZone};

use crate::{
    core::{Rules, product::Names, slot::Span, ticket::Ticket},
    http::words::Lang,
    types::{ProductId, ScheduleId, SlotId, ZoneId},
};

pub(in crate::http) fn name(l: Lang, names: &Names) -> String {
    let (own, other) = if l.is_zh() { (&names.zh, &names.en) } else { (&names.en, &names.zh) };
    if own.is_empty() { other.clone() } else { own.clone() }
}

/// A product that is not sold any more goes by its id.
pub(in crate::http) fn product(rules: &Rules, l: Lang, id: &ProductId) -> String {
    let known = rules.shop.products.get(id).map(|product| name(l, &product.name));
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_string())
}

pub(in crate::http) fn ticket(rules: &Rules, l: Lang, ticket: &Ticket) -> String {
    match &ticket.sold {
        Some(sold) => product(rules, l, &sold.product),
        None => l.say("门票", "Ticket").to_owned(),
    }
}

/// `2026-11-24 周二`.
pub(in crate::http) fn day(l: Lang, day: Date) -> String {
    format!("{day} {}", weekday(l, day))
}

pub(in crate::http) fn weekday(l: Lang, day: Date) -> &'static str {
    const ZH: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
    const EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let at = day.weekday().to_monday_zero_offset() as usize;
    l.say(ZH[at], EN[at])
}

/// `09:00-11:00`; past midnight it goes on with `24:30`.
pub(in crate::http) fn span(span: &Span) -> String {
    let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    format!("{}-{}", clock(span.from), clock(span.to))
}

/// The time slot with this name, by today's rules.
pub(in crate::http) fn slot(rules: &Rules, id: &SlotId) -> Option<(ScheduleId, Date, Span)> {
    let mut parts = id.as_str().rsplitn(3, '-');
    let (_, day, of) = (parts.next()?, parts.next()?, parts.next()?);
    let schedule_id = ScheduleId::parse(of)?;
    let digits = |from: usize, to: usize| day.get(from..to)?.parse().ok();
    let (year, month, at): (i16, i16, i16) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let date = Date::new(year, month as i8, at as i8).ok()?;
    let schedule = rules.shop.schedules.get(&schedule_id)?;
    let found = schedule.span(&schedule_id, date, id, &rules.tariffs)?;
    Some((schedule_id, date, found))
}

/// Day and time slot of a ticket; a longer time with its end.
pub(in crate::http) fn when(rules: &Rules, l: Lang, ticket: &Ticket) -> String {
    let of_slot = ticket.sold.as_ref().and_then(|sold| sold.slot.as_ref());
    if let Some((_, date, found)) = of_slot.and_then(|id| slot(rules, id)) {
        return format!("{} {}", day(l, date), span(&found));
    }
    let date = |at: jiff::Timestamp, zone: &TimeZone| at.to_zoned_datetime(zone.clone()).date();
    let first = date(ticket.valid_from, &rules.zone);
    // It ends before the midnight it is valid until.
    let last = ticket.valid_until - jiff::SignedDuration::from_secs(1);
    let last = date(last, &rules.zone);
    if first >= last { day(l, first) } else { format!("{first} {} {last}", l.say("至", "to")) }
}

/// The zones it is good for, by name; empty: everywhere.
pub(in crate::http) fn areas(rules: &Rules, ticket: &Ticket) -> String {
    let name = |zone: &ZoneId| rules.zones.get(zone).map(|zone| zone.name.clone());
    let names =
        ticket.areas.iter().map(|area| name(&area.zone).unwrap_or_else(|| area.zone.to_string()));
    names.collect::<Vec<_>>().join("、")
}
