//! Stays of the past, looked through a piece at a time.

use jiff::{SignedDuration, Timestamp};

use super::site::{Dir, lane, start};
use crate::{
    core::{
        Change,
        rules::Zones,
        stay::{Stay, StayState},
        tariff::Benefit,
        till::{Validation, ValidationState},
    },
    store::{Options, Store},
    types::{MerchantId, Plate, StayId, ValidationId},
};

fn stay(id: i64, left_at: Option<Timestamp>, state: StayState) -> Change {
    let plate = Plate::parse(&format!("京A{id:05}")).unwrap();
    let stay = Stay::new(StayId(id), plate, lane("in"), Zones::only(), start());
    Change::Stay(Stay { state, left_at, ..stay })
}

fn given(id: i64, to: i64, benefit: Benefit, state: ValidationState) -> Change {
    Change::Validation(Validation {
        id: ValidationId(id),
        merchant: MerchantId(1),
        offer: "an hour".into(),
        benefit,
        stay: StayId(to),
        at_most_minor: 500,
        by: "shop".into(),
        given_at: start(),
        state,
        over_at: (state == ValidationState::Revoked).then(start),
    })
}

#[tokio::test]
async fn only_those_that_left_in_the_period_come_with_what_they_were_given() {
    let dir = Dir::new("past");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let after = |minutes| Some(start() + SignedDuration::from_mins(minutes));
    let hour = Benefit::TimeFront { minutes: 60 };
    let changes = [
        stay(1, after(59), StayState::Left),
        stay(2, after(60), StayState::Left),
        stay(3, after(119), StayState::Left),
        stay(4, after(120), StayState::Left),
        stay(5, None, StayState::Inside),
        stay(6, after(90), StayState::Superseded),
        given(1, 3, hour.clone(), ValidationState::Given),
        given(2, 3, Benefit::AllFree, ValidationState::Revoked),
        given(3, 2, Benefit::Percent { off: 50 }, ValidationState::Lapsed),
    ];
    store.writer.commit(start(), &changes).await.unwrap();
    let (from, to) = (after(60).unwrap(), after(120).unwrap());
    let found = store.reader.stays_left(0, 100, from, to).await.unwrap();
    let ids: Vec<_> = found.iter().map(|(stay, gifts)| (stay.id.0, gifts.clone())).collect();
    assert_eq!(ids, [(2, vec![Benefit::Percent { off: 50 }]), (3, vec![hour])]);
    let first = store.reader.stays_left(0, 2, from, to).await.unwrap();
    let rest = store.reader.stays_left(2, 6, from, to).await.unwrap();
    assert_eq!((first.len(), rest.len()), (1, 1));
}
