//! What the site file says of WeChat's parking service. Holds no secret itself, only where secrets lie.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::sign::Keys;
use crate::bank::{
    keys::{GatewayKey, MerchantKey, read_secret},
    settings::{SettingsError, literal_path},
    transport::TransportSettings,
};

/// `[bank.wechat]`: one merchant of 微信支付分停车. Names of the wire are the platform's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WechatSettings {
    /// Default `https://api.mch.weixin.qq.com`.
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// The merchant's number, or the service provider's where `sub_mchid` is given.
    pub mchid: String,
    pub appid: String,
    /// The merchant under a service provider.
    pub sub_mchid: Option<String>,
    /// Its application, whose name the driver reads.
    pub sub_appid: Option<String>,
    /// Serial number of the merchant's certificate.
    pub serial_no: String,
    /// The merchant's private key, PKCS#8 (`apiclient_key.pem`). The file must be mode 600 or less.
    pub private_key_file: PathBuf,
    /// The platform's public keys by their serial numbers (`PUB_KEY_ID_...`, or the certificate's), as PEM files. Of a
    /// certificate: `openssl x509 -pubkey -noout`. While the platform changes its key, both.
    pub platform_keys: BTreeMap<String, PathBuf>,
    /// The key of 32 letters that notifications are encrypted with (APIv3 密钥). Mode 600 or less.
    pub apiv3_key_file: PathBuf,
    /// Where WeChat notifies; the platform wants https.
    pub notify_url: String,
    /// Name of the car park, as drivers read it; at most 128 letters.
    pub parking_name: String,
    /// Free minutes told at the entry. Default 0.
    #[serde(default)]
    pub free_minutes: u32,
    /// Device told of a payment. Default: not sent.
    #[serde(default)]
    pub device_id: String,
    /// `goods_tag` of a payment. Default: not sent.
    #[serde(default)]
    pub goods_tag: String,
    /// Whether a payment is to be shared (`profit_sharing`). Default false.
    #[serde(default)]
    pub profit_sharing: bool,
    /// Whether `services/find` is asked before charging, *unverified*: it is published as wanting the driver's openid,
    /// which nobody has at a barrier. Default false: what the entry and the notifications since said holds.
    #[serde(default)]
    pub find: bool,
    /// `code`s of a signed error by which a payment or refund was definitely not taken, *unverified* that none of them
    /// can follow a payment that was. Default `["PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "SIGN_ERROR"]`.
    #[serde(default = "default_final_codes")]
    pub final_refusal_codes: Vec<String>,
    /// `code`s that say WeChat has no such order. Default `["ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS",
    /// "NOT_FOUND"]`.
    #[serde(default = "default_no_order_codes")]
    pub no_order_codes: Vec<String>,
    /// `status` of a refund that will not reach the payer. `ABNORMAL` is none: a person settles it in the merchant's
    /// portal, and it is asked about until then. Default `["CLOSED"]`.
    #[serde(default = "default_refund_failed_states")]
    pub refund_failed_states: Vec<String>,
    /// How far an answer's or a notification's time may be off, in seconds. Default 300, as published.
    #[serde(default = "default_clock_window_s")]
    pub clock_window_s: u32,
    /// Path of the call that says where a day's statement lies, *unverified*, such as `/v3/bill/tradebill`. Default: none
    /// is fetched, and what the merchant's portal gives is imported by hand.
    pub bill_path: Option<String>,
    /// 交易状态 of a statement row that is a payment. Default `["SUCCESS"]`.
    #[serde(default = "default_bill_paid_states")]
    pub bill_paid_states: Vec<String>,
    /// 交易状态 of a row that is money given back. Default `["REFUND", "REVOKED"]`.
    #[serde(default = "default_bill_refund_states")]
    pub bill_refund_states: Vec<String>,
    /// 退款状态 of a refund that reached nobody, *unverified* beyond the first. Default `["FAIL", "CHANGE", "CLOSED"]`.
    #[serde(default = "default_bill_refund_failed_states")]
    pub bill_refund_failed_states: Vec<String>,
    /// Seconds a statement's download may take. Default 600.
    #[serde(default = "default_bill_timeout_s")]
    pub bill_timeout_s: u64,
    /// A statement larger than this, in MiB, is not kept. Default 2048.
    #[serde(default = "default_bill_mib_max")]
    pub bill_mib_max: u64,
    /// Milliseconds to connect. Default 4000.
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds for the whole answer after that. Default 15000.
    #[serde(default = "default_read_timeout_ms")]
    pub read_timeout_ms: u64,
    /// Allow plain http to another machine. Default false.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// PEM file of the only authorities to trust for TLS. Default: the system's.
    pub ca_file: Option<PathBuf>,
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}
fn default_base_url() -> String {
    "https://api.mch.weixin.qq.com".to_owned()
}
fn default_final_codes() -> Vec<String> {
    texts(&["PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "SIGN_ERROR"])
}
fn default_no_order_codes() -> Vec<String> {
    texts(&["ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND"])
}
fn default_refund_failed_states() -> Vec<String> {
    texts(&["CLOSED"])
}
fn default_bill_paid_states() -> Vec<String> {
    texts(&["SUCCESS"])
}
fn default_bill_refund_states() -> Vec<String> {
    texts(&["REFUND", "REVOKED"])
}
fn default_bill_refund_failed_states() -> Vec<String> {
    texts(&["FAIL", "CHANGE", "CLOSED"])
}
fn default_bill_timeout_s() -> u64 {
    600
}
fn default_bill_mib_max() -> u64 {
    2_048
}
fn default_clock_window_s() -> u32 {
    300
}
fn default_connect_timeout_ms() -> u64 {
    4_000
}
fn default_read_timeout_ms() -> u64 {
    15_000
}

impl WechatSettings {
    /// Checks the plain values and reads the keys.
    pub(super) fn keys(&self) -> Result<Keys, SettingsError> {
        let required = [
            ("mchid", &self.mchid),
            ("appid", &self.appid),
            ("serial_no", &self.serial_no),
            ("parking_name", &self.parking_name),
        ];
        if let Some((field, _)) = required.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(SettingsError::new(field, "must not be empty"));
        }
        if self.bill_path.as_ref().is_some_and(|path| !path.starts_with('/') || path.contains('?'))
        {
            return Err(SettingsError::new(
                "bill_path",
                "must be a path, such as /v3/bill/tradebill",
            ));
        }
        if self.bill_mib_max == 0 || self.bill_timeout_s == 0 {
            let what = "bill_mib_max and bill_timeout_s must be at least 1";
            return Err(SettingsError::new("bill_mib_max", what));
        }
        if self.parking_name.chars().count() > 128 {
            return Err(SettingsError::new("parking_name", "must be at most 128 letters"));
        }
        let merchant = read_secret(&self.private_key_file)
            .and_then(|text| MerchantKey::parse(&text))
            .map_err(|e| SettingsError::new("private_key_file", e.to_string()))?;
        let secret = read_secret(&self.apiv3_key_file)
            .map_err(|e| SettingsError::new("apiv3_key_file", e.to_string()))?;
        let apiv3: [u8; 32] = secret.trim().as_bytes().try_into().map_err(|_| {
            SettingsError::new("apiv3_key_file", "the file must hold 32 letters or digits")
        })?;
        let mut platform = BTreeMap::new();
        for (serial, file) in &self.platform_keys {
            let wrong =
                |what: String| SettingsError::new("platform_keys", format!("{serial}: {what}"));
            let text = std::fs::read_to_string(file)
                .map_err(|e| wrong(format!("{}: {e}", file.display())))?;
            let key = GatewayKey::parse(&text).map_err(|e| wrong(e.to_string()))?;
            platform.insert(serial.clone(), key);
        }
        if platform.is_empty() {
            let what = "names no key; take one from the merchant's portal (API security)";
            return Err(SettingsError::new("platform_keys", what));
        }
        Ok(Keys { merchant, platform, apiv3 })
    }

    /// Takes relative file names as relative to `folder`, the site file's.
    pub fn resolve_files(&mut self, folder: &Path) {
        let files = [&mut self.private_key_file, &mut self.apiv3_key_file];
        let more = self.platform_keys.values_mut().chain(self.ca_file.as_mut());
        for file in files.into_iter().chain(more) {
            *file = folder.join(&*file);
        }
    }

    /// The path of `notify_url` letter by letter, without the query.
    pub fn notify_path(&self) -> Result<&str, SettingsError> {
        literal_path(&self.notify_url)
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| SettingsError::new("notify_url", "must be https://host/path"))
    }

    pub(super) fn transport(&self) -> TransportSettings {
        TransportSettings {
            base_url: self.base_url.clone(),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            read_timeout: Duration::from_millis(self.read_timeout_ms),
            allow_plain_http: self.allow_plain_http,
            ca_file: self.ca_file.clone(),
        }
    }
}
