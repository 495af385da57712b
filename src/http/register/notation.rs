//! How a person writes hours of the week, dates and lists of plates, the same in forms and in files. Knows no page.

use jiff::{Timestamp, ToSpan, civil::Date, civil::DateTime, tz::TimeZone};

pub(super) use crate::core::week::{hours, written};
use crate::types::{Plate, ZoneId};

/// Between spaces or commas; `Err` holds what is none.
pub(super) fn plates(text: &str) -> Result<Vec<Plate>, String> {
    let parts = text.split([' ', ',', '，', '、', '\n', '\r']).filter(|part| !part.is_empty());
    parts.map(|part| Plate::parse(part).map_err(|_| part.to_owned())).collect()
}

pub(super) fn zones(text: &str) -> Option<Vec<ZoneId>> {
    let parts = text.split([' ', ',', '，']).filter(|part| !part.is_empty());
    parts.map(ZoneId::parse).collect()
}

/// The beginning of a day at the site.
pub(super) fn day(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let day: Date = text.trim().parse().ok()?;
    zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The beginning of the day.
pub(super) fn today(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let day = now.to_zoned_datetime(zone.clone()).start_of_day();
    day.map_or(now, |day| day.timestamp())
}

/// The end of a day at the site: people mean the whole of the last day.
pub(super) fn end_of_day(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let day: Date = text.trim().parse().ok()?;
    zone.to_timestamp(day.checked_add(1.day()).ok()?.at(0, 0, 0, 0)).ok()
}

/// A time at the site, such as `2026-11-23T08:00`.
pub(super) fn time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let time: DateTime = text.trim().parse().ok()?;
    zone.to_timestamp(time).ok()
}

/// The last day on which something holds that ends at `until`.
pub(in crate::http) fn last_day(until: Timestamp, zone: &TimeZone) -> String {
    let last = until.checked_sub(1.second()).unwrap_or(until);
    zone.to_datetime(last).date().to_string()
}

/// The fields of one line of comma-separated values; quotes keep commas together.
pub(super) fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let (mut quoted, mut chars) = (false, line.chars().peekable());
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                fields[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_of_the_site_and_the_last_day_counts() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(day("2026-11-23", &zone).unwrap().to_string(), "2026-11-22T16:00:00Z");
        let end = end_of_day("2026-11-23", &zone).unwrap();
        assert_eq!(end.to_string(), "2026-11-23T16:00:00Z");
        assert_eq!(last_day(end, &zone), "2026-11-23");
        assert_eq!(time("2026-11-23T08:30", &zone).unwrap().to_string(), "2026-11-23T00:30:00Z");
        assert!(day("23.11.2026", &zone).is_none() && time("x", &zone).is_none());
    }

    #[test]
    fn fields_of_a_line() {
        assert_eq!(fields("a,b ,,\"c, \"\"d\"\"\""), ["a", "b ", "", "c, \"d\""]);
        assert_eq!(plates("京A12345 京B22222，沪C33333").unwrap().len(), 3);
        assert_eq!(plates("京A12345 x"), Err("x".into()));
    }
}
