//! Settings, keys against OpenSSL, and the channel's own numbers. Knows no gateway; the tests over
//! real HTTP stand with the simulated bank.

use std::{collections::HashSet, os::unix::fs::PermissionsExt, sync::Arc};

use super::{
    super::PayWay,
    keys::{GatewayKey, MerchantKey},
    testing::{Folder, GATEWAY, Golden, MERCHANT, openssl},
    *,
};

fn settings(folder: &Folder) -> IcbcSettings {
    let key = folder.secret("merchant.pem", &MERCHANT.private);
    let text = format!(
        r#"
        base_url = "http://127.0.0.1:1/"
        app_id = "1"
        mer_id = "2"
        store_code = "3"
        private_key_file = "{}"
        gateway_public_key = """{}"""
        notify_url = "https://site.example//callback/icbc?x=1"
        "#,
        key.display(),
        GATEWAY.public,
    );
    toml::from_str(&text).unwrap()
}

fn open(settings: IcbcSettings) -> Result<Icbc, SettingsError> {
    Icbc::open(settings, Arc::new(|| Timestamp::UNIX_EPOCH))
}

#[test]
fn openssl_verifies_our_signatures_and_we_verify_its() {
    let folder = Folder::new("openssl");
    let private = folder.secret("private.pem", &MERCHANT.private);
    let public = folder.secret("public.pem", &MERCHANT.public);
    let ours = MerchantKey::parse(&MERCHANT.private).unwrap();
    let theirs = GatewayKey::parse(&MERCHANT.public).unwrap();
    let stranger = GatewayKey::parse(&GATEWAY.public).unwrap();
    let text = "/api/qrcode/V2/pay?attach=停车费 京A12345";
    for (kind, digest) in [(SignType::Rsa, "-sha1"), (SignType::Rsa2, "-sha256")] {
        let raw = openssl(&["dgst", digest, "-sign", private.to_str().unwrap()], text.as_bytes());
        let sign = String::from_utf8(openssl(&["base64", "-A"], &raw)).unwrap();
        assert_eq!(ours.sign(kind, text).unwrap(), sign);
        assert!(theirs.verify(kind, text, &sign));
        assert!(!theirs.verify(kind, "other", &sign));
        assert!(!stranger.verify(kind, text, &sign));
        let ours = openssl(&["base64", "-d", "-A"], ours.sign(kind, text).unwrap().as_bytes());
        let file = folder.0.join("sign");
        std::fs::write(&file, ours).unwrap();
        let (public, file) = (public.to_str().unwrap(), file.to_str().unwrap());
        openssl(&["dgst", digest, "-verify", public, "-signature", file], text.as_bytes());
    }
}

#[test]
fn keys_come_as_bare_base64_pem_and_pkcs1() {
    let bare: String = MERCHANT.private.lines().filter(|l| !l.starts_with("---")).collect();
    let pkcs1 = String::from_utf8(openssl(&["rsa", "-traditional"], MERCHANT.private.as_bytes()));
    let sign = MerchantKey::parse(&MERCHANT.private).unwrap().sign(SignType::Rsa2, "x");
    for text in [bare, pkcs1.unwrap()] {
        assert_eq!(MerchantKey::parse(&text).unwrap().sign(SignType::Rsa2, "x"), sign);
    }
    assert!(MerchantKey::parse(&MERCHANT.public).is_err());
    assert!(GatewayKey::parse(&MERCHANT.private).is_err());
    assert!(MerchantKey::parse("not a key").is_err());
}

#[test]
fn secrets_do_not_show() {
    let folder = Folder::new("debug");
    let channel = open(settings(&folder)).unwrap();
    let line = MERCHANT.private.lines().nth(3).unwrap();
    let shown = format!("{channel:?} {:?} {:?}", channel.envelope, channel.settings);
    assert!(!shown.contains(line));
    let ask = Ask::Generate {
        out_trade_no: "P1".to_owned(),
        amount: crate::types::Money::new(1, Currency::Cny),
        subject: "停车费 京A12345".to_owned(),
        expires_in_s: 1,
        asked_at: Timestamp::UNIX_EPOCH,
    };
    assert!(!format!("{ask:?}").contains("京A12345"), "{ask:?}");
}

