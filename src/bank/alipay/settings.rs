//! What the site file says of Alipay's parking service. Holds no secret itself, only where secrets lie.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::envelope::Keys;
use crate::bank::{
    keys::{MerchantKey, read_secret},
    settings::{SettingsError, gateway_key, literal_path},
    transport::TransportSettings,
};

/// `[bank.alipay]`: one car park at Alipay's open platform. Names of the wire are the platform's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlipaySettings {
    /// The gateway's whole address. Default `https://openapi.alipay.com/gateway.do`.
    #[serde(default = "default_base_url")]
    pub base_url: String,
    pub app_id: String,
    /// The application's private key, PKCS#8 or PKCS#1, base64 or PEM. The file must be mode 600 or less.
    pub private_key_file: PathBuf,
    /// Alipay's public key for this application, base64 SPKI; either this or `gateway_public_key_file`.
    pub gateway_public_key: Option<String>,
    /// The same in a file, base64 or PEM. Of a certificate: `openssl x509 -pubkey -noout`.
    pub gateway_public_key_file: Option<PathBuf>,
    /// Serial numbers of the certificates, where the application signs with one. Default: it signs with a bare key.
    pub app_cert_sn: Option<String>,
    pub alipay_root_cert_sn: Option<String>,
    /// The merchant's word that a service provider may act for it.
    pub app_auth_token: Option<String>,
    /// Where Alipay notifies.
    pub notify_url: String,
    /// Alipay's number of the car park, given when it was registered there (`parkinglotinfo.create`).
    pub parking_id: String,
    /// Our number of the car park, as registered there.
    pub out_parking_id: String,
    /// Name of the car park, as registered there.
    pub parking_name: String,
    /// Who is paid, `2088` and twelve digits.
    pub seller_id: String,
    /// Who is paid a commission. Default: not sent.
    #[serde(default)]
    pub agent_id: String,
    /// Free minutes told at the entry. Default 0.
    #[serde(default)]
    pub free_minutes: u32,
    /// What is charged: `PLATE_PAY`, or `ETC_PAY`. Default the first.
    #[serde(default = "default_pay_scene")]
    pub pay_scene: String,
    /// `ver` of the question about an agreement. Default `v2.1`, as published.
    #[serde(default = "default_agreement_version")]
    pub agreement_version: String,
    /// Whether Alipay advances what the driver cannot pay, where the contract has it. Default false.
    #[serde(default)]
    pub is_advance: bool,
    /// Whether a charge lets the vehicle leave first and is collected later (`after_pay_order`), where the contract has
    /// it: then an answer without a time of payment is an acceptance. Default false.
    #[serde(default)]
    pub after_pay_order: bool,
    /// How a charge is taken back, *unverified*: `cancel` by `alipay.trade.cancel`, or `query`: it is only asked about.
    /// Default `cancel`.
    #[serde(default)]
    pub reverse: Reverse,
    /// Whether paid orders are told to the driver's list of orders there (`order.sync`). Default true.
    #[serde(default = "default_true")]
    pub order_sync: bool,
    /// Whether vehicles that leave are told (`exitinfo.sync`). Default true.
    #[serde(default = "default_true")]
    pub exit_sync: bool,
    /// `sub_code`s of a signed answer by which a charge or refund was definitely not taken, *unverified*. Default: the
    /// published ones that refuse the call itself or say that nothing may be charged, see `FINAL`.
    #[serde(default = "default_final_codes")]
    pub final_refusal_codes: Vec<String>,
    /// `sub_code`s that say Alipay has no such trade. Default `["ACQ.TRADE_NOT_EXIST"]`.
    #[serde(default = "default_no_order_codes")]
    pub no_order_codes: Vec<String>,
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

/// See [`AlipaySettings::reverse`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reverse {
    #[default]
    Cancel,
    Query,
}

/// They refuse the call itself, or say that nothing is bound.
const FINAL: [&str; 6] = [
    "isv.invalid-signature",
    "isv.invalid-app-id",
    "isv.insufficient-isv-permissions",
    "isv.missing-method",
    "ACQ.INVALID_PARAMETER",
    "ACQ.ACCESS_FORBIDDEN",
];

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}
fn default_base_url() -> String {
    "https://openapi.alipay.com/gateway.do".to_owned()
}
fn default_pay_scene() -> String {
    "PLATE_PAY".to_owned()
}
fn default_agreement_version() -> String {
    "v2.1".to_owned()
}
fn default_true() -> bool {
    true
}
fn default_final_codes() -> Vec<String> {
    texts(&FINAL)
}
fn default_no_order_codes() -> Vec<String> {
    texts(&["ACQ.TRADE_NOT_EXIST"])
}
fn default_connect_timeout_ms() -> u64 {
    4_000
}
fn default_read_timeout_ms() -> u64 {
    15_000
}

impl AlipaySettings {
    /// Checks the plain values and reads the keys.
    pub(super) fn keys(&self) -> Result<Keys, SettingsError> {
        let required = [
            ("app_id", &self.app_id),
            ("parking_id", &self.parking_id),
            ("out_parking_id", &self.out_parking_id),
            ("parking_name", &self.parking_name),
            ("seller_id", &self.seller_id),
        ];
        if let Some((field, _)) = required.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(SettingsError::new(field, "must not be empty"));
        }
        if !matches!(self.pay_scene.as_str(), "PLATE_PAY" | "ETC_PAY") {
            return Err(SettingsError::new("pay_scene", "must be PLATE_PAY or ETC_PAY"));
        }
        let merchant = read_secret(&self.private_key_file)
            .and_then(|text| MerchantKey::parse(&text))
            .map_err(|e| SettingsError::new("private_key_file", e.to_string()))?;
        let file = self.gateway_public_key_file.as_deref();
        let gateway = gateway_key(self.gateway_public_key.as_deref(), file)?;
        Ok(Keys { merchant, gateway })
    }

    /// Takes relative file names as relative to `folder`, the site file's.
    pub fn resolve_files(&mut self, folder: &Path) {
        self.private_key_file = folder.join(&self.private_key_file);
        for file in [&mut self.gateway_public_key_file, &mut self.ca_file].into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// The path of `notify_url` letter by letter, without the query.
    pub fn notify_path(&self) -> Result<&str, SettingsError> {
        literal_path(&self.notify_url)
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| SettingsError::new("notify_url", "must be http(s)://host/path"))
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
