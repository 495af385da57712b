//! Keys and published vectors for the tests of this folder. Knows no network.
//!
//! The keys are made by the OpenSSL command line, so that another program has had a hand in every
//! signature that is verified here.

use std::{io::Write as _, path::PathBuf, process::Command, sync::LazyLock};

use serde::Deserialize;

use super::{
    keys::{AesKey, GatewayKey, MerchantKey, SignType},
    settings::Keys,
};

/// `tests/golden/icbc/vectors.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Golden {
    public_key: String,
    pub(super) requests: Vec<GoldenRequest>,
    pub(super) notify_reply: GoldenReply,
}

#[derive(Debug, Deserialize)]
pub(super) struct GoldenRequest {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) sign_type: SignType,
    pub(super) app_id: String,
    pub(super) msg_id: String,
    pub(super) biz_content: String,
    pub(super) aes_key: Option<String>,
    pub(super) biz_cipher: Option<String>,
    pub(super) string_to_sign: String,
    pub(super) sign: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GoldenReply {
    pub(super) msg_id: String,
    pub(super) string_to_sign: String,
    pub(super) sign: String,
}

impl Golden {
    pub(super) fn load() -> Self {
        serde_json::from_str(include_str!("../../../tests/golden/icbc/vectors.json")).unwrap()
    }

    pub(super) fn key(&self) -> GatewayKey {
        GatewayKey::parse(&self.public_key).unwrap()
    }
}

/// A key pair as OpenSSL wrote it: PEM, private and public.
pub(super) struct Pair {
    pub(super) private: String,
    pub(super) public: String,
}

/// Runs OpenSSL with the text on its standard input.
pub(super) fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    use std::process::Stdio;
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl command line is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

fn pair(bits: &str) -> Pair {
    let option = format!("rsa_keygen_bits:{bits}");
    let private = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &option], b"");
    let public = openssl(&["pkey", "-pubout"], &private);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Pair { private: text(private), public: text(public) }
}

pub(super) static MERCHANT: LazyLock<Pair> = LazyLock::new(|| pair("2048"));
pub(super) static GATEWAY: LazyLock<Pair> = LazyLock::new(|| pair("1024"));

/// The merchant's own key pair and the gateway's public key.
pub(super) fn keys(aes: Option<AesKey>) -> Keys {
    Keys {
        merchant: MerchantKey::parse(&MERCHANT.private).unwrap(),
        gateway: GatewayKey::parse(&GATEWAY.public).unwrap(),
        aes,
    }
}

pub(super) fn merchant_public() -> GatewayKey {
    GatewayKey::parse(&MERCHANT.public).unwrap()
}

/// As the gateway signs: SHA-1.
pub(super) fn gateway_sign(text: &str) -> String {
    MerchantKey::parse(&GATEWAY.private).unwrap().sign(SignType::Rsa, text).unwrap()
}

pub(super) fn gateway_sign_sha256(text: &str) -> String {
    MerchantKey::parse(&GATEWAY.private).unwrap().sign(SignType::Rsa2, text).unwrap()
}

pub(super) fn merchant_sign_sha1(text: &str) -> String {
    MerchantKey::parse(&MERCHANT.private).unwrap().sign(SignType::Rsa, text).unwrap()
}

/// A folder of its own for one test, removed at the end.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file that only its owner can read.
    pub(super) fn secret(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
