//! The calls of the parking service as tables: written and judged. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::{
    bank::PayWay,
    types::{Plate, PlateColour},
};

fn settings(more: &str) -> WechatSettings {
    let text = format!(
        r#"
        mchid = "1900000001"
        appid = "wxcbda96de0b165486"
        serial_no = "3A"
        private_key_file = "key"
        platform_keys = {{ S1 = "platform.pem" }}
        apiv3_key_file = "secret"
        notify_url = "https://park.example/bank/wechat"
        parking_name = "湖畔停车场"
        {more}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ask(known: Option<&str>) -> AgreementAsk {
    AgreementAsk {
        plate: Plate::parse("京A12345").unwrap(),
        colour: Some(PlateColour::Blue),
        stay_no: "PFS7".to_owned(),
        entered_at: at("2026-11-23T02:00:00.750Z"),
        amount: known.map(|_| Money::new(1_250, Currency::Cny)),
        known: known.map(str::to_owned),
    }
}

fn charge(agreement: Option<&str>) -> Ask {
    Ask::Charge {
        out_trade_no: "P1".to_owned(),
        amount: Money::new(1_250, Currency::Cny),
        subject: "停车费 京A12345".to_owned(),
        plate: Plate::parse("京A12345").unwrap(),
        agreement: agreement.map(str::to_owned),
        entered_at: at("2026-11-23T02:00:00.750Z"),
        left_at: at("2026-11-23T03:30:10Z"),
        asked_at: at("2026-11-23T03:30:10Z"),
    }
}

fn json_of(call: &Call) -> Value {
    serde_json::from_str(call.body.as_deref().unwrap()).unwrap()
}

#[test]
fn an_entry_is_told_once_and_then_taken_as_told() {
    let provider = settings("sub_mchid = \"1900000109\"\nfree_minutes = 30");
    let call = agreement(&provider, &ask(None)).unwrap();
    assert_eq!(
        (call.method.as_str(), call.path.as_str()),
        ("POST", "/v3/vehicle/parking/parkings")
    );
    let expected = json!({
        "sub_mchid": "1900000109", "out_parking_no": "PFS7", "plate_number": "京A12345",
        "plate_color": "BLUE", "notify_url": "https://park.example/bank/wechat",
        "start_time": "2026-11-23T10:00:00+08:00", "parking_name": "湖畔停车场",
        "free_duration": 1800,
    });
    assert_eq!(json_of(&call), expected);
    let told = agreement(&provider, &ask(Some("E9/BLUE")));
    assert_eq!(told, Err(Stand::AsTold("E9/BLUE".to_owned())));
    let call = agreement(&settings("find = true"), &ask(Some("E9/BLUE"))).unwrap();
    let expected = "/v3/vehicle/parking/services/find?appid=wxcbda96de0b165486\
                    &plate_number=%E4%BA%ACA12345&plate_color=BLUE";
    assert_eq!((call.method.as_str(), call.path.as_str(), call.body), ("GET", expected, None));
}

#[test]
fn what_wechat_says_of_an_entry() {
    let word = |rest: &str| {
        agreed(
            &ask(None),
            &format!(r#"{{"out_parking_no":"PFS7","plate_number":"京A12345",{rest}}}"#),
        )
    };
    let bound = AgreementWord::Bound { agreement: Some("E9/BLUE".to_owned()) };
    assert_eq!(word(r#""id":"E9","state":"NORMAL""#), bound);
    let named = [
        (r#""id":"E9","state":"BLOCKED","block_reason":"OUT_SERVICE""#, "none"),
        (r#""id":"E9","state":"BLOCKED","block_reason":"PAUSE""#, "paused"),
        (r#""id":"E9","state":"BLOCKED","block_reason":"OVERDUE""#, "paused"),
        (r#""id":"E9","state":"BLOCKED","block_reason":"EVALUATION_FAILED""#, "paused"),
        (r#""id":"E9","state":"BLOCKED","block_reason":"NEW""#, "unknown"),
        (r#""id":"E9","state":"BLOCKED""#, "unknown"),
        (r#""state":"NORMAL""#, "unknown"),
        (r#""id":"","state":"NORMAL""#, "unknown"),
        (r#""id":"E9","state":"OTHER""#, "unknown"),
        (r#""id":"E9""#, "unknown"),
    ];
    for (rest, name) in named {
        assert_eq!(word(rest).name(), name, "{rest}");
    }
    let others = [
        r#"{"id":"E9","state":"NORMAL","out_parking_no":"PFS8"}"#,
        r#"{"id":"E9","state":"NORMAL","out_parking_no":"PFS7","plate_number":"京A12346"}"#,
        "[]",
    ];
    for other in others {
        assert_eq!(agreed(&ask(None), other).name(), "unknown", "{other}");
    }
    let found =
        |state: &str| agreed(&ask(Some("E9/BLUE")), &format!(r#"{{"service_state":"{state}"}}"#));
    assert_eq!(found("NORMAL"), bound);
    let names = ["PAUSE", "OUT_SERVICE", "X"].map(|state| found(state).name());
    assert_eq!(names, ["paused", "none", "unknown"]);
}

#[test]
fn a_charge_names_the_entry_and_its_times() {
    let settings = settings("sub_mchid = \"19\"\nsub_appid = \"wx1\"\ndevice_id = \"exit-1\"");
    let written = call(&settings, &charge(Some("E/9/GREEN"))).unwrap();
    assert_eq!(written.path, "/v3/vehicle/transactions/parking");
    let expected = json!({
        "appid": "wxcbda96de0b165486", "sub_appid": "wx1", "sub_mchid": "19",
        "description": "停车费 京A12345", "out_trade_no": "P1", "trade_scene": "PARKING",
        "notify_url": "https://park.example/bank/wechat", "profit_sharing": "N",
        "amount": {"total": 1250, "currency": "CNY"},
        "parking_info": {
            "parking_id": "E/9", "plate_number": "京A12345", "plate_color": "GREEN",
            "start_time": "2026-11-23T10:00:00+08:00", "end_time": "2026-11-23T11:30:10+08:00",
            "parking_name": "湖畔停车场", "charging_duration": 5410, "device_id": "exit-1",
        },
    });
    assert_eq!(json_of(&written), expected);
    for without in [None, Some("E9")] {
        assert!(call(&settings, &charge(without)).is_err(), "{without:?}");
    }
    let mut at_once = charge(Some("E9/BLUE"));
    if let Ask::Charge { left_at, entered_at, amount, .. } = &mut at_once {
        *left_at = *entered_at;
        *amount = Money::new(1, Currency::Cny);
    }
    let parking = &json_of(&call(&settings, &at_once).unwrap())["parking_info"];
    assert_eq!(parking["charging_duration"], 1, "start and end are never the same");
    assert_ne!(parking["start_time"], parking["end_time"]);
    for amount in [Money::new(0, Currency::Cny), Money::new(5, Currency::Usd)] {
        let mut odd = charge(Some("E9/BLUE"));
        if let Ask::Charge { amount: of, .. } = &mut odd {
            *of = amount;
        }
        assert!(call(&settings, &odd).is_err(), "{amount}");
    }
}

#[test]
fn the_other_calls() {
    let settings = settings("sub_mchid = \"19\"");
    let (no, way) = (|| "P1".to_owned(), PayWay::Plate);
    let cny = |minor| Money::new(minor, Currency::Cny);
    let query = "/v3/vehicle/transactions/out-trade-no/P1?sub_mchid=19";
    for ask in [Ask::Query { out_trade_no: no(), way }, Ask::Reverse { out_trade_no: no(), way }] {
        let call = call(&settings, &ask).unwrap();
        assert_eq!((call.method.as_str(), call.path.as_str()), ("GET", query));
    }
    let refund = Ask::Refund {
        out_trade_no: no(),
        refund_no: "R1".to_owned(),
        amount: cny(250),
        paid: cny(1_250),
        way,
    };
    let written = call(&settings, &refund).unwrap();
    let expected = json!({
        "sub_mchid": "19", "out_trade_no": "P1", "out_refund_no": "R1",
        "amount": {"refund": 250, "total": 1250, "currency": "CNY"},
    });
    assert_eq!(
        (written.path.as_str(), json_of(&written)),
        ("/v3/refund/domestic/refunds", expected)
    );
    let (out_trade_no, refund_no) = (no(), "R1".to_owned());
    let look = Ask::RefundQuery { out_trade_no, refund_no, amount: cny(250), way };
    let path = call(&settings, &look).unwrap().path;
    assert_eq!(path, "/v3/refund/domestic/refunds/R1?sub_mchid=19");
}

#[test]
fn only_what_is_said_of_this_payment_counts() {
    let settings = settings("");
    let (out_trade_no, way) = ("P1".to_owned(), PayWay::Plate);
    let query = Ask::Query { out_trade_no: out_trade_no.clone(), way };
    let reverse = Ask::Reverse { out_trade_no, way };
    let word = |ask: &Ask, status: u16, body: &str| super::word(&settings, ask, status, body);
    let of = |rest: &str| word(&query, 200, &format!(r#"{{"out_trade_no":"P1",{rest}}}"#));
    let paid = of(
        r#""trade_state":"SUCCESS","transaction_id":"T9","success_time":"2026-11-23T11:30:12+08:00","amount":{"total":1250,"payer_total":1000,"currency":"CNY"}"#,
    );
    let expected = Word::Paid {
        amount: Money::new(1_250, Currency::Cny),
        bank_no: "T9".to_owned(),
        paid_at: Some(at("2026-11-23T03:30:12Z")),
        payer: None,
    };
    assert_eq!(paid, expected);
    assert_eq!(of(r#""trade_state":"ACCEPTED","amount":{"total":1250}"#), Word::Accepted);
    assert_eq!(of(r#""trade_state":"REFUND""#), Word::Refunded);
    let failed = of(r#""trade_state":"PAY_FAIL","trade_state_description":"账户余额不足""#);
    assert_eq!(failed, Word::Failed { why: "账户余额不足".to_owned() });
    let unclear = [
        of(r#""trade_state":"SUCCESS""#),
        of(r#""trade_state":"SUCCESS","amount":{"total":1250,"currency":"USD"}"#),
        of(r#""trade_state":"SUCCESS","amount":{"total":-1250}"#),
        of(r#""trade_state":"NEW","amount":{"total":1250}"#),
        of(r#""amount":{"total":1250}"#),
        word(&query, 200, r#"{"out_trade_no":"P2","trade_state":"SUCCESS","amount":{"total":1}}"#),
        word(&query, 200, "[]"),
        word(&query, 400, r#"{"code":"PARAM_ERROR"}"#),
        word(&reverse, 400, r#"{"code":"PARAM_ERROR"}"#),
        word(&reverse, 500, r#"{"code":"SYSTEM_ERROR"}"#),
        word(&charge(Some("E9/BLUE")), 500, r#"{"code":"SYSTEM_ERROR"}"#),
        word(&charge(Some("E9/BLUE")), 429, "x"),
    ];
    for word in unclear {
        assert!(matches!(word, Word::Unknown { .. }), "{word:?}");
    }
    let none = word(&query, 404, r#"{"code":"ORDER_NOT_EXIST","message":"无"}"#);
    assert_eq!(none, Word::NoOrder { why: "ORDER_NOT_EXIST: 无".to_owned() });
    let none = word(&reverse, 404, r#"{"code":"ORDER_NOT_EXIST"}"#);
    assert_eq!(none, Word::Reversed, "nothing that never came is left to take back");
    let refused = word(&charge(Some("E9/BLUE")), 403, r#"{"code":"NO_AUTH","message":"m"}"#);
    assert_eq!(refused, Word::Refused { code: "NO_AUTH".to_owned(), why: "m".to_owned() });
}

#[test]
fn a_refund_counts_with_its_own_number_and_amount() {
    let settings = settings("");
    let amount = Money::new(250, Currency::Cny);
    let (out_trade_no, refund_no) = ("P1".to_owned(), "R1".to_owned());
    let look = Ask::RefundQuery { out_trade_no, refund_no, amount, way: PayWay::Plate };
    let of = |no: &str, status: &str, fen: i64| {
        let body = format!(
            r#"{{"out_trade_no":"P1","out_refund_no":"{no}","status":"{status}","amount":{{"total":1250,"refund":{fen},"currency":"CNY"}}}}"#
        );
        word(&settings, &look, 200, &body)
    };
    assert_eq!(of("R1", "SUCCESS", 250), Word::RefundDone { amount });
    assert_eq!(of("R1", "PROCESSING", 250), Word::Refunding);
    assert!(matches!(of("R1", "CLOSED", 250), Word::Refused { .. }));
    for word in [of("R2", "SUCCESS", 250), of("R1", "SUCCESS", 251), of("R1", "ABNORMAL", 250)] {
        assert!(matches!(word, Word::Unknown { .. }), "{word:?}");
    }
    let refused = || Word::Refused { code: "INVALID_REQUEST".to_owned(), why: String::new() };
    let silence = || Word::Unknown { why: String::new() };
    let done = || Word::RefundDone { amount };
    assert_eq!(refund_after(refused(), (silence(), true)), refused());
    assert!(matches!(refund_after(refused(), (silence(), false)), Word::Unknown { .. }));
    assert_eq!(refund_after(refused(), (done(), false)), done());
    assert_eq!(refund_after(Word::Refunding, (silence(), false)), Word::Refunding);
    assert_eq!(refund_after(silence(), (silence(), true)), silence());
}

proptest! {
    #[test]
    fn judging_never_panics(body in any::<String>(), status in any::<u16>()) {
        let settings = settings("");
        let _ = word(&settings, &charge(None), status, &body);
        let _ = agreed(&ask(None), &body);
        let _ = agreed(&ask(Some("E/BLUE")), &body);
    }

    #[test]
    fn what_is_escaped_reads_back(text in any::<String>()) {
        let pair = format!("a={}", escaped(&text));
        let (_, read) = form_urlencoded::parse(pair.as_bytes()).next().unwrap();
        prop_assert_eq!(read, text);
    }
}
