//! What the car park did over a day, a week or a month: vehicles, how long they stayed, how full it was, what was earned;
//! as charts, a table and a sheet. Knows no single stay.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

use super::{
    amount,
    charts::{Column, columns},
    console::Frame,
    error::ApiError,
    ports::{Parking, ParkingHour},
    router::{Shared, Web},
    sheet::{self, Cell, Sheet},
    signin::Signed,
    words::Lang,
};
use crate::{core::Rules, types::Money};

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/console/reports", get(page)).route("/console/reports/{file}", get(export))
}

/// How long a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    #[default]
    Day,
    Week,
    Month,
}

impl By {
    const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn word(self, l: Lang) -> &'static str {
        match self {
            Self::Day => l.say("日", "Day"),
            Self::Week => l.say("周", "Week"),
            Self::Month => l.say("月", "Month"),
        }
    }

    /// First and last day of the span around a day; weeks begin on Monday.
    fn around(self, day: Date) -> (Date, Date) {
        let monday = i64::from(day.weekday().to_monday_zero_offset());
        match self {
            Self::Day => (day, day),
            Self::Week => {
                let first = day.saturating_sub(monday.days());
                (first, first.saturating_add(6.days()))
            }
            Self::Month => (day.first_of_month(), day.last_of_month()),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    by: By,
    day: Option<Date>,
}

/// Which span is looked at.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    by: By,
    first: Date,
    last: Date,
    from: Timestamp,
    to: Timestamp,
}

impl Wanted {
    /// Days begin as in settlement, so that both tell the same sums.
    fn new(asked: &Asked, rules: &Rules, now: Timestamp) -> Option<Self> {
        let today = rules.settle.day_of(now, &rules.zone);
        let (first, last) = asked.by.around(asked.day.unwrap_or(today));
        let (from, _) = rules.settle.bounds(first, &rules.zone)?;
        let (_, to) = rules.settle.bounds(last, &rules.zone)?;
        Some(Self { by: asked.by, first, last, from, to })
    }

    fn before(&self) -> Date {
        self.first.saturating_sub(1.day())
    }

    fn after(&self) -> Date {
        self.last.saturating_add(1.day())
    }
}

/// One hour of a day, or one day of a longer span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    name: String,
    /// Below its bar.
    mark: String,
    came: i64,
    left: i64,
    stayed_s: i64,
    stays_minor: i64,
    passes_minor: i64,
    /// As it ends.
    inside: i64,
    /// At the end of one of its hours.
    most: i64,
    /// It lies ahead.
    ahead: bool,
}

impl Line {
    fn add(&mut self, hour: &ParkingHour) {
        self.came += hour.came;
        self.left += hour.left;
        self.stayed_s += hour.stayed_s;
        self.stays_minor += hour.stays_minor;
        self.passes_minor += hour.passes_minor;
    }

    /// Minutes that those who left stayed on average.
    fn average_min(&self) -> Option<i64> {
        (self.left > 0).then(|| self.stayed_s / self.left / 60)
    }
}

/// The whole span and its lines.
fn lines(wanted: &Wanted, known: &Parking, rules: &Rules, now: Timestamp) -> (Line, Vec<Line>) {
    let hours = wanted.to.duration_since(wanted.from).as_hours().max(0);
    let mut sum = Line { inside: known.inside_before, ..Line::default() };
    let (mut all, mut next): (Vec<Line>, _) = (Vec::new(), known.hours.iter().peekable());
    for hour in 0..hours {
        let begins = wanted.from + jiff::SignedDuration::from_hours(hour);
        let (name, mark) = named(wanted, begins, rules);
        if all.last().is_none_or(|line| line.name != name) {
            let ahead = begins > now;
            all.push(Line { name, mark, ahead, most: sum.inside, ..Line::default() });
        }
        let Some(line) = all.last_mut() else { continue };
        if let Some(known) = next.next_if(|known| known.hour as i64 == hour) {
            line.add(known);
            sum.add(known);
            sum.inside += known.came - known.left;
        }
        line.inside = sum.inside;
        line.most = line.most.max(sum.inside);
    }
    sum.most = all.iter().map(|line| line.most).max().unwrap_or(0);
    (sum, all)
}

