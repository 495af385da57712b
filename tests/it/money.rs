//! The money of a site on the real program: every way to pay, both banks, a day's statements with what can be wrong with
//! them, and the morning on which persons settle it. The banks' books and the ledger agree to the fen.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, civil::Date, civil::Time, tz};
use paifang::store::Reader;
use paifang_sim::{
    bank::{PlateAgreement, Spoil},
    site::compare,
};
use serde_json::{Value, json};

use super::pay_site::{BOUND, EXIT, PARKED, PaySite, RUNTIME, Wanted, cashier, payer_code, pays};

/// From the read at the exit to the scan, where nothing is charged: two seconds, and what a busy machine adds.
const SCAN_WITHIN: Duration = Duration::from_millis(3_500);

fn both_banks() -> PaySite {
    let channels = vec!["icbc", "swiftpass"];
    PaySite::new(&Wanted { channels, patience_ms: 1_500, ..Wanted::default() })
}

// ---- what people do -------------------------------------------------------------------------------------

fn sells(site: &mut PaySite, key: &str, amount_minor: i64) -> Value {
    let wanted = json!({"key": key, "subject": "房费", "amount_minor": amount_minor});
    let (status, order) = site.api("/api/v1/orders", Some(&wanted)).unwrap();
    assert!(status < 300, "{status} {order}");
    order
}

fn seen(site: &PaySite, order: &Value) -> Value {
    site.api(&format!("/api/v1/orders/{}", order["id"]), None).unwrap().1
}

fn until_state(site: &mut PaySite, order: &Value, state: &str) {
    site.until(state, |site| (seen(site, order)["state"] == state).then_some(()));
}

fn shows_code(site: &PaySite, order: &Value, number: u32) {
    let code = json!({"code": payer_code(number)});
    let path = format!("/api/v1/orders/{}/code", order["id"]);
    let (status, told) = site.api(&path, Some(&code)).unwrap();
    assert_eq!(status, 202, "{told}");
}

/// Sold and paid by a code; the payment's number.
fn paid_by_code(site: &mut PaySite, key: &str, amount_minor: i64, number: u32) -> (Value, String) {
    let order = sells(site, key, amount_minor);
    shows_code(site, &order, number);
    until_state(site, &order, "paid");
    let trade = trade_of(site, &order);
    (order, trade)
}

fn trade_of(site: &PaySite, order: &Value) -> String {
    let paid = seen(site, order)["payments"].as_array().unwrap().clone();
    let paid = paid.iter().find(|payment| payment["state"] == "paid").unwrap();
    paid["out_trade_no"].as_str().unwrap().to_owned()
}

fn channel_of(site: &PaySite, trade: &str) -> String {
    site.ask(&format!("select channel from payment where out_trade_no = '{trade}'")).unwrap()
}

fn wants_back(site: &mut PaySite, order: &Value, key: &str, amount_minor: i64) -> (u16, Value) {
    let wanted = json!({"key": key, "amount_minor": amount_minor, "reason": "退房"});
    site.api(&format!("/api/v1/orders/{}/refunds", order["id"]), Some(&wanted)).unwrap()
}

fn until_refund(site: &mut PaySite, order: &Value, key: &str, state: &str) {
    site.until(state, |site| {
        let refunds = seen(site, order)["refunds"].as_array()?.clone();
        refunds.iter().any(|one| one["key"] == key && one["state"] == state).then_some(())
    });
}

fn until_left(site: &mut PaySite, plate: &str) {
    site.until("the vehicle to leave", |site| {
        site.reads_at_exit(plate);
        site.has_left(plate).then_some(())
    });
}

/// In the lot, on the phone, before going to the exit.
fn prepays(site: &mut PaySite, plate: &str) {
    let phone = site.phone();
    let order = RUNTIME.block_on(async {
        let page = phone.open(&format!("http://{}/pay", site.site.http)).await.unwrap();
        phone.fill(&page, "/pay", &[("plate", plate)]).await.unwrap()
    });
    let link = site.until("the link", |_| cashier(&phone, order.url.as_str()));
    assert!(pays(&phone, &link));
    let paid = format!(
        "select body ->> 'paid_minor' from stay where plate = '{plate}' and body ->> 'paid_minor' > 0"
    );
    site.until("the prepayment", |site| site.ask(&paid).filter(|minor| minor == "500"));
}

