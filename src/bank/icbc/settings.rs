//! What the site file says of the open platform. Holds no secret itself, only where secrets lie.
//!
//! Nothing of the platform beyond the published client and callbacks could be tried here: every
//! setting marked *unverified* is there to follow what the bank's people say at sign-up.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::keys::{AesKey, GatewayKey, MerchantKey, SignType, read_secret};
pub use crate::bank::settings::SettingsError;
pub(super) use crate::bank::settings::literal_path;
use crate::bank::{PayWay, settings::gateway_key, transport::TransportSettings};

/// Settings of one merchant at the open platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IcbcSettings {
    /// Scheme, host and port of the gateway, such as `https://gw.open.icbc.com.cn`.
    pub base_url: String,
    /// The application's number at the platform.
    pub app_id: String,
    /// The merchant's number.
    pub mer_id: String,
    /// The shop's code under the merchant.
    pub store_code: String,
    /// Private key of the application, PKCS#8, base64 or PEM. The file must be mode 600 or less.
    pub private_key_file: PathBuf,
    /// The gateway's public key, base64 SPKI; either this or `gateway_public_key_file`.
    pub gateway_public_key: Option<String>,
    /// The same in a file, base64 or PEM.
    pub gateway_public_key_file: Option<PathBuf>,
    /// Signature of our requests, `RSA` or `RSA2`, as registered. Default `RSA2`.
    #[serde(default)]
    pub sign_type: SignType,
    /// 16 bytes in base64, mode 600. When set, requests are encrypted. Default: not encrypted.
    pub aes_key_file: Option<PathBuf>,
    /// Where the bank sends notifications, literally as registered: doubled slashes count. Its port
    /// must be 80 or 443 at the real platform.
    pub notify_url: String,
    /// `msg_id` of our reply to a notification: `echo` theirs (the published sample) or `fresh`
    /// (*unverified* newer note). Default `echo`.
    #[serde(default)]
    pub notify_msg_id: NotifyMsgId,
    /// Signature of our reply to a notification, as registered. Default `RSA2`.
    #[serde(default)]
    pub notify_sign_type: SignType,
    /// `return_code`s of a notification that mean a failed payment; others are looked up by a
    /// query. Default `["1"]`, from a published callback.
    #[serde(default = "default_notify_failed_codes")]
    pub notify_failed_codes: Vec<String>,
    /// `return_code`s by which the bank definitely did not do what was asked. *Unverified*: the
    /// bank publishes no list, so the default is empty and every refusal is asked about.
    #[serde(default)]
    pub final_refusal_codes: Vec<String>,
    /// `return_code`s of a reverse that say the bank has never heard of the payment, so that nothing
    /// is left to close (its creation was lost on the way). *Unverified*, default empty.
    #[serde(default)]
    pub no_order_codes: Vec<String>,
    /// Seconds a cashier link lives at most; a shorter wish is kept. Default 1200.
    #[serde(default = "default_pay_expire_s")]
    pub pay_expire_s: u32,
    /// `tporder_create_ip`: this machine's address as the bank should record it. Default
    /// `127.0.0.1`.
    #[serde(default = "default_create_ip")]
    pub create_ip: String,
    /// `sp_flag`, *unverified*: `0` for a merchant of its own, `1` under a service provider.
    /// Default `0`.
    #[serde(default = "default_sp_flag")]
    pub sp_flag: String,
    /// Whether the bank shall notify. Default true.
    #[serde(default = "default_true")]
    pub notify: bool,
    /// Header `APIGW-VERSION`, the client's version the gateway is told. Default `v2_20190522`.
    #[serde(default = "default_gateway_version")]
    pub gateway_version: String,
    /// Milliseconds to connect. Default 8000, as the bank's own client.
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds for the whole answer after that. Default 30000, as the bank's own client.
    #[serde(default = "default_read_timeout_ms")]
    pub read_timeout_ms: u64,
    /// Allow plain http to another machine, for the bank's test hosts. Default false.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// PEM file of the only authorities to trust for TLS. Default: the system's.
    pub ca_file: Option<PathBuf>,
}

/// See [`IcbcSettings::notify_msg_id`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyMsgId {
    #[default]
    Echo,
    Fresh,
}

fn default_notify_failed_codes() -> Vec<String> {
    vec!["1".to_owned()]
}
fn default_pay_expire_s() -> u32 {
    1200
}
fn default_create_ip() -> String {
    "127.0.0.1".to_owned()
}
fn default_sp_flag() -> String {
    "0".to_owned()
}
fn default_true() -> bool {
    true
}
fn default_gateway_version() -> String {
    "v2_20190522".to_owned()
}
fn default_connect_timeout_ms() -> u64 {
    8_000
}
fn default_read_timeout_ms() -> u64 {
    30_000
}

/// The keys the settings point at.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) merchant: MerchantKey,
    pub(super) gateway: GatewayKey,
    pub(super) aes: Option<AesKey>,
}

impl IcbcSettings {
    /// Checks the plain values and reads the keys.
    pub(super) fn keys(&self) -> Result<Keys, SettingsError> {
        let required =
            [("app_id", &self.app_id), ("mer_id", &self.mer_id), ("store_code", &self.store_code)];
        if let Some((field, _)) = required.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(SettingsError::new(field, "must not be empty"));
        }
        if self.pay_expire_s == 0 {
            return Err(SettingsError::new("pay_expire_s", "must be at least 1 second"));
        }
        let merchant = read_secret(&self.private_key_file)
            .and_then(|text| MerchantKey::parse(&text))
            .map_err(|e| SettingsError::new("private_key_file", e.to_string()))?;
        let aes = match &self.aes_key_file {
            None => None,
            Some(file) => Some(
                read_secret(file)
                    .and_then(|text| AesKey::parse(&text))
                    .map_err(|e| SettingsError::new("aes_key_file", e.to_string()))?,
            ),
        };
        Ok(Keys {
            merchant,
            gateway: gateway_key(
                self.gateway_public_key.as_deref(),
                self.gateway_public_key_file.as_deref(),
            )?,
            aes,
        })
    }

    /// Takes relative file names as relative to `folder`, the site file's.
    pub fn resolve_files(&mut self, folder: &Path) {
        self.private_key_file = folder.join(&self.private_key_file);
        let optional =
            [&mut self.gateway_public_key_file, &mut self.aes_key_file, &mut self.ca_file];
        for file in optional.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// The path of `notify_url` letter by letter, without the query: what the gateway signs.
    pub fn notify_path(&self) -> Result<&str, SettingsError> {
        literal_path(&self.notify_url)
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| SettingsError::new("notify_url", "must be http(s)://host/path"))
    }

    /// How the channel collects.
    pub fn ways(&self) -> &'static [PayWay] {
        &[PayWay::Cashier]
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
