//! Sub-orders' texts and how answers are judged. Knows no signatures.

use super::*;
use crate::{
    bank::ShareAccount,
    types::{Currency, Money},
};

fn settings(sub_orders: &str) -> IcbcSettings {
    let text = format!(
        r#"
        base_url = "https://gw.example"
        app_id = "11"
        mer_id = "0200"
        store_code = "3"
        private_key_file = "key"
        notify_url = "https://site.example/notify"
        final_refusal_codes = ["77"]
        {sub_orders}
        "#
    );
    toml::from_str(&text).unwrap()
}

fn ask(given: Option<&str>) -> ShareAsk {
    ShareAsk {
        number: "SH7N1".into(),
        out_trade_no: "P1".into(),
        bank_no: "0200B1".into(),
        paid_at: "2026-11-23T17:00:00Z".parse().unwrap(),
        account: ShareAccount { sub_mer_id: "0300".into(), sub_mer_prtcl_no: None, mer_acct: None },
        amount: Money::new(250, Currency::Cny),
        given: given.map(str::to_owned),
    }
}

fn biz(settings: &IcbcSettings, ask: &ShareAsk) -> (String, Value) {
    let (path, text) = call(settings, ask).unwrap();
    (path, serde_json::from_str(&text).unwrap())
}

#[test]
fn a_part_is_given_and_taken_back_with_the_published_fields() {
    let usual = settings("sub_orders = {}");
    let (path, text) = biz(&usual, &ask(None));
    assert!(path.ends_with("/online/sersuborder/V1"), "{path}");
    let expected = json!({
        "mer_id": "0200", "mer_prtcl_no": "02000201", "icbc_appid": "11", "order_num": "0200B1",
        "order_submit_act_input": [{
            "sub_order_id": "SH7N1", "seq_no": "SH7N1", "busi_type": "1", "sub_mer_id": "0300",
            "sub_mer_prtcl_no": "03000201", "classify_amt": "250",
        }],
    });
    assert_eq!(text, expected);
    let (path, text) = biz(&usual, &ask(Some("SH3N1")));
    assert!(path.ends_with("/online/sersuborderrefund/V1"), "{path}");
    // The day by the bank's clock.
    assert_eq!(
        (&text["ori_trx_date"], &text["sub_order_id"]),
        (&json!("20261124"), &json!("SH3N1"))
    );
    assert_eq!((&text["seq_no"], &text["classify_amt"]), (&json!("SH7N1"), &json!("250")));
    let own = settings(
        "sub_orders = { order_num = 'out_trade_no', fields = { classify_amt = 'sub_amt' }, extra = { fee_flag = '0' } }",
    );
    let (_, text) = biz(&own, &ask(None));
    let sub = &text["order_submit_act_input"][0];
    assert_eq!((&text["order_num"], &sub["sub_amt"]), (&json!("P1"), &json!("250")));
    assert_eq!((&sub["fee_flag"], sub.get("classify_amt")), (&json!("0"), None));
}

#[test]
fn nothing_is_sent_that_cannot_be_right() {
    assert!(call(&settings(""), &ask(None)).is_err(), "not offered");
    let usual = settings("sub_orders = {}");
    assert!(call(&usual, &ShareAsk { bank_no: String::new(), ..ask(None) }).is_err());
    assert!(call(&usual, &ShareAsk { amount: Money::new(0, Currency::Cny), ..ask(None) }).is_err());
}

#[test]
fn only_what_is_explicit_is_believed() {
    let settings = settings("sub_orders = { known_codes = ['31'] }");
    let is = |content: &str| match word(&settings, content) {
        ShareWord::Done => "done",
        ShareWord::Refused { .. } => "refused",
        ShareWord::Unknown { .. } => "unknown",
        ShareWord::NotOffered => "not offered",
    };
    let rows = [
        (r#"{"return_code":0}"#, "done"),
        (r#"{"return_code":"0","order_submit_act_output":[{"return_code":"0"}]}"#, "done"),
        (r#"{"return_code":"0","order_submit_act_output":[{"return_code":31}]}"#, "done"),
        (r#"{"return_code":"0","order_submit_act_output":[{"return_code":"5"}]}"#, "unknown"),
        (r#"{"return_code":"31","return_msg":"known"}"#, "done"),
        (r#"{"return_code":77,"return_msg":"no such partner"}"#, "refused"),
        (r#"{"return_code":"-1"}"#, "unknown"),
        (r"{}", "unknown"),
        ("no json", "unknown"),
    ];
    for (content, expected) in rows {
        assert_eq!(is(content), expected, "{content}");
    }
}