fn goes_to(site: &mut PaySite, day: Date, time: Time) {
    let then = tz::offset(8).to_timestamp(day.to_datetime(time)).unwrap();
    let by = then.duration_since(site.now());
    site.goes_ahead(by);
}

// ---- a day of both banks ----------------------------------------------------------------------------------

/// Payments that the statements will be wrong about.
#[derive(Default)]
struct Spoilt {
    twice: String,
    amount: String,
    missing: String,
    missing_there: String,
    next_day: String,
    midnight: String,
}

/// Every way to pay at the first bank; numbers of payments that are remembered.
fn day_at_the_first(site: &mut PaySite, spoilt: &mut Spoilt) {
    // The wire says everything twice.
    site.set_faults(|faults| faults.notice_doubled = 1.0);
    site.leaves_by_scan(PARKED[0]);
    spoilt.twice = last_paid(site);
    // At the booth.
    site.until("the fee", |site| {
        site.reads_at_exit(PARKED[2]);
        site.due_of(PARKED[2])
    });
    let order = site.due_of(PARKED[2]).unwrap();
    let code = payer_code(1);
    site.fills(0, &format!("/console/orders/{order}/code"), &[("code", &code)]).unwrap();
    until_left(site, PARKED[2]);
    spoilt.amount = last_paid(site);
    // In cash, with change.
    site.until("the fee", |site| {
        site.reads_at_exit(PARKED[3]);
        site.due_of(PARKED[3])
    });
    let order = site.due_of(PARKED[3]).unwrap();
    site.fills(0, &format!("/console/orders/{order}/cash"), &[("amount", "10.00")]).unwrap();
    until_left(site, PARKED[3]);
    // By the plate: nobody does anything.
    until_left(site, BOUND[0]);
    site.until_decided();
    let charged = "select out_trade_no from payment where state = 'paid' and way = 'plate'";
    spoilt.missing = site.ask(charged).unwrap();
    assert!(!spoilt.missing.is_empty(), "the plate was charged");
    sale_with_refunds(site);
    late_success(site);
}

fn last_paid(site: &PaySite) -> String {
    let last = "select out_trade_no from payment where state = 'paid' order by id desc limit 1";
    site.ask(last).unwrap()
}

/// By the shown code; a part goes back, and the rest with a second person's word only.
fn sale_with_refunds(site: &mut PaySite) {
    let order = sells(site, "hotel-1", 5_000);
    let (phone, page) = (site.phone(), order["pay_url"].as_str().unwrap().to_owned());
    let link = site.until("the link", |_| cashier(&phone, &page));
    assert!(pays(&phone, &link));
    until_state(site, &order, "paid");
    for _ in 0..2 {
        assert_eq!(
            wants_back(site, &order, "r-1", 300).0,
            202,
            "the same number is the same refund"
        );
    }
    until_refund(site, &order, "r-1", "done");
    let (status, told) = wants_back(site, &order, "r-2", 4_701);
    assert!((400..500).contains(&status), "more than is left: {told}");
    assert_eq!(wants_back(site, &order, "r-2", 4_700).0, 202);
    until_refund(site, &order, "r-2", "waiting");
    let waiting = site.ask("select id from refund where state = 'waiting'").unwrap();
    let agree = format!("/console/refunds/{waiting}/agree");
    assert!(site.fills(1, &agree, &[]).is_some());
    until_refund(site, &order, "r-2", "done");
    let given = "select count(*) || ' ' || sum(amount_minor) from refund where state = 'done'";
    assert!(site.is(given, "2 5000"));
}

