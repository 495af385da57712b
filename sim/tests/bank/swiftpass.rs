//! The daemon's Swiftpass channel against the simulated gateway, over real HTTP on this machine: every service, every
//! fault.

use std::{io::BufReader, os::unix::fs::PermissionsExt, sync::Arc};

use axum::{Router, http::StatusCode, response::IntoResponse};
use jiff::{Timestamp, civil::Date, tz};
use paifang::{
    bank::{
        Ask, Channel, Letter, NotifyError, PayWay, Word,
        statement::{Row, StatementError, What},
        swiftpass::{SignType, Swiftpass, SwiftpassSettings},
    },
    types::PayerCode,
};
use paifang_sim::bank::{
    Faults, PayRefusal, State,
    swiftpass::{SwiftpassGateway, SwiftpassGatewaySettings},
};
use tokio::net::TcpListener;

use crate::support::{Folder, KEYS, OTHER_KEYS, Site, cny, eventually, is_unknown, wall_clock};

const CODE: &str = "134579246810121416";

/// A gateway and a channel that talks to it.
struct Pair {
    gateway: SwiftpassGateway,
    settings: SwiftpassSettings,
    channel: Arc<dyn Channel>,
    /// The same with a short time-out, for a gateway that will not answer.
    impatient: Arc<dyn Channel>,
    folder: Folder,
}

fn open(settings: SwiftpassSettings) -> Arc<dyn Channel> {
    Arc::new(Swiftpass::open(settings).unwrap())
}

async fn pair(settings: SwiftpassGatewaySettings, notify_url: &str) -> Pair {
    let folder = Folder::new();
    let gateway = SwiftpassGateway::start(settings, KEYS.clone()).await.unwrap();
    let toml = gateway.site_toml(&folder.0, notify_url).unwrap();
    let settings: SwiftpassSettings = toml::from_str(&toml).unwrap();
    let channel = open(settings.clone());
    let (connect_timeout_ms, read_timeout_ms) = (200, 400);
    let impatient =
        open(SwiftpassSettings { connect_timeout_ms, read_timeout_ms, ..settings.clone() });
    Pair { gateway, settings, channel, impatient, folder }
}

async fn faulty(faults: Faults) -> Pair {
    let settings = SwiftpassGatewaySettings { faults, ..SwiftpassGatewaySettings::default() };
    pair(settings, "http://127.0.0.1:9/notify").await
}

fn number(n: u32) -> String {
    format!("LS{n:05}")
}

fn generate() -> Ask {
    Ask::Generate {
        out_trade_no: number(1),
        amount: cny(1250),
        subject: "停车费 京A12345 <b>]]>".to_owned(),
        expires_in_s: 300,
        asked_at: wall_clock(),
    }
}

fn collect(n: u32, code: &str) -> Ask {
    Ask::Collect {
        out_trade_no: number(n),
        amount: cny(1250),
        subject: "茶, 饭".to_owned(),
        code: PayerCode::parse(code).unwrap(),
        scanner: None,
        asked_at: wall_clock(),
    }
}

fn query(way: PayWay) -> Ask {
    Ask::Query { out_trade_no: number(1), way }
}

fn reverse(way: PayWay) -> Ask {
    Ask::Reverse { out_trade_no: number(1), way }
}

fn refund(refund_no: &str, minor: i64) -> Ask {
    let (out_trade_no, refund_no, way) = (number(1), refund_no.to_owned(), PayWay::Cashier);
    Ask::Refund { out_trade_no, refund_no, amount: cny(minor), paid: cny(1250), way }
}

fn refund_query(refund_no: &str, minor: i64) -> Ask {
    let (out_trade_no, refund_no, way) = (number(1), refund_no.to_owned(), PayWay::Cashier);
    Ask::RefundQuery { out_trade_no, refund_no, amount: cny(minor), way }
}

fn done(minor: i64) -> Word {
    Word::RefundDone { amount: cny(minor) }
}

