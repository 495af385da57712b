//! The online family's texts and how they are judged. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::{
    bank::PayWay,
    types::{Currency, Money},
};

fn settings(product: &str, online: &str) -> IcbcSettings {
    let text = format!(
        r#"
        base_url = "https://gw.example"
        app_id = "11000000000000000901"
        mer_id = "100159932969"
        store_code = "3"
        private_key_file = "key"
        notify_url = "https://site.example//notify"
        product = "{product}"
        online = {{ {online} }}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::Cny)
}

fn asks() -> [Ask; 5] {
    let (no, way) = (|| "P1".to_owned(), PayWay::Cashier);
    [
        Ask::Generate {
            out_trade_no: no(),
            amount: cny(1250),
            subject: "停车费 京A12345".to_owned(),
            expires_in_s: 30,
            asked_at: "2026-11-23T16:05:09Z".parse().unwrap(),
        },
        Ask::Query { out_trade_no: no(), way },
        Ask::Reverse { out_trade_no: no(), way },
        Ask::Refund {
            out_trade_no: no(),
            refund_no: "R1".to_owned(),
            amount: cny(300),
            paid: cny(1250),
            way,
        },
        Ask::RefundQuery { out_trade_no: no(), refund_no: "R1".to_owned(), amount: cny(300), way },
    ]
}

fn biz(settings: &IcbcSettings, ask: &Ask) -> Value {
    serde_json::from_str(&biz_content(settings, ask).unwrap()).unwrap()
}

#[test]
fn the_dynamic_code_is_asked_for_with_its_published_fields() {
    let settings = settings("consumption", "");
    let [generate, query, reverse, refund, refund_query] = asks();
    assert_eq!(path(Product::Consumption, &generate).unwrap(), CODE_PATH);
    let expected = serde_json::json!({
        "out_trade_no": "P1", "mer_id": "100159932969", "mer_prtcl_no": "1001599329690201",
        "access_type": "4", "cur_type": "001", "amount": "1250",
        "icbc_appid": "11000000000000000901", "mer_url": "https://site.example//notify",
        "expire_time": "61", "notify_type": "HS", "result_type": "1",
        "order_date": "2026-11-24 00:05:09", "goods_name": "停车费 京A12345",
        "body": "停车费 京A12345", "installment_times": "1",
    });
    assert_eq!(biz(&settings, &generate), expected);
    let asked = serde_json::json!({
        "mer_id": "100159932969", "out_trade_no": "P1", "deal_flag": "0",
        "icbc_appid": "11000000000000000901",
    });
    assert_eq!(biz(&settings, &query), asked);
    assert_eq!(biz(&settings, &reverse), asked, "nothing closes an order unless the settings say");
    let expected = serde_json::json!({
        "mer_id": "100159932969", "out_trade_no": "P1", "outtrx_serial_no": "R1",
        "ret_total_amt": "300", "trnsc_ccy": "001", "icbc_appid": "11000000000000000901",
    });
    assert_eq!(biz(&settings, &refund), expected);
    let expected = serde_json::json!({
        "mer_id": "100159932969", "out_trade_no": "P1", "outtrx_serial_no": "R1",
    });
    assert_eq!(biz(&settings, &refund_query), expected);
    assert_eq!(follow_up(&refund), Some(refund_query));
    assert_eq!(follow_up(&query), None);
}

