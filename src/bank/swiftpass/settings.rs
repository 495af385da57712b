//! What the site file says of the gateway. Holds no secret itself, only where secrets lie.
//!
//! Field lists come from public clients of the gateway, none of them the bank's own: every setting marked *unverified*
//! is there to follow what the bank's people say at sign-up.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::sign::{Keys, SignType};
use crate::bank::{
    keys::{MerchantKey, read_secret},
    settings::{SettingsError, gateway_key, literal_path},
    transport::TransportSettings,
};

/// Settings of one merchant at the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwiftpassSettings {
    /// The gateway's whole address, such as `https://pay.swiftpass.cn/pay/gateway`; a bank may have a host of its own.
    pub base_url: String,
    /// Where statements are fetched, such as `https://download.swiftpass.cn/gateway`. Default: none, then they are
    /// imported by hand.
    pub bill_url: Option<String>,
    /// The merchant's number.
    pub mch_id: String,
    /// Signature both ways, `MD5` or `RSA_1_256`, as registered. Default `MD5`, the gateway's own.
    #[serde(default)]
    pub sign_type: SignType,
    /// The key shared with the gateway, for `MD5`. The file must be mode 600 or less.
    pub key_file: Option<PathBuf>,
    /// The merchant's private key for `RSA_1_256`, PKCS#8, base64 or PEM. Mode 600 or less.
    pub private_key_file: Option<PathBuf>,
    /// The gateway's public key for `RSA_1_256`, base64 SPKI; either this or `gateway_public_key_file`.
    pub gateway_public_key: Option<String>,
    /// The same in a file, base64 or PEM.
    pub gateway_public_key_file: Option<PathBuf>,
    /// Where the bank sends notifications, as registered.
    pub notify_url: String,
    /// `device_info`: the terminal the bank should record, at most 32 letters. Default: not sent.
    #[serde(default)]
    pub device_info: String,
    /// `mch_create_ip`: this machine's address as the bank should record it. Default `127.0.0.1`.
    #[serde(default = "default_create_ip")]
    pub create_ip: String,
    /// `op_user_id` of refunds. Default: the merchant's number.
    pub op_user_id: Option<String>,
    /// `terminal_info` of a payer-code payment, *unverified*: sent as it stands, with `{code6}` replaced by the last six
    /// digits of the payer's code. Default: not sent.
    #[serde(default)]
    pub terminal_info: String,
    /// The same for the scanner of one lane, booth or counter, by its name; a scanner without one is told as
    /// `terminal_info` says. `{secret}` is replaced by the cipher that a certified scanner made of the code, and by
    /// nothing where it made none.
    #[serde(default)]
    pub terminals: BTreeMap<String, String>,
    /// Seconds a cashier link lives at most; a shorter wish is kept. Default 1200.
    #[serde(default = "default_pay_expire_s")]
    pub pay_expire_s: u32,
    /// `err_code`s or messages of a signed answer after which the bank definitely did not do what was asked. Default:
    /// the published ones that refuse the call itself or say that it can never be done, see `FINAL`.
    #[serde(default = "default_final_refusal_codes")]
    pub final_refusal_codes: Vec<String>,
    /// Those of a close or reversal that say the bank has never heard of the payment, so that nothing is left to close
    /// (its creation was lost on the way). Default: the published ones, see `NO_ORDER`.
    #[serde(default = "default_no_order_codes")]
    pub no_order_codes: Vec<String>,
    /// Those of a close or reversal that say it was done before. Default `["ORDERREVERSED"]`.
    #[serde(default = "default_closed_codes")]
    pub closed_codes: Vec<String>,
    /// `refund_status` of a refund that did not reach the payer and will not by itself. `CHANGE` (a person at the bank
    /// must act) is *unverified*. Default `["FAIL", "CHANGE"]`.
    #[serde(default = "default_refund_failed_states")]
    pub refund_failed_states: Vec<String>,
    /// Service a statement is asked of: `pay.bill.merchant`, or `pay.bill.bigMerchant`. Default the first.
    #[serde(default = "default_bill_service")]
    pub bill_service: String,
    /// 交易状态 of a statement row that is a payment, *unverified* beyond the first. Default `["SUCCESS", "支付成功"]`.
    #[serde(default = "default_bill_paid_states")]
    pub bill_paid_states: Vec<String>,
    /// 交易状态 of a statement row that is money given back, by a refund or a reversal, *unverified* beyond the first.
    /// Default `["REFUND", "转入退款", "REVOKED", "REVERSE", "已撤销", "已冲正"]`.
    #[serde(default = "default_bill_refund_states")]
    pub bill_refund_states: Vec<String>,
    /// Seconds a statement's download may take. Default 600.
    #[serde(default = "default_bill_timeout_s")]
    pub bill_timeout_s: u64,
    /// A statement larger than this, in MiB, is not kept. Default 2048, some five million rows.
    #[serde(default = "default_bill_mib_max")]
    pub bill_mib_max: u64,
    /// Milliseconds to connect. Default 8000.
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds for the whole answer after that. Default 30000.
    #[serde(default = "default_read_timeout_ms")]
    pub read_timeout_ms: u64,
    /// Allow plain http to another machine, for the bank's test hosts. Default false.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// PEM file of the only authorities to trust for TLS. Default: the system's.
    pub ca_file: Option<PathBuf>,
}