fn is_paid(word: &Word, minor: i64) -> bool {
    matches!(word, Word::Paid { amount, .. } if *amount == cny(minor))
}

/// From the link to the refunded payment, with the notification, under each signature.
async fn whole_life(rsa: bool) {
    let mut site = Site::start().await;
    let settings = SwiftpassGatewaySettings { rsa, ..SwiftpassGatewaySettings::default() };
    let pair = pair(settings, &site.notify_url).await;
    assert!(site.channel.set(pair.channel.clone()).is_ok());
    let ask = async |ask: &Ask| pair.channel.ask(ask).await;

    let Word::Cashier { link } = ask(&generate()).await else { panic!("no link") };
    assert_eq!(ask(&query(PayWay::Cashier)).await, Word::Paying);
    let phone = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = phone.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("¥12.50") && page.contains("停车费 京A12345 &lt;b>]]>"), "{page}");
    phone.post(&link).send().await.unwrap();

    let word = ask(&query(PayWay::Cashier)).await;
    let Word::Paid { amount, bank_no, paid_at, .. } = &word else { panic!("{word:?}") };
    assert_eq!((*amount, bank_no.as_str()), (cny(1250), "SIM00000000000000001"));
    assert!(paid_at.unwrap().duration_since(wall_clock()).abs().as_secs() < 10);
    assert_eq!(site.next().await.2, Ok(format!("{} {word:?}", number(1))));
    eventually("the reply is accepted", || pair.gateway.notices_waiting() == 0).await;

    assert!(matches!(ask(&reverse(PayWay::Cashier)).await, Word::Refused { .. }));
    assert_eq!(ask(&refund("LSR01", 250)).await, done(250));
    assert_eq!(ask(&refund("LSR01", 250)).await, done(250), "the same refund again");
    assert_eq!(ask(&refund_query("LSR01", 250)).await, done(250));
    assert!(is_unknown(&ask(&refund_query("LSR09", 250)).await));
    assert!(matches!(ask(&refund("LSR02", 1001)).await, Word::Refused { .. }));
    assert_eq!(ask(&query(PayWay::Cashier)).await, Word::Refunded);
    assert_eq!(ask(&refund("LSR02", 1000)).await, done(1000));
    let book = pair.gateway.books().remove(0);
    assert_eq!((book.state, book.paid_fen, book.refunded_fen), (State::Paid, 1250, 1250));
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_payment_lives_from_link_to_refund_under_md5() {
    whole_life(false).await;
}

#[tokio::test]
async fn a_payment_lives_from_link_to_refund_under_rsa() {
    whole_life(true).await;
}

#[tokio::test]
async fn a_closed_link_is_closed_and_late_money_is_seen() {
    let pair = faulty(Faults::default()).await;
    pair.channel.ask(&generate()).await;
    for _ in 0..2 {
        assert_eq!(pair.channel.ask(&reverse(PayWay::Cashier)).await, Word::Reversed);
    }
    assert_eq!(pair.channel.ask(&query(PayWay::Cashier)).await, Word::Reversed);
    assert_eq!(pair.gateway.pay(&number(1)), Err(PayRefusal::Closed));

    let late = faulty(Faults { pay_after_close: 1.0, ..Faults::default() }).await;
    late.channel.ask(&generate()).await;
    assert_eq!(late.channel.ask(&reverse(PayWay::Cashier)).await, Word::Reversed);
    late.gateway.pay(&number(1)).unwrap();
    assert!(is_paid(&late.channel.ask(&query(PayWay::Cashier)).await, 1250));
}