/// The sale is given up, its link closed, and somebody pays all the same: it goes back by itself.
fn late_success(site: &mut PaySite) {
    site.set_faults(|faults| faults.pay_after_close = 1.0);
    let order = sells(site, "hotel-2", 700);
    let (phone, page) = (site.phone(), order["pay_url"].as_str().unwrap().to_owned());
    let link = site.until("the link", |_| cashier(&phone, &page));
    let path = format!("/api/v1/orders/{}/cancel", order["id"]);
    assert_eq!(site.api(&path, Some(&json!({}))).unwrap().0, 200);
    let reversed = format!(
        "select count(*) from payment where order_id = {} and state = 'reversed'",
        order["id"]
    );
    site.until("the reversal", |site| site.is(&reversed, "1").then_some(()));
    assert!(pays(&phone, &link), "the bank takes it although it was closed");
    let back = "select count(*) from refund where amount_minor = 700 and state = 'done'";
    site.until("the money to go back", |site| site.is(back, "1").then_some(()));
    site.set_faults(|faults| faults.pay_after_close = 0.0);
}

/// The first bank falls silent: what it has stays with it, what is new goes to the second.
fn day_at_the_second(site: &mut PaySite, spoilt: &mut Spoilt) {
    let stage = site.stage();
    let mut faults = stage.gateway.faults();
    faults.silent = 1.0;
    stage.gateway.set_faults(faults.clone());
    let unknown = sells(site, "hotel-3", 1_100);
    shows_code(site, &unknown, 10);
    let silent = "select count(*) from alarm where subject = 'icbc' and kind like '%bank_silent%'";
    site.until("the alarm", |site| site.is(silent, "1").then_some(()));
    let (order, trade) = paid_by_code(site, "hotel-4", 6_000, 11);
    assert_eq!(channel_of(site, &trade), "swiftpass");
    spoilt.missing_there = trade;
    let (_, trade) = paid_by_code(site, "hotel-5", 3_000, 12);
    assert_eq!(channel_of(site, &trade), "swiftpass");
    spoilt.next_day = trade;
    // By its link, told by its notification, twice.
    let shown = sells(site, "hotel-8", 1_300);
    let (phone, page) = (site.phone(), shown["pay_url"].as_str().unwrap().to_owned());
    let link = site.until("the link", |_| cashier(&phone, &page));
    assert!(pays(&phone, &link));
    until_state(site, &shown, "paid");
    assert_eq!(channel_of(site, &trade_of(site, &shown)), "swiftpass");
    assert_eq!(wants_back(site, &order, "r-4", 1_500).0, 202);
    until_refund(site, &order, "r-4", "done");
    let both = format!(
        "select group_concat(distinct channel) from payment where order_id = {}",
        unknown["id"]
    );
    assert!(site.is(&both, "icbc"), "an unknown payment stays where it is");
    faults.silent = 0.0;
    site.stage().gateway.set_faults(faults);
    site.until_decided();
    let (_, trade) = paid_by_code(site, "hotel-6", 900, 13);
    assert_eq!(channel_of(site, &trade), "icbc", "new payments go to the first again");
}

/// What was paid before it drove to the exit is no more than an hour; the rest is asked for there.
fn difference_at_the_exit(site: &mut PaySite) {
    prepays(site, PARKED[1]);
    site.goes_ahead(SignedDuration::from_mins(80));
    site.start();
    site.until("the difference", |site| {
        site.reads_at_exit(PARKED[1]);
        site.due_of(PARKED[1])
    });
    let order = site.due_of(PARKED[1]).unwrap();
    assert!(site.is(&format!("select amount_minor from orders where id = {order}"), "500"));
    site.scanner.scan(&payer_code(20));
    until_left(site, PARKED[1]);
}

/// Ours is the evening, the bank's is the next day already.
fn around_midnight(site: &mut PaySite, day: Date, spoilt: &mut Spoilt) {
    goes_to(site, day, Time::constant(23, 57, 0, 0));
    let ahead = site.ahead_s;
    site.set_faults(|faults| faults.clock_apart_s = ahead + 240);
    site.start();
    let (_, trade) = paid_by_code(site, "hotel-7", 2_200, 30);
    spoilt.midnight = trade;
}

