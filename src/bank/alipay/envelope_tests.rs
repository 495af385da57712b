//! Signatures against OpenSSL both ways, and the raw text of answers. Knows no call.

use proptest::prelude::*;

use super::*;
use crate::bank::testing::{Folder, GATEWAY, MERCHANT, openssl};

pub(in crate::bank::alipay) fn settings(more: &str) -> AlipaySettings {
    let text = format!(
        r#"
        app_id = "2021000000000001"
        private_key_file = "key"
        gateway_public_key = "x"
        notify_url = "https://park.example/bank/alipay"
        parking_id = "PI1"
        out_parking_id = "lake"
        parking_name = "湖畔停车场"
        seller_id = "2088000000000001"
        {more}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn keys() -> Keys {
    Keys {
        merchant: MerchantKey::parse(&MERCHANT.private).unwrap(),
        gateway: GatewayKey::parse(&GATEWAY.public).unwrap(),
    }
}

/// What OpenSSL signs with the gateway's key.
fn gateway_sign(folder: &Folder, text: &str) -> String {
    let private = folder.secret("gateway.pem", &GATEWAY.private);
    let raw = openssl(&["dgst", "-sha256", "-sign", private.to_str().unwrap()], text.as_bytes());
    String::from_utf8(openssl(&["base64", "-A"], &raw)).unwrap()
}

#[test]
fn openssl_verifies_a_request() {
    let folder = Folder::new("alipay-request");
    let settings = settings("app_auth_token = \"T1\"");
    let now = "2026-11-23T02:00:00Z".parse().unwrap();
    let biz = r#"{"car_number":"京A12345","subject":"停车费 &=+"}"#;
    let form = seal(&settings, &keys(), "alipay.trade.query", now, biz).unwrap();
    let pairs: BTreeMap<String, String> =
        form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let text = format!(
        "app_auth_token=T1&app_id=2021000000000001&biz_content={biz}&charset=utf-8&format=JSON&\
         method=alipay.trade.query&notify_url=https://park.example/bank/alipay&sign_type=RSA2&\
         timestamp=2026-11-23 10:00:00&version=1.0"
    );
    let raw = openssl(&["base64", "-d", "-A"], pairs["sign"].as_bytes());
    let (public, file) = (folder.secret("public.pem", &MERCHANT.public), folder.0.join("sign"));
    std::fs::write(&file, raw).unwrap();
    let (public, file) = (public.to_str().unwrap(), file.to_str().unwrap());
    openssl(&["dgst", "-sha256", "-verify", public, "-signature", file], text.as_bytes());
}

#[test]
fn an_answer_is_verified_on_its_raw_text() {
    let folder = Folder::new("alipay-answer");
    // Escapes, spaces, a brace in a text and a key given twice: written again, it would be another text.
    let node = r#"{"code":"10000", "msg":"Suc\/cess}","a":"\"{","a":"\u4eac"}"#;
    let sign = gateway_sign(&folder, node);
    let opened = |reply: &str| open(&keys(), "alipay.trade.query", reply);
    let name = "alipay_trade_query_response";
    for reply in [
        format!(r#"{{"{name}":{node},"sign":"{sign}"}}"#),
        format!(r#"{{"sign":"{sign}", "{name}" : {node}}}"#),
        format!(r#"{{"{name}":{node},"alipay_cert_sn":"x","sign":"{sign}"}}"#),
        format!(r#"{{"error_response":{node},"sign":"{sign}"}}"#),
    ] {
        assert_eq!(opened(&reply).as_deref(), Ok(node), "{reply}");
    }
    let bent = node.replace("10000", "10003");
    for reply in [
        format!(r#"{{"{name}":{bent},"sign":"{sign}"}}"#),
        format!(r#"{{"{name}":{node}}}"#),
        format!(r#"{{"{name}":{node},"sign":""}}"#),
        format!(r#"{{"alipay_trade_pay_response":{node},"sign":"{sign}"}}"#),
        format!(r#"{{"{name}":"{{}}","sign":"{sign}"}}"#),
        node.to_owned(),
        String::new(),
    ] {
        assert!(opened(&reply).is_err(), "{reply}");
    }
}

#[test]
fn a_notification_is_verified_with_every_value() {
    let folder = Folder::new("alipay-notice");
    let pairs = [
        ("app_id", "2021000000000001"),
        ("notify_id", "N1"),
        ("out_trade_no", "P1"),
        ("subject", "停车费 &=+"),
        ("voucher_detail_list", ""),
    ];
    let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let sign = gateway_sign(&folder, &text.join("&"));
    let body = |more: &[(&str, &str)]| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("sign", &sign).append_pair("sign_type", "RSA2");
        form.extend_pairs(pairs).extend_pairs(more).finish()
    };
    let heard = |body: &str| notified(&keys(), "/bank/alipay", "/bank/alipay", body.as_bytes());
    assert_eq!(heard(&body(&[])).unwrap()["subject"], "停车费 &=+");
    let bad = NotifyError::BadSignature {
        came_on: "/bank/alipay".to_owned(),
        registered: "/bank/alipay".to_owned(),
    };
    assert_eq!(heard(&body(&[("trade_no", "1")])).unwrap_err(), bad);
    assert_eq!(heard(&body(&[]).replace("P1", "P2")).unwrap_err(), bad);
    assert_eq!(heard("").unwrap_err(), bad);
    assert!(matches!(heard(&body(&[("app_id", "1")])), Err(NotifyError::Malformed(_))));
}

proptest! {
    #[test]
    fn opening_never_panics(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let reply = format!(r#"{{"alipay_trade_query_response":{text}"#);
        prop_assert!(open(&keys(), "alipay.trade.query", &text).is_err());
        prop_assert!(open(&keys(), "alipay.trade.query", &reply).is_err());
        prop_assert!(notified(&keys(), "/", "/", &bytes).is_err());
    }

    #[test]
    fn a_node_is_cut_where_it_ends(inner in "[a-z\"{}\\\\]{0,30}") {
        let value = serde_json::json!({"a": inner, "b": {"c": [inner.clone()]}}).to_string();
        let text = format!(r#"{{"n":{value},"sign":"x"}}"#);
        prop_assert_eq!(node(&text, "n"), Some(value.as_str()));
    }
}
