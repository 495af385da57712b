//! Full disks, second daemons, foreign files, hands in the tables, and changes that contradict what is there.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions,
};

use super::site::{Dir, Traffic, lane, start};
use crate::{
    core::{
        Change, Input,
        money::{Account, Posting},
        rules::Zones,
        stay::Stay,
    },
    store::{Odd, Options, Reader, Store, StoreError},
    types::{Currency, Money, PaymentId, Plate, StayId},
};

/// Another program at the file.
async fn hand(dir: &Dir, statements: &[&str]) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(dir.db());
    let mut conn: SqliteConnection = options.connect().await?;
    for sql in statements {
        sqlx::query(AssertSqlSafe((*sql).to_owned())).execute(&mut conn).await?;
    }
    conn.close().await
}

/// A file after some traffic, closed.
async fn lived_in(dir: &Dir) -> Traffic {
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let mut traffic = Traffic::new(7);
    traffic.tell(Input::Started);
    for _ in 0..120 {
        traffic.step(&store.reader).await;
        traffic.commit(&mut store.writer).await;
    }
    assert!(store.writer.tail().seq > 100);
    traffic
}

fn stay(id: i64, plate: &str) -> Stay {
    let plate = Plate::parse(plate).unwrap();
    Stay::new(StayId(id), plate, lane("in"), Zones::only(), start())
}

#[tokio::test]
async fn a_changed_row_of_the_journal_is_found() {
    let dir = Dir::new("tampered");
    lived_in(&dir).await;
    hand(
        &dir,
        &[
            "drop trigger journal_keeps_rows",
            "update journal set body = body || ' ' where seq = 42",
        ],
    )
    .await
    .unwrap();
    let reader = Reader::open(&dir.db()).await.unwrap();
    let broken = reader.rebuild().await;
    assert!(matches!(broken, Err(StoreError::ChainBreak { seq: 42 })), "{broken:?}");
    let refused = reader.backup(&dir.file("copy.db")).await;
    assert!(matches!(refused, Err(StoreError::ChainBreak { seq: 42 })), "{refused:?}");
    assert!(!dir.file("copy.db").exists() && !dir.file("copy.db.part").exists());
}

#[tokio::test]
async fn a_row_taken_out_of_the_journal_is_found() {
    let dir = Dir::new("cut");
    lived_in(&dir).await;
    hand(&dir, &["drop trigger journal_keeps_all_rows", "delete from journal where seq = 42"])
        .await
        .unwrap();
    let broken = Reader::open(&dir.db()).await.unwrap().rebuild().await;
    assert!(matches!(broken, Err(StoreError::ChainBreak { seq: 42 })), "{broken:?}");
}

#[tokio::test]
async fn a_changed_table_is_found() {
    let dir = Dir::new("differs");
    lived_in(&dir).await;
    hand(&dir, &[
        "update stay set body = json_set(body, '$.paid_minor', 1) where id = 1",
        "delete from lane where id = 'out'",
        "insert into alarm (subject, kind, body) select 'x', kind, json_set(body, '$.subject', 'x') from (select '\"disk_full\"' as kind, '{\"subject\":\"x\",\"kind\":\"disk_full\",\"since\":\"2026-11-23T08:00:00Z\",\"detail\":\"\"}' as body)",
    ]).await.unwrap();
    let rebuilt = Reader::open(&dir.db()).await.unwrap().rebuild().await.unwrap();
    let odd: Vec<_> = rebuilt.differences.iter().map(|d| (d.row.as_str(), d.odd)).collect();
    assert_eq!(
        odd,
        [
            ("alarm x \"disk_full\"", Odd::Extra),
            ("lane out", Odd::Missing),
            ("stay 1", Odd::Differs),
            ("state", Odd::Differs),
        ]
    );
}

#[tokio::test]
async fn journal_and_ledger_are_only_added_to() {
    let dir = Dir::new("append");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    store.writer.commit(start(), &[Change::Stay(stay(1, "京A12345"))]).await.unwrap();
    for sql in ["update journal set at_ms = 0", "delete from journal"] {
        let refused: StoreError = hand(&dir, &[sql]).await.unwrap_err().into();
        assert!(
            matches!(&refused, StoreError::Constraint { name } if name == "journal_append_only"),
            "{refused:?}"
        );
    }
    assert_eq!(store.reader.rebuild().await.unwrap().tail.seq, 1);
}

#[tokio::test]
async fn a_batch_that_breaks_a_rule_leaves_nothing_behind() {
    let dir = Dir::new("rules");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    store.writer.commit(start(), &[Change::Stay(stay(1, "京A12345"))]).await.unwrap();
    let before = (*store.writer.tail(), store.reader.load().await.unwrap());
    let (debit, credit) = (Account::ChannelReceivable, Account::ParkingRevenue);
    let bare = Posting::bare(1, start(), debit, credit, Money::new(500, Currency::Cny));
    let of_nothing = bare.clone();
    let posting = Posting { payment: Some(PaymentId(9)), ..bare };
    let owes = Stay { paid_minor: -1, ..stay(3, "京A3333A") };
    let one_sided = Posting { credit: Account::ChannelReceivable, ..posting.clone() };
    for (change, rule) in [
        (Change::Stay(stay(2, "京A12345")), "stay_one_open_per_plate"),
        (Change::Stay(owes), "stay_paid_not_negative"),
        (Change::Posting(posting), "FOREIGN KEY"),
        (Change::Posting(one_sided), "posting_two_accounts"),
        (Change::Posting(of_nothing), "posting_of_something"),
    ] {
        // The first of the two is fine by itself.
        let batch = [Change::Stay(stay(9, "京A99999")), change];
        let refused = store.writer.commit(start(), &batch).await;
        assert!(
            matches!(&refused, Err(StoreError::Constraint { name }) if name == rule),
            "{rule}: {refused:?}"
        );
        assert_eq!((*store.writer.tail(), store.reader.load().await.unwrap()), before);
    }
    store.writer.commit(start(), &[Change::Stay(stay(2, "京A22222"))]).await.unwrap();
    let rebuilt = store.reader.rebuild().await.unwrap();
    assert_eq!((rebuilt.tail.seq, rebuilt.differences.len()), (2, 0));
}