/// Published refusals that are final when signed: the first four refuse the call itself, so nothing was begun; a paid
/// order is never closed; a refund of a wrong sum is never made. Not among them, as they may change or say too little:
/// `SYSTEMERROR`, `NOTENOUGH`, `RULELIMIT`, `OUT_TRADE_NO_USED`, `valid flow fail` (too frequent).
const FINAL: [&str; 7] = [
    "Signature error",
    "valid sign fail",
    "valid mch status fail",
    "unsupported sign method",
    "ORDERPAID",
    "Order paid",
    "REFUND_FEE_INVALID",
];
/// Published names of an order the bank does not have.
const NO_ORDER: [&str; 3] = ["ORDERNOTEXIST", "ACQ.TRADE_NOT_EXIST", "Order not exists"];

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}
fn default_create_ip() -> String {
    "127.0.0.1".to_owned()
}
fn default_pay_expire_s() -> u32 {
    1200
}
fn default_final_refusal_codes() -> Vec<String> {
    texts(&FINAL)
}
fn default_no_order_codes() -> Vec<String> {
    texts(&NO_ORDER)
}
fn default_closed_codes() -> Vec<String> {
    texts(&["ORDERREVERSED"])
}
fn default_refund_failed_states() -> Vec<String> {
    texts(&["FAIL", "CHANGE"])
}
fn default_bill_service() -> String {
    "pay.bill.merchant".to_owned()
}
fn default_bill_paid_states() -> Vec<String> {
    texts(&["SUCCESS", "支付成功"])
}
fn default_bill_refund_states() -> Vec<String> {
    texts(&["REFUND", "转入退款", "REVOKED", "REVERSE", "已撤销", "已冲正"])
}
fn default_bill_timeout_s() -> u64 {
    600
}
fn default_bill_mib_max() -> u64 {
    2_048
}
fn default_connect_timeout_ms() -> u64 {
    8_000
}
fn default_read_timeout_ms() -> u64 {
    30_000
}

impl SwiftpassSettings {
    /// Checks the plain values and reads the keys of the signature agreed on.
    pub(super) fn keys(&self) -> Result<Keys, SettingsError> {
        let wrong = |field, what: &str| Err(SettingsError::new(field, what));
        if self.mch_id.trim().is_empty() {
            return wrong("mch_id", "must not be empty");
        }
        if self.pay_expire_s == 0 {
            return wrong("pay_expire_s", "must be at least 1 second");
        }
        if self.bill_mib_max == 0 || self.bill_timeout_s == 0 {
            return wrong("bill_mib_max", "bill_mib_max and bill_timeout_s must be at least 1");
        }
        if self.device_info.chars().count() > 32 {
            return wrong("device_info", "must be at most 32 letters");
        }
        match self.sign_type {
            SignType::Md5 => {
                let Some(file) = &self.key_file else {
                    return wrong("key_file", "missing; MD5 needs the key shared with the bank");
                };
                let key =
                    read_secret(file).map_err(|e| SettingsError::new("key_file", e.to_string()))?;
                match key.trim() {
                    "" => wrong("key_file", "the file holds no key"),
                    key => Ok(Keys::Md5(key.to_owned())),
                }
            }
            SignType::Rsa256 => {
                let Some(file) = &self.private_key_file else {
                    return wrong("private_key_file", "missing; RSA_1_256 needs it");
                };
                let merchant = read_secret(file)
                    .and_then(|text| MerchantKey::parse(&text))
                    .map_err(|e| SettingsError::new("private_key_file", e.to_string()))?;
                let file = self.gateway_public_key_file.as_deref();
                let gateway = gateway_key(self.gateway_public_key.as_deref(), file)?;
                Ok(Keys::Rsa { merchant, gateway })
            }
        }
    }

    /// Takes relative file names as relative to `folder`, the site file's.
    pub fn resolve_files(&mut self, folder: &Path) {
        let files = [
            &mut self.key_file,
            &mut self.private_key_file,
            &mut self.gateway_public_key_file,
            &mut self.ca_file,
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// The path of `notify_url` letter by letter, without the query.
    pub fn notify_path(&self) -> Result<&str, SettingsError> {
        literal_path(&self.notify_url)
            .filter(|path| path.starts_with('/'))
            .ok_or_else(|| SettingsError::new("notify_url", "must be http(s)://host/path"))
    }

    /// The way to one of the gateway's addresses.
    pub(super) fn transport(&self, url: &str) -> TransportSettings {
        TransportSettings {
            base_url: url.to_owned(),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            read_timeout: Duration::from_millis(self.read_timeout_ms),
            allow_plain_http: self.allow_plain_http,
            ca_file: self.ca_file.clone(),
        }
    }
}