#[tokio::test]
async fn a_code_is_charged_once_and_undone() {
    let pair = faulty(Faults::default()).await;
    let way = PayWay::PayerCode;
    assert!(is_paid(&pair.channel.ask(&collect(1, CODE)).await, 1250));
    assert!(is_unknown(&pair.channel.ask(&collect(1, CODE)).await), "the number is used up");
    assert!(is_paid(&pair.channel.ask(&query(way)).await, 1250));
    assert!(matches!(pair.channel.ask(&collect(2, CODE)).await, Word::Failed { .. }), "used code");
    assert_eq!(pair.channel.ask(&reverse(way)).await, Word::Reversed);
    assert_eq!(pair.channel.ask(&query(way)).await, Word::Reversed);
    assert_eq!(pair.gateway.books()[0].paid_fen, 0);

    let poor = faulty(Faults { code_refused: 1.0, ..Faults::default() }).await;
    let word = poor.channel.ask(&collect(1, CODE)).await;
    assert!(matches!(&word, Word::Failed { why } if why.contains("NOTENOUGH")), "{word:?}");
}

#[tokio::test]
async fn a_password_is_waited_for() {
    let faults = Faults { password: 1.0, password_s: 3600, ..Faults::default() };
    let pair = faulty(faults).await;
    let way = PayWay::PayerCode;
    for number in 1..=2 {
        let word = pair.channel.ask(&collect(number, &format!("13457924681012140{number}"))).await;
        assert_eq!(word, Word::Paying);
    }
    assert_eq!(pair.channel.ask(&query(way)).await, Word::Paying);
    assert!(pair.gateway.enter_password(&number(1)));
    assert!(is_paid(&pair.channel.ask(&query(way)).await, 1250));
    // The other is given up before the password comes.
    let other = Ask::Reverse { out_trade_no: number(2), way };
    assert_eq!(pair.channel.ask(&other).await, Word::Reversed);
    let paid: Vec<i64> = pair.gateway.books().iter().map(|book| book.paid_fen).collect();
    assert_eq!(paid, [1250, 0]);
}

#[tokio::test]
async fn deeds_without_an_answer_are_unknown_and_done() {
    let faults = Faults {
        generate_unknown: 1.0,
        reverse_unknown: 1.0,
        collect_unknown: 1.0,
        ..Faults::default()
    };
    let first = faulty(faults).await;
    assert!(is_unknown(&first.impatient.ask(&generate()).await));
    assert_eq!(first.channel.ask(&query(PayWay::Cashier)).await, Word::Paying);
    assert!(is_unknown(&first.impatient.ask(&reverse(PayWay::Cashier)).await));
    assert_eq!(first.channel.ask(&query(PayWay::Cashier)).await, Word::Reversed);
    assert!(is_unknown(&first.impatient.ask(&collect(2, CODE)).await));
    let look = Ask::Query { out_trade_no: number(2), way: PayWay::PayerCode };
    assert!(is_paid(&first.channel.ask(&look).await, 1250));

    let second = faulty(Faults { refund_unknown: 1.0, ..Faults::default() }).await;
    second.channel.ask(&generate()).await;
    second.gateway.pay(&number(1)).unwrap();
    assert!(is_unknown(&second.impatient.ask(&refund("LSR01", 1250)).await));
    assert_eq!(second.gateway.books()[0].refunded_fen, 1250);
    assert_eq!(second.channel.ask(&refund_query("LSR01", 1250)).await, done(1250));
    second.gateway.set_faults(Faults::default());
    assert_eq!(second.channel.ask(&refund("LSR01", 1250)).await, done(1250));
    assert_eq!(second.gateway.books()[0].refunded_fen, 1250, "once");
}

#[tokio::test]
async fn a_refund_is_under_way_or_fails() {
    let faults = Faults { refund_pending: 1.0, refund_pending_s: 3600, ..Faults::default() };
    let slow = faulty(faults).await;
    slow.channel.ask(&generate()).await;
    slow.gateway.pay(&number(1)).unwrap();
    assert_eq!(slow.channel.ask(&refund("LSR01", 250)).await, Word::Refunding);
    assert_eq!(slow.channel.ask(&refund_query("LSR01", 250)).await, Word::Refunding);
    let ahead = Faults { clock_apart_s: 3601, ..Faults::default() };
    slow.gateway.set_faults(ahead);
    assert_eq!(slow.channel.ask(&refund_query("LSR01", 250)).await, done(250));

    let failing = faulty(Faults { refund_failed: 1.0, ..Faults::default() }).await;
    failing.channel.ask(&generate()).await;
    failing.gateway.pay(&number(1)).unwrap();
    let word = failing.channel.ask(&refund("LSR01", 250)).await;
    assert!(matches!(&word, Word::Refused { code, .. } if code == "FAIL"), "{word:?}");
    assert_eq!(failing.gateway.books()[0].refunded_fen, 0);
}

