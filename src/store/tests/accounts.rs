//! Operators and their browsers, beside a writer that never waits for them.

use std::time::Duration;

use jiff::Timestamp;

use super::site::{Dir, Traffic, start};
use crate::{
    core::Input,
    store::{Doer, Options, Store, StoreError},
    types::{AccountDid, Role},
};

fn by(name: &str) -> Doer<'_> {
    Doer { name, now: start() }
}

#[tokio::test]
async fn operators_come_change_and_go() {
    let dir = Dir::new("operators");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let accounts = &store.accounts;
    accounts.add_operator("li", "$argon2id$secret", Role::Owner, by("an")).await.unwrap();
    let taken = accounts.add_operator("li", "x", Role::Owner, by("an")).await;
    assert!(
        matches!(&taken, Err(StoreError::Constraint { name }) if name == "operator_name_unique"),
        "{taken:?}"
    );
    let li = accounts.operator("li").await.unwrap().unwrap();
    assert!(li.must_change && !li.disabled && li.password_hash == "$argon2id$secret");
    assert!(!format!("{li:?}").contains("secret"));
    accounts.set_password("li", "$new", by("li")).await.unwrap();
    let li = accounts.operator("li").await.unwrap().unwrap();
    assert_eq!((li.must_change, li.password_hash.as_str()), (false, "$new"));
    let nobody = accounts.set_password("wang", "x", by("li")).await;
    assert!(matches!(nobody, Err(StoreError::NoOperator(_))), "{nobody:?}");
    accounts.add_operator("an", "x", Role::Owner, by("an")).await.unwrap();
    let names: Vec<_> = accounts.operators().await.unwrap().into_iter().map(|o| o.name).collect();
    assert_eq!(names, ["an", "li"]);
}

#[tokio::test]
async fn sessions_end() {
    let dir = Dir::new("sessions");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let accounts = &store.accounts;
    accounts.add_operator("li", "x", Role::Owner, by("an")).await.unwrap();
    let (one, two, three) = ([1; 32], [2; 32], [3; 32]);
    let hour = Duration::from_hours(1);
    for token in [&one, &two, &three] {
        accounts.put_session(token, "li", start() + hour).await.unwrap();
    }
    let nobodys = accounts.put_session(&[4; 32], "wang", start() + hour).await;
    assert!(matches!(nobodys, Err(StoreError::Constraint { .. })), "{nobodys:?}");
    let who = accounts.session(&one, start()).await.unwrap().map(|(operator, _)| operator.name);
    assert_eq!(who.as_deref(), Some("li"));
    assert_eq!(accounts.session(&[9; 32], start()).await.unwrap(), None);
    assert_eq!(accounts.session(&one, start() + hour).await.unwrap(), None, "expired");

    accounts.put_session(&one, "li", start() + hour * 2).await.unwrap();
    assert!(accounts.session(&one, start() + hour).await.unwrap().is_some(), "prolonged");
    accounts.drop_session(&two).await.unwrap();
    assert_eq!(accounts.session(&two, start()).await.unwrap(), None, "signed out");
    assert_eq!(accounts.expire_sessions(start() + hour).await.unwrap(), 1);

    accounts.add_operator("an", "x", Role::Owner, by("li")).await.unwrap();
    accounts.set_disabled("li", true, by("an")).await.unwrap();
    assert_eq!(accounts.session(&one, start()).await.unwrap(), None, "disabled");
    accounts.set_disabled("li", false, by("an")).await.unwrap();
    assert_eq!(accounts.session(&one, start()).await.unwrap(), None, "signed out everywhere");
}

#[tokio::test]
async fn an_owner_is_left_and_all_of_it_is_on_record() {
    let dir = Dir::new("owners");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let accounts = &store.accounts;
    accounts.add_operator("li", "x", Role::Owner, by("li")).await.unwrap();
    accounts.add_operator("an", "x", Role::Booth, by("li")).await.unwrap();
    let last = |done: Result<(), StoreError>| matches!(done, Err(StoreError::Constraint { name }) if name == "operator_last_owner");
    assert!(last(accounts.set_role("li", Role::Manager, by("li")).await));
    assert!(last(accounts.set_disabled("li", true, by("li")).await));
    accounts.set_role("an", Role::Owner, by("li")).await.unwrap();
    accounts.set_disabled("li", true, by("an")).await.unwrap();
    assert!(last(accounts.set_disabled("an", true, by("an")).await), "the other one is disabled");
    accounts.set_disabled("li", false, by("an")).await.unwrap();
    accounts.note(AccountDid::SignInFailed, None, by(""), "::1").await.unwrap();

    let all = (Timestamp::MIN, Timestamp::MAX);
    let events = accounts.account_events(i64::MAX, all, 100).await.unwrap();
    let told: Vec<_> =
        events.iter().rev().map(|e| (e.did, e.operator.as_deref(), e.detail.as_str())).collect();
    assert_eq!(
        told,
        [
            (AccountDid::Added, Some("li"), "owner"),
            (AccountDid::Added, Some("an"), "booth"),
            (AccountDid::RoleChanged, Some("an"), "owner"),
            (AccountDid::Disabled, Some("li"), ""),
            (AccountDid::Enabled, Some("li"), ""),
            (AccountDid::SignInFailed, None, "::1"),
        ],
        "what was refused is not there"
    );
    let before = accounts.account_events(events[1].seq, all, 2).await.unwrap();
    assert_eq!(before, events[2..4]);
    let file = sqlx::SqlitePool::connect(dir.db().to_str().unwrap()).await.unwrap();
    for change in ["delete from account_event", "update account_event set by = 'nobody'"] {
        let done = sqlx::query(change).execute(&file).await;
        assert!(done.unwrap_err().to_string().contains("append_only"), "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_and_commits_never_fail_each_other() {
    let dir = Dir::new("together");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    store.accounts.add_operator("li", "x", Role::Owner, by("an")).await.unwrap();
    let signing: Vec<_> = (0..4_u8)
        .map(|who| {
            let accounts = store.accounts.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let mut token = [who; 32];
                    token[1] = n;
                    accounts.put_session(&token, "li", start()).await.unwrap();
                }
            })
        })
        .collect();
    let mut traffic = Traffic::new(5);
    traffic.tell(Input::Started);
    for _ in 0..200 {
        traffic.step(&store.reader).await;
        traffic.commit(&mut store.writer).await;
    }
    for task in signing {
        task.await.unwrap();
    }
    assert_eq!(store.accounts.expire_sessions(start()).await.unwrap(), 200);
    assert_eq!(store.reader.rebuild().await.unwrap().differences, []);
}
