//! The calls of parking by the plate as tables: written and judged. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::{
    bank::{PayWay, alipay::envelope::tests::settings},
    types::PlateColour,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

fn ask(known: Option<&str>) -> AgreementAsk {
    AgreementAsk {
        plate: Plate::parse("京AD12345").unwrap(),
        colour: Some(PlateColour::Green),
        stay_no: "PFS7".to_owned(),
        entered_at: at("2026-11-23T02:00:00.750Z"),
        amount: None,
        known: known.map(str::to_owned),
    }
}

fn charge() -> Ask {
    Ask::Charge {
        out_trade_no: "P1".to_owned(),
        amount: cny(1_205),
        subject: "停车费".to_owned(),
        plate: Plate::parse("京AD12345").unwrap(),
        agreement: Some("SN9".to_owned()),
        entered_at: at("2026-11-23T02:00:00.750Z"),
        left_at: at("2026-11-23T03:30:10Z"),
        asked_at: at("2026-11-23T03:30:10Z"),
    }
}

fn json_of(call: &Call) -> Value {
    serde_json::from_str(&call.biz).unwrap()
}

#[test]
fn yuan_are_exact_both_ways() {
    for (text, fen) in [("12.05", 1_205), ("12.5", 1_250), ("12", 1_200), ("0.01", 1), ("0", 0)] {
        assert_eq!(parse_yuan(text), Some(cny(fen)), "{text}");
    }
    for bad in ["", ".", "1.", ".5", "-1", "+1", "1.005", "1,5", " 1", "1e2", "9999999999999"] {
        assert_eq!(parse_yuan(bad), None, "{bad}");
    }
    assert!(yuan(cny(0)).is_err() && yuan(Money::new(5, Currency::Usd)).is_err());
}

#[test]
fn an_entry_is_told_and_the_agreement_asked_again() {
    let call = agreement(&settings("free_minutes = 15"), &ask(None));
    assert_eq!(call.method, "alipay.eco.mycar.parking.enterinfo.sync");
    let expected = json!({
        "parking_id": "PI1", "car_number": "京AD12345", "car_color": "GREEN",
        "in_time": "2026-11-23 10:00:00", "agreement_query": true, "free_minutes": 15,
        "out_serial_no": "PFS7",
    });
    assert_eq!(json_of(&call), expected);
    let call = agreement(&settings(""), &ask(Some("SN9")));
    assert_eq!(call.method, "alipay.eco.mycar.parking.agreement.query");
    let expected = json!({
        "parking_id": "PI1", "car_number": "京AD12345", "plate_color": "GREEN", "ver": "v2.1",
    });
    assert_eq!(json_of(&call), expected);
}

