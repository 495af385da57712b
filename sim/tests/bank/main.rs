//! The daemon's bank channel against the simulated gateway, over real HTTP on this machine.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod families;
mod scenic;
mod support;
mod swiftpass;
mod wallets;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::OriginalUri,
    http::{StatusCode, header},
    response::IntoResponse,
};
use paifang::bank::{
    Channel, Letter, NotifyError, Word,
    icbc::{Icbc, IcbcSettings, NotifyMsgId, SignType},
};
use paifang_sim::bank::{Faults, GatewaySettings, Hash, PayRefusal, State};
use tokio::net::TcpListener;

use support::*;

/// From the link to the refunded payment, with the notification, under every signature and AES.
async fn whole_life(encrypt: bool, sign_type: SignType, notify_hash: Hash, msg_id: NotifyMsgId) {
    let mut site = Site::start().await;
    let settings = GatewaySettings { encrypt, notify_hash, ..GatewaySettings::default() };
    let pair = pair(settings, &site.notify_url).await;
    let channel = open(IcbcSettings { sign_type, notify_msg_id: msg_id, ..pair.settings.clone() });
    assert!(site.channel.set(channel.clone()).is_ok());

    let Word::Cashier { link } = channel.ask(&generate()).await else { panic!("no link") };
    assert!(link.starts_with(pair.gateway.base_url()), "{link}");
    assert_eq!(channel.ask(&query()).await, Word::Paying);

    let phone = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = phone.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("¥12.50") && page.contains("停车费 京A12345 &lt;b>"), "{page}");
    let page = phone.post(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("支付成功"), "{page}");
    let page = phone.post(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("订单已支付"), "{page}");

    let word = channel.ask(&query()).await;
    let Word::Paid { amount, bank_no, paid_at, .. } = &word else { panic!("{word:?}") };
    assert_eq!((*amount, bank_no.as_str()), (cny(1250), "SIM00000000000000001"));
    assert!(paid_at.unwrap().duration_since(wall_clock()).abs().as_secs() < 10);
    let heard = site.next().await;
    assert_eq!(heard.0, "//callback/icbc");
    assert_eq!(heard.2, Ok(format!("P1 {word:?}")));
    eventually("the reply is accepted", || pair.gateway.notices_waiting() == 0).await;
    assert_eq!(pair.gateway.notices_given_up(), 0);

    assert!(matches!(channel.ask(&reverse()).await, Word::Refused { .. }));
    let part = Word::RefundDone { amount: cny(250) };
    assert_eq!(channel.ask(&refund("R1", 250)).await, part);
    assert_eq!(channel.ask(&refund("R1", 250)).await, part, "the same refund again");
    assert!(is_unknown(&channel.ask(&refund("R1", 300)).await), "same number, other amount");
    assert!(matches!(channel.ask(&refund("R2", 1001)).await, Word::Refused { .. }));
    assert_eq!(channel.ask(&query()).await, Word::PartRefunded);
    assert_eq!(channel.ask(&refund("R2", 1000)).await, Word::RefundDone { amount: cny(1000) });
    assert_eq!(channel.ask(&query()).await, Word::Refunded);
    let book = pair.gateway.books().remove(0);
    assert_eq!((book.state, book.paid_fen, book.refunded_fen), (State::Paid, 1250, 1250));
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_payment_lives_from_link_to_refund() {
    whole_life(false, SignType::Rsa2, Hash::Sha256, NotifyMsgId::Echo).await;
}

#[tokio::test]
async fn a_payment_lives_under_sha1_and_aes() {
    whole_life(true, SignType::Rsa, Hash::Sha1, NotifyMsgId::Fresh).await;
}

#[tokio::test]
async fn a_closed_attempt_is_reversed_and_repeats() {
    let pair = faulty(Faults::default()).await;
    assert!(matches!(pair.channel.ask(&generate()).await, Word::Cashier { .. }));
    assert!(matches!(pair.channel.ask(&generate()).await, Word::Cashier { .. }));
    for _ in 0..2 {
        assert_eq!(pair.channel.ask(&reverse()).await, Word::Reversed);
    }
    assert_eq!(pair.channel.ask(&query()).await, Word::Reversed);
    assert_eq!(pair.gateway.pay("P1"), Err(PayRefusal::Closed));
    assert!(is_unknown(&pair.channel.ask(&generate()).await), "the number is used up");
}

#[tokio::test]
async fn what_never_reached_the_bank_can_be_closed() {
    let pair = faulty(Faults { silent: 1.0, ..Faults::default() }).await;
    assert!(is_unknown(&pair.impatient.ask(&generate()).await));
    assert!(pair.gateway.books().is_empty());
    pair.gateway.set_faults(Faults::default());
    let none = pair.channel.ask(&query()).await;
    assert!(matches!(none, Word::NoOrder { .. }), "{none:?}");
    assert_eq!(pair.channel.ask(&reverse()).await, Word::Reversed);
    pair.gateway.stop().await;
}