#[test]
fn a_purchase_names_one_wallet_and_its_link_is_an_address() {
    let online = settings("online", r#"pay_mode = "13", mer_acct = "6222", close_deal_flag = "1""#);
    let [generate, _, reverse, ..] = asks();
    let at = path(Product::Online, &generate).unwrap();
    assert_eq!(at, "/api/cardbusiness/aggregatepay/b2c/online/consumepurchase/V1");
    let said = biz(&online, &generate);
    for (name, value) in [
        ("pay_mode", "13"),
        ("access_type", "5"),
        ("orig_date_time", "2026-11-24T00:05:09"),
        ("total_fee", "1250"),
        ("fee_type", "001"),
        ("mer_acct", "6222"),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    assert_eq!(biz(&online, &reverse)["deal_flag"], "1");
    let said = |rest: &str| word(&online, &generate, &format!(r#"{{"return_code":"0",{rest}}}"#));
    let link = Word::Cashier { link: "https://qr.example/1".to_owned() };
    assert_eq!(said(r#""union_data_package":"https://qr.example/1""#), link);
    for package in [
        r#""union_data_package":"{\"prepay\":1}""#,
        r#""wx_data_package":"https://qr.example/1""#,
        r#""union_data_package":"""#,
        r#""total_amt":"1""#,
    ] {
        assert!(matches!(said(package), Word::Unknown { .. }), "{package}");
    }
    assert_eq!(online.online.wrong(), None);
    for wrong in [r#"pay_mode = "8""#, r#"access_type = "7""#] {
        assert!(settings("online", wrong).online.wrong().is_some(), "{wrong}");
    }
}

#[test]
fn answers_are_judged_by_this_familys_words() {
    let settings = settings("consumption", "");
    let [generate, query, reverse, refund, refund_query] = asks();
    let judged = |ask: &Ask, rest: &str| {
        word(&settings, ask, &format!(r#"{{"return_code":0,"out_trade_no":"P1",{rest}}}"#))
    };
    let link = Word::Cashier { link: "https://qr.example/2".to_owned() };
    assert_eq!(judged(&generate, r#""codeUrl":"https://qr.example/2""#), link);
    let paid = judged(&query, r#""pay_status":"0","total_amt":"1250","order_id":"B1""#);
    assert!(matches!(&paid, Word::Paid { amount, .. } if *amount == cny(1250)), "{paid:?}");
    let failed = Word::Failed { why: "过期".to_owned() };
    assert_eq!(judged(&query, r#""pay_status":"1","return_msg":"过期""#), failed);
    assert_eq!(judged(&query, r#""pay_status":"2""#), Word::Paying);
    assert_eq!(judged(&reverse, r#""pay_status":"1""#), Word::Reversed);
    assert_eq!(judged(&reverse, r#""pay_status":"0","total_amt":"1250","order_id":"B1""#), paid);
    assert_eq!(judged(&refund, r#""intrx_serial_no":"9""#), Word::Refunding);
    let done = Word::RefundDone { amount: cny(300) };
    assert_eq!(judged(&refund_query, r#""reject_no":"R1","reject_amt":"300""#), done);
    for (ask, rest) in [
        (&generate, r#""qrcode":"https://qr.example/2""#),
        (&query, r#""pay_status":"0""#),
        (&query, r#""pay_status":"3""#),
        (&query, r#""pay_status":"-1""#),
        (&query, r#""total_amt":"1250""#),
        (&reverse, r#""pay_status":"2""#),
        (&refund_query, r#""reject_no":"R2","reject_amt":"300""#),
    ] {
        assert!(matches!(judged(ask, rest), Word::Unknown { .. }), "{ask:?} {rest}");
    }
    let other = r#"{"return_code":0,"out_trade_no":"P2","pay_status":"0","total_amt":"1"}"#;
    assert!(matches!(word(&settings, &query, other), Word::Unknown { .. }));
}

proptest! {
    #[test]
    fn judging_never_panics(text in any::<String>(), status in "[0-9-]{0,3}") {
        let value = serde_json::json!({
            "return_code": 0, "out_trade_no": "P1", "reject_no": "R1", "pay_status": status,
            "total_amt": status, "reject_amt": text, "codeUrl": text, "zfb_data_package": text,
        })
        .to_string();
        for settings in [settings("consumption", ""), settings("online", "")] {
            for ask in asks() {
                let _ = word(&settings, &ask, &text);
                let _ = word(&settings, &ask, &value);
            }
        }
    }
}