#[test]
fn what_alipay_says_of_a_plate() {
    let settings = settings("");
    let word = |known: Option<&str>, rest: &str| {
        agreed(&settings, &ask(known), &format!(r#"{{"code":"10000",{rest}}}"#))
    };
    let bound = |no: Option<&str>| AgreementWord::Bound { agreement: no.map(str::to_owned) };
    let scene = r#""agreement_scene":"ETC_PAY, PLATE_PAY","serial_no":"SN9""#;
    assert_eq!(word(None, scene), bound(Some("SN9")));
    assert_eq!(word(Some("SN8"), scene), bound(Some("SN8")), "the stay keeps its number");
    assert_eq!(word(None, r#""agreement_scene":"PLATE_PAY""#), bound(None));
    let named = [
        (r#""agreement_scene":"NO_AGREEMENT_SCENE""#, "none"),
        (r#""agreement_scene":"ETC_PAY""#, "none"),
        (r#""agreement_scene":"PLATE_PAY,NSF_CHECK_FAILED""#, "paused"),
        (r#""agreement_scene":"NEW_PAY""#, "unknown"),
        (r#""agreement_scene":"""#, "unknown"),
        (r#""agreement_status":"0""#, "unknown"),
    ];
    for (rest, name) in named {
        assert_eq!(word(None, rest).name(), name, "{rest}");
    }
    let failed = r#"{"code":"40004","sub_code":"X","agreement_scene":"PLATE_PAY"}"#;
    for node in [failed, "[]", "{}"] {
        assert_eq!(agreed(&settings, &ask(None), node).name(), "unknown", "{node}");
    }
}

#[test]
fn a_charge_and_what_follows_it() {
    let settings = settings("agent_id = \"2088\"");
    let written = call(&settings, &charge()).unwrap();
    assert_eq!(written.method, "alipay.eco.mycar.parking.order.pay");
    let expected = json!({
        "car_number": "京AD12345", "out_trade_no": "P1", "subject": "停车费", "total_fee": "12.05",
        "seller_id": "2088000000000001", "parking_id": "PI1", "out_parking_id": "lake",
        "in_time": "2026-11-23 10:00:00", "out_time": "2026-11-23 11:30:10",
        "in_duration": "90", "billing_duration": "90", "serial_no": "SN9",
        "pay_scene": "PLATE_PAY", "pay_version": "3.0", "is_advance": false,
        "after_pay_order": false, "agent_id": "2088",
    });
    assert_eq!(json_of(&written), expected);
    let node = r#"{"code":"10000","out_trade_no":"P1","trade_no":"T9","total_fee":"12.05","gmt_payment":"2026-11-23 11:30:11","user_id":"2088"}"#;
    let synced = order_sync(&settings, &charge(), node).unwrap();
    assert_eq!(synced.method, "alipay.eco.mycar.parking.order.sync");
    let biz = json_of(&synced);
    let told = ["order_no", "out_order_no", "pay_money", "order_status", "user_id"];
    assert_eq!(told.map(|name| biz[name].as_str().unwrap()), ["T9", "P1", "12.05", "0", "2088"]);
    assert_eq!(order_sync(&settings, &charge(), r#"{"code":"10000"}"#), None, "nobody is named");
    let gone = Departure {
        plate: Plate::parse("京AD12345").unwrap(),
        colour: None,
        stay_no: "PFS7".to_owned(),
        known: Some("SN9".to_owned()),
        entered_at: at("2026-11-23T02:00:00Z"),
        left_at: at("2026-11-23T03:30:10Z"),
        paid: cny(1_205),
    };
    let expected = json!({
        "parking_id": "PI1", "car_number": "京AD12345", "car_color": "GREEN",
        "out_time": "2026-11-23 11:30:10", "out_serial_no": "PFS7", "serial_no": "SN9",
        "actual_amount": "12.05",
    });
    assert_eq!(json_of(&left(&settings, &gone)), expected);
}

#[test]
fn the_other_calls() {
    let (no, way) = (|| "P1".to_owned(), PayWay::Plate);
    let method = |more: &str, ask: &Ask| call(&settings(more), ask).unwrap().method;
    let (query, reverse) =
        (Ask::Query { out_trade_no: no(), way }, Ask::Reverse { out_trade_no: no(), way });
    assert_eq!(method("", &query), "alipay.trade.query");
    assert_eq!(method("", &reverse), "alipay.trade.cancel");
    assert_eq!(method("reverse = \"query\"", &reverse), "alipay.trade.query");
    let refund_no = || "R1".to_owned();
    let refund = Ask::Refund {
        out_trade_no: no(),
        refund_no: refund_no(),
        amount: cny(250),
        paid: cny(1_205),
        way,
    };
    let written = call(&settings(""), &refund).unwrap();
    let expected = json!({"out_trade_no": "P1", "out_request_no": "R1", "refund_amount": "2.50"});
    assert_eq!((written.method.as_str(), json_of(&written)), ("alipay.trade.refund", expected));
    let look =
        Ask::RefundQuery { out_trade_no: no(), refund_no: refund_no(), amount: cny(250), way };
    assert_eq!(method("", &look), "alipay.trade.fastpay.refund.query");
}

#[test]
fn only_what_is_said_of_this_payment_counts() {
    let (out_trade_no, way) = ("P1".to_owned(), PayWay::Plate);
    let query = Ask::Query { out_trade_no: out_trade_no.clone(), way };
    let reverse = Ask::Reverse { out_trade_no, way };
    let word = |more: &str, ask: &Ask, node: &str| super::word(&settings(more), ask, node);
    let of = |ask: &Ask, rest: &str| {
        word("", ask, &format!(r#"{{"code":"10000","out_trade_no":"P1",{rest}}}"#))
    };
    let paid = |paid_at: &str| Word::Paid {
        amount: cny(1_205),
        bank_no: "T9".to_owned(),
        paid_at: Some(at(paid_at)),
        payer: None,
    };
    let rest = r#""trade_no":"T9","total_fee":"12.05","gmt_payment":"2026-11-23 11:30:11""#;
    assert_eq!(of(&charge(), rest), paid("2026-11-23T03:30:11Z"));
    let rest = r#""trade_no":"T9","total_amount":"12.05","send_pay_date":"2026-11-23 11:30:12","trade_status":"#;
    for status in ["TRADE_SUCCESS", "TRADE_FINISHED"] {
        let rest = format!("{rest}\"{status}\"");
        assert_eq!(of(&query, &rest), paid("2026-11-23T03:30:12Z"), "{status}");
    }
    assert_eq!(of(&query, &format!("{rest}\"TRADE_CLOSED\"")), Word::Refunded);
    assert_eq!(of(&query, r#""trade_status":"TRADE_CLOSED""#), Word::Reversed);
    assert_eq!(of(&query, r#""trade_status":"WAIT_BUYER_PAY""#), Word::Paying);
    assert_eq!(of(&reverse, r#""retry_flag":"N","action":"close""#), Word::Reversed);
    assert_eq!(of(&reverse, r#""retry_flag":"Y""#), Word::Reversing);
    let later =
        word("after_pay_order = true", &charge(), r#"{"code":"10000","out_trade_no":"P1"}"#);
    assert_eq!(later, Word::Accepted);
    let refusal = |code: &str, sub: &str| format!(r#"{{"code":"{code}","sub_code":"{sub}"}}"#);
    let none = refusal("40004", "ACQ.TRADE_NOT_EXIST");
    assert_eq!(word("", &reverse, &none), Word::Reversed, "nothing that never came is left");
    let refused = word("", &charge(), &refusal("40004", "ACQ.ACCESS_FORBIDDEN"));
    assert!(matches!(refused, Word::Refused { .. }), "{refused:?}");
    let unclear = [
        of(&charge(), r#""trade_no":"T9","total_fee":"12.05""#),
        of(&charge(), r#""total_fee":"x","gmt_payment":"2026-11-23 11:30:11""#),
        of(&query, r#""trade_status":"TRADE_SUCCESS""#),
        of(&query, r#""trade_status":"NEW","total_amount":"12.05""#),
        of(&reverse, r#""retry_flag":"""#),
        word(
            "",
            &query,
            r#"{"code":"10000","out_trade_no":"P2","trade_status":"TRADE_SUCCESS","total_amount":"1"}"#,
        ),
        word("", &query, "[]"),
        word("", &charge(), r#"{"code":"10003","out_trade_no":"P1"}"#),
        word("", &charge(), &refusal("20000", "ACQ.ACCESS_FORBIDDEN")),
        word("", &charge(), &refusal("40004", "ACQ.SYSTEM_ERROR")),
        word("", &reverse, &refusal("40004", "ACQ.ACCESS_FORBIDDEN")),
    ];
    let missing = word("", &query, &none);
    assert!(matches!(missing, Word::NoOrder { .. }), "{missing:?}");
    for word in unclear {
        assert!(matches!(word, Word::Unknown { .. }), "{word:?}");
    }
}

#[test]
fn a_refund_counts_with_its_own_number_and_amount() {
    let settings = settings("");
    let (out_trade_no, refund_no, way) = ("P1".to_owned(), "R1".to_owned(), PayWay::Plate);
    let look = Ask::RefundQuery { out_trade_no, refund_no, amount: cny(250), way };
    let of = |rest: &str| word(&settings, &look, &format!(r#"{{"code":"10000",{rest}}}"#));
    let done = r#""out_request_no":"R1","refund_status":"REFUND_SUCCESS","refund_amount":"2.50""#;
    assert_eq!(of(done), Word::RefundDone { amount: cny(250) });
    let unclear = [
        done.replace("R1", "R2"),
        done.replace("2.50", "2.51"),
        done.replace("REFUND_SUCCESS", "REFUND_PROCESSING"),
        r#""out_request_no":"R1""#.to_owned(),
    ];
    for rest in unclear {
        let word = of(&rest);
        assert!(matches!(word, Word::Unknown { .. }), "{rest}: {word:?}");
    }
}

#[test]
fn notifications_are_judged() {
    let heard = |text: &str| {
        notified(&form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Pairs>())
    };
    let word = |text: &str| match heard(text) {
        About::Payment { word, .. } => word,
        other => panic!("{other:?}"),
    };
    let paid = "out_trade_no=P1&trade_no=T9&total_amount=12.05&trade_status=TRADE_SUCCESS";
    assert!(matches!(word(paid), Word::Paid { amount, .. } if amount == cny(1_205)));
    assert_eq!(word(&format!("{paid}&refund_fee=1.00")), Word::PartRefunded);
    assert_eq!(word("out_trade_no=P1&trade_status=TRADE_CLOSED&gmt_refund=x"), Word::Refunded);
    assert_eq!(word("out_trade_no=P1&trade_status=WAIT_BUYER_PAY"), Word::Paying);
    for unclear in [
        "out_trade_no=P1&trade_status=TRADE_CLOSED",
        "out_trade_no=P1&trade_status=TRADE_SUCCESS",
        "out_trade_no=P1",
    ] {
        assert!(matches!(word(unclear), Word::Unknown { .. }), "{unclear}");
    }
    let of_a_plate = heard("car_number=京A12345&status=NORMAL");
    assert!(
        matches!(&of_a_plate, About::Agreement { plate: Some(_), shape, .. }
        if shape == "car_number,status"),
        "{of_a_plate:?}"
    );
    assert!(matches!(heard("notify_type=x"), About::Nothing { .. }));
}

proptest! {
    #[test]
    fn judging_never_panics(node in any::<String>(), fen in 1..10_000_000_i64) {
        let settings = settings("");
        let _ = word(&settings, &charge(), &node);
        let _ = agreed(&settings, &ask(None), &node);
        let _ = parse_yuan(&node);
        prop_assert_eq!(parse_yuan(&yuan(cny(fen)).unwrap()), Some(cny(fen)));
    }
}