#[tokio::test]
async fn money_is_taken_once_per_payment() {
    let dir = Dir::new("once");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let traffic = super::pages::paid_once(&mut store).await;
    let payment = traffic.state.payments.keys().next().copied().unwrap();
    let posting = |txn, credit| {
        let (debit, amount) = (Account::ChannelReceivable, Money::new(500, Currency::Cny));
        let bare = Posting::bare(txn, start(), debit, credit, amount);
        Change::Posting(Posting { payment: Some(payment), ..bare })
    };
    for (change, rule) in [
        (posting(2, Account::RefundsPayable), "posting_payment_taken_once"),
        (posting(1, Account::RefundsPayable), "posting_txn_unique"),
        (Change::Payment(renumbered(&traffic)), "payment_out_trade_no_unique"),
    ] {
        let refused = store.writer.commit(start(), &[change]).await;
        assert!(
            matches!(&refused, Err(StoreError::Constraint { name }) if name == rule),
            "{rule}: {refused:?}"
        );
    }
}

/// Another payment by a number that is taken.
fn renumbered(traffic: &Traffic) -> crate::core::money::Payment {
    let mut payment = traffic.state.payments.values().next().cloned().unwrap();
    payment.id = PaymentId(77);
    payment
}

#[tokio::test]
async fn a_full_disk_stops_whole_batches_and_goes_on_when_there_is_room() {
    let dir = Dir::new("full");
    let mut store = Store::open(&dir.db(), Options { max_mib: Some(1) }).await.unwrap();
    let mut traffic = Traffic::new(3);
    traffic.tell(Input::Started);
    traffic.commit(&mut store.writer).await;
    let full = loop {
        let before = store.writer.tail().seq;
        while traffic.pending.len() < 50 {
            traffic.step(&store.reader).await;
        }
        match store.writer.commit(traffic.now, &traffic.pending).await {
            Ok(()) => traffic.pending.clear(),
            Err(error) => {
                assert_eq!(store.writer.tail().seq, before);
                break error;
            }
        }
        assert!(before < 20_000, "1 MiB never was full");
    };
    assert!(matches!(full, StoreError::Full), "{full:?}");
    let rebuilt = store.reader.rebuild().await.unwrap();
    assert_eq!((rebuilt.differences.len(), rebuilt.tail), (0, *store.writer.tail()));
    let again = store.writer.commit(traffic.now, &traffic.pending).await;
    assert!(matches!(again, Err(StoreError::Full)), "{again:?}");

    store.writer.set_options(Options { max_mib: Some(8) }).await.unwrap();
    traffic.commit(&mut store.writer).await;
    assert_eq!(store.reader.load().await.unwrap().state, traffic.state);
    assert_eq!(store.reader.rebuild().await.unwrap().differences, []);
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_a_reader_is_not() {
    let dir = Dir::new("second");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let second = Store::open(&dir.db(), Options::default()).await;
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    assert_eq!(Reader::open(&dir.db()).await.unwrap().rebuild().await.unwrap().tail.seq, 0);
    drop(store);
    Store::open(&dir.db(), Options::default()).await.unwrap();
}

#[tokio::test]
async fn only_a_site_file_is_opened() {
    let dir = Dir::new("foreign");
    let missing = Reader::open(&dir.db()).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");

    std::fs::create_dir(dir.file("data")).unwrap();
    std::fs::write(dir.db(), "This is a letter, and no database at all.\n".repeat(200)).unwrap();
    let letter = Store::open(&dir.db(), Options::default()).await;
    assert!(matches!(letter, Err(StoreError::NotOurs { .. })), "{letter:?}");
    let letter = Reader::open(&dir.db()).await;
    assert!(matches!(letter, Err(StoreError::NotOurs { .. })), "{letter:?}");

    std::fs::write(dir.db(), "").unwrap();
    hand(&dir, &["create table recipes (name text)"]).await.unwrap();
    let recipes = Store::open(&dir.db(), Options::default()).await;
    assert!(matches!(recipes, Err(StoreError::NotOurs { .. })), "{recipes:?}");
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let dir = Dir::new("newer");
    lived_in(&dir).await;
    hand(&dir, &["insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (99, 'later', 1, x'00', 0)"]).await.unwrap();
    let newer = Store::open(&dir.db(), Options::default()).await;
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, .. })), "{newer:?}");
    let newer = Reader::open(&dir.db()).await;
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, .. })), "{newer:?}");
}

#[tokio::test]
async fn every_table_is_strict() {
    let dir = Dir::new("strict");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let loose: Vec<String> = sqlx::query_scalar(
        "select name from pragma_table_list
         where type = 'table' and schema = 'main' and strict = 0 and name not in ('_sqlx_migrations', 'sqlite_schema')",
    )
    .fetch_all(&store.reader.pool)
    .await
    .unwrap();
    assert_eq!(loose, Vec::<String>::new());
}
