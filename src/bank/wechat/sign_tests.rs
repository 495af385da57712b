//! Signatures against OpenSSL both ways, and the sealed resource against Python's cryptography. Knows no call.

use std::process::Command;

use super::*;
use crate::bank::testing::{Folder, GATEWAY, MERCHANT, openssl};

const SECRET: &[u8; 32] = b"0123456789abcdef0123456789ABCDEF";

fn keys() -> Keys {
    Keys {
        merchant: MerchantKey::parse(&MERCHANT.private).unwrap(),
        platform: [("S1".to_owned(), GatewayKey::parse(&GATEWAY.public).unwrap())].into(),
        apiv3: *SECRET,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn openssl_verifies_a_request() {
    let folder = Folder::new("wechat-request");
    let signer = Signer { mchid: "19", serial_no: "3A", now: at(1_554_208_460), nonce: "n0" };
    let path = "/v3/vehicle/parking/services/find?plate_number=%E4%BA%ACA12345";
    let header = authorization(&keys(), signer, "GET", path, "").unwrap();
    let (head, rest) = header.split_once(",signature=\"").unwrap();
    let expected = "WECHATPAY2-SHA256-RSA2048 mchid=\"19\",nonce_str=\"n0\",\
                    timestamp=\"1554208460\",serial_no=\"3A\"";
    assert_eq!(head, expected);
    let sign = rest.strip_suffix('"').unwrap();
    let raw = openssl(&["base64", "-d", "-A"], sign.as_bytes());
    let (public, file) = (folder.secret("public.pem", &MERCHANT.public), folder.0.join("sign"));
    std::fs::write(&file, raw).unwrap();
    let text = format!("GET\n{path}\n1554208460\nn0\n\n");
    let (public, file) = (public.to_str().unwrap(), file.to_str().unwrap());
    openssl(&["dgst", "-sha256", "-verify", public, "-signature", file], text.as_bytes());
}

#[test]
fn what_openssl_signed_is_believed_and_nothing_else() {
    let folder = Folder::new("wechat-answer");
    let private = folder.secret("gateway.pem", &GATEWAY.private);
    let body = r#"{"state":"NORMAL","plate_number":"京A12345"}"#;
    let text = format!("1554209980\nc5\n{body}\n");
    let raw = openssl(&["dgst", "-sha256", "-sign", private.to_str().unwrap()], text.as_bytes());
    let sign = String::from_utf8(openssl(&["base64", "-A"], &raw)).unwrap();
    let signed = Signed {
        time: Some("1554209980"),
        nonce: Some("c5"),
        sign: Some(&sign),
        serial: Some("S1"),
    };
    let check =
        |signed: Signed<'_>, now: i64, body: &str| signed.check(&keys(), at(now), 300, body);
    for now in [1_554_209_980, 1_554_209_680, 1_554_210_280] {
        assert_eq!(check(signed, now, body), Ok(()), "{now}");
    }
    let refused = [
        check(signed, 1_554_209_679, body),
        check(signed, 1_554_210_281, body),
        check(signed, 1_554_209_980, r#"{"state":"BLOCKED"}"#),
        check(Signed { nonce: Some("c6"), ..signed }, 1_554_209_980, body),
        check(Signed { time: Some("1554209981"), ..signed }, 1_554_209_980, body),
        check(Signed { serial: Some("S2"), ..signed }, 1_554_209_980, body),
        check(Signed { sign: None, ..signed }, 1_554_209_980, body),
        check(Signed { sign: Some("AAAA"), ..signed }, 1_554_209_980, body),
        check(Signed::default(), 1_554_209_980, body),
    ];
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
}

/// Nonce, associated data, sealed, plain: made with Python's cryptography 48.
const SEALED: (&str, &str, &str, &str) = (
    "fdasfqw43214",
    "parking",
    "0MHEfEdeI++G30LiBShjSp0RUxLs4oYFJDYgYCfRP/0g7w==",
    r#"{"state":"入场"}"#,
);

#[test]
fn a_resource_sealed_by_another_program_is_opened() {
    let (nonce, associated, sealed, plain) = SEALED;
    assert_eq!(open(SECRET, nonce, associated, sealed).as_deref(), Some(plain));
    let mut other = *SECRET;
    other[0] ^= 1;
    assert_eq!(open(&other, nonce, associated, sealed), None, "another key");
    assert_eq!(open(SECRET, nonce, "", sealed), None, "other associated data");
    assert_eq!(open(SECRET, "fdasfqw43215", associated, sealed), None, "another nonce");
    assert_eq!(open(SECRET, "short", associated, sealed), None);
    let raw = BASE64.decode(sealed).unwrap();
    for at in 0..raw.len() {
        let mut bent = raw.clone();
        bent[at] ^= 1;
        assert_eq!(open(SECRET, nonce, associated, &BASE64.encode(&bent)), None, "byte {at}");
        assert_eq!(open(SECRET, nonce, associated, &BASE64.encode(&raw[..at])), None, "cut {at}");
    }
}

/// Runs where `PAIFANG_PYTHON` names a Python that has cryptography.
#[test]
fn pythons_cryptography_seals_what_we_open() {
    #[expect(clippy::disallowed_methods, reason = "the tests' Python is named by its environment")]
    let Ok(python) = std::env::var("PAIFANG_PYTHON") else {
        return eprintln!("left out: PAIFANG_PYTHON names no Python with cryptography");
    };
    let script = "import base64,os,sys\n\
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n\
        for n in (0,1,15,16,17,400):\n\
        \x20 nonce=os.urandom(6).hex(); ad=os.urandom(n%5).hex(); text='入'*n\n\
        \x20 c=AESGCM(sys.argv[1].encode()).encrypt(nonce.encode(),text.encode(),ad.encode())\n\
        \x20 print(nonce,ad or '-',base64.b64encode(c).decode(),n)\n";
    let key = std::str::from_utf8(SECRET).unwrap();
    let made = Command::new(python).args(["-c", script, key]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let lines = String::from_utf8(made.stdout).unwrap();
    assert_eq!(lines.lines().count(), 6);
    for line in lines.lines() {
        let [nonce, associated, sealed, letters] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let plain = "入".repeat(letters.parse().unwrap());
        let opened = open(SECRET, nonce, associated.trim_matches('-'), sealed);
        assert_eq!(opened, Some(plain), "{line}");
    }
}