#[tokio::test]
async fn slow_silent_late_and_wrong_words() {
    let slow = faulty(Faults { slow: 1.0, slow_ms: 60_000, ..Faults::default() }).await;
    assert!(is_unknown(&slow.impatient.ask(&generate()).await));
    slow.gateway.set_faults(Faults { slow: 1.0, slow_ms: 50, ..Faults::default() });
    assert_eq!(slow.channel.ask(&query(PayWay::Cashier)).await, Word::Paying);

    let silent = faulty(Faults { silent: 1.0, ..Faults::default() }).await;
    for ask in [generate(), collect(2, CODE), refund("LSR01", 1)] {
        assert!(is_unknown(&silent.impatient.ask(&ask).await), "{ask:?}");
    }
    assert!(silent.gateway.books().is_empty());
    silent.gateway.set_faults(Faults::default());
    let none = silent.channel.ask(&query(PayWay::Cashier)).await;
    assert!(matches!(none, Word::NoOrder { .. }), "{none:?}");
    for way in [PayWay::Cashier, PayWay::PayerCode] {
        assert_eq!(silent.channel.ask(&reverse(way)).await, Word::Reversed, "never reached it");
    }

    let late = faulty(Faults { late_word: 1.0, late_word_s: 3600, ..Faults::default() }).await;
    late.channel.ask(&generate()).await;
    late.gateway.pay(&number(1)).unwrap();
    assert_eq!(late.channel.ask(&query(PayWay::Cashier)).await, Word::Paying);

    let wrong = faulty(Faults { wrong_amount: 1.0, ..Faults::default() }).await;
    assert!(is_paid(&wrong.channel.ask(&collect(1, CODE)).await, 1249), "as the bank states it");
}

#[tokio::test]
async fn a_word_signed_by_somebody_else_is_unknown() {
    for rsa in [false, true] {
        let faults = Faults { wrong_sign: 1.0, ..Faults::default() };
        let settings =
            SwiftpassGatewaySettings { faults, rsa, ..SwiftpassGatewaySettings::default() };
        let mut site = Site::start().await;
        let pair = pair(settings, &site.notify_url).await;
        assert!(site.channel.set(pair.channel.clone()).is_ok());
        let asks = [
            generate(),
            query(PayWay::Cashier),
            collect(2, CODE),
            refund("LSR01", 1),
            reverse(PayWay::Cashier),
        ];
        for ask in asks {
            assert!(is_unknown(&pair.channel.ask(&ask).await), "{ask:?}");
        }
        pair.gateway.set_faults(Faults { pay_after_close: 1.0, ..Faults::default() });
        let _ = pair.gateway.pay(&number(2));
        let third = Ask::Generate {
            out_trade_no: number(3),
            amount: cny(1250),
            subject: "x".to_owned(),
            expires_in_s: 300,
            asked_at: wall_clock(),
        };
        pair.channel.ask(&third).await;
        pair.gateway.set_faults(Faults { wrong_sign: 1.0, ..Faults::default() });
        pair.gateway.pay(&number(3)).unwrap();
        let (path, body, heard) = site.next().await;
        assert!(matches!(heard, Err(NotifyError::BadSignature { .. })), "{heard:?}");
        eventually("the bank will try again", || pair.gateway.next_notice().is_some()).await;
        assert!(pair.channel.notification(&Letter::new(&path, &body)).is_err());
    }
}

