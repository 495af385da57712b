//! Business texts: what is written and how answers are judged. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::{
    bank::PayWay,
    types::{Currency, Money, bank::Payer},
};

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

fn collect(scanner: Option<Scanner>) -> Ask {
    Ask::Collect {
        out_trade_no: "P1".to_owned(),
        amount: cny(7370),
        subject: "停车费 京A12345".to_owned(),
        code: PayerCode::parse("6235124674559394540").unwrap(),
        scanner,
        asked_at: "2017-01-12T03:13:05Z".parse().unwrap(),
    }
}

fn refund_query() -> Ask {
    Ask::RefundQuery {
        out_trade_no: "P1".to_owned(),
        refund_no: "R1".to_owned(),
        amount: cny(300),
        way: PayWay::PayerCode,
    }
}

#[test]
fn newer_versions_have_their_paths_and_fields() {
    let versions = |pay, query, reject, reject_query| Versions { pay, query, reject, reject_query };
    let asks = [generate(cny(1)), collect(None), query(), reverse(), refund(), refund_query()];
    let paths = |versions| asks.clone().map(|ask| path(versions, &ask).unwrap());
    let old = ["generate", "pay", "query", "reverse", "reject", "reject/query"];
    assert_eq!(paths(Versions::default()), old.map(|call| format!("/api/qrcode/V2/{call}")));
    assert_eq!(
        paths(versions(4, 5, 3, 4)),
        [
            "/api/qrcode/V2/generate",
            "/api/qrcode/pay/V4",
            "/api/qrcode/query/V5",
            "/api/qrcode/V2/reverse",
            "/api/qrcode/reject/V3",
            "/api/qrcode/reject/query/V4",
        ]
    );
    assert_eq!(versions(4, 5, 3, 4).wrong(), None);
    for wrong in
        [versions(5, 2, 2, 2), versions(2, 6, 2, 2), versions(2, 2, 4, 2), versions(2, 2, 2, 1)]
    {
        assert!(wrong.wrong().unwrap().contains("not published"), "{wrong:?}");
    }

    let mut settings = settings();
    let text = |settings: &IcbcSettings, ask| biz_content(settings, &ask).unwrap();
    // The published request of the second version, less the field of the third.
    assert_eq!(
        text(&settings, collect(None)),
        r#"{"qr_code":"6235124674559394540","mer_id":"020002040095","out_trade_no":"P1","order_amt":"7370","trade_date":"20170112","trade_time":"111305"}"#
    );
    assert_eq!(
        text(&settings, refund_query()),
        r#"{"mer_id":"020002040095","out_trade_no":"P1","reject_no":"R1"}"#
    );
    settings.versions = versions(4, 5, 3, 3);
    settings.sub_app_id = Some("wx1".to_owned());
    settings.merattach = Some("note".to_owned());
    settings.oper_id = Some("7".to_owned());
    let said = text(&settings, collect(None));
    assert!(said.ends_with(r#","attach":"停车费 京A12345","sub_app_id":"wx1"}"#), "{said}");
    let said = text(&settings, refund());
    assert!(said.ends_with(r#","reject_amt":"300","oper_id":"7","merattach":"note"}"#), "{said}");
}

#[test]
fn a_terminal_goes_along_with_a_payers_code_only() {
    let mut settings = settings();
    let terminal = toml::from_str(r#"serial_num = "T1""#).unwrap();
    settings.terminals.insert("booth-1".to_owned(), terminal);
    let scanner = |place: &str| Scanner { place: place.to_owned(), secret_text: Some("9F".into()) };
    let told = biz_content(&settings, &collect(Some(scanner("booth-1")))).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let expected = serde_json::json!({
        "serial_num": "T1", "encrypt_rand_num": "394540", "secret_text": "9F",
    });
    assert_eq!(told["terminalInfo"], expected);
    assert_eq!(told["qr_code"], "6235124674559394540");
    for (ask, place) in [(collect(Some(scanner("gate"))), "another place"), (query(), "a query")] {
        assert!(!biz_content(&settings, &ask).unwrap().contains("terminalInfo"), "{place}");
    }
}

#[test]
fn a_payment_by_code_has_its_own_status_and_refunds_may_be_a_list() {
    let judged = |ask: Ask, rest: &str| {
        let content = format!(r#"{{"return_code":0,"out_trade_no":"P1",{rest}}}"#);
        word(&settings(), &ask, &content)
    };
    let collected = |rest: &str| judged(collect(None), rest);
    let failed = |why: &str| Word::Failed { why: why.to_owned() };
    assert_eq!(collected(r#""pay_status":"0""#), Word::Paying);
    assert_eq!(collected(r#""pay_status":"2","return_msg":"余额不足""#), failed("余额不足"));
    assert_eq!(collected(r#""pay_status":-1"#), failed("the bank gives no reason"));
    let paid = collected(r#""pay_status":"1","total_amt":"7370","order_id":"B1""#);
    assert!(matches!(paid, Word::Paid { amount, .. } if amount == cny(7370)), "{paid:?}");
    // What a query calls reversed or refunded, this call has never said.
    for status in ["3", "4", "5", "6", "7", "", "11"] {
        let word = collected(&format!(r#""pay_status":"{status}","total_amt":"7370""#));
        assert!(matches!(word, Word::Unknown { .. }), "{status}: {word:?}");
    }

    let done = Word::RefundDone { amount: cny(300) };
    let stands = |rest: &str| judged(refund_query(), rest);
    assert_eq!(stands(r#""reject_no":"R1","reject_amt":"300""#), done);
    let list = r#"[{"reject_no":"R0","reject_amt":"1"},{"reject_no":"R1","reject_amt":300}]"#;
    assert_eq!(stands(&format!(r#""refund_json_list":{list}"#)), done);
    let text = Value::from(list);
    assert_eq!(stands(&format!(r#""refund_json_list":{text}"#)), done);
    for unclear in [
        r#""refund_json_list":[]"#,
        r#""refund_json_list":[{"reject_no":"R1","reject_amt":"1"},{"reject_no":"R1"}]"#,
        r#""refund_json_list":"nothing""#,
        r#""refund_json_list":{"reject_no":"R1","reject_amt":"300"}"#,
        r#""reject_no":"R1""#,
        r#""reject_no":"R2","reject_amt":"300""#,
    ] {
        let word = stands(unclear);
        assert!(matches!(word, Word::Unknown { .. }), "{unclear}: {word:?}");
    }
    let none = word(&settings(), &query(), r#"{"return_code":93001,"return_msg":"no order"}"#);
    assert_eq!(none, Word::NoOrder { why: "return_code 93001: no order".to_owned() });
    let refused = word(&settings(), &refund_query(), r#"{"return_code":400011}"#);
    assert!(matches!(refused, Word::Unknown { .. }), "a refused question: {refused:?}");
}

#[test]
fn what_is_not_yuan_is_not_sent() {
    for amount in [cny(0), cny(-5), Money::new(100, Currency::Jpy)] {
        assert!(biz_content(&settings(), &generate(amount)).is_err(), "{amount}");
    }
}

#[test]
fn answers_are_judged() {
    let paid = |amount, bank_no: &str, at: Option<&str>| Word::Paid {
        amount: cny(amount),
        bank_no: bank_no.to_owned(),
        paid_at: at.map(|at| at.parse().unwrap()),
        payer: None,
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
            r#"{"return_code":0,"out_trade_no":"P1","pay_status":"1","total_amt":"1","cust_id":"","open_id":"o-1"}"#,
            Word::Paid {
                amount: cny(1),
                bank_no: String::new(),
                paid_at: None,
                payer: Payer::named("o-1"),
            },
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

proptest! {
    #[test]
    fn judging_never_panics(text in any::<String>(), status in "[0-9-]{0,3}", amount in "\\PC{0,20}") {
        let settings = settings();
        let value = serde_json::json!({
            "return_code": 0, "out_trade_no": "P1", "reject_no": "R1", "msg_id": text,
            "pay_status": status, "total_amt": amount, "reject_amt": amount, "pay_time": amount,
            "refund_json_list": text,
        })
        .to_string();
        for ask in [query(), reverse(), refund(), generate(cny(1)), collect(None), refund_query()] {
            let _ = word(&settings, &ask, &text);
            let _ = word(&settings, &ask, &value);
        }
    }
}
