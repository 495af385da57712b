//! Values of the questions and how answers are judged. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::types::PayerCode;

fn settings() -> SwiftpassSettings {
    toml::from_str(
        r#"
        base_url = "https://pay.example/pay/gateway"
        mch_id = "7551000001"
        key_file = "key"
        notify_url = "https://site.example/bank/swiftpass"
        terminal_info = '{"device_id":"T1","encrypt_rand_num":"{code6}"}'
        "#,
    )
    .unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

fn no() -> String {
    "LS001".to_owned()
}

fn at() -> Timestamp {
    "2026-11-23T16:05:09Z".parse().unwrap()
}

fn generate(amount: Money) -> Ask {
    let subject = "停车费 京A12345".to_owned();
    Ask::Generate { out_trade_no: no(), amount, subject, expires_in_s: 300, asked_at: at() }
}

fn collect() -> Ask {
    let code = PayerCode::parse("134579246810121416").unwrap();
    let subject = "停车费 京A12345".to_owned();
    Ask::Collect {
        out_trade_no: no(),
        amount: cny(1500),
        subject,
        code,
        scanner: None,
        asked_at: at(),
    }
}

fn query() -> Ask {
    Ask::Query { out_trade_no: no(), way: PayWay::PayerCode }
}

fn reverse(way: PayWay) -> Ask {
    Ask::Reverse { out_trade_no: no(), way }
}

fn refund() -> Ask {
    let (amount, paid, way) = (cny(300), cny(1500), PayWay::PayerCode);
    Ask::Refund { out_trade_no: no(), refund_no: "LS001R1".to_owned(), amount, paid, way }
}

fn refund_query() -> Ask {
    let refund_no = "LS001R1".to_owned();
    let way = PayWay::PayerCode;
    Ask::RefundQuery { out_trade_no: no(), refund_no, amount: cny(300), way }
}

/// `name=value`, one a space; the merchant and the payment are named unless the text names them.
fn said(text: &str) -> Values {
    let mut values: Values = [("mch_id", "7551000001"), ("out_trade_no", "LS001")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    for pair in text.split_whitespace() {
        let (name, value) = pair.split_once('=').unwrap();
        values.insert(name.to_owned(), value.to_owned());
    }
    values
}

fn judged(ask: &Ask, text: &str) -> Word {
    word(&settings(), ask, &said(text))
}

#[test]
fn questions_carry_the_published_values() {
    let text = |ask: Ask| {
        let values = values(&settings(), &ask).unwrap();
        let rest = values.into_iter().filter(|(name, _)| {
            !["version", "charset", "sign_type", "mch_id", "out_trade_no"].contains(&name.as_str())
        });
        rest.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("|")
    };
    let rows = [
        (
            generate(cny(7370)),
            "body=停车费 京A12345|mch_create_ip=127.0.0.1|\
             notify_url=https://site.example/bank/swiftpass|service=unified.trade.native|\
             time_expire=20261124001009|time_start=20261124000509|total_fee=7370",
        ),
        (
            collect(),
            "auth_code=134579246810121416|body=停车费 京A12345|mch_create_ip=127.0.0.1|\
             service=unified.trade.micropay|\
             terminal_info={\"device_id\":\"T1\",\"encrypt_rand_num\":\"121416\"}|total_fee=1500",
        ),
        (query(), "service=unified.trade.query"),
        (reverse(PayWay::PayerCode), "service=unified.micropay.reverse"),
        (reverse(PayWay::Cashier), "service=unified.trade.close"),
        (
            refund(),
            "op_user_id=7551000001|out_refund_no=LS001R1|refund_channel=ORIGINAL|refund_fee=300|\
             service=unified.trade.refund|total_fee=1500",
        ),
        (refund_query(), "out_refund_no=LS001R1|service=unified.trade.refundquery"),
    ];
    for (ask, expected) in rows {
        assert_eq!(text(ask), expected);
    }
    let common = values(&settings(), &query()).unwrap();
    for (name, value) in
        [("version", "2.0"), ("charset", "UTF-8"), ("sign_type", "MD5"), ("mch_id", "7551000001")]
    {
        assert_eq!(common[name], value);
    }
}

#[test]
fn what_the_gateway_would_not_take_is_not_sent() {
    for amount in [cny(0), cny(-5), Money::new(100, Currency::Jpy)] {
        assert!(values(&settings(), &generate(amount)).is_err(), "{amount}");
    }
    for number in ["", "LS01", "LS-001", "湖0001", &"9".repeat(33)] {
        let ask = Ask::Query { out_trade_no: number.to_owned(), way: PayWay::Cashier };
        assert!(values(&settings(), &ask).is_err(), "{number}");
    }
    let charge = Ask::Charge {
        out_trade_no: no(),
        amount: cny(1),
        subject: String::new(),
        plate: crate::types::Plate::parse("京A12345").unwrap(),
        agreement: None,
        entered_at: at(),
        left_at: at(),
        asked_at: at(),
    };
    assert!(values(&settings(), &charge).is_err());
}

#[test]
fn a_subject_is_cut_at_a_whole_letter_and_never_empty() {
    assert_eq!(body("a\u{0}b\n]]>"), "ab]]>");
    assert_eq!(body(" "), "-");
    let long = body(&"京".repeat(100));
    assert_eq!((long.len(), long.chars().count()), (126, 42));
}

#[test]
fn answers_are_judged() {
    let paid = |minor, bank_no: &str, at: Option<&str>| Word::Paid {
        amount: cny(minor),
        bank_no: bank_no.to_owned(),
        paid_at: at.map(|at| at.parse().unwrap()),
        payer: None,
    };
    let failed = |why: &str| Word::Failed { why: why.to_owned() };
    let refused = |code: &str, why: &str| Word::Refused { code: code.into(), why: why.into() };
    let rows = [
        (
            generate(cny(1)),
            "status=0 result_code=0 code_url=weixin://wxpay/bizpayurl?pr=1",
            Word::Cashier { link: "weixin://wxpay/bizpayurl?pr=1".to_owned() },
        ),
        (
            collect(),
            "status=0 result_code=0 pay_result=0 total_fee=1500 transaction_id=B9 time_end=20261124000510",
            paid(1500, "B9", Some("2026-11-23T16:05:10Z")),
        ),
        (
            collect(),
            "status=0 result_code=0 pay_result=0 total_fee=1500 openid=o-1",
            Word::Paid {
                amount: cny(1500),
                bank_no: String::new(),
                paid_at: None,
                payer: Payer::named("o-1"),
            },
        ),
        (collect(), "status=0 result_code=1 err_code=USERPAYING need_query=Y", Word::Paying),
        (collect(), "status=0 result_code=1 err_code=USERPAYING need_query=N", Word::Paying),
        (collect(), "status=0 result_code=0 pay_result=1 err_code=USERPAYING", Word::Paying),
        (collect(), "status=0 result_code=1 err_code=NOTENOUGH need_query=N", failed("NOTENOUGH")),
        (
            collect(),
            "status=0 result_code=0 pay_result=1 err_code=NOTENOUGH need_query=N",
            failed("NOTENOUGH"),
        ),
        (
            query(),
            "status=0 result_code=0 trade_state=SUCCESS total_fee=1500 fee_type=CNY time_end=x",
            paid(1500, "", None),
        ),
        (query(), "status=0 result_code=0 trade_state=REFUND", Word::Refunded),
        (query(), "status=0 result_code=0 trade_state=NOTPAY", Word::Paying),
        (query(), "status=0 result_code=0 trade_state=USERPAYING", Word::Paying),
        (query(), "status=0 result_code=0 trade_state=CLOSED", Word::Reversed),
        (query(), "status=0 result_code=0 trade_state=REVERSE", Word::Reversed),
        (query(), "status=0 result_code=0 trade_state=REVOKED", Word::Reversed),
        (query(), "status=0 result_code=0 trade_state=PAYERROR", failed("PAYERROR ")),
        (
            query(),
            "status=0 result_code=1 err_code=ORDERNOTEXIST",
            Word::NoOrder { why: "status 0, result_code \"1\": ORDERNOTEXIST".to_owned() },
        ),
        (reverse(PayWay::PayerCode), "status=0 result_code=0", Word::Reversed),
        (reverse(PayWay::Cashier), "status=0 result_code=0 out_trade_no=", Word::Reversed),
        (reverse(PayWay::Cashier), "status=0 result_code=1 err_code=ORDERNOTEXIST", Word::Reversed),
        (reverse(PayWay::Cashier), "status=0 result_code=1 err_code=ORDERREVERSED", Word::Reversed),
        (
            reverse(PayWay::Cashier),
            "status=0 result_code=1 err_code=ORDERPAID",
            refused("ORDERPAID", "ORDERPAID"),
        ),
        (refund(), "status=0 result_code=0 out_refund_no=LS001R1 refund_fee=300", Word::Refunding),
        (
            refund(),
            "status=0 result_code=1 err_code=REFUND_FEE_INVALID",
            refused("REFUND_FEE_INVALID", "REFUND_FEE_INVALID"),
        ),
        (
            refund_query(),
            "status=0 result_code=0 refund_count=2 out_refund_no_0=LS001R0 refund_status_0=FAIL \
             out_refund_no_1=LS001R1 refund_status_1=SUCCESS refund_fee_1=300",
            Word::RefundDone { amount: cny(300) },
        ),
        (
            refund_query(),
            "status=0 result_code=0 out_refund_no_0=LS001R1 refund_status_0=PROCESSING",
            Word::Refunding,
        ),
        (
            refund_query(),
            "status=0 result_code=0 out_refund_no_0=LS001R1 refund_status_0=FAIL",
            refused("FAIL", ""),
        ),
        (
            refund_query(),
            "status=0 result_code=0 out_refund_no_0=LS001R1 refund_status_0=CHANGE",
            refused("CHANGE", ""),
        ),
    ];
    for (ask, text, expected) in rows {
        assert_eq!(judged(&ask, text), expected, "{ask:?} {text}");
    }
    let mut values = said("status=400");
    values.insert("message".to_owned(), "valid sign fail".to_owned());
    let word = word(&settings(), &generate(cny(1)), &values);
    assert_eq!(word, refused("", "valid sign fail"));
}

#[test]
fn whatever_is_not_explicit_is_unknown() {
    let ok = "status=0 result_code=0";
    let rows = [
        (query(), String::new(), "nothing said"),
        (query(), "status=0".to_owned(), "no result_code"),
        (query(), "result_code=0 trade_state=SUCCESS total_fee=1".to_owned(), "no status"),
        (query(), format!("{ok} trade_state=SUCCESS"), "no amount"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=15.00"), "yuan"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=-1"), "sign"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=1 fee_type=HKD"), "other currency"),
        (query(), format!("{ok} trade_state=success total_fee=1"), "small letters"),
        (query(), ok.to_owned(), "no state"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=1 out_trade_no=LS002"), "another"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=1 out_trade_no="), "nameless"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=1 mch_id=9"), "another merchant"),
        (query(), format!("{ok} trade_state=SUCCESS total_fee=1 mch_id="), "no merchant"),
        (query(), "status=0 result_code=1 err_code=ORDERPAID".to_owned(), "a refused query"),
        (collect(), format!("{ok} total_fee=1500"), "no pay_result"),
        (collect(), format!("{ok} pay_result=1"), "not paid, no need_query"),
        (collect(), "status=0 result_code=1 err_code=NOTENOUGH".to_owned(), "no need_query"),
        (collect(), "status=0 result_code=1 err_code=ORDERPAID".to_owned(), "no need_query"),
        (collect(), "status=0 result_code=1 need_query=Y".to_owned(), "need_query"),
        (collect(), "status=0 result_code=1 need_query=n".to_owned(), "small letters"),
        (
            collect(),
            "status=0 result_code=1 need_query=N out_trade_no=LS002".to_owned(),
            "another's failure",
        ),
        (reverse(PayWay::PayerCode), "status=0 result_code=1 recall=Y".to_owned(), "not done"),
        (reverse(PayWay::PayerCode), "status=0 result_code=0 mch_id=".to_owned(), "no merchant"),
        (reverse(PayWay::Cashier), format!("{ok} out_trade_no=LS002"), "another"),
        (generate(cny(1)), ok.to_owned(), "no link"),
        (generate(cny(1)), format!("{ok} code_url=x out_trade_no=LS002"), "another's link"),
        (
            generate(cny(1)),
            "status=0 result_code=1 err_code=OUT_TRADE_NO_USED".to_owned(),
            "perhaps by ourselves",
        ),
        (refund(), format!("{ok} out_refund_no=LS001R2"), "another refund"),
        (refund(), "status=0 result_code=1 err_code=NOTENOUGH".to_owned(), "may change"),
        (refund_query(), ok.to_owned(), "no refunds"),
        (refund_query(), format!("{ok} out_refund_no_0=LS001R1 refund_status_0=NOTSURE"), "unsure"),
        (refund_query(), format!("{ok} out_refund_no_0=LS001R1 refund_status_0=SUCCESS"), "no sum"),
        (
            refund_query(),
            format!(
                "{ok} out_refund_no_0=LS001R1 refund_status_0=SUCCESS refund_fee_0=300 \
                 out_refund_no_1=LS001R1 refund_status_1=FAIL"
            ),
            "twice",
        ),
    ];
    for (ask, text, what) in rows {
        let word = judged(&ask, &text);
        assert!(matches!(word, Word::Unknown { .. }), "{what}: {word:?}");
    }
}

#[test]
fn notifications_are_judged() {
    let heard = |text: &str| notified(&settings(), &said(text));
    let (no, msg_id, word) =
        heard("status=0 result_code=0 pay_result=0 transaction_id=B9 total_fee=1500").unwrap();
    assert_eq!((no.as_str(), msg_id.as_str()), ("LS001", "B9"));
    assert!(matches!(word, Word::Paid { amount, .. } if amount == cny(1500)), "{word:?}");
    for text in [
        "status=0 result_code=0 pay_result=1 total_fee=1500",
        "status=0 result_code=0 total_fee=1500",
        "status=0 result_code=0 trade_state=SUCCESS total_fee=1500",
        "status=0 result_code=1 pay_result=0 total_fee=1500",
        "status=0 result_code=0 pay_result=0",
    ] {
        let (.., word) = heard(text).unwrap();
        assert!(matches!(word, Word::Unknown { .. }), "{text}: {word:?}");
    }
    assert!(matches!(heard("mch_id=9"), Err(NotifyError::Foreign { field: "mch_id", .. })));
    assert!(matches!(heard("mch_id="), Err(NotifyError::Foreign { field: "mch_id", .. })));
    assert!(matches!(heard("out_trade_no="), Err(NotifyError::Malformed(_))));
}

proptest! {
    #[test]
    fn judging_never_panics(text in "\\PC{0,30}", state in "[A-Z01]{0,8}", amount in "\\PC{0,20}") {
        let settings = settings();
        let mut values = said("status=0 result_code=0 pay_result=0 out_refund_no=LS001R1");
        for name in ["trade_state", "refund_status_0", "err_code", "need_query"] {
            values.insert(name.to_owned(), state.clone());
        }
        for name in ["total_fee", "refund_fee_0", "time_end"] {
            values.insert(name.to_owned(), amount.clone());
        }
        values.insert("out_refund_no_0".to_owned(), "LS001R1".to_owned());
        values.insert("message".to_owned(), text);
        for result in ["0", "1", ""] {
            values.insert("result_code".to_owned(), result.to_owned());
            let asks = [query(), reverse(PayWay::Cashier), refund(), refund_query(), collect()];
            for ask in asks {
                let _ = word(&settings, &ask, &values);
            }
            let _ = notified(&settings, &values);
        }
    }
}
