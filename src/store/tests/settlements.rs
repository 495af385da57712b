//! Settlement days in the journal, the tables and the ledger's sums.

use std::collections::BTreeMap;

use super::site::{Dir, start};
use crate::{
    core::{
        Change, State,
        money::{Account, Posting},
        settle::{Settled, SettledDay},
    },
    store::{Options, Store, StoreError},
    types::{ChannelId, Currency, Money},
};

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

fn day(channel: &str) -> SettledDay {
    let channel = ChannelId::parse(channel).unwrap();
    SettledDay { channel, day: "2026-11-22".parse().unwrap() }
}

fn posting(txn: i64, of: Option<SettledDay>, (debit, credit): (Account, Account)) -> Change {
    let bare = Posting::bare(txn, start(), debit, credit, cny(100 * txn));
    Change::Posting(Posting { settled: of, ..bare })
}

#[tokio::test]
async fn a_settled_day_survives_and_its_postings_add_up() {
    let dir = Dir::new("settled");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let settled = |fees| {
        Change::Settled(Settled {
            id: day("icbc"),
            fees: cny(fees),
            book: None,
            shares: Vec::new(),
            transferred: std::collections::BTreeMap::new(),
            relayed: std::collections::BTreeMap::new(),
            arrived: cny(200),
            written_off: BTreeMap::from([(7, 300)]),
            by: "li".into(),
            reason: String::new(),
            at: start(),
        })
    };
    let receivable = Account::ChannelReceivable;
    let changes = [
        posting(1, Some(day("icbc")), (Account::ChannelFees, receivable)),
        posting(2, Some(day("icbc")), (Account::BankAccount, receivable)),
        posting(3, Some(day("icbc")), (Account::SettlementOverShort, receivable)),
        posting(4, Some(day("other")), (receivable, Account::ChannelFees)),
        settled(50),
        settled(100),
    ];
    store.writer.commit(start(), &changes).await.unwrap();
    let mut state = State::default();
    changes.iter().for_each(|change| state.apply(change));
    assert_eq!(store.reader.load().await.unwrap().state, state);
    assert_eq!(store.reader.rebuild().await.unwrap().differences, []);
    let sums = store.reader.ledger_sums().await.unwrap();
    assert_eq!(sums.iter().map(|sum| sum.minor).sum::<i64>(), 0);
    let of = store.reader.receivable(&day("icbc").channel).await.unwrap();
    let parts = (of.fees_minor, of.transfers_minor, of.written_off_minor, of.balance_minor);
    assert_eq!(parts, (-100, -200, -300, -600));
    assert_eq!((of.payments_minor, of.refunds_minor), (0, 0));
    let of = store.reader.receivable(&day("other").channel).await.unwrap();
    assert_eq!((of.fees_minor, of.balance_minor), (400, 400));
}

#[tokio::test]
async fn a_posting_is_of_something() {
    let dir = Dir::new("of-nothing");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let lines = (Account::ChannelFees, Account::ChannelReceivable);
    let refused = store.writer.commit(start(), &[posting(1, None, lines)]).await;
    assert!(
        matches!(&refused, Err(StoreError::Constraint { name }) if name == "posting_of_something"),
        "{refused:?}"
    );
}
