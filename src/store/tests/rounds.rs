//! Whatever a site goes through: loaded state = live state = replayed journal, and the tables say the same.

use rand::RngExt;

use super::site::{Dir, Traffic};
use crate::{
    core::Input,
    store::{Loaded, Options, Store, Tail},
};

async fn check(seed: u64, traffic: &Traffic, store: &Store) {
    let loaded = store.reader.load().await.unwrap();
    assert_eq!(loaded.state, traffic.state, "seed {seed}: loaded");
    assert_eq!(loaded.tail, *store.writer.tail(), "seed {seed}: tail");
    let rebuilt = store.reader.rebuild().await.unwrap();
    assert_eq!(rebuilt.differences, [], "seed {seed}");
    assert_eq!(rebuilt.state, traffic.state, "seed {seed}: replayed");
    assert_eq!(rebuilt.tail, loaded.tail, "seed {seed}: chain");
    let sums = store.reader.ledger_sums().await.unwrap();
    assert_eq!(sums.iter().map(|sum| sum.minor).sum::<i64>(), 0, "seed {seed}: ledger");
}

/// Steps of any traffic, committed in batches of any size, with restarts in between.
async fn drive(seed: u64, steps: usize) -> (usize, usize, usize) {
    let dir = Dir::new("rounds");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(seed);
    traffic.tell(Input::Started);
    for step in 0..steps {
        traffic.step(&store.reader).await;
        if traffic.rng.random_ratio(1, 3) {
            traffic.commit(&mut store.writer).await;
        }
        if step % 60 == 59 {
            traffic.commit(&mut store.writer).await;
            check(seed, &traffic, &store).await;
            if traffic.rng.random() {
                drop(store);
                store = Store::open(&dir.db(), Options::default()).await.unwrap();
                traffic.state = store.reader.load().await.unwrap().state;
                traffic.tell(Input::Started);
            }
        }
    }
    traffic.commit(&mut store.writer).await;
    check(seed, &traffic, &store).await;
    let sums = store.reader.ledger_sums().await.unwrap();
    let stays = store.reader.counts().await.unwrap().stays as usize;
    (sums.len(), stays, traffic.state.counters.refund as usize)
}

#[tokio::test]
async fn what_goes_in_comes_back() {
    let (mut accounts, mut stays, mut refunds) = (0, 0, 0);
    for seed in 0..12 {
        let done = drive(seed, 240).await;
        accounts = accounts.max(done.0);
        stays += done.1;
        refunds += done.2;
    }
    // The traffic reached every table.
    assert!(accounts >= 3 && stays > 100 && refunds > 3, "{accounts} {stays} {refunds}");
}

#[tokio::test]
async fn an_empty_file_is_an_empty_site() {
    let dir = Dir::new("empty");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let loaded = store.reader.load().await.unwrap();
    assert_eq!(loaded, Loaded { state: crate::core::State::default(), tail: Tail::GENESIS });
    assert_eq!(store.reader.rebuild().await.unwrap().differences, []);
}

#[tokio::test]
async fn no_changes_make_no_row() {
    let dir = Dir::new("nothing");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    store.writer.commit(super::site::start(), &[]).await.unwrap();
    assert_eq!(*store.writer.tail(), Tail::GENESIS);
}