/// Of the line that an hour belongs to, and what stands below its bar.
fn named(wanted: &Wanted, at: Timestamp, rules: &Rules) -> (String, String) {
    if wanted.by == By::Day {
        let clock = at.to_zoned_datetime(rules.zone.clone());
        let mark =
            if clock.hour() % 6 == 0 { format!("{:02}", clock.hour()) } else { String::new() };
        return (clock.strftime("%m-%d %H:%M").to_string(), mark);
    }
    let day = rules.settle.day_of(at, &rules.zone);
    let every = if wanted.by == By::Week { 1 } else { 5 };
    let marked = (day.day() - 1) % every == 0;
    (day.to_string(), if marked { day.day().to_string() } else { String::new() })
}

#[derive(Template)]
#[template(path = "reports.html", config = "src/http/askama.toml")]
struct ReportsPage {
    f: Frame,
    wanted: Wanted,
    sum: Line,
    lines: Vec<Line>,
    takings: String,
    stays: String,
    lengths: String,
    inside: String,
    capacity: Option<u32>,
}

impl ReportsPage {
    fn title(&self) -> String {
        match self.wanted.by {
            By::Day => self.wanted.first.to_string(),
            By::Week => format!("{} – {}", self.wanted.first, self.wanted.last),
            By::Month => self.wanted.first.strftime("%Y-%m").to_string(),
        }
    }

    fn money(&self, minor: impl std::borrow::Borrow<i64>) -> Money {
        Money::new(*minor.borrow(), self.f.currency)
    }

    fn average(&self, line: &Line) -> String {
        line.average_min().map_or("–".to_owned(), |minutes| self.f.l.duration(minutes * 60))
    }

    /// Of all spaces.
    fn percent(&self, inside: impl std::borrow::Borrow<i64>) -> String {
        let Some(all) = self.capacity.filter(|all| *all > 0) else { return String::new() };
        format!("{} %", (*inside.borrow()).max(0) * 100 / i64::from(all))
    }

    /// Of this length, around the same days.
    fn tabs(&self) -> [(&'static str, &'static str, bool); 3] {
        By::ALL.map(|by| (by.name(), by.word(self.f.l), by == self.wanted.by))
    }
}

/// Spaces of all zones that lie in no other; `None`: nobody counts.
fn spaces(rules: &Rules) -> Option<u32> {
    let outer = rules.zones.iter().filter(|(_, zone)| zone.parent.is_none());
    outer.map(|(_, zone)| zone.capacity).sum()
}

async fn known(web: &Web, asked: &Asked) -> Result<(Wanted, Line, Vec<Line>), ApiError> {
    let (rules, now) = (web.desk.rules(), web.desk.now());
    let wanted = Wanted::new(asked, &rules, now).ok_or(ApiError::NotFound)?;
    let known = web.records.parking(wanted.from, wanted.to).await?;
    let (sum, lines) = lines(&wanted, &known, &rules, now);
    Ok((wanted, sum, lines))
}

async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let (wanted, sum, lines) = known(&web, &asked).await?;
    let (f, rules) = (Frame::new(&web, l, &signed), web.desk.rules());
    let now = lines.iter().rposition(|line| !line.ahead).filter(|_| wanted.to > web.desk.now());
    let chart = |value: fn(&Line) -> i64, text: &dyn Fn(i64) -> String, title| {
        let column = |line: &Line| Column {
            name: line.name.clone(),
            mark: line.mark.clone(),
            value: if line.ahead { 0 } else { value(line) },
        };
        let all: Vec<_> = lines.iter().map(column).collect();
        columns(&all, now.unwrap_or(usize::MAX), text, title)
    };
    let money = |minor: i64| Money::new(minor, f.currency).to_string();
    let count = |count: i64| count.to_string();
    let length = |minutes: i64| l.duration(minutes * 60);
    let page = ReportsPage {
        takings: chart(|line| line.stays_minor, &money, l.say("停车收入", "Takings of stays")),
        stays: chart(|line| line.came, &count, l.say("入场车辆", "Vehicles that came in")),
        lengths: chart(
            |line| line.average_min().unwrap_or(0),
            &length,
            l.say("平均停放时长", "Average length of a stay"),
        ),
        inside: chart(|line| line.most, &count, l.say("最多在场车辆", "Most vehicles inside")),
        capacity: spaces(&rules),
        wanted,
        sum,
        lines,
        f,
    };
    Ok(Html(page.render()?).into_response())
}