#[tokio::test]
async fn deeds_without_an_answer_are_unknown_and_done() {
    let faults = Faults { generate_unknown: 1.0, reverse_unknown: 1.0, ..Faults::default() };
    let first = faulty(faults).await;
    assert!(is_unknown(&first.impatient.ask(&generate()).await));
    assert_eq!(first.channel.ask(&query()).await, Word::Paying);
    assert!(is_unknown(&first.impatient.ask(&reverse()).await));
    assert_eq!(first.channel.ask(&query()).await, Word::Reversed);

    let second = faulty(Faults { refund_unknown: 1.0, ..Faults::default() }).await;
    second.channel.ask(&generate()).await;
    second.gateway.pay("P1").unwrap();
    assert!(is_unknown(&second.impatient.ask(&refund("R1", 1250)).await));
    assert_eq!(second.gateway.books()[0].refunded_fen, 1250);
    second.gateway.set_faults(Faults::default());
    let again = second.channel.ask(&refund("R1", 1250)).await;
    assert_eq!(again, Word::RefundDone { amount: cny(1250) });
    assert_eq!(second.gateway.books()[0].refunded_fen, 1250, "once");
}

#[tokio::test]
async fn slow_late_and_wrong_words() {
    let slow = faulty(Faults { slow: 1.0, slow_ms: 60_000, ..Faults::default() }).await;
    assert!(is_unknown(&slow.impatient.ask(&generate()).await));
    slow.gateway.set_faults(Faults { slow: 1.0, slow_ms: 50, ..Faults::default() });
    assert_eq!(slow.channel.ask(&query()).await, Word::Paying);

    let late = faulty(Faults { late_word: 1.0, late_word_s: 3600, ..Faults::default() }).await;
    late.channel.ask(&generate()).await;
    late.gateway.pay("P1").unwrap();
    assert_eq!(late.channel.ask(&query()).await, Word::Paying);
    assert_eq!(late.gateway.books()[0].paid_fen, 1250);

    let wrong = faulty(Faults { wrong_amount: 1.0, ..Faults::default() }).await;
    wrong.channel.ask(&generate()).await;
    wrong.gateway.pay("P1").unwrap();
    let word = wrong.channel.ask(&query()).await;
    assert!(matches!(word, Word::Paid { amount, .. } if amount == cny(1249)), "{word:?}");

    let closed = faulty(Faults { pay_after_close: 1.0, ..Faults::default() }).await;
    closed.channel.ask(&generate()).await;
    assert_eq!(closed.channel.ask(&reverse()).await, Word::Reversed);
    closed.gateway.pay("P1").unwrap();
    assert!(matches!(closed.channel.ask(&query()).await, Word::Paid { .. }));
}

#[tokio::test]
async fn notifications_are_doubled_or_missing() {
    let mut site = Site::start().await;
    let faults = Faults { notice_doubled: 1.0, ..Faults::default() };
    let settings = GatewaySettings { faults, ..GatewaySettings::default() };
    let pair = pair(settings, &site.notify_url).await;
    assert!(site.channel.set(pair.channel.clone()).is_ok());
    pair.channel.ask(&generate()).await;
    pair.gateway.pay("P1").unwrap();
    let (first, second) = (site.next().await, site.next().await);
    assert_eq!(first.2, second.2);
    eventually("both are accepted", || pair.gateway.notices_waiting() == 0).await;

    let missing = faulty(Faults { notice_missing: 1.0, ..Faults::default() }).await;
    missing.channel.ask(&generate()).await;
    missing.gateway.pay("P1").unwrap();
    assert_eq!(missing.gateway.notices_waiting(), 0);
}

#[tokio::test]
async fn a_forged_notification_is_refused_and_a_forged_reply_not_accepted() {
    let mut site = Site::start().await;
    let pair = pair(GatewaySettings::default(), &site.notify_url).await;
    // The site believes another gateway, so it refuses; its refusal is not a success to the bank.
    let stranger = OTHER_KEYS.gateway_public_key();
    let suspicious =
        open(IcbcSettings { gateway_public_key: Some(stranger), ..pair.settings.clone() });
    assert!(site.channel.set(suspicious.clone()).is_ok());
    pair.channel.ask(&generate()).await;
    pair.gateway.pay("P1").unwrap();
    let (path, body, result) = site.next().await;
    assert!(matches!(result, Err(NotifyError::BadSignature { .. })), "{result:?}");
    eventually("the bank will try again", || pair.gateway.next_notice().is_some()).await;
    assert!(pair.gateway.next_notice().unwrap() > wall_clock());
    assert!(is_unknown(&suspicious.ask(&query()).await), "nor is its word believed");

    // The right site takes the same bytes, but not with one of them changed.
    assert!(pair.channel.notification(&Letter::new(&path, &body)).is_ok());
    let text = String::from_utf8(body).unwrap();
    let forged = text.replacen("1250", "1251", 1);
    assert_ne!(forged, text);
    let result = pair.channel.notification(&Letter::new(&path, forged.as_bytes()));
    assert!(matches!(result, Err(NotifyError::BadSignature { .. })), "{result:?}");
}

