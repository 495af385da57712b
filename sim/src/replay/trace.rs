//! Occupancy traces: how many vehicles stood in a car park at which time, as cities publish them. Knows no visit.
//!
//! Two forms are read. Birmingham: `code,capacity,occupancy,time` without a header, some times with a tab behind them.
//! Aarhus: a header, then `count,time,id,capacity,code,...`. Counts below zero or above the capacity, repeated rows and
//! rows that are no rows are dropped and counted.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// One car park.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub name: String,
    pub capacity: u32,
    /// In time, no instant twice.
    pub points: Vec<(Timestamp, u32)>,
}

/// What a file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub traces: Vec<Trace>,
    pub rows: usize,
    /// Out of range, repeated or unreadable.
    pub dropped: usize,
}

const AARHUS_HEADER: &str = "vehiclecount,updatetime";

/// The zone that a form's local times are in, unless the caller knows better.
pub fn usual_zone(text: &str) -> &'static str {
    if text.starts_with(AARHUS_HEADER) { "Europe/Copenhagen" } else { "Europe/London" }
}

pub fn parse(text: &str, zone: &TimeZone) -> Read {
    let aarhus = text.starts_with(AARHUS_HEADER);
    let mut read = Read::default();
    let mut found: BTreeMap<String, (u32, BTreeMap<Timestamp, u32>)> = BTreeMap::new();
    for row in text.lines().skip(usize::from(aarhus)).filter(|row| !row.trim().is_empty()) {
        read.rows += 1;
        let Some((name, capacity, count, at)) = row_of(row, aarhus, zone) else {
            read.dropped += 1;
            continue;
        };
        let (spaces, points) = found.entry(name).or_default();
        *spaces = (*spaces).max(capacity);
        if points.insert(at, count).is_some() {
            read.dropped += 1;
        }
    }
    let trace = |(name, (capacity, points)): (String, (u32, BTreeMap<Timestamp, u32>))| Trace {
        name,
        capacity,
        points: points.into_iter().collect(),
    };
    read.traces = found.into_iter().map(trace).collect();
    read
}

fn row_of(row: &str, aarhus: bool, zone: &TimeZone) -> Option<(String, u32, u32, Timestamp)> {
    let cells: Vec<&str> = row.split(',').map(str::trim).collect();
    let (name, capacity, count, at) = match (aarhus, &cells[..]) {
        (true, [count, at, _, capacity, name, ..]) | (false, [name, capacity, count, at]) => {
            (*name, *capacity, *count, *at)
        }
        _ => return None,
    };
    let (capacity, count): (u32, i64) = (capacity.parse().ok()?, count.parse().ok()?);
    let count = u32::try_from(count).ok().filter(|count| *count <= capacity)?;
    // Whole seconds are more than enough.
    let at: DateTime = at.split('.').next()?.replace(' ', "T").parse().ok()?;
    let at = zone.to_ambiguous_timestamp(at).compatible().ok()?;
    (!name.is_empty()).then(|| (name.to_owned(), capacity, count, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nonsense_is_dropped() {
        let utc = TimeZone::UTC;
        let birmingham = "A,10,3,2016-10-04 08:00:00\t\nA,10,11,2016-10-04 08:30:00\n\
                          A,10,-1,2016-10-04 09:00:00\nA,10,4,2016-10-04 08:00:00\nrubbish\n\
                          B,5,5,2016-10-04 07:59:42\n";
        let read = parse(birmingham, &utc);
        assert_eq!((read.rows, read.dropped, read.traces.len()), (6, 4, 2));
        assert_eq!(read.traces[0].points, [("2016-10-04T08:00:00Z".parse().unwrap(), 4)]);
        let aarhus = "vehiclecount,updatetime,_id,totalspaces,garagecode,streamtime\n\
                      22,2014-05-22 09:09:04.145,4,953,BRUUNS,2014-11-03 16:18:44\n";
        let read = parse(aarhus, &utc);
        assert_eq!(read.traces[0].capacity, 953);
        assert_eq!(read.traces[0].points, [("2014-05-22T09:09:04Z".parse().unwrap(), 22)]);
        assert_eq!(usual_zone(aarhus), "Europe/Copenhagen");
    }
}
