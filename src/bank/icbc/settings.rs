//! What the site file says of the open platform. Holds no secret itself, only where secrets lie.
//!
//! Nothing of the platform beyond the published client and callbacks could be tried here: every
//! setting marked *unverified* is there to follow what the bank's people say at sign-up.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{
    keys::{AesKey, GatewayKey, MerchantKey, SignType, read_secret},
    online::OnlineSettings,
    plate_settings::PlateSettings,
    qrcode::Versions,
    scenic::ScenicSettings,
    statement::StatementSettings,
    sub_orders::SubOrderSettings,
    terminal::TerminalSettings,
};
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
    /// `return_code`s of a reverse or a query that say the bank has never heard of the payment: nothing is left to close
    /// (its creation was lost on the way), or it is still to come. *Unverified*, default empty.
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
    /// What makes a cashier link: see [`Product`]. Refunds and queries of links follow it, so change it only while none
    /// is undecided or may be given back; a second product is a second contract. Default `qrcode`.
    #[serde(default)]
    pub product: Product,
    /// Whether payers' codes are collected (`/api/qrcode/.../pay`). Default true.
    #[serde(default = "default_true")]
    pub payer_code: bool,
    /// Versions of the QR family's calls, as the contract says. Default 2 each.
    #[serde(default)]
    pub versions: Versions,
    /// `sub_app_id` of payments by a payer's code, in version 4. Default: none.
    pub sub_app_id: Option<String>,
    /// `oper_id` of refunds. Default: none.
    pub oper_id: Option<String>,
    /// `merattach` of refunds, in version 3. Default: none.
    pub merattach: Option<String>,
    /// The scanners of payers' codes by the name of their lane or booth; `default` is for all others. Default: nothing
    /// is told.
    #[serde(default)]
    pub terminals: BTreeMap<String, TerminalSettings>,
    /// Field of a payment that holds them, *unverified*. Default `terminalInfo`.
    #[serde(default = "default_terminal_field")]
    pub terminal_field: String,
    /// The online family.
    #[serde(default)]
    pub online: OnlineSettings,
    /// Payments by plate. Default: none are collected.
    pub plate: Option<PlateSettings>,
    /// Tickets of the scenic cloud. Default: none are taken.
    pub scenic: Option<ScenicSettings>,
    /// Parts of payments that the bank settles to partners. Default: none are.
    pub sub_orders: Option<SubOrderSettings>,
    /// Statements. Default: none are read.
    pub statement: Option<StatementSettings>,
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

/// What makes a cashier link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// `/api/qrcode/V2/generate`: every wallet by one code.
    #[default]
    Qrcode,
    /// `/api/cardbusiness/qrcode/consumption/V1`: the newer code.
    Consumption,
    /// `consumepurchase` of the online family: one wallet, where its package is an address.
    Online,
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
fn default_terminal_field() -> String {
    "terminalInfo".to_owned()
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
        self.check_families()?;
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
        match (self.payer_code, self.plate.is_some()) {
            (true, true) => &[PayWay::Cashier, PayWay::PayerCode, PayWay::Plate],
            (true, false) => &[PayWay::Cashier, PayWay::PayerCode],
            (false, true) => &[PayWay::Cashier, PayWay::Plate],
            (false, false) => &[PayWay::Cashier],
        }
    }

    /// Checks what the families want.
    fn check_families(&self) -> Result<(), SettingsError> {
        if let Some(what) = self.versions.wrong() {
            return Err(SettingsError::new("versions", what));
        }
        if let Some(what) = self.online.wrong().filter(|_| self.product == Product::Online) {
            return Err(SettingsError::new("online", what));
        }
        if let Some(what) = self.plate.as_ref().and_then(PlateSettings::wrong) {
            return Err(SettingsError::new("plate", what));
        }
        if self.plate.as_ref().is_some_and(PlateSettings::signs) && self.aes_key_file.is_none() {
            let what =
                "needed by plate.sign: the form that goes through the driver's phone is encrypted";
            return Err(SettingsError::new("aes_key_file", what));
        }
        if let Some(what) = self.scenic.as_ref().and_then(ScenicSettings::wrong) {
            return Err(SettingsError::new("scenic", what));
        }
        match self.statement.as_ref().and_then(StatementSettings::wrong) {
            Some(what) => Err(SettingsError::new("statement", what)),
            None => Ok(()),
        }
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