fn spoil(site: &PaySite, spoilt: &Spoilt) {
    let stage = site.stage();
    for (trade, spoil) in [
        (&spoilt.twice, Spoil::Twice),
        (&spoilt.amount, Spoil::Amount),
        (&spoilt.missing, Spoil::Missing),
    ] {
        stage.gateway.spoil_statement(trade, Some(spoil));
    }
    let there = stage.swiftpass.as_ref().unwrap();
    there.spoil_statement(&spoilt.missing_there, Some(Spoil::Missing));
    there.spoil_statement(&spoilt.next_day, Some(Spoil::NextDay));
}

/// Kind, state and payment of each difference of a day.
fn differences(site: &PaySite, day: Date) -> Vec<String> {
    let all = format!(
        "select kind, state, out_trade_no from difference where day = '{day}' and state <> 'gone' \
         order by 1, 2, 3"
    );
    site.ask(&all).unwrap().lines().map(str::to_owned).collect()
}

fn sorted(rows: &[(&str, &str, &str)]) -> Vec<String> {
    let mut rows: Vec<String> =
        rows.iter().map(|(kind, state, trade)| format!("{kind}|{state}|{trade}")).collect();
    rows.sort();
    rows
}

#[test]
fn a_day_of_both_banks_is_settled_to_the_fen() {
    let (mut site, mut spoilt) = (both_banks(), Spoilt::default());
    let (day, begun) = (site.today(), Instant::now());
    let told = |what: &str| println!("{what}: {:.1} s", begun.elapsed().as_secs_f64());
    day_at_the_first(&mut site, &mut spoilt);
    told("the first bank's part");
    day_at_the_second(&mut site, &mut spoilt);
    told("the second bank's part");
    difference_at_the_exit(&mut site);
    around_midnight(&mut site, day, &mut spoilt);
    site.until_decided();
    told("midnight");
    spoil(&site, &spoilt);
    books_agree(&site);
    first_morning(&mut site, day, &spoilt);
    second_morning(&mut site, day, &spoilt);
    told("two mornings");
    persons_settle(&mut site, day, &spoilt);
    the_day_is_closed(&mut site, day);
    told("closed");
    exports(&site, day);
    site.stop();
    let (told, well) = site.told(&["check", "--journal"]);
    assert!(well && !told.contains("differs"), "{told}");
}

/// Payment by payment, and nothing is left to explain.
fn books_agree(site: &PaySite) {
    let stage = site.stage();
    let mut books = stage.gateway.books();
    books.extend(stage.swiftpass.as_ref().unwrap().books());
    let compared = RUNTIME.block_on(async {
        let reader = Reader::open(&site.site.database()).await.unwrap();
        compare(&reader, &books).await.unwrap()
    });
    assert!(compared.is_equal(), "{compared:#?}");
    assert!(compared.payments > 9, "{compared:?}");
}

/// The statements are late, then there; a person sees what does not fit.
fn first_morning(site: &mut PaySite, day: Date, spoilt: &Spoilt) {
    goes_to(site, day.tomorrow().unwrap(), Time::constant(10, 0, 0, 0));
    site.set_faults(|faults| faults.statement_late = 1.0);
    site.start();
    let page = format!("/console/settlement?day={day}");
    site.until("both to say that it is not ready", |site| {
        (site.log().matches("no statement yet").count() >= 2).then_some(())
    });
    assert_eq!(site.page(0, &page).unwrap().matches("账单未到").count(), 2);
    assert!(!site.told(&["settle", &day.to_string()]).1, "nothing to settle by");
    site.goes_ahead(SignedDuration::from_mins(10));
    site.set_faults(|faults| faults.statement_late = 0.0);
    site.start();
    let come = format!("select count(*) from statement_file where day = '{day}'");
    site.until("the statements", |site| site.is(&come, "2").then_some(()));
    let expected = sorted(&[
        ("twice", "open", &spoilt.twice),
        ("amount", "open", &spoilt.amount),
        ("short", "waiting", &spoilt.missing),
        ("short", "waiting", &spoilt.missing_there),
        ("short", "waiting", &spoilt.next_day),
        ("short", "waiting", &spoilt.midnight),
    ]);
    assert_eq!(differences(site, day), expected);
    let shown = site.page(0, &page).unwrap();
    for told in ["重复", "金额不符", "短款", "等次日账单", "在银行端退款", "<svg"]
    {
        assert!(shown.contains(told), "{told} is not on the page");
    }
    let (once, well) = site.told(&["reconcile", &day.to_string()]);
    assert!(!well && once.contains("2 open, 2 waiting"), "{once}");
    let (again, _) = site.told(&["reconcile", &day.to_string()]);
    assert_eq!(once, again, "a run changes nothing");
    assert_eq!(differences(site, day), expected);
}