#[test]
fn settings_are_refused_by_name() {
    let folder = Folder::new("settings");
    let good = settings(&folder);
    assert!(open(good.clone()).is_ok());
    let refused = |change: &dyn Fn(&mut IcbcSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        open(settings).unwrap_err()
    };
    assert_eq!(refused(&|s| s.mer_id.clear()).field, "mer_id");
    assert_eq!(refused(&|s| s.base_url = "http://bank.example".into()).field, "base_url");
    assert_eq!(refused(&|s| s.gateway_public_key = None).field, "gateway_public_key");
    assert_eq!(refused(&|s| s.gateway_public_key = Some("x".into())).field, "gateway_public_key");
    assert_eq!(refused(&|s| s.notify_url = "/notify".into()).field, "notify_url");
    assert_eq!(refused(&|s| s.notify_url = "https://host".into()).field, "notify_url");
    assert_eq!(refused(&|s| s.private_key_file = "/nonexistent".into()).field, "private_key_file");
    assert_eq!(refused(&|s| s.pay_expire_s = 0).field, "pay_expire_s");
    let aes = folder.secret("aes", "c2hvcnQ=");
    assert_eq!(refused(&|s| s.aes_key_file = Some(aes.clone())).field, "aes_key_file");
    let open_to_all = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&good.private_key_file, open_to_all).unwrap();
    let error = open(good.clone()).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
    assert!(toml::from_str::<IcbcSettings>("base_ulr = \"x\"").is_err());
}

#[test]
fn files_are_found_beside_the_site_file() {
    let folder = Folder::new("beside");
    let mut settings = settings(&folder);
    settings.private_key_file = "merchant.pem".into();
    settings.gateway_public_key = None;
    settings.gateway_public_key_file = Some("gateway.pem".into());
    std::fs::write(folder.0.join("gateway.pem"), &GATEWAY.public).unwrap();
    assert_eq!(open(settings.clone()).unwrap_err().field, "private_key_file");
    settings.resolve_files(&folder.0);
    assert!(open(settings).is_ok());
}

#[test]
fn paths_are_taken_letter_by_letter() {
    for (url, path) in [
        ("https://a//callback/icbc", Some("//callback/icbc")),
        ("https://a/b/../c?d#e", Some("/b/../c")),
        ("http://a:81", Some("")),
        ("https:///x", None),
        ("https://", None),
        ("ftp://a/b", None),
    ] {
        assert_eq!(literal_path(url), path, "{url}");
    }
}

#[test]
fn message_numbers_are_unique_and_short() {
    let (a, b) = (MessageNumbers::new().unwrap(), MessageNumbers::new().unwrap());
    let now = Timestamp::UNIX_EPOCH;
    let all: HashSet<String> = (0..1000).flat_map(|_| [a.next(now), b.next(now)]).collect();
    assert_eq!(all.len(), 2000);
    a.count.store(u32::MAX, Ordering::Relaxed);
    assert!(a.next(now).len() <= 40);
}