#[tokio::test]
async fn the_gateway_refuses_what_is_not_rightly_signed() {
    let pair = faulty(Faults::default()).await;
    let refused = async |change: &dyn Fn(&mut IcbcSettings)| {
        let mut settings = pair.settings.clone();
        change(&mut settings);
        open(settings).ask(&generate()).await
    };
    let folder = Folder::new();
    let key = folder.0.join("other.key");
    OTHER_KEYS.write_merchant_key(&key).unwrap();
    let code = |word: Word| match word {
        Word::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(refused(&|s| s.private_key_file = key.clone()).await), "400017");
    assert_eq!(code(refused(&|s| s.app_id = "9".into()).await), "400011");
    assert_eq!(code(refused(&|s| s.mer_id = "9".into()).await), "400021");
    assert!(is_unknown(&refused(&|s| s.store_code = "9".into()).await));
    let aes = folder.0.join("aes.key");
    KEYS.write_aes_key(&aes).unwrap();
    assert!(is_unknown(&refused(&|s| s.aes_key_file = Some(aes.clone())).await));
    let yesterday = || wall_clock() - jiff::SignedDuration::from_hours(24);
    let stale = Icbc::open(pair.settings.clone(), Arc::new(yesterday)).unwrap();
    assert!(is_unknown(&stale.ask(&generate()).await));
    assert!(pair.gateway.books().is_empty());
}

#[tokio::test]
async fn a_strange_server_is_never_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = faulty(Faults::default()).await;
    let landed = Arc::new(AtomicU32::new(0));
    let target = format!("{base_url}/landed");
    let count = landed.clone();
    let app = Router::new().fallback(async move |OriginalUri(uri): OriginalUri| {
        match uri.path().split('/').nth(1).unwrap() {
            "500" => (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
            "307" => {
                (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]).into_response()
            }
            "huge" => vec![b' '; 1 << 20].into_response(),
            "bytes" => vec![0xff_u8, 0xfe].into_response(),
            "unsigned" => {
                r#"{"response_biz_content":{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":"1250"},"sign":""}"#
                    .into_response()
            }
            "landed" => {
                count.fetch_add(1, Ordering::Relaxed);
                "".into_response()
            }
            _ => "<html>".into_response(),
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    for path in ["500", "307", "huge", "bytes", "unsigned", "page"] {
        let base_url = format!("{base_url}/{path}");
        let channel = open(IcbcSettings { base_url, ..elsewhere.settings.clone() });
        for ask in [generate(), query(), reverse(), refund("R1", 1)] {
            let word = channel.ask(&ask).await;
            assert!(is_unknown(&word), "{path}: {word:?}");
        }
    }
    assert_eq!(landed.load(Ordering::Relaxed), 0, "no redirect is followed");
}

#[tokio::test]
async fn faults_are_set_at_run_time_and_books_read() {
    let pair = faulty(Faults::default()).await;
    let phone = reqwest::Client::builder().no_proxy().build().unwrap();
    let control = format!("{}/control", pair.gateway.base_url());
    let post = async |body: &'static str| {
        let request = phone.post(&control).header(header::CONTENT_TYPE, "application/json");
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(r#"{"silent":0.5,"slow_ms":7}"#).await, 200);
    assert_eq!(pair.gateway.faults(), Faults { silent: 0.5, slow_ms: 7, ..Faults::default() });
    assert_eq!(post(r#"{"sielnt":1}"#).await, 400);
    assert_eq!(post(r#"{"silent":0}"#).await, 200);
    pair.channel.ask(&generate()).await;
    let books = format!("{}/books", pair.gateway.base_url());
    let books = phone.get(&books).send().await.unwrap().text().await.unwrap();
    assert!(books.contains(r#""out_trade_no":"P1","state":"open","order_fen":1250"#), "{books}");
}

#[tokio::test]
async fn a_gateway_stops_while_a_call_is_held() {
    let pair = faulty(Faults { silent: 1.0, ..Faults::default() }).await;
    let channel = pair.channel.clone();
    let asked = tokio::spawn(async move { channel.ask(&query()).await });
    let addr = pair.gateway.addr;
    eventually("the call is held", || pair.gateway.calls() == 1).await;
    let stopped = tokio::time::timeout(Duration::from_secs(5), pair.gateway.stop()).await;
    assert!(stopped.is_ok());
    let word = tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap().unwrap();
    assert!(is_unknown(&word), "{word:?}");
    TcpListener::bind(addr).await.unwrap();
}