/// What came late has come; what is missing still is short.
fn second_morning(site: &mut PaySite, day: Date, spoilt: &Spoilt) {
    let next = day.tomorrow().unwrap();
    goes_to(site, next.tomorrow().unwrap(), Time::constant(10, 0, 0, 0));
    site.start();
    let come = format!("select count(*) from statement_file where day = '{next}'");
    site.until("the next statements", |site| site.is(&come, "2").then_some(()));
    let expected = sorted(&[
        ("twice", "open", &spoilt.twice),
        ("amount", "open", &spoilt.amount),
        ("short", "open", &spoilt.missing),
        ("short", "open", &spoilt.missing_there),
        ("short", "settled", &spoilt.next_day),
        ("short", "settled", &spoilt.midnight),
    ]);
    site.until("the run", |site| (differences(site, day) == expected).then_some(()));
    assert_eq!(differences(site, next), Vec::<String>::new());
}

fn acts(site: &PaySite, operator: usize, trade: &str, what: &str, reason: &str) -> Option<String> {
    let open = format!(
        "select id from difference where out_trade_no = '{trade}' and state = 'open' order by id"
    );
    let id = site.ask(&open).unwrap();
    let form = [("what", what), ("reason", reason)];
    site.fills(operator, &format!("/console/differences/{id}"), &form)
}

fn state_of(site: &PaySite, trade: &str) -> String {
    let state = format!("select state from difference where out_trade_no = '{trade}'");
    site.ask(&state).unwrap()
}

/// A corrected file, two write-offs, a word of the bank.
fn persons_settle(site: &mut PaySite, day: Date, spoilt: &Spoilt) {
    site.stage().gateway.spoil_statement(&spoilt.twice, None);
    let folder = site.site.folder.path();
    let kept = std::fs::read(folder.join(format!("data/statements/icbc/{day}.txt"))).unwrap();
    let (mut right, mut seen) = (Vec::new(), false);
    for line in kept.split_inclusive(|byte| *byte == b'\n') {
        let is_it = line.starts_with(spoilt.twice.as_bytes());
        if !(is_it && seen) {
            right.extend_from_slice(line);
        }
        seen |= is_it;
    }
    assert!(right.len() < kept.len());
    let file = folder.join("corrected.txt");
    std::fs::write(&file, right).unwrap();
    let (file, day) = (file.display().to_string(), day.to_string());
    let import = ["statement", "import", &file, "--channel", "icbc", "--day", &day];
    let (told, well) = site.told(&import);
    assert!(!well && told.contains("2 open"), "{told}");
    assert_eq!(state_of(site, &spoilt.twice), "gone");
    let (told, well) = site.told(&import);
    assert!(well && told.contains("imported before"), "{told}");

    // A fen; nobody else is asked.
    assert!(acts(site, 0, &spoilt.amount, "write-off", "银行多记一分").is_some());
    assert_eq!(state_of(site, &spoilt.amount), "settled");
    assert!(acts(site, 0, &spoilt.missing, "settle", "银行已补记").is_some());
    // Sixty yuan: whoever asks cannot agree.
    for _ in 0..2 {
        acts(site, 0, &spoilt.missing_there, "write-off", "银行查无此笔");
        assert_eq!(state_of(site, &spoilt.missing_there), "open");
    }
    assert!(acts(site, 1, &spoilt.missing_there, "write-off", "同意核销").is_some());
    assert_eq!(state_of(site, &spoilt.missing_there), "settled");
    let lost = "select sum(amount_minor) from posting_line where account = 'settlement_over_short'";
    assert!(site.is(lost, "5999"), "{:?}", site.ask(lost));
    let trail = "select count(*) from difference_trail where note like 'written off%'";
    assert!(site.is(trail, "2"), "{:?}", site.ask(trail));
}

