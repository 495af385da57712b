//! Programs and what they said once, their webhooks, and which rows of the journal are news.

use std::collections::HashSet;

use jiff::SignedDuration;

use super::site::{Dir, Traffic, start};
use crate::{
    core::Input,
    http::events::{EVENT_KINDS, News, event},
    store::{Options, Store},
    types::{CounterId, KeptAnswer, Once, Scope, WebhookDraft},
};

#[tokio::test]
async fn programs_come_and_go() {
    let dir = Dir::new("programs");
    let accounts = Store::open(&dir.db(), Options::default()).await.unwrap().accounts;
    let scopes = [Scope::StaysRead, Scope::LanesRead];
    assert!(accounts.add_program("a", &scopes, &[1; 32], "li", start()).await.unwrap());
    assert!(!accounts.add_program("a", &scopes, &[2; 32], "li", start()).await.unwrap());
    let counter = CounterId::parse("hotel").unwrap();
    accounts.put_counter(&counter, &[3; 32], "li", start()).await.unwrap();
    let taken = accounts.add_program("hotel", &scopes, &[4; 32], "li", start()).await.unwrap();
    assert!(!taken, "a counter sells by this name");
    assert_eq!(accounts.programs().await.unwrap()[0].used_at, None);
    let later = start() + SignedDuration::from_mins(5);
    let known = accounts.program_of_token(&[1; 32], later).await.unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.scopes.as_slice()), ("a", scopes.as_slice()));
    let used = accounts.programs().await.unwrap()[0].used_at.unwrap();
    assert_eq!(used.as_millisecond(), later.as_millisecond());
    assert!(accounts.program_of_token(&[9; 32], later).await.unwrap().is_none());
    assert!(accounts.drop_program("a").await.unwrap());
    assert!(!accounts.drop_program("a").await.unwrap());
    assert!(accounts.program_of_token(&[1; 32], later).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_said_once_is_kept_for_a_day() {
    let dir = Dir::new("once");
    let accounts = Store::open(&dir.db(), Options::default()).await.unwrap().accounts;
    let begin = |caller: &'static str, digest: u8, hours: i64| {
        let accounts = accounts.clone();
        let now = start() + SignedDuration::from_hours(hours);
        async move { accounts.begin_once(caller, "k", &[digest; 32], now).await.unwrap() }
    };
    assert_eq!(begin("a", 1, 0).await, Once::New);
    assert_eq!(begin("a", 1, 0).await, Once::Unknown);
    assert_eq!(begin("a", 2, 0).await, Once::Other);
    assert_eq!(begin("b", 2, 0).await, Once::New, "keys are each caller's own");
    let answer = KeptAnswer { status: 200, content_type: "x/y".into(), body: b"{}".to_vec() };
    accounts.end_once("a", "k", Some(&answer)).await.unwrap();
    assert_eq!(begin("a", 1, 23).await, Once::Answered(answer));
    accounts.end_once("b", "k", None).await.unwrap();
    assert_eq!(begin("b", 3, 23).await, Once::New, "nothing was done");
    assert_eq!(begin("a", 2, 25).await, Once::New, "a day is over");
}

#[tokio::test]
async fn webhooks_are_numbered_for_ever() {
    let dir = Dir::new("webhooks");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let draft = WebhookDraft {
        url: "http://x.example/".into(),
        kinds: vec!["stay.opened".into()],
        plates: true,
        salt: [7; 16],
        made_by: "li".into(),
    };
    let first = store.accounts.add_webhook(&draft, start()).await.unwrap();
    let kept = store.reader.webhooks().await.unwrap();
    assert_eq!(
        (kept.len(), kept[0].salt, kept[0].plates, kept[0].after_seq),
        (1, [7; 16], true, 0)
    );
    assert!(store.accounts.drop_webhook(first.id).await.unwrap());
    let second = store.accounts.add_webhook(&draft, start()).await.unwrap();
    assert!(second.id > first.id);
    let by = WebhookDraft { made_by: "program a".into(), ..draft };
    store.accounts.add_webhook(&by, start()).await.unwrap();
    store.accounts.add_program("a", &[Scope::StaysRead], &[1; 32], "li", start()).await.unwrap();
    assert!(store.accounts.drop_program("a").await.unwrap());
    let left: Vec<_> = store.reader.webhooks().await.unwrap().into_iter().map(|h| h.id).collect();
    assert_eq!(left, [second.id], "it is told nothing more either");
}

/// Against one that remembers all it has seen.
#[tokio::test]
async fn a_row_is_news_when_nothing_said_so_before() {
    let dir = Dir::new("news");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(11);
    traffic.tell(Input::Started);
    for n in 0..1_200 {
        traffic.step(&store.reader).await;
        if n % 40 == 0 {
            traffic.commit(&mut store.writer).await;
        }
    }
    traffic.commit(&mut store.writer).await;
    let kinds: Vec<&str> = EVENT_KINDS.iter().map(|kind| kind.row).collect();
    let end = store.reader.journal_end().await.unwrap();
    let rows = store.reader.journal_of(&kinds, 0, end, u32::MAX).await.unwrap();
    let (mut seen, mut told, mut again) = (HashSet::new(), HashSet::new(), 0);
    for row in rows {
        let Some(event) = event(&row.change) else { continue };
        let News::First { id, since, mark } = event.news else {
            told.insert(event.kind);
            continue;
        };
        let of = (row.change.kind(), id);
        let mark = mark.as_ref().map(|(field, value)| (*field, value.as_str()));
        let said = store.reader.said_before(row.seq, of, since, mark).await.unwrap();
        let news = seen.insert((event.kind, id));
        assert_eq!(!said, news, "row {}: {} {id}", row.seq, event.kind);
        told.insert(event.kind);
        again += i32::from(said);
    }
    for kind in ["stay.opened", "stay.closed", "payment.paid", "admission.used", "task.opened"] {
        assert!(told.contains(kind), "{kind} never happened: {told:?}");
    }
    assert!(again > 100, "things are journaled more than once: {again}");
}