#[test]
fn a_real_callback_of_a_failed_payment_is_read() {
    // The shape of a published callback of the online family; unused fields are left standing.
    let content = r#"{"access_type":"9","attach":"","bank_disc_amt":"0","card_no":"","mer_id":"2","msg_id":"050258363262818132041002547","order_id":"100159932969000522309190000065","out_trade_no":"20230919111830181","pay_time":"20231025000001","pay_type":"9","payment_amt":"1","return_code":"1","return_msg":"交易失败","third_trade_no":"","total_amt":"1","total_disc_amt":"0"}"#;
    let folder = Folder::new("callback");
    let channel = open(settings(&folder)).unwrap();
    let mut pairs = std::collections::BTreeMap::from([
        ("app_id".to_owned(), "1".to_owned()),
        ("sign_type".to_owned(), "RSA".to_owned()),
        ("biz_content".to_owned(), content.to_owned()),
    ]);
    let text = envelope::string_to_sign("//callback/icbc", &pairs);
    pairs.insert("sign".to_owned(), testing::gateway_sign(&text));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let heard = channel.notification(&Letter::new("/callback/icbc", body.as_bytes())).unwrap();
    let failed = Word::Failed { why: "交易失败".to_owned() };
    assert_eq!(heard.payment(), Some(("20230919111830181", &failed)));
    let reply = channel.notify_reply(Ok(&heard));
    assert_eq!(reply.content_type, "application/json; charset=utf-8");
    let published = Golden::load().notify_reply.string_to_sign;
    assert!(reply.body.starts_with(&format!("{{{published},")), "{}", reply.body);
}

#[tokio::test]
async fn a_bank_that_cannot_be_reached_leaves_everything_unknown() {
    let folder = Folder::new("unreachable");
    let channel: Arc<dyn Channel> = Arc::new(open(settings(&folder)).unwrap());
    let word =
        channel.ask(&Ask::Query { out_trade_no: "P1".to_owned(), way: PayWay::Cashier }).await;
    assert!(matches!(word, Word::Unknown { .. }), "{word:?}");
    let nothing = Ask::Refund {
        out_trade_no: "P1".to_owned(),
        refund_no: "R1".to_owned(),
        amount: crate::types::Money::zero(Currency::Cny),
        paid: crate::types::Money::zero(Currency::Cny),
        way: PayWay::Cashier,
    };
    assert!(matches!(channel.ask(&nothing).await, Word::Refused { .. }));
}

#[test]
fn the_section_of_the_example_can_be_used() {
    let example = include_str!("../../config/example.toml");
    let lines = example.lines().skip_while(|line| !line.starts_with("# [bank.icbc]")).skip(1);
    let section: Vec<&str> =
        lines.map_while(|line| line.strip_prefix('#')).map(str::trim_start).collect();
    let told: IcbcSettings = toml::from_str(&section.join("\n")).unwrap();
    let folder = Folder::new("example");
    let aes_key_file = Some(folder.secret("bank.aes", "YBlenAPT1KedFOoHIfSa5w=="));
    let usable = settings(&folder);
    let (private_key_file, gateway_public_key) =
        (usable.private_key_file, usable.gateway_public_key);
    let gateway_public_key_file = None;
    let channel = open(IcbcSettings {
        private_key_file,
        gateway_public_key,
        gateway_public_key_file,
        aes_key_file,
        ..told
    });
    let ways = channel.unwrap().capabilities().ways;
    assert_eq!(ways, [PayWay::Cashier, PayWay::PayerCode, PayWay::Plate]);
}

#[test]
fn families_that_cannot_work_are_refused_by_their_key() {
    let folder = Folder::new("families");
    let refused = |section: &str| {
        let mut told = settings(&folder);
        let value: IcbcSettings = toml::from_str(&format!(
            "base_url = \"\"\napp_id = \"\"\nmer_id = \"\"\nstore_code = \"\"\nnotify_url = \"\"\n\
             private_key_file = \"\"\n{section}"
        ))
        .unwrap();
        told.product = value.product;
        told.versions = value.versions;
        told.online = value.online;
        told.plate = value.plate;
        told.statement = value.statement;
        open(told).unwrap_err().field
    };
    for (section, field) in [
        ("versions = { pay = 9 }", "versions"),
        ("product = \"online\"\nonline = { pay_mode = \"8\" }", "online"),
        ("plate = { sign_version = 9 }", "plate"),
        ("plate = { sign = true }", "aes_key_file"),
        ("statement = { separator = \"\", columns = {} }", "statement"),
    ] {
        assert_eq!(refused(section), field, "{section}");
    }
}