/// Fees are posted once, the transfer is seen, and every sum is what it should be.
fn the_day_is_closed(site: &mut PaySite, day: Date) {
    let day = day.to_string();
    let (told, well) = site.told(&["reconcile", &day]);
    assert!(well && told.matches("0 open, 0 waiting").count() == 2, "{told}");
    let count = || site.ask("select count(*) from posting").unwrap();
    let (told, well) = site.told(&["settle", &day]);
    assert!(well && told.matches("; 0 open").count() == 2, "{told}");
    let after = count();
    assert!(site.told(&["settle", &day]).1);
    assert_eq!(count(), after, "settled again, nothing is posted");
    // The next day's fees are posted too, by themselves, as soon as its statements are there.
    let kept = "select sum(fee_minor) = (select sum(amount_minor) from posting_line \
        where account = 'channel_fees') from statement_file";
    site.until("the fees", |site| site.is(kept, "1").then_some(()));
    let due = "select printf('%.2f', (paid_minor - refunded_minor - fee_minor) / 100.0) from statement_file \
        where channel = 'swiftpass' and day = ";
    let due = site.ask(&format!("{due}'{day}'")).unwrap();
    let arrived = format!("/console/settlement/{day}/swiftpass/arrived");
    for _ in 0..2 {
        assert!(site.fills(0, &arrived, &[("amount", &due)]).is_some());
    }
    // More went back there than the statement has: the bank took it from the account.
    assert!(due.starts_with('-'), "{due}");
    let seen = "select count(*) || ' ' || printf('%.2f', -sum(amount_minor) / 100.0) from posting \
        where credit = 'bank_account'";
    assert!(site.is(seen, &format!("1 {due}")), "{:?}", site.ask(seen));
    let (told, well) = site.told(&["ledger", "check"]);
    assert!(well && told.contains("the ledger adds up"), "{told}");
    assert!(site.is("select count(*) from difference where state in ('open', 'waiting')", "0"));
    books_agree(site);
    // What the second bank still owes: what it has, less what it kept, transferred and was let off.
    let (own, at_bank) = (
        "select sum(iif(g.debit = 'channel_receivable', g.amount_minor, -g.amount_minor)) from posting g \
         left join payment p on p.id = g.payment_id where 'channel_receivable' in (g.debit, g.credit) \
         and coalesce(p.channel, substr(g.settled_id, 1, instr(g.settled_id, '/') - 1)) = 'swiftpass'",
        site.stage().swiftpass.as_ref().unwrap().books(),
    );
    let has: i64 = at_bank.iter().map(|book| book.paid_fen - book.refunded_fen).sum();
    let paid_out = "select sum(iif(credit = 'channel_receivable', amount_minor, -amount_minor)) \
        from posting where settled_id like 'swiftpass/%'";
    let gone: i64 = site.ask(paid_out).unwrap().parse().unwrap();
    assert_eq!(site.ask(own).unwrap().parse::<i64>().unwrap(), has - gone);
}

