//! Business texts: what is written and how answers are judged. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::bank::PayWay;

fn settings() -> IcbcSettings {
    toml::from_str(
        r#"
        base_url = "https://gw.example"
        app_id = "1"
        mer_id = "020002040095"
        store_code = "02000015087"
        private_key_file = "key"
        notify_url = "https://site.example//notify"
        final_refusal_codes = ["400011"]
        no_order_codes = ["93001"]
        "#,
    )
    .unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

fn query() -> Ask {
    Ask::Query { out_trade_no: "P1".to_owned(), way: PayWay::Cashier }
}

fn reverse() -> Ask {
    Ask::Reverse { out_trade_no: "P1".to_owned(), way: PayWay::Cashier }
}

fn refund() -> Ask {
    Ask::Refund {
        out_trade_no: "P1".to_owned(),
        refund_no: "R1".to_owned(),
        amount: cny(300),
        paid: cny(1250),
        way: PayWay::Cashier,
    }
}

fn generate(amount: Money) -> Ask {
    Ask::Generate {
        out_trade_no: "P1".to_owned(),
        amount,
        subject: "停车费 京A12345".to_owned(),
        expires_in_s: 300,
        asked_at: "2026-11-23T16:05:09Z".parse().unwrap(),
    }
}

#[test]
fn questions_are_written_with_the_published_fields() {
    let text = |ask| biz_content(&settings(), &ask).unwrap();
    assert_eq!(
        text(generate(cny(7370))),
        r#"{"mer_id":"020002040095","store_code":"02000015087","out_trade_no":"P1","order_amt":"7370","trade_date":"20261124","trade_time":"000509","attach":"停车费 京A12345","pay_expire":"300","notify_url":"https://site.example//notify","tporder_create_ip":"127.0.0.1","sp_flag":"0","notify_flag":"1"}"#
    );
    assert_eq!(text(query()), r#"{"mer_id":"020002040095","out_trade_no":"P1"}"#);
    assert_eq!(text(reverse()), text(query()));
    assert_eq!(
        text(refund()),
        r#"{"mer_id":"020002040095","out_trade_no":"P1","reject_no":"R1","reject_amt":"300"}"#
    );
}

#[test]
fn what_is_not_yuan_is_not_sent() {
    for amount in [cny(0), cny(-5), Money::new(100, Currency::Jpy)] {
        assert!(biz_content(&settings(), &generate(amount)).is_err(), "{amount}");
    }
    let nameless = Ask::Query { out_trade_no: String::new(), way: PayWay::Cashier };
    assert!(biz_content(&settings(), &nameless).is_err());
}

#[test]
fn answers_are_judged() {
    let paid = |amount, bank_no: &str, at: Option<&str>| Word::Paid {
        amount: cny(amount),
        bank_no: bank_no.to_owned(),
        paid_at: at.map(|at| at.parse().unwrap()),
    };
    let rows = [
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"0"}"#, Word::Paying),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":"7370","order_id":"B9","pay_time":"20261124000510"}"#,
            paid(7370, "B9", Some("2026-11-23T16:05:10Z")),
        ),
        (
            query(),
            r#"{"return_code":"0","out_trade_no":"P1","pay_status":1,"total_amt":7370,"pay_time":"2026-11-24"}"#,
            paid(7370, "", None),
        ),
        (
            query(),
            r#"{"return_code":0,"return_msg":"余额不足","out_trade_no":"P1","pay_status":"2"}"#,
            Word::Failed { why: "余额不足".to_owned() },
        ),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"3"}"#, Word::Reversed),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"4"}"#, Word::Reversing),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"5"}"#, Word::Refunded),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"6"}"#, Word::PartRefunded),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"7"}"#, Word::Refunding),
        (reverse(), r#"{"return_code":0,"out_trade_no":"P1"}"#, Word::Reversed),
        (reverse(), r#"{"return_code":93001,"return_msg":"no such order"}"#, Word::Reversed),
        (
            refund(),
            r#"{"return_code":0,"out_trade_no":"P1","reject_no":"R1","reject_amt":"300"}"#,
            Word::RefundDone { amount: cny(300) },
        ),
        (
            generate(cny(1)),
            r#"{"return_code":0,"qrcode":"https://qr.example/1"}"#,
            Word::Cashier { link: "https://qr.example/1".to_owned() },
        ),
        (
            generate(cny(1)),
            r#"{"return_code":400011,"return_msg":"app id is not registered"}"#,
            Word::Refused { code: "400011".to_owned(), why: "app id is not registered".to_owned() },
        ),
    ];
    for (ask, content, expected) in rows {
        assert_eq!(word(&settings(), &ask, content), expected, "{content}");
    }
}