#[tokio::test]
async fn notifications_come_twice_or_after_other_words() {
    let mut site = Site::start().await;
    let faults = Faults { notice_doubled: 1.0, ..Faults::default() };
    let settings = SwiftpassGatewaySettings { faults, ..SwiftpassGatewaySettings::default() };
    let pair = pair(settings, &site.notify_url).await;
    assert!(site.channel.set(pair.channel.clone()).is_ok());
    pair.channel.ask(&generate()).await;
    pair.gateway.pay(&number(1)).unwrap();
    // The refund overtakes the word of the payment.
    assert_eq!(pair.channel.ask(&refund("LSR01", 1250)).await, done(1250));
    let (first, second) = (site.next().await, site.next().await);
    assert_eq!(first.2, second.2);
    assert!(first.2.unwrap().contains("Paid"));
    eventually("both are accepted", || pair.gateway.notices_waiting() == 0).await;
    let told = pair.channel.notification(&Letter::new("/", &second.1)).unwrap();
    let text = String::from_utf8(second.1).unwrap();
    assert!(text.contains("1250") && is_paid(told.payment().unwrap().1, 1250));
    let forged = text.replace("1250", "1251");
    let result = pair.channel.notification(&Letter::new("/", forged.as_bytes()));
    assert!(matches!(result, Err(NotifyError::BadSignature { .. })), "{result:?}");
}

#[tokio::test]
async fn an_unsigned_refusal_is_unknown_and_a_signed_one_is_final() {
    for (signs_refusals, is_final) in [(false, false), (true, true)] {
        let settings =
            SwiftpassGatewaySettings { signs_refusals, ..SwiftpassGatewaySettings::default() };
        let pair = pair(settings, "http://127.0.0.1:9/notify").await;
        let key_file = pair.folder.0.join("other.key");
        std::fs::write(&key_file, "another key").unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        // Its own key is right, so it can read the answer; only the merchant is unknown there.
        let foreign = open(SwiftpassSettings { mch_id: "9".into(), ..pair.settings.clone() });
        for ask in [generate(), collect(1, CODE)] {
            let word = foreign.ask(&ask).await;
            assert_eq!(matches!(word, Word::Refused { .. }), is_final, "{word:?}");
            assert_eq!(is_unknown(&word), !is_final, "{word:?}");
        }
        assert!(is_unknown(&foreign.ask(&query(PayWay::Cashier)).await), "a query is never final");
        let stranger =
            open(SwiftpassSettings { key_file: Some(key_file), ..pair.settings.clone() });
        assert!(is_unknown(&stranger.ask(&generate()).await));
        assert!(pair.gateway.books().is_empty());
    }
    let folder = Folder::new();
    let key = folder.0.join("key");
    OTHER_KEYS.write_merchant_key(&key).unwrap();
    let settings = SwiftpassGatewaySettings { rsa: true, ..SwiftpassGatewaySettings::default() };
    let pair = pair(settings, "http://127.0.0.1:9/notify").await;
    let stranger = SwiftpassSettings { private_key_file: Some(key), ..pair.settings.clone() };
    assert_eq!(stranger.sign_type, SignType::Rsa256);
    assert!(is_unknown(&open(stranger).ask(&generate()).await));
    assert!(pair.gateway.books().is_empty());
}

#[tokio::test]
async fn a_clock_apart_closes_links_and_harms_no_money() {
    // The bank is ten minutes ahead: by its clock the link has expired before it was made.
    let pair = faulty(Faults { clock_apart_s: 600, ..Faults::default() }).await;
    assert!(matches!(pair.channel.ask(&generate()).await, Word::Cashier { .. }));
    assert_eq!(pair.gateway.pay(&number(1)), Err(PayRefusal::Expired));
    assert_eq!(pair.channel.ask(&query(PayWay::Cashier)).await, Word::Reversed);
    // Behind, it lives on.
    let pair = faulty(Faults { clock_apart_s: -600, ..Faults::default() }).await;
    pair.channel.ask(&generate()).await;
    pair.gateway.pay(&number(1)).unwrap();
    let word = pair.channel.ask(&query(PayWay::Cashier)).await;
    let Word::Paid { paid_at: Some(at), .. } = word else { panic!("{word:?}") };
    let behind = wall_clock().duration_since(at).as_secs();
    assert!((590..=660).contains(&behind), "{behind}");
}

