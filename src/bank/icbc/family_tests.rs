//! Which family reads what; notifications of them all. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::types::{Currency, Money};

fn settings() -> IcbcSettings {
    toml::from_str(
        r#"
        base_url = "https://gw.example"
        app_id = "1"
        mer_id = "020002040095"
        store_code = "02000015087"
        private_key_file = "key"
        notify_url = "https://site.example//notify"
        "#,
    )
    .unwrap()
}

fn of_payment(about: About) -> (String, Word) {
    match about {
        About::Payment { out_trade_no, word } => (out_trade_no, word),
        other => panic!("{other:?}"),
    }
}

fn query(way: PayWay) -> Ask {
    Ask::Query { out_trade_no: "P1".to_owned(), way }
}

#[test]
fn a_question_goes_to_the_family_that_took_the_money() {
    let path = |settings: &IcbcSettings, way| call(settings, &query(way)).map(|(path, _)| path);
    let mut settings = settings();
    let (qr, online) =
        ("/api/qrcode/V2/query", "/api/cardbusiness/aggregatepay/b2c/online/orderqry/V1");
    assert_eq!(path(&settings, PayWay::Cashier).unwrap(), qr);
    assert!(path(&settings, PayWay::Plate).is_err());
    for product in [Product::Consumption, Product::Online] {
        settings.product = product;
        assert_eq!(path(&settings, PayWay::Cashier).unwrap(), online);
        assert_eq!(path(&settings, PayWay::PayerCode).unwrap(), qr);
    }
    for (orders, expected) in [("none", None), ("qrcode", Some(qr)), ("online", Some(online))] {
        settings.plate = toml::from_str(&format!("orders = \"{orders}\"")).unwrap();
        assert_eq!(path(&settings, PayWay::Plate).ok().as_deref(), expected, "{orders}");
    }
    settings.payer_code = false;
    let collect = Ask::Collect {
        out_trade_no: "P1".to_owned(),
        amount: Money::new(1, Currency::Cny),
        subject: String::new(),
        code: crate::types::PayerCode::parse("134579246810121416").unwrap(),
        scanner: None,
        asked_at: jiff::Timestamp::UNIX_EPOCH,
    };
    assert!(call(&settings, &collect).unwrap_err().contains("payer_code"));
    let nameless = Ask::Query { out_trade_no: String::new(), way: PayWay::Cashier };
    assert!(call(&settings, &nameless).is_err());
}

#[test]
fn one_status_means_opposite_things_in_two_families() {
    let content = |status: &str| {
        format!(
            r#"{{"return_code":0,"out_trade_no":"P1","msg_id":"M","pay_status":"{status}","total_amt":"5"}}"#
        )
    };
    let (qr, mut online) = (settings(), settings());
    online.product = Product::Consumption;
    let ask = query(PayWay::Cashier);
    let paid = |word: &Word| matches!(word, Word::Paid { .. });
    assert!(paid(&word(&qr, &ask, &content("1"))) && !paid(&word(&qr, &ask, &content("0"))));
    assert!(
        paid(&word(&online, &ask, &content("0"))) && !paid(&word(&online, &ask, &content("1")))
    );
    // A notification is read by the call it names, whatever the settings say.
    for settings in [&qr, &online] {
        let heard = |api: &str, status: &str| {
            let (_, about) = notified(settings, api, &content(status)).unwrap();
            of_payment(about).1
        };
        assert!(paid(&heard("/api/qrcode/V2/generate", "1")));
        assert_eq!(heard("/api/qrcode/V2/generate", "0"), Word::Paying);
        assert!(paid(&heard("/api/cardbusiness/qrcode/consumption/V1", "0")));
        assert!(matches!(heard("/api/cardbusiness/x", "1"), Word::Failed { .. }));
        for (api, status) in [("", "0"), ("", "1"), ("/api/b2c/licenseplate/payment/pay/V3", "0")] {
            assert!(matches!(heard(api, status), Word::Unknown { .. }), "{api} {status}");
        }
    }
}

#[test]
fn notifications_are_judged() {
    let qr = "/api/qrcode/V2/generate";
    let said = |content: &str| notified(&settings(), qr, content);
    let (msg_id, about) = said(
        r#"{"return_code":"0","msg_id":"M1","mer_id":"020002040095","out_trade_no":"P1","order_id":"B9","pay_time":"20261124000510","total_amt":"7370","payment_amt":"7000"}"#,
    )
    .unwrap();
    let (out_trade_no, word) = of_payment(about);
    assert_eq!((out_trade_no.as_str(), msg_id.as_str()), ("P1", "M1"));
    assert!(matches!(word, Word::Paid { amount, .. } if amount.minor == 7370), "{word:?}");

    let word_of = |rest: &str| {
        of_payment(said(&format!(r#"{{"msg_id":1,"out_trade_no":"P1",{rest}}}"#)).unwrap().1).1
    };
    let word = word_of(r#""return_code":"1","return_msg":"交易失败""#);
    assert_eq!(word, Word::Failed { why: "交易失败".to_owned() });
    let word = word_of(r#""return_code":0,"pay_status":"6""#);
    assert_eq!(word, Word::PartRefunded);
    for rest in [
        r#""return_code":"0""#,
        r#""return_code":"2""#,
        r#""return_code":"1","pay_status":"1","total_amt":"1""#,
        r#""total_amt":"1""#,
    ] {
        let word = word_of(rest);
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
    fn judging_a_notification_never_panics(
        text in any::<String>(), status in "[0-9-]{0,3}", api in "/api/(qrcode|cardbusiness)/.{0,5}",
    ) {
        let value = serde_json::json!({
            "return_code": 0, "out_trade_no": "P1", "msg_id": text, "pay_status": status,
            "total_amt": status,
        });
        let _ = notified(&settings(), &api, &text);
        let _ = notified(&settings(), &text, &value.to_string());
        let _ = notified(&settings(), &api, &value.to_string());
    }
}