/// One line for each hour or day.
async fn export(
    State(web): State<Shared>,
    _signed: Signed,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let form = sheet::Form::parse(&file).ok_or(ApiError::NotFound)?;
    let (wanted, _, lines) = known(&web, &asked).await?;
    let currency = web.desk.rules().currency;
    let mut sheet = Sheet::new(&[
        "from",
        "came",
        "left",
        "average_minutes",
        "inside",
        "most_inside",
        "stays",
        "passes",
    ]);
    for line in lines.iter().filter(|line| !line.ahead) {
        let number = |number: i64| Cell::Number(number.to_string());
        let money = |minor| Cell::Number(amount::text(Money::new(minor, currency)));
        sheet.row(&[
            Cell::Text(line.name.clone()),
            number(line.came),
            number(line.left),
            line.average_min().map_or(Cell::Nothing, number),
            number(line.inside),
            number(line.most),
            money(line.stays_minor),
            money(line.passes_minor),
        ]);
    }
    Ok(sheet.download(form, &format!("parking-{}-{}", wanted.by.name(), wanted.first)))
}

#[cfg(test)]
mod tests {
    use jiff::tz::{self, TimeZone};

    use super::*;
    use crate::{core::tariff::Tariff, types::Currency};

    #[test]
    fn a_span_lies_around_its_day() {
        let day: Date = "2026-12-02".parse().unwrap();
        for (by, first, last) in [
            (By::Day, "2026-12-02", "2026-12-02"),
            (By::Week, "2026-11-30", "2026-12-06"),
            (By::Month, "2026-12-01", "2026-12-31"),
        ] {
            let (from, to) = by.around(day);
            assert_eq!((from.to_string(), to.to_string()), (first.to_owned(), last.to_owned()));
        }
    }

    #[test]
    fn hours_add_up_to_their_day_and_vehicles_stay_inside_over_it() {
        let tariff = Tariff::hourly(15, 500, 4_000);
        let rules = Rules::new("test", TimeZone::fixed(tz::offset(8)), Currency::Cny, tariff);
        let day: Date = "2026-12-02".parse().unwrap();
        let now = "2026-12-03T10:00:00Z".parse().unwrap();
        let asked = Asked { by: By::Week, day: Some(day) };
        let wanted = Wanted::new(&asked, &rules, now).unwrap();
        let hour = |hour, came, left, stayed_s| ParkingHour {
            hour,
            came,
            left,
            stayed_s,
            stays_minor: 500 * left,
            ..ParkingHour::default()
        };
        let hours = vec![hour(1, 3, 0, 0), hour(5, 0, 2, 7_200), hour(30, 1, 1, 3_600)];
        let (sum, lines) = lines(&wanted, &Parking { inside_before: 4, hours }, &rules, now);
        assert_eq!(lines.len(), 7);
        let told = |line: &Line| (line.came, line.left, line.average_min(), line.inside, line.most);
        assert_eq!(told(&lines[0]), (3, 2, Some(60), 5, 7));
        assert_eq!(told(&lines[1]), (1, 1, Some(60), 5, 5));
        assert_eq!(told(&lines[6]), (0, 0, None, 5, 5));
        assert!(lines[6].ahead && !lines[2].ahead);
        assert_eq!((sum.came, sum.left, sum.stays_minor, sum.most), (4, 3, 1_500, 7));
    }
}