#[test]
fn whatever_is_not_explicit_is_unknown() {
    let rows = [
        (query(), "", "no text"),
        (query(), "{}", "no return_code"),
        (
            query(),
            r#"{"return_code":null,"out_trade_no":"P1","pay_status":"1","total_amt":"1"}"#,
            "null code",
        ),
        (query(), r#"{"return_code":0.0,"out_trade_no":"P1","pay_status":"0"}"#, "fraction"),
        (query(), r#"{"return_code":400011,"return_msg":"x"}"#, "a refused query says nothing"),
        (query(), r#"{"return_code":93001,"return_msg":"x"}"#, "it may be on its way"),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P2","pay_status":"1","total_amt":"1"}"#,
            "another",
        ),
        (query(), r#"{"return_code":0,"pay_status":"1","total_amt":"1"}"#, "nameless"),
        (query(), r#"{"return_code":0,"out_trade_no":"P1"}"#, "no status"),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"8"}"#, "new status"),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"-1"}"#, "of another call"),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"01","total_amt":"1"}"#,
            "01",
        ),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1"}"#, "no amount"),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":"73.70"}"#,
            "yuan",
        ),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":"-1"}"#,
            "sign",
        ),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":" 1"}"#,
            "space",
        ),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":"１"}"#,
            "wide digit",
        ),
        (
            query(),
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"0","pay_status":"1","total_amt":"1"}"#,
            "twice",
        ),
        (query(), r#"{"return_code":0,"out_trade_no":"P1","pay_status":"0"} {}"#, "trailing"),
        (reverse(), r#"{"return_code":0}"#, "nameless"),
        (reverse(), r#"{"return_code":7,"out_trade_no":"P1"}"#, "not final"),
        (
            refund(),
            r#"{"return_code":0,"out_trade_no":"P1","reject_no":"R2","reject_amt":"300"}"#,
            "other refund",
        ),
        (refund(), r#"{"return_code":0,"out_trade_no":"P1","reject_no":"R1"}"#, "no amount"),
        (generate(cny(1)), r#"{"return_code":0}"#, "no link"),
        (generate(cny(1)), r#"{"return_code":0,"qrcode":""}"#, "empty link"),
        (generate(cny(1)), r#"{"return_code":10,"return_msg":"busy"}"#, "not final"),
    ];
    for (ask, content, what) in rows {
        let word = word(&settings(), &ask, content);
        assert!(matches!(word, Word::Unknown { .. }), "{what}: {word:?}");
    }
}

#[test]
fn notifications_are_judged() {
    let said = |content: &str| notified(&settings(), content);
    let (out_trade_no, msg_id, word) = said(
        r#"{"return_code":"0","msg_id":"M1","mer_id":"020002040095","out_trade_no":"P1","order_id":"B9","pay_time":"20261124000510","total_amt":"7370","payment_amt":"7000"}"#,
    )
    .unwrap();
    assert_eq!((out_trade_no.as_str(), msg_id.as_str()), ("P1", "M1"));
    assert!(matches!(word, Word::Paid { amount, .. } if amount == cny(7370)), "{word:?}");

    let word_of = |rest: &str| said(&format!(r#"{{"msg_id":1,"out_trade_no":"P1",{rest}}}"#));
    let (.., word) = word_of(r#""return_code":"1","return_msg":"交易失败""#).unwrap();
    assert_eq!(word, Word::Failed { why: "交易失败".to_owned() });
    let (.., word) = word_of(r#""return_code":0,"pay_status":"6""#).unwrap();
    assert_eq!(word, Word::PartRefunded);
    for rest in [
        r#""return_code":"0""#,
        r#""return_code":"2""#,
        r#""return_code":"1","pay_status":"1","total_amt":"1""#,
        r#""total_amt":"1""#,
    ] {
        let (.., word) = word_of(rest).unwrap();
        assert!(matches!(word, Word::Unknown { .. }), "{rest}: {word:?}");
    }
    let foreign = r#"{"msg_id":1,"out_trade_no":"P1","return_code":"0","mer_id":"9"}"#;
    assert!(matches!(said(foreign), Err(NotifyError::Foreign { field: "mer_id", .. })));
    for bad in ["", "{}", r#"{"msg_id":"1"}"#, r#"{"msg_id":"1","out_trade_no":""}"#, "[]"] {
        assert!(matches!(said(bad), Err(NotifyError::Malformed(_))), "{bad}");
    }
}

proptest! {
    #[test]
    fn judging_never_panics(text in any::<String>(), status in "[0-9-]{0,3}", amount in "\\PC{0,20}") {
        let settings = settings();
        let value = serde_json::json!({
            "return_code": 0, "out_trade_no": "P1", "reject_no": "R1", "msg_id": text,
            "pay_status": status, "total_amt": amount, "reject_amt": amount, "pay_time": amount,
        })
        .to_string();
        for ask in [query(), reverse(), refund(), generate(cny(1))] {
            let _ = word(&settings, &ask, &text);
            let _ = word(&settings, &ask, &value);
        }
        let _ = notified(&settings, &text);
        let _ = notified(&settings, &value);
    }

    #[test]
    fn amounts_are_digits_only(text in "\\PC{0,20}", minor in 0..=999_999_999_999_999_i64) {
        let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
        prop_assert_eq!(parse_fen(&text).is_some(), digits);
        prop_assert_eq!(parse_fen(&minor.to_string()), Some(cny(minor)));
    }
}
