//! A backup taken in the middle of traffic is a whole site.

use super::site::{Dir, Traffic};
use crate::{
    core::Input,
    store::{Options, Reader, Store, StoreError},
};

#[tokio::test]
async fn a_backup_starts_as_a_site_of_its_own() {
    let dir = Dir::new("backup");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(11);
    traffic.tell(Input::Started);
    for _ in 0..100 {
        traffic.step(&store.reader).await;
    }
    traffic.commit(&mut store.writer).await;
    let then = (traffic.state.clone(), *store.writer.tail());
    let copy = dir.file("copy.db");
    assert_eq!(store.reader.backup(&copy).await.unwrap(), then.1);
    traffic.tell(Input::Started);
    for _ in 0..20 {
        traffic.step(&store.reader).await;
    }
    traffic.commit(&mut store.writer).await;

    let taken = store.reader.backup(&copy).await;
    assert!(matches!(taken, Err(StoreError::Exists { .. })), "{taken:?}");
    assert_eq!(Reader::open(&copy).await.unwrap().rebuild().await.unwrap().differences, []);
    let mut restored = Store::open(&copy, Options::default()).await.unwrap();
    let loaded = restored.reader.load().await.unwrap();
    assert_eq!((&loaded.state, &loaded.tail), (&then.0, &then.1));

    traffic.state = loaded.state;
    traffic.tell(Input::Started);
    traffic.commit(&mut restored.writer).await;
    assert_eq!(restored.reader.rebuild().await.unwrap().differences, []);
}

#[tokio::test]
async fn a_backup_goes_on_beside_commits() {
    let dir = Dir::new("beside");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(12);
    traffic.tell(Input::Started);
    traffic.commit(&mut store.writer).await;
    let (reader, to) = (store.reader.clone(), dir.file("copy.db"));
    let copying = tokio::spawn(async move { reader.backup(&to).await });
    while !copying.is_finished() || store.writer.tail().seq < 300 {
        traffic.step(&store.reader).await;
        traffic.commit(&mut store.writer).await;
    }
    let tail = copying.await.unwrap().unwrap();
    assert!(tail.seq >= 1 && tail.seq <= store.writer.tail().seq);
    let rebuilt = Reader::open(&dir.file("copy.db")).await.unwrap().rebuild().await.unwrap();
    assert_eq!((rebuilt.differences.len(), rebuilt.tail), (0, tail));
}
