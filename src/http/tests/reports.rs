//! The parking report as its readers get it: the page in both languages, and the sheet.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    phone::Phone,
    site::{PASSWORD, Site},
};
use crate::{
    core::stay::Stay,
    http::ports::{Parking, ParkingHour},
    types::{Money, Role},
};

/// Minor units paid in each hour from `from` on.
pub(super) fn by_hour(paid: &[(Timestamp, Money)], from: Timestamp, hours: usize) -> Vec<i64> {
    let mut by_hour = vec![0; hours];
    for (at, money) in paid {
        let hour = at.duration_since(from).as_secs().div_euclid(3_600);
        if let Some(sum) = usize::try_from(hour).ok().and_then(|hour| by_hour.get_mut(hour)) {
            *sum += money.minor;
        }
    }
    by_hour
}

/// As the tables would count these stays.
pub(super) fn parking(stays: &[Stay], from: Timestamp, to: Timestamp) -> Parking {
    let mut hours: BTreeMap<usize, ParkingHour> = BTreeMap::new();
    let mut inside_before = 0;
    let hour = |at: Timestamp| at.duration_since(from).as_secs() as usize / 3_600;
    for stay in stays {
        if stay.entered_at < from {
            inside_before += i64::from(stay.left_at.is_none_or(|left| left >= from));
        } else if stay.entered_at < to {
            hours.entry(hour(stay.entered_at)).or_default().came += 1;
        }
        if let Some(left) = stay.left_at.filter(|left| (from..to).contains(left)) {
            let of = hours.entry(hour(left)).or_default();
            of.left += 1;
            of.stayed_s += left.duration_since(stay.entered_at).as_secs();
            of.stays_minor += stay.paid_minor;
        }
    }
    let hours = hours.into_iter().map(|(hour, of)| ParkingHour { hour, ..of }).collect();
    Parking { inside_before, hours }
}

#[tokio::test]
async fn an_accountant_reads_a_month_and_takes_it_away() {
    let site = Site::new();
    site.add_person("zhang", Role::Accountant, false);
    let (address, _stop) = site.serve().await;
    let mut phone = Phone::new(address);
    phone.sign_in("zhang", PASSWORD).await;
    let day = phone.text("/console/reports").await;
    for words in ["Takings of stays", "Vehicles that came in", "<svg class=\"chart\""] {
        assert!(day.contains(words), "{words}: {day}");
    }
    let month = phone.text("/console/reports?by=month&day=2026-02-10").await;
    assert!(month.contains("2026-02") && month.contains("by=month&amp;day=2026-01-31"), "{month}");
    let sheet = phone.text("/console/reports/csv?by=month&day=2026-02-10").await;
    let mut lines = sheet.lines();
    assert_eq!(
        lines.next().map(|head| head.trim_start_matches('\u{feff}')),
        Some("from,came,left,average_minutes,inside,most_inside,stays,passes")
    );
    assert_eq!(lines.count(), 28);
    assert_eq!(phone.get("/console/reports/exe").await.status().as_u16(), 404);
    assert_eq!(phone.get("/console/reports?by=year").await.status().as_u16(), 400);
}