fn today() -> Date {
    tz::offset(8).to_datetime(wall_clock()).date()
}

fn rows(pair: &Pair, file: &std::path::Path) -> Vec<Row> {
    let text = BufReader::new(std::fs::File::open(file).unwrap());
    pair.channel.rows(Box::new(text)).map(|row| row.unwrap()).collect()
}

#[tokio::test]
async fn a_statement_says_what_happened() {
    let pair = faulty(Faults::default()).await;
    let into = pair.folder.0.join("bill");
    let before = today();
    for n in 1..=20 {
        let word = pair.channel.ask(&collect(n, &format!("1345792468101214{n:02}"))).await;
        assert!(is_paid(&word, 1250));
    }
    assert_eq!(pair.channel.ask(&refund("LSR01", 250)).await, done(250));
    let second = Ask::Reverse { out_trade_no: number(2), way: PayWay::PayerCode };
    assert_eq!(pair.channel.ask(&second).await, Word::Reversed);
    if before != today() {
        return; // Midnight fell into the test.
    }
    pair.channel.statement(today(), &into).await.unwrap();
    let all = rows(&pair, &into);
    assert_eq!(all.len(), 22);
    let sum = |what| all.iter().filter(|r| r.what == what).map(|r| r.amount.minor).sum::<i64>();
    assert_eq!((sum(What::Paid), sum(What::Refunded)), (20 * 1250, 250 + 1250));
    let refund = all.iter().find(|row| row.refund_no == "LSR01").unwrap();
    assert_eq!((refund.out_trade_no.as_str(), refund.fee_milli), ("LS00001", Some(-950)));
    let first = &all[0];
    assert_eq!((first.fee_milli, first.bank_no.len()), (Some(4_750), 20));
    assert!(first.at.unwrap().duration_since(wall_clock()).abs().as_secs() < 60);

    let faults = Faults { statement_short: 0.3, ..Faults::default() };
    pair.gateway.set_faults(faults);
    pair.channel.statement(today(), &into).await.unwrap();
    assert!((1..22).contains(&rows(&pair, &into).len()));
    let yesterday = today().yesterday().unwrap();
    pair.channel.statement(yesterday, &into).await.unwrap();
    assert!(rows(&pair, &into).is_empty());
}

#[tokio::test]
async fn a_late_or_refused_statement_leaves_no_file() {
    let pair = faulty(Faults { statement_late: 1.0, ..Faults::default() }).await;
    let into = pair.folder.0.join("bill");
    let late = pair.channel.statement(today(), &into).await;
    assert!(matches!(&late, Err(StatementError::NotReady(why)) if why == "Bill Creating"));
    let foreign = open(SwiftpassSettings { mch_id: "9".into(), ..pair.settings.clone() });
    let refused = foreign.statement(today(), &into).await;
    assert!(matches!(&refused, Err(StatementError::NotReady(why)) if why.contains("mch")));
    let none = open(SwiftpassSettings { bill_url: None, ..pair.settings.clone() });
    let none = none.statement(today(), &into).await;
    assert!(matches!(none, Err(StatementError::NotOffered)));
    let names = std::fs::read_dir(&pair.folder.0).unwrap().map(|e| e.unwrap().file_name());
    assert!(names.filter(|name| name.to_string_lossy().starts_with("bill")).count() == 0);
}