/// What an accountant takes away is what the ledger has.
fn exports(site: &PaySite, day: Date) {
    let folder = format!("/console/settlement/{day}");
    let csv = String::from_utf8(site.download(&format!("{folder}/postings/csv"))).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let midnight = |day: Date| tz::offset(8).to_timestamp(day.to_datetime(Time::midnight()));
    let (from, to) = (midnight(day).unwrap(), midnight(day.tomorrow().unwrap()).unwrap());
    let lines = format!(
        "select count(*) from posting_line where at_ms >= {} and at_ms < {}",
        from.as_millisecond(),
        to.as_millisecond()
    );
    assert_eq!(site.ask(&lines).unwrap(), rows.len().to_string());
    assert!(rows.len() > 30, "{}", rows.len());
    let fen = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
    let amounts: Vec<i64> = rows.iter().map(|row| fen(row[3])).collect();
    assert_eq!(amounts.iter().sum::<i64>(), 0, "debits and credits");
    let earned: i64 = rows
        .iter()
        .zip(&amounts)
        .filter(|(row, _)| row[2] == "parking_revenue")
        .map(|(_, a)| a)
        .sum();
    assert_eq!(earned, -3_000, "six fees of five yuan");
    // The same in the other file: stored as it is, so it can be read as it is.
    let xlsx = site.download(&format!("{folder}/postings/xlsx"));
    assert!(xlsx.starts_with(b"PK\x03\x04"));
    let text = String::from_utf8_lossy(&xlsx);
    let cells: Vec<&str> =
        text.split("<row>").skip(2).map(|row| row.split("</c>").nth(3).unwrap()).collect();
    let amount = |cell: &&str| fen(cell.split("<v>").nth(1).unwrap().split("</v>").next().unwrap());
    assert_eq!(cells.iter().map(amount).collect::<Vec<_>>(), amounts);
    let csv = String::from_utf8(site.download(&format!("{folder}/differences/csv"))).unwrap();
    assert_eq!(csv.lines().count(), 7, "{csv}");
    assert!(csv.contains("short,paid") && csv.contains("settled"), "{csv}");
}

// ---- by the plate ------------------------------------------------------------------------------------------

/// How long after its read the driver at the exit can pay by the scan.
fn scan_after(site: &mut PaySite, plate: &str) -> (Duration, String) {
    let (phone, page) = (site.phone(), site.lane_page());
    site.reads_at_exit(plate);
    let begun = Instant::now();
    site.until("the scan", |_| {
        let page = RUNTIME.block_on(phone.open(&page)).ok()?;
        page.can_pay().then_some(())
    });
    (begun.elapsed(), page)
}

#[test]
fn nobody_is_held_for_a_charge_by_the_plate() {
    let mut site = PaySite::new(&Wanted { patience_ms: 1_500, ..Wanted::default() });
    // Accepted: the arm opens and the money follows.
    until_left(&mut site, BOUND[0]);
    site.until_decided();
    assert!(site.is("select group_concat(way || ' ' || state) from payment", "plate paid"));
    // Paused since the entry: the scan, at once.
    site.stage().gateway.bind_plate(BOUND[1], Some(PlateAgreement::Paused));
    let (took, _) = scan_after(&mut site, BOUND[1]);
    assert!(took < SCAN_WITHIN, "{took:?}");
    site.leaves_by_scan(BOUND[1]);
    // Charged, and nothing said: the scan within two seconds; whatever its driver does, it pays once.
    site.set_faults(|faults| faults.collect_unknown = 1.0);
    let (took, page) = scan_after(&mut site, BOUND[2]);
    assert!(took < SCAN_WITHIN, "{took:?}");
    let phone = site.phone();
    if let Some(link) = cashier(&phone, &page) {
        pays(&phone, &link);
    }
    until_left(&mut site, BOUND[2]);
    site.until_decided();
    let books = site.stage().gateway.books();
    let kept: i64 = books.iter().map(|book| book.paid_fen - book.refunded_fen).sum();
    assert_eq!(kept, 1_500, "{books:#?}");
    let earned = "select -sum(amount_minor) from posting_line where account = 'parking_revenue'";
    assert!(site.is(earned, "1500"));
    assert!(
        site.stage().wires[EXIT].camera.online().borrow().to_owned() || site.has_left(BOUND[2])
    );
}
