//! Settings, notifications bit by bit, and what an unsigned word is worth. Knows no gateway; the tests over real HTTP
//! stand with the simulated bank.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::{
    bank::{
        keys::{GatewayKey, MerchantKey},
        testing::{Folder, GATEWAY, MERCHANT},
    },
    types::Money,
};

const KEY: &str = "9d101c97133837e13dde2d32a5054abb";

fn settings(folder: &Folder) -> SwiftpassSettings {
    let text = format!(
        r#"
        base_url = "http://127.0.0.1:1/pay/gateway"
        bill_url = "http://127.0.0.1:1/gateway"
        mch_id = "7551000001"
        key_file = "{}"
        notify_url = "https://site.example/bank/swiftpass?x=1"
        "#,
        folder.secret("md5.key", &format!("{KEY}\n")).display(),
    );
    toml::from_str(&text).unwrap()
}

fn rsa(folder: &Folder) -> SwiftpassSettings {
    SwiftpassSettings {
        sign_type: SignType::Rsa256,
        private_key_file: Some(folder.secret("merchant.pem", &MERCHANT.private)),
        gateway_public_key: Some(GATEWAY.public.clone()),
        ..settings(folder)
    }
}

/// The gateway's own keys.
fn gateway(sign_type: SignType) -> Keys {
    match sign_type {
        SignType::Md5 => Keys::Md5(KEY.to_owned()),
        SignType::Rsa256 => Keys::Rsa {
            merchant: MerchantKey::parse(&GATEWAY.private).unwrap(),
            gateway: GatewayKey::parse(&MERCHANT.public).unwrap(),
        },
    }
}

