//! Charges, agreements and the signing form. Knows no signatures.

use proptest::prelude::*;

use super::*;
use crate::types::{Currency, Money, Plate, PlateColour};

fn settings(plate: &str) -> IcbcSettings {
    let text = format!(
        r#"
        base_url = "https://gw.example"
        app_id = "1"
        mer_id = "020002040095"
        store_code = "3"
        private_key_file = "key"
        notify_url = "https://site.example//notify"
        [plate]
        areacode = "0200"
        {plate}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn ask(plate: &str, colour: Option<PlateColour>) -> AgreementAsk {
    AgreementAsk {
        plate: Plate::parse(plate).unwrap(),
        colour,
        stay_no: "S1".to_owned(),
        entered_at: Timestamp::UNIX_EPOCH,
        amount: None,
        known: None,
    }
}

fn charging(agreement: Option<&str>) -> Ask {
    Ask::Charge {
        out_trade_no: "P1".to_owned(),
        amount: Money::new(1250, Currency::Cny),
        subject: "停车费".to_owned(),
        plate: Plate::parse("京A23456").unwrap(),
        agreement: agreement.map(str::to_owned),
        entered_at: Timestamp::UNIX_EPOCH,
        left_at: Timestamp::UNIX_EPOCH,
        asked_at: "2026-11-23T16:05:09Z".parse().unwrap(),
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_plate_is_charged_with_the_published_fields() {
    let (path, biz) = charge(&settings(""), &charging(None)).unwrap();
    assert_eq!(path, "/api/b2c/licenseplate/payment/pay/V3");
    let biz = json(&biz);
    for (name, value) in [
        ("order_id", "P1"),
        ("order_date", "20261124000509"),
        ("amount", "1250"),
        ("merchant_id", "020002040095"),
        ("plateno", "京A23456"),
        ("platecolor", "0"),
        ("pay_type", "1"),
        ("areacode", "0200"),
        ("timeout", "900"),
        ("merUrl", "https://site.example//notify"),
    ] {
        assert_eq!(biz[name], value, "{name}");
    }
    // The colour that was asked about goes along.
    let (_, biz) = charge(&settings(""), &charging(Some("20260101/1"))).unwrap();
    assert_eq!(json(&biz)["platecolor"], "1");

    let passfree = settings(r#"product = "passfree""#);
    let (path, biz) = charge(&passfree, &charging(Some("A7"))).unwrap();
    assert_eq!(path, "/api/b2c/passfree/payment/pay/V1");
    let biz = json(&biz);
    assert_eq!(biz["agreement_no"], "A7");
    let number = biz["external_agreement_no"].as_str().unwrap();
    assert!(number.starts_with("PF") && number.len() == 30 && !number.contains("23456"));
    assert!(biz.get("plateno").is_none());
    let free = Ask::Charge {
        out_trade_no: "P1".to_owned(),
        amount: Money::zero(Currency::Cny),
        subject: String::new(),
        plate: Plate::parse("京A23456").unwrap(),
        agreement: None,
        entered_at: Timestamp::UNIX_EPOCH,
        left_at: Timestamp::UNIX_EPOCH,
        asked_at: Timestamp::UNIX_EPOCH,
    };
    assert!(charge(&passfree, &free).is_err());
}

#[test]
fn a_charge_is_paid_or_accepted_as_the_contract_says() {
    let good = r#"{"return_code":0,"order_id":"P1","total_amt":"1250","mer_disc_amt":"0"}"#;
    let paid = Word::Paid {
        amount: Money::new(1250, Currency::Cny),
        bank_no: String::new(),
        paid_at: None,
        payer: None,
    };
    assert_eq!(charged(&settings(""), &charging(None), good), paid);
    let accepted = settings(r#"answer = "accepted""#);
    assert_eq!(charged(&accepted, &charging(None), good), Word::Accepted);
    for unclear in [
        r#"{"return_code":0,"order_id":"P2","total_amt":"1250"}"#,
        r#"{"return_code":0,"total_amt":"1250"}"#,
        r#"{"return_code":93009,"order_id":"P1"}"#,
        "{}",
    ] {
        let word = charged(&accepted, &charging(None), unclear);
        assert!(matches!(word, Word::Unknown { .. }), "{unclear}: {word:?}");
    }
    let word = charged(&settings(""), &charging(None), r#"{"return_code":0,"order_id":"P1"}"#);
    assert!(matches!(word, Word::Unknown { .. }), "no amount: {word:?}");
}

#[test]
fn an_agreement_is_judged() {
    let plates = settings("unbound_codes = [\"93010\"]\npaused_codes = [\"93011\"]");
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    let blue = ask("京A23456", Some(PlateColour::Blue));
    let said = |rest: &str| agreed(&plates, &blue, false, now, &format!("{{{rest}}}"));
    let bound = r#""return_code":0,"plateno":"京A23456","platecolor":"0","startdate":"20260101""#;
    assert_eq!(
        said(&format!(r#"{bound},"prtoex":"1""#)),
        AgreementWord::Bound { agreement: Some("20260101/0".to_owned()) }
    );
    let none = |word: AgreementWord| matches!(word, AgreementWord::None { .. });
    let unknown = |word: AgreementWord| matches!(word, AgreementWord::Unknown { .. });
    assert!(none(said(&format!(r#"{bound},"prtoex":"0""#))));
    assert!(none(said(&format!(r#"{},"prtoex":"1""#, bound.replace(r#"or":"0"#, r#"or":"1"#)))));
    assert!(none(said(r#""return_code":93010"#)));
    assert!(matches!(said(r#""return_code":"93011""#), AgreementWord::Paused { .. }));
    for unclear in [
        format!(r#"{bound},"prtoex":"2""#),
        bound.to_owned(),
        r#""return_code":0,"plateno":"京B00000","prtoex":"1""#.to_owned(),
        r#""return_code":0,"prtoex":"1""#.to_owned(),
        r#""return_code":7"#.to_owned(),
        r#""prtoex":"1""#.to_owned(),
    ] {
        assert!(unknown(said(&unclear)), "{unclear}");
    }
    let (path, biz) = agreement(&plates, &ask("京AD12345", None), false).unwrap();
    assert_eq!(path, "/api/b2c/licenseplate/payment/query/V3");
    let colour = &json(&biz)["platecolor"];
    assert_eq!(colour, "4", "eight characters are new energy");
    assert!(agreement(&plates, &blue, true).is_err(), "ended in the bank's app only");
}

#[test]
fn a_pass_free_agreement_holds_within_its_times() {
    let plates = settings(r#"product = "passfree""#);
    let now: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
    let blue = ask("京A23456", None);
    let said =
        |rest: &str| agreed(&plates, &blue, false, now, &format!(r#"{{"return_code":0{rest}}}"#));
    let bound = AgreementWord::Bound { agreement: Some("A7".to_owned()) };
    let times = |from: &str, till: &str| {
        said(&format!(r#","agreement_no":"A7","valid_time":"{from}","invalid_time":"{till}""#))
    };
    assert_eq!(times("20260101000000", "20270101000000"), bound);
    assert_eq!(times("", ""), bound);
    assert!(
        matches!(times("", "20261124080000"), AgreementWord::None { .. }),
        "over at 8:00 there"
    );
    assert!(matches!(times("20270101000000", ""), AgreementWord::Paused { .. }));
    assert!(matches!(times("2026", ""), AgreementWord::Unknown { .. }));
    assert!(matches!(said(""), AgreementWord::None { .. }));
    let other = said(r#","agreement_no":"A7","external_agreement_no":"PF0""#);
    assert!(matches!(other, AgreementWord::Unknown { .. }));
    let (path, biz) = agreement(&plates, &blue, true).unwrap();
    assert_eq!(path, "/api/b2c/passfree/payment/terminate/V1");
    let (_, asked) = agreement(&plates, &blue, false).unwrap();
    assert_eq!(json(&biz)["external_agreement_no"], json(&asked)["external_agreement_no"]);
    let ended = agreed(&plates, &blue, true, now, r#"{"return_code":0}"#);
    assert!(matches!(ended, AgreementWord::None { .. }));
}

#[test]
fn the_signing_form_holds_the_plate_as_published() {
    let sign = SignAsk {
        plate: Plate::parse("沪SH66532").unwrap(),
        colour: Some(PlateColour::Black),
        mobile: "13800000000".to_owned(),
        back_url: "https://site.example/bound?a=1&b=2".to_owned(),
    };
    assert_eq!(signing(&settings(""), &sign), None, "off by default");
    let (path, biz) = signing(&settings("sign = true"), &sign).unwrap();
    assert_eq!(path, "/ui/b2c/ui/licenseplate/payment/agreement/V3");
    let biz = json(&biz);
    assert_eq!(biz["interfaceName"], "ICBC_LICENSE_PLATE_PAY");
    assert_eq!(biz["interfaceVersion"], "1.0.0.1");
    assert_eq!(
        biz["tranData"],
        "ePayMobilePlate=13800000000&clientBackUrl=https%3A%2F%2Fsite.example%2Fbound%3Fa%3D1%26b%3D2\
         &plateno=%BB%A6SH66532&platenoColor=2&merBackURL=https%3A%2F%2Fsite.example%2F%2Fnotify"
    );
    let passfree = settings("product = \"passfree\"\nsign = true");
    let (path, biz) = signing(&passfree, &sign).unwrap();
    assert_eq!(path, "/ui/b2c/passfree/agreement/sign/V1");
    let (_, asked) = agreement(&passfree, &ask("沪SH66532", None), false).unwrap();
    assert_eq!(json(&biz)["external_agreement_no"], json(&asked)["external_agreement_no"]);
    let nobody = SignAsk { plate: Plate::virtual_of(1), ..sign };
    assert_eq!(signing(&passfree, &nobody), None);
}

#[test]
fn settings_that_contradict_themselves_are_refused() {
    let wrong = |plate: &str| settings(plate).plate.unwrap().wrong();
    assert_eq!(wrong(""), None);
    for plate in [r#"unbound_values = ["1"]"#, "sign_version = 4", "timeout_s = 0"] {
        assert!(wrong(plate).is_some(), "{plate}");
    }
}

proptest! {
    #[test]
    fn judging_never_panics(text in any::<String>(), value in "\\PC{0,14}") {
        let said = serde_json::json!({
            "return_code": 0, "plateno": "京A23456", "prtoex": value, "agreement_no": text,
            "valid_time": value, "invalid_time": value, "order_id": "P1", "total_amt": value,
        })
        .to_string();
        for plates in [settings(""), settings(r#"product = "passfree""#)] {
            for content in [&text, &said] {
                let _ = agreed(&plates, &ask("京A23456", None), false, Timestamp::UNIX_EPOCH, content);
                let _ = charged(&plates, &charging(Some(&text)), content);
            }
        }
    }
}
