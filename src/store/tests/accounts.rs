//! Operators and their browsers, beside a writer that never waits for them.

use std::time::Duration;

use super::site::{Dir, Traffic, start};
use crate::{
    core::Input,
    store::{Options, Store, StoreError},
};

#[tokio::test]
async fn operators_come_change_and_go() {
    let dir = Dir::new("operators");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let accounts = &store.accounts;
    accounts.add_operator("li", "$argon2id$secret", true, start()).await.unwrap();
    let taken = accounts.add_operator("li", "x", true, start()).await;
    assert!(
        matches!(&taken, Err(StoreError::Constraint { name }) if name == "operator_name_unique"),
        "{taken:?}"
    );
    let li = accounts.operator("li").await.unwrap().unwrap();
    assert!(li.must_change && !li.disabled && li.password_hash == "$argon2id$secret");
    assert!(!format!("{li:?}").contains("secret"));
    accounts.set_password("li", "$new", false).await.unwrap();
    let li = accounts.operator("li").await.unwrap().unwrap();
    assert_eq!((li.must_change, li.password_hash.as_str()), (false, "$new"));
    let nobody = accounts.set_password("wang", "x", false).await;
    assert!(matches!(nobody, Err(StoreError::NoOperator(_))), "{nobody:?}");
    accounts.add_operator("an", "x", false, start()).await.unwrap();
    let names: Vec<_> = accounts.operators().await.unwrap().into_iter().map(|o| o.name).collect();
    assert_eq!(names, ["an", "li"]);
}

#[tokio::test]
async fn sessions_end() {
    let dir = Dir::new("sessions");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let accounts = &store.accounts;
    accounts.add_operator("li", "x", false, start()).await.unwrap();
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

    accounts.set_disabled("li", true).await.unwrap();
    assert_eq!(accounts.session(&one, start()).await.unwrap(), None, "disabled");
    accounts.set_disabled("li", false).await.unwrap();
    accounts.drop_sessions_of("li").await.unwrap();
    assert_eq!(accounts.session(&one, start()).await.unwrap(), None, "signed out everywhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_and_commits_never_fail_each_other() {
    let dir = Dir::new("together");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    store.accounts.add_operator("li", "x", false, start()).await.unwrap();
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
