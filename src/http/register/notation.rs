//! How a person writes hours of the week, dates and lists of plates, the same in forms and in files. Knows no page.

use jiff::{Timestamp, ToSpan, civil::Date, civil::DateTime, tz::TimeZone};

use crate::{
    core::pass::WeekSpan,
    types::{Plate, ZoneId},
};

/// `1-5 08:00-18:00; 67 00:00-24:00`: days from 1 (Monday) to 7, then times. Empty: always.
pub(super) fn hours(text: &str) -> Option<Vec<WeekSpan>> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(span).collect()
}

fn span(text: &str) -> Option<WeekSpan> {
    let (days, times) = text.split_once(' ')?;
    let (from, to) = times.trim().split_once('-')?;
    let span = WeekSpan { days: week(days)?, from_minute: minute(from)?, to_minute: minute(to)? };
    span.is_sound().then_some(span)
}

fn week(text: &str) -> Option<u8> {
    let digit = |c: char| c.to_digit(10).filter(|d| (1..=7).contains(d)).map(|d| d - 1);
    if let Some((first, last)) = text.split_once('-') {
        let one = |text: &str| digit(text.chars().next().filter(|_| text.len() == 1)?);
        let (first, last) = (one(first)?, one(last)?);
        return (first <= last).then(|| (first..=last).fold(0, |days, day| days | 1 << day));
    }
    text.chars().try_fold(0, |days, c| Some(days | 1 << digit(c)?))
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= 24 && minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
}

/// As [`hours`] reads them.
pub(super) fn written(hours: &[WeekSpan]) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let one = |span: &WeekSpan| {
        let on = (0..7).filter(|day| span.days >> day & 1 == 1).map(|day| (day + 1).to_string());
        format!("{} {}-{}", on.collect::<String>(), time(span.from_minute), time(span.to_minute))
    };
    hours.iter().map(one).collect::<Vec<_>>().join("; ")
}

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
pub(super) fn last_day(until: Timestamp, zone: &TimeZone) -> String {
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
    fn hours_as_people_write_them() {
        for (text, again) in [
            ("", Some("")),
            ("1-5 08:00-18:00", Some("12345 08:00-18:00")),
            ("67 0:00-24:00 ;1 20:00-06:00", Some("67 00:00-24:00; 1 20:00-06:00")),
            ("8 08:00-18:00", None),
            ("5-1 08:00-18:00", None),
            ("1-5", None),
            ("1-5 8-18", None),
            ("1 24:01-25:00", None),
            ("1 24:00-06:00", None),
        ] {
            assert_eq!(hours(text).map(|hours| written(&hours)).as_deref(), again, "{text}");
        }
    }

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