fn notification(sign_type: SignType) -> String {
    let values: Values = [
        ("status", "0"),
        ("result_code", "0"),
        ("pay_result", "0"),
        ("mch_id", "7551000001"),
        ("sign_type", sign_type.code()),
        ("out_trade_no", "LS001"),
        ("transaction_id", "B9"),
        ("total_fee", "1500"),
        ("time_end", "20261124000510"),
        ("attach", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    xml::write(&gateway(sign_type).sign(values).unwrap())
}

#[test]
fn a_notification_is_believed_and_answered() {
    let folder = Folder::new("swiftpass-notice");
    for (settings, other) in [(settings(&folder), SignType::Rsa256), (rsa(&folder), SignType::Md5)]
    {
        let sign_type = settings.sign_type;
        let channel = Swiftpass::open(settings).unwrap();
        let body = notification(sign_type);
        let heard = channel.notification(&Letter::new("/bank/swiftpass", body.as_bytes())).unwrap();
        let (out_trade_no, word) = heard.payment().unwrap();
        assert_eq!((out_trade_no, heard.msg_id.as_str()), ("LS001", "B9"));
        assert!(matches!(word, Word::Paid { amount, .. } if amount.minor == 1500));
        let reply = channel.notify_reply(Ok(&heard));
        assert_eq!(
            (reply.content_type, reply.body.as_str()),
            ("text/plain; charset=utf-8", "success")
        );

        // A message cannot choose how it is verified.
        let refused =
            channel.notification(&Letter::new("/x", notification(other).as_bytes())).unwrap_err();
        assert!(matches!(refused, NotifyError::BadSignature { .. }), "{refused}");
        assert_eq!(channel.notify_reply(Err(&refused)).body, "fail");
        assert_eq!(channel.notify_path(), Some("/bank/swiftpass"));
    }
}

#[test]
fn no_changed_bit_is_believed() {
    let folder = Folder::new("swiftpass-bits");
    let channel = Swiftpass::open(settings(&folder)).unwrap();
    let body = notification(SignType::Md5);
    let good = channel.notification(&Letter::new("/", body.as_bytes())).unwrap();
    for at in 0..body.len() * 8 {
        let mut bytes = body.clone().into_bytes();
        bytes[at / 8] ^= 1 << (at % 8);
        // What is not a value (the name of the element around them) may change without harm.
        if let Ok(heard) = channel.notification(&Letter::new("/", &bytes)) {
            assert_eq!(heard, good, "bit {at}");
        }
    }
    for (from, to) in [
        ("1500", "1501"),
        ("<attach>", "<x>"),
        ("</xml>", "<x>1</x></xml>"),
        ("</xml>", "<total_fee>1</total_fee></xml>"),
        ("<xml>", "<xml><sign>A</sign>"),
    ] {
        let forged = body.replace(from, to);
        assert_ne!(forged, body);
        assert!(channel.notification(&Letter::new("/", forged.as_bytes())).is_err(), "{to}");
    }
}

#[test]
fn settings_are_refused_by_name() {
    let folder = Folder::new("swiftpass-settings");
    let refused = |base: SwiftpassSettings, change: &dyn Fn(&mut SwiftpassSettings)| {
        assert!(Swiftpass::open(base.clone()).is_ok());
        let mut settings = base;
        change(&mut settings);
        Swiftpass::open(settings).unwrap_err()
    };
    let md5 = |change: &dyn Fn(&mut SwiftpassSettings)| refused(settings(&folder), change).field;
    assert_eq!(md5(&|s| s.mch_id.clear()), "mch_id");
    assert_eq!(md5(&|s| s.base_url = "http://bank.example/x".into()), "base_url");
    assert_eq!(md5(&|s| s.bill_url = Some("http://bank.example/x".into())), "bill_url");
    assert_eq!(md5(&|s| s.key_file = None), "key_file");
    assert_eq!(md5(&|s| s.key_file = Some("/nonexistent".into())), "key_file");
    assert_eq!(md5(&|s| s.notify_url = "https://host".into()), "notify_url");
    assert_eq!(md5(&|s| s.pay_expire_s = 0), "pay_expire_s");
    assert_eq!(md5(&|s| s.bill_mib_max = 0), "bill_mib_max");
    assert_eq!(md5(&|s| s.device_info = "1".repeat(33)), "device_info");
    let empty = folder.secret("empty.key", "\n");
    assert_eq!(md5(&|s| s.key_file = Some(empty.clone())), "key_file");
    let rsa = |change: &dyn Fn(&mut SwiftpassSettings)| refused(rsa(&folder), change).field;
    assert_eq!(rsa(&|s| s.private_key_file = None), "private_key_file");
    assert_eq!(rsa(&|s| s.private_key_file = s.key_file.clone()), "private_key_file");
    assert_eq!(rsa(&|s| s.gateway_public_key = None), "gateway_public_key");
    let exposed = settings(&folder);
    let open_to_all = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(exposed.key_file.as_ref().unwrap(), open_to_all).unwrap();
    let error = Swiftpass::open(exposed).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    assert!(toml::from_str::<SwiftpassSettings>("mhc_id = \"x\"").is_err());
}

#[test]
fn secrets_do_not_show() {
    let folder = Folder::new("swiftpass-debug");
    let channel = Swiftpass::open(settings(&folder)).unwrap();
    let shown = format!("{channel:?} {:?} {:?}", channel.keys, channel.settings);
    assert!(!shown.contains(KEY), "{shown}");
    assert!(!format!("{:?}", gateway(SignType::Rsa256)).contains(&MERCHANT.private[40..80]));
}

#[tokio::test]
async fn a_bank_that_cannot_be_reached_leaves_everything_unknown() {
    let folder = Folder::new("swiftpass-unreachable");
    let channel = Swiftpass::open(settings(&folder)).unwrap();
    let cny = |minor| Money::new(minor, Currency::Cny);
    let (out_trade_no, refund_no, way) =
        ("LS001".to_owned(), "LS001R1".to_owned(), PayWay::Cashier);
    let query = Ask::Query { out_trade_no: out_trade_no.clone(), way };
    assert!(matches!(channel.ask(&query).await, Word::Unknown { .. }));
    let refund = |amount| {
        let (out_trade_no, refund_no) = (out_trade_no.clone(), refund_no.clone());
        Ask::Refund { out_trade_no, refund_no, amount, paid: cny(500), way }
    };
    assert!(matches!(channel.ask(&refund(cny(100))).await, Word::Unknown { .. }));
    assert!(matches!(channel.ask(&refund(cny(0))).await, Word::Refused { .. }));
    let day = jiff::civil::date(2026, 11, 23);
    let into = folder.0.join("bill");
    let fetched = channel.statement(day, &into).await;
    assert!(matches!(fetched, Err(super::super::statement::StatementError::Failed(_))));
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn no_text_is_believed_or_panics() {
    let folder = Folder::new("swiftpass-any");
    let channel = Swiftpass::open(settings(&folder)).unwrap();
    proptest!(|(body in any::<Vec<u8>>(), sign in "[0-9A-F]{32}")| {
        prop_assert!(channel.notification(&Letter::new("/", &body)).is_err());
        let text = format!("<xml><status>0</status><sign>{sign}</sign></xml>");
        prop_assert!(channel.notification(&Letter::new("/", text.as_bytes())).is_err());
    });
}
