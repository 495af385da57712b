//! The figures of a day say what the state says.

use super::site::{Dir, Traffic, start};
use crate::{
    core::Input,
    store::{Options, Store},
};

#[tokio::test]
async fn who_came_less_who_left_is_who_is_inside() {
    let dir = Dir::new("counts");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(7);
    traffic.tell(Input::Started);
    for _ in 0..1_500 {
        traffic.step(&store.reader).await;
    }
    traffic.commit(&mut store.writer).await;
    let from = start() - std::time::Duration::from_mins(1);
    let net = store.reader.net_by_quarter(from, 100_000).await.unwrap();
    let inside = traffic.state.stays.len() as i64;
    assert_eq!(net.iter().map(|(_, net)| net).sum::<i64>(), inside);
    assert!(net.len() > 3 && net.iter().all(|(quarter, net)| *quarter >= 0 && *net != 0));
    let open = traffic.state.tasks.len();
    let over = store.reader.tasks_over(10_000).await.unwrap();
    assert_eq!((over.len() + open) as i64, traffic.state.counters.task);
    assert!(!over.is_empty() && over.windows(2).all(|pair| pair[0].over_at >= pair[1].over_at));
    let went = store.reader.admitted_since(from).await.unwrap();
    let all = store.reader.admissions_since(from, 10_000).await.unwrap();
    let used = all.iter().filter(|admission| admission.state.name() == "used").count();
    assert_eq!(went.iter().map(|(_, count)| count).sum::<i64>(), used as i64);
}

#[tokio::test]
async fn a_span_of_parking_ends_where_the_next_begins() {
    let dir = Dir::new("parking");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(11);
    traffic.tell(Input::Started);
    for _ in 0..2_000 {
        traffic.step(&store.reader).await;
    }
    traffic.commit(&mut store.writer).await;
    let (begin, end) = (start(), traffic.now + std::time::Duration::from_mins(1));
    let between = |at: i64| begin + end.duration_since(begin) * at as i32 / 4;
    let mut inside = 0;
    let (mut came, mut minor) = (0, 0);
    for quarter in 0..4 {
        let span = (between(quarter), between(quarter + 1));
        let parking = store.reader.parking(span.0, span.1).await.unwrap();
        assert_eq!(parking.inside_before, inside, "as the span before ended");
        let sum =
            |of: fn(&crate::store::ParkingHour) -> i64| parking.hours.iter().map(of).sum::<i64>();
        inside += sum(|hour| hour.came) - sum(|hour| hour.left);
        came += sum(|hour| hour.came);
        minor += sum(|hour| hour.stays_minor);
        assert!(parking.hours.iter().all(|hour| hour.hour >= 0 && hour.stayed_s >= 0));
    }
    assert_eq!(inside, traffic.state.stays.len() as i64);
    assert!(came > 50, "{came}");
    let ledger = store.reader.ledger_sums().await.unwrap();
    let earned =
        ledger.iter().find(|sum| sum.account == "parking_revenue").map_or(0, |sum| -sum.minor);
    assert_eq!(minor, earned);
    assert!(earned > 0);
}
