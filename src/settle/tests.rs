//! Runs over a real site file: what was put wrong on purpose is what is found, no more and no less.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{FeeRule, HEADER, Job, Outcome, Rounding, SettleError, plain_rows, reconcile, sort};
use crate::{
    core::{
        Change, Rules,
        money::{
            Account, Order, OrderState, PaidBy, Payment, PaymentState, Posting, Refund,
            RefundState, RefundWhy,
        },
        rules::{SettleRules, Zones},
        settle::{Difference, DifferenceState, Kind},
        stay::{Stay, StayState},
        tariff::Tariff,
    },
    store::{Options, Settlements, Store},
    types::{
        ChannelId, Currency, LaneId, Money, OrderId, PaymentId, Plate, RefundId, StayId,
        bank::PayWay,
    },
};

const FEE: FeeRule = FeeRule { rate: 380, rounding: Rounding::Row, back: false };

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn icbc() -> ChannelId {
    ChannelId::parse("icbc").unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

/// A site with a channel, its ledger filled by hand.
struct Books {
    dir: PathBuf,
    store: Store,
    books: Settlements,
    rules: Rules,
    payments: i64,
    refunds: i64,
    txns: i64,
}

impl Drop for Books {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Books {
    async fn new(name: &str) -> Self {
        let unique =
            format!("paifang-{name}-{}-{:x}", std::process::id(), rand::rng().random::<u64>());
        let dir = std::env::temp_dir().join(unique);
        std::fs::create_dir(&dir).unwrap();
        let store = Store::open(&dir.join("site.db"), Options::default()).await.unwrap();
        let books = store.settlements();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let rules = Rules::new("test", zone, Currency::Cny, Tariff::hourly(15, 500, 4_000));
        Self { dir, store, books, rules, payments: 0, refunds: 0, txns: 0 }
    }

    /// A payment as it stands; one that is paid is posted at `at`.
    async fn payment(
        &mut self,
        at: Timestamp,
        minor: i64,
        state: PaymentState,
    ) -> (String, String) {
        self.payments += 1;
        let n = self.payments;
        let lane = LaneId::parse("in").unwrap();
        let plate = Plate::parse(&format!("京A{n:05}")).unwrap();
        let stay = Stay::new(StayId(n), plate, lane, Zones::only(), at);
        let stay = Stay { state: StayState::Left, left_at: Some(at), ..stay };
        let (trade, bank_no) = (format!("PF{n:05}"), format!("B{n:05}"));
        let is_paid = matches!(state, PaymentState::Paid { .. });
        let order = Order {
            sale: None,
            basket: None,
            pass: None,
            id: OrderId(n),
            stay: Some(StayId(n)),
            lane: None,
            amount: cny(minor),
            quote: self.rules.quote(at, at),
            made_at: at,
            state: OrderState::Paid { by: PaidBy::Payment(PaymentId(n)), at },
            arrears: Vec::new(),
            by_plate: false,
        };
        let payment = Payment {
            charge: None,
            printed: false,
            id: PaymentId(n),
            order: OrderId(n),
            out_trade_no: trade.clone(),
            channel: icbc(),
            way: PayWay::Cashier,
            amount: cny(minor),
            state,
            link: None,
            made_at: at,
            expires_at: at,
            asks: 0,
            next_ask: None,
            bank_no: Some(bank_no.clone()),
        };
        let mut changes = vec![Change::Stay(stay), Change::Order(order), Change::Payment(payment)];
        if is_paid {
            let (debit, credit) = (Account::ChannelReceivable, Account::ParkingRevenue);
            changes.push(self.posting(at, n, None, (debit, credit), minor));
        }
        self.store.writer.commit(at, &changes).await.unwrap();
        (trade, bank_no)
    }

    /// A part of a payment, given back at `at`.
    async fn refund(&mut self, at: Timestamp, payment: i64, minor: i64) -> String {
        self.refunds += 1;
        let n = self.refunds;
        let refund_no = format!("PF{payment:05}R{n}");
        let refund = Refund {
            earned: None,
            judged_by: None,
            key: None,
            id: RefundId(n),
            payment: PaymentId(payment),
            out_trade_no: format!("PF{payment:05}"),
            refund_no: refund_no.clone(),
            channel: icbc(),
            way: PayWay::Cashier,
            amount: cny(minor),
            paid: None,
            state: RefundState::Done,
            why: RefundWhy::PaidTwice,
            made_at: at,
            asks: 0,
            next_ask: None,
        };
        let (debit, credit) = (Account::RefundsPayable, Account::ChannelReceivable);
        let posting = self.posting(at, payment, Some(RefundId(n)), (debit, credit), minor);
        self.store.writer.commit(at, &[Change::Refund(refund), posting]).await.unwrap();
        refund_no
    }

    fn posting(
        &mut self,
        at: Timestamp,
        payment: i64,
        refund: Option<RefundId>,
        (debit, credit): (Account, Account),
        minor: i64,
    ) -> Change {
        self.txns += 1;
        let bare = Posting::bare(self.txns, at, debit, credit, cny(minor));
        Change::Posting(Posting { payment: Some(PaymentId(payment)), refund, ..bare })
    }

    async fn run(&self, on: &str, lines: &[String]) -> Result<Outcome, SettleError> {
        let text = format!("{HEADER}\n{}\n", lines.join("\n"));
        let job = Job {
            channel: icbc(),
            day: day(on),
            digest: [7; 32],
            currency: Currency::Cny,
            zone: self.rules.zone.clone(),
            rules: SettleRules::default(),
            fee: Some(FEE),
            late_days: 1,
            work: self.dir.clone(),
            now: "2026-11-30T00:00:00Z".parse().unwrap(),
        };
        let rows = plain_rows(Box::new(text.as_bytes()), Currency::Cny);
        reconcile(&self.books, &job, rows, &mut |_| {}).await
    }

    async fn all(&self, on: &str) -> Vec<Difference> {
        let reader = self.books.reader();
        reader.differences(day(on), day(on), false, 10_000).await.unwrap()
    }

    /// Kind and payment number of those of a day in this state.
    async fn those(&self, on: &str, state: DifferenceState) -> BTreeSet<(Kind, String)> {
        let all = self.all(on).await.into_iter().filter(|one| one.state == state);
        all.map(|one| (one.finding.kind, one.finding.out_trade_no)).collect()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A row as the bank should write it.
fn paid(trade: &str, bank_no: &str, minor: i64) -> String {
    let fee = FEE.of_payment(minor) / 1_000;
    format!("paid,{trade},{bank_no},,{}.{:02},0.{fee:02},", minor / 100, minor % 100)
}

fn refunded(trade: &str, refund_no: &str, minor: i64) -> String {
    format!("refunded,{trade},,{refund_no},{}.{:02},0,", minor / 100, minor % 100)
}

fn is(kind: Kind, trade: &str) -> (Kind, String) {
    (kind, trade.to_owned())
}

const D1: &str = "2026-11-23";
const D2: &str = "2026-11-24";

#[tokio::test]
async fn a_day_that_fits_has_no_difference_however_often_it_is_run() {
    let mut site = Books::new("fits").await;
    let mut lines = Vec::new();
    for minute in 0..30 {
        let when = at("2026-11-23T01:00:00Z") + Duration::from_mins(minute);
        let (trade, bank_no) = site.payment(when, 1_234, PaymentState::Paid { at: when }).await;
        lines.push(paid(&trade, &bank_no, 1_234));
    }
    let refund_no = site.refund(at("2026-11-23T02:00:00Z"), 3, 500).await;
    lines.push(refunded("PF00003", &refund_no, 500));
    lines.reverse();
    let once = site.run(D1, &lines).await.unwrap();
    assert_eq!((once.file.rows, once.file.matched, once.open, once.waiting), (31, 31, 0, 0));
    assert_eq!((once.file.paid_minor, once.file.refunded_minor), (37_020, 500));
    // 4.69 fen a row, rounded row by row.
    assert_eq!(once.file.fee_minor, 30 * 5);
    assert_eq!(site.run(D1, &lines).await.unwrap(), once);
    assert_eq!(site.all(D1).await, []);
}

#[tokio::test]
async fn what_is_settled_stays_so_and_what_fits_again_is_gone() {
    let mut site = Books::new("again").await;
    let when = at("2026-11-23T01:00:00Z");
    let (trade, bank_no) = site.payment(when, 1_000, PaymentState::Paid { at: when }).await;
    let (late, late_no) = site.payment(when, 700, PaymentState::Pending).await;
    let wrong = [paid(&trade, &bank_no, 900), paid("NOBODY", "X", 300), paid(&late, &late_no, 700)];
    site.run(D1, &wrong).await.unwrap();
    let open = site.those(D1, DifferenceState::Open).await;
    assert_eq!(
        open,
        [is(Kind::Amount, &trade), is(Kind::Long, "NOBODY"), is(Kind::State, &late)].into()
    );
    let long = site.all(D1).await.into_iter().find(|d| d.finding.kind == Kind::Long).unwrap();
    assert_eq!(long.over_minor(), -300);
    let now = at("2026-11-30T01:00:00Z");
    let state = DifferenceState::Settled;
    assert!(site.books.go_on(long.id, state, ("li", "given back there"), now).await.unwrap());
    assert!(!site.books.go_on(long.id, state, ("li", "again"), now).await.unwrap());

    // The late money is posted the next day; the corrected file has the amount right.
    let posted = at("2026-11-24T03:00:00Z");
    let (debit, credit) = (Account::ChannelReceivable, Account::RefundsPayable);
    let posting = site.posting(posted, 2, None, (debit, credit), 700);
    site.store.writer.commit(posted, &[posting]).await.unwrap();
    let right = [paid(&trade, &bank_no, 1_000), wrong[1].clone(), wrong[2].clone()];
    let outcome = site.run(D1, &right).await.unwrap();
    assert_eq!((outcome.open, outcome.file.matched), (0, 2));
    assert_eq!(site.those(D1, DifferenceState::Settled).await, [is(Kind::Long, "NOBODY")].into());
    let gone = site.those(D1, DifferenceState::Gone).await;
    assert_eq!(gone, [is(Kind::Amount, &trade), is(Kind::State, &late)].into());
    // On its own day it is known to have come before.
    assert_eq!(site.run(D2, &[]).await.unwrap().open, 0);
    assert_eq!(site.all(D2).await, []);

    // Another amount of the settled one is another matter.
    let other = [right[0].clone(), paid("NOBODY", "X", 301), right[2].clone()];
    assert_eq!(site.run(D1, &other).await.unwrap().open, 1);
    let trail = site.books.reader().trail(long.id).await.unwrap();
    let steps: Vec<_> = trail.iter().map(|step| (step.state.name(), step.note.as_str())).collect();
    let expected = [("open", "found"), ("settled", "given back there"), ("open", "found again")];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn what_comes_around_midnight_waits_a_day_before_it_is_short() {
    let mut site = Books::new("midnight").await;
    let when = at("2026-11-23T15:59:59Z");
    let (trade, bank_no) = site.payment(when, 1_000, PaymentState::Paid { at: when }).await;
    let (never, _) = site.payment(when, 1_100, PaymentState::Paid { at: when }).await;
    let first = site.run(D1, &[]).await.unwrap();
    assert_eq!((first.open, first.waiting), (0, 2));
    let second = site.run(D2, &[paid(&trade, &bank_no, 1_000)]).await.unwrap();
    assert_eq!((second.file.matched, second.open, second.waiting), (1, 0, 0));
    assert_eq!(site.those(D1, DifferenceState::Settled).await, [is(Kind::Short, &trade)].into());
    assert_eq!(site.those(D1, DifferenceState::Open).await, [is(Kind::Short, &never)].into());
    // Nothing of it is found anew.
    assert_eq!(site.run(D1, &[]).await.unwrap().open, 1);
    assert_eq!(site.those(D1, DifferenceState::Settled).await, [is(Kind::Short, &trade)].into());
}

#[tokio::test]
async fn a_statement_of_somebody_else_is_refused_and_changes_nothing() {
    let site = Books::new("foreign").await;
    let lines: Vec<_> = (0..500).map(|n| paid(&format!("Q{n}"), "", 100)).collect();
    let refused = site.run(D1, &lines).await;
    assert!(matches!(refused, Err(SettleError::Foreign { rows: 500, .. })), "{refused:?}");
    assert_eq!(site.all(D1).await, []);
    assert_eq!(site.books.reader().statements(day(D1), day(D1)).await.unwrap(), []);
}

/// Any mix of faults gives exactly those differences.
#[tokio::test]
async fn what_was_put_wrong_is_what_is_found() {
    let mut seen = BTreeSet::new();
    for seed in 0..6 {
        let mut site = Books::new("faults").await;
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut lines, mut expected) = (Vec::new(), BTreeSet::new());
        for n in 0..60_u64 {
            let when = at("2026-11-22T16:00:00Z") + Duration::from_mins(n * 20);
            let minor = rng.random_range(1..9_000);
            let fault = rng.random_range(0..14);
            let state = match fault {
                1 => PaymentState::Failed { why: String::new() },
                2 => PaymentState::Reversed,
                _ => PaymentState::Paid { at: when },
            };
            let (trade, bank_no) = site.payment(when, minor, state).await;
            let right = paid(&trade, &bank_no, minor);
            let mut put = |kind, trade: &str| {
                expected.insert(is(kind, trade));
            };
            match fault {
                1 | 2 => {
                    lines.push(right);
                    put(Kind::State, &trade);
                }
                3 => put(Kind::Short, &trade),
                4 => {
                    lines.push(paid(&trade, &bank_no, minor + 1));
                    put(Kind::Amount, &trade);
                }
                5 => {
                    lines.extend([right.clone(), right]);
                    put(Kind::Twice, &trade);
                }
                6 => {
                    lines.push(paid(&trade, "OTHER", minor));
                    put(Kind::Number, &trade);
                }
                7 => {
                    lines.extend([right, paid(&format!("X{n}"), "", minor)]);
                    put(Kind::Long, &format!("X{n}"));
                }
                8 => {
                    // The bank lost our number and kept its own.
                    lines.push(paid(&format!("LOST{n}"), &bank_no, minor));
                    put(Kind::Number, &trade);
                }
                9 => {
                    lines.push(format!(
                        "paid,{trade},{bank_no},,{}.{:02},9.99,",
                        minor / 100,
                        minor % 100
                    ));
                    put(Kind::Fee, &trade);
                }
                10 => {
                    lines.extend([right, "what is this".to_owned()]);
                    put(Kind::Row, "");
                }
                11 => {
                    let back = site.refund(when, site.payments, minor).await;
                    // The bank names the payment alone.
                    lines.extend([right, refunded(&trade, "", minor)]);
                    assert!(!back.is_empty());
                }
                12 => {
                    site.refund(when, site.payments, minor).await;
                    lines.push(right);
                    put(Kind::Short, &trade);
                }
                _ => lines.push(right),
            }
        }
        let order: Vec<usize> = (0..lines.len()).collect();
        let mut shuffled: Vec<_> = order.into_iter().map(|n| (rng.random::<u64>(), n)).collect();
        shuffled.sort_unstable();
        let lines: Vec<_> = shuffled.into_iter().map(|(_, n)| lines[n].clone()).collect();
        site.run(D1, &lines).await.unwrap();
        site.run(D2, &[]).await.unwrap();
        assert_eq!(site.those(D1, DifferenceState::Open).await, expected, "seed {seed}");
        assert_eq!(site.those(D1, DifferenceState::Waiting).await, BTreeSet::new(), "seed {seed}");
        seen.extend(expected.into_iter().map(|(kind, _)| kind));
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn records_are_sorted_whatever_room_there_is() {
    let dir = std::env::temp_dir();
    let mut rng = StdRng::seed_from_u64(5);
    let records: Vec<String> =
        (0..5_000).map(|_| format!("P\t{}\t1", rng.random_range(0..100_000))).collect();
    let mut expected = records.clone();
    expected.sort();
    for room in [1 << 20, 40_000, 700] {
        let mut sorter = sort::Sorter::with_run(&dir, "paifang-sort-test", room);
        records.iter().for_each(|r| sorter.push(|into| into.extend(r.as_bytes())).unwrap());
        let (mut sorted, mut record, mut found) =
            (sorter.sorted().unwrap(), Vec::new(), Vec::new());
        while sorted.next(&mut record).unwrap() {
            found.push(String::from_utf8(record.clone()).unwrap());
        }
        assert_eq!(found, expected, "{room}");
    }
}

/// What shares are reckoned of: each step of each payment with what was left of it before, also where the bank refused to
/// give it back.
#[tokio::test]
async fn the_steps_of_a_payment_are_told_in_their_order() {
    let mut site = Books::new("flows").await;
    let (first, second) = (at("2026-11-23T01:00:00Z"), at("2026-11-24T01:00:00Z"));
    let (trade, bank_no) = site.payment(first, 1_000, PaymentState::Paid { at: first }).await;
    site.payment(first, 700, PaymentState::Paid { at: first }).await;
    let owed_back = (Account::ParkingRevenue, Account::RefundsPayable);
    let undone = (Account::RefundsPayable, Account::ParkingRevenue);
    for (accounts, minor) in [(owed_back, 300), (undone, 300), (owed_back, 1_000)] {
        let posting = site.posting(second, 1, None, accounts, minor);
        site.store.writer.commit(second, &[posting]).await.unwrap();
    }
    // Late money that is owed back is nobody's share.
    let late = (Account::ChannelReceivable, Account::RefundsPayable);
    let (_, _) = site.payment(second, 55, PaymentState::Pending).await;
    let posting = site.posting(second, 3, None, late, 55);
    site.store.writer.commit(second, &[posting]).await.unwrap();
    let reader = site.books.reader();
    let steps = |flows: Vec<crate::store::Flow>| -> Vec<(i64, i64, i64, i64)> {
        let step = |f: crate::store::Flow| (f.minor, f.before_minor, f.whole_minor, f.first_txn);
        flows.into_iter().map(step).collect()
    };
    let all = reader.share_flows(&icbc(), 0, 100, 100).await.unwrap();
    assert_eq!((all[0].out_trade_no.as_str(), all[0].bank_no.as_str()), (&*trade, &*bank_no));
    assert_eq!(all[4].paid_at_ms, first.as_millisecond(), "it came the day before");
    let expected = [
        (1_000, 0, 1_000, 1),
        (700, 0, 700, 2),
        (-300, 1_000, 1_000, 1),
        (300, 700, 1_000, 1),
        (-1_000, 1_000, 1_000, 1),
    ];
    assert_eq!(steps(all), expected);
    let later = reader.share_flows(&icbc(), 3, 100, 1).await.unwrap();
    assert_eq!(steps(later), [(300, 700, 1_000, 1)], "page by page");
    let cash = crate::types::ChannelId::parse("cash").unwrap();
    assert_eq!(reader.share_flows(&cash, 0, 100, 100).await.unwrap(), []);
}