#[tokio::test]
async fn a_strange_server_is_never_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(async |uri: axum::http::Uri| match uri.path() {
        "/500" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "/huge" => vec![b' '; 1 << 20].into_response(),
        "/bytes" => vec![0xff_u8, 0xfe].into_response(),
        "/unsigned" => "<xml><status>0</status><result_code>0</result_code><pay_result>0</pay_result>\
             <trade_state>SUCCESS</trade_state><total_fee>1250</total_fee><mch_id>7551000001</mch_id>\
             <out_trade_no>LS00001</out_trade_no><code_url>x</code_url></xml>"
            .into_response(),
        "/empty" => "<xml></xml>".into_response(),
        _ => "<html>".into_response(),
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let elsewhere = faulty(Faults::default()).await;
    for path in ["500", "huge", "bytes", "unsigned", "empty", "page"] {
        let base_url = format!("http://{address}/{path}");
        let channel = open(SwiftpassSettings { base_url, ..elsewhere.settings.clone() });
        let reverse = reverse(PayWay::PayerCode);
        for ask in
            [generate(), query(PayWay::Cashier), reverse, refund("LSR01", 1), collect(1, CODE)]
        {
            let word = channel.ask(&ask).await;
            assert!(is_unknown(&word), "{path}: {word:?}");
        }
    }
}

#[tokio::test]
async fn faults_are_set_at_run_time_and_a_gateway_stops_while_a_call_is_held() {
    let pair = faulty(Faults::default()).await;
    let phone = reqwest::Client::builder().no_proxy().build().unwrap();
    let control = format!("http://{}/control", pair.gateway.addr);
    let request = phone.post(&control).header("content-type", "application/json");
    let told = request.body(r#"{"silent":1,"clock_apart_s":-7}"#).send().await.unwrap();
    assert_eq!(told.status(), 200);
    let expected = Faults { silent: 1.0, clock_apart_s: -7, ..Faults::default() };
    assert_eq!(pair.gateway.faults(), expected);
    let channel = pair.channel.clone();
    let asked = tokio::spawn(async move { channel.ask(&query(PayWay::Cashier)).await });
    eventually("the call is held", || pair.gateway.calls() == 1).await;
    pair.gateway.stop().await;
    assert!(is_unknown(&asked.await.unwrap()));
}

/// A gateway of another hand, in Python from the rules alone, and the daemon's channel against it.
#[tokio::test]
async fn a_peer_of_another_hand_understands_and_is_understood() {
    use std::{
        io::BufRead,
        process::{Command, Stdio},
    };
    let folder = Folder::new();
    let mut peer = Command::new("python3")
        .args(["-c", include_str!("swiftpass_peer.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut port = String::new();
    BufReader::new(peer.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let elsewhere = faulty(Faults::default()).await;
    let channel = open(SwiftpassSettings {
        base_url: format!("http://127.0.0.1:{}/pay/gateway", port.trim()),
        bill_url: Some(format!("http://127.0.0.1:{}/bill", port.trim())),
        ..elsewhere.settings.clone()
    });
    let result = tokio::spawn(async move {
        let word = channel.ask(&generate()).await;
        assert_eq!(word, Word::Cashier { link: "weixin://wxpay/bizpayurl?pr=1250".to_owned() });
        let paid = channel.ask(&collect(1, CODE)).await;
        let at: Timestamp = "2026-11-23T16:05:10Z".parse().unwrap();
        let expected = Word::Paid {
            amount: cny(1250),
            bank_no: "PEER1".to_owned(),
            paid_at: Some(at),
            payer: None,
        };
        assert_eq!(paid, expected);
        assert_eq!(channel.ask(&query(PayWay::PayerCode)).await, expected);
        assert_eq!(channel.ask(&reverse(PayWay::PayerCode)).await, Word::Reversed);
        assert_eq!(channel.ask(&refund("LSR01", 300)).await, done(300));
        let into = folder.0.join("bill");
        channel.statement(today(), &into).await.unwrap();
        let text = BufReader::new(std::fs::File::open(&into).unwrap());
        let rows: Vec<Row> = channel.rows(Box::new(text)).map(|row| row.unwrap()).collect();
        assert_eq!((rows.len(), rows[0].amount, rows[1].amount), (2, cny(1250), cny(300)));
    })
    .await;
    drop(peer.stdin.take());
    let _ = peer.kill();
    let _ = peer.wait();
    result.unwrap();
}
