//! The online aggregated family (`/api/cardbusiness/aggregatepay/b2c/online/...`) and the dynamic code that belongs to
//! it: business texts of the questions and what the answers mean. Knows no signatures and no wire.
//!
//! Its answer to a refund states no amount, so a refund is always asked about right after; see [`follow_up`].

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    envelope::ZONE,
    fields::{Said, cashier_link, fen, unknown},
    qrcode::refund_done,
    settings::{IcbcSettings, Product},
};
use crate::bank::{Ask, Word};

const BASE: &str = "/api/cardbusiness/aggregatepay/b2c/online";
const CODE_PATH: &str = "/api/cardbusiness/qrcode/consumption/V1";
/// The platform takes no order that lives a minute or less.
const EXPIRE_S_MIN: u32 = 61;

/// `pay_status` of this family's query: the opposite of the QR family's, so the two never meet in one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlinePayStatus {
    Paid,
    Failed,
    /// Not known, or under way.
    UnderWay,
}

impl OnlinePayStatus {
    /// `None` for a code nobody has published.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "0" => Self::Paid,
            "1" => Self::Failed,
            "2" => Self::UnderWay,
            _ => return None,
        })
    }
}

/// `[bank.icbc.online]`: what this family wants beside the merchant's number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OnlineSettings {
    /// Number of the merchant's agreement. Default: the merchant's number and `0201`.
    pub mer_prtcl_no: Option<String>,
    /// `icbc_appid`. Default: `app_id`.
    pub icbc_appid: Option<String>,
    /// How the payer comes. Default `4` (phone page) for a code, `5` (application) for the others.
    pub access_type: Option<String>,
    /// Whose wallet, of `product = "online"` only: `9` WeChat, `10` Alipay, `13` UnionPay. Default `10`.
    pub pay_mode: String,
    /// The merchant's number at the wallet, where one is wanted.
    pub shop_appid: Option<String>,
    /// Account to which the money goes. Default: the one of the contract.
    pub mer_acct: Option<String>,
    /// `decive_info` (the platform's spelling): what names this machine. Default `127.0.0.1`.
    pub device_info: String,
    /// Which outcomes are notified: `0` all, `1` successes. Default `1`: a payer may try again after a failure.
    pub result_type: String,
    /// `no_credit` or `no_balance`. Default: no limit.
    pub pay_limit: Option<String>,
    /// `deal_flag` by which a query closes the order, *unverified* `1`. Default: none, an order ends by its age alone.
    pub close_deal_flag: Option<String>,
}

impl Default for OnlineSettings {
    fn default() -> Self {
        Self {
            mer_prtcl_no: None,
            icbc_appid: None,
            access_type: None,
            pay_mode: "10".to_owned(),
            shop_appid: None,
            mer_acct: None,
            device_info: "127.0.0.1".to_owned(),
            result_type: "1".to_owned(),
            pay_limit: None,
            close_deal_flag: None,
        }
    }
}

impl OnlineSettings {
    /// Why `product = "online"` cannot work so.
    pub(super) fn wrong(&self) -> Option<String> {
        if !["9", "10", "13"].contains(&self.pay_mode.as_str()) {
            return Some(format!("pay_mode {:?} is neither 9, 10 nor 13", self.pay_mode));
        }
        // The payer's name at the wallet is known to a page inside that wallet only.
        let inside = self.access_type.as_deref().filter(|kind| ["7", "8", "9"].contains(kind));
        inside.map(|kind| {
            format!("access_type {kind} needs the payer's name at the wallet; take a code instead")
        })
    }
}

/// Path of the call under the gateway's address.
pub(super) fn path(product: Product, ask: &Ask) -> Result<String, String> {
    Ok(match ask {
        Ask::Generate { .. } if product == Product::Online => format!("{BASE}/consumepurchase/V1"),
        Ask::Generate { .. } => CODE_PATH.to_owned(),
        Ask::Query { .. } | Ask::Reverse { .. } => format!("{BASE}/orderqry/V1"),
        Ask::Refund { .. } => format!("{BASE}/merrefund/V1"),
        Ask::RefundQuery { .. } => format!("{BASE}/refundqry/V1"),
        Ask::Collect { .. } | Ask::Charge { .. } => {
            return Err(format!("this family cannot {}", ask.name()));
        }
    })
}

/// What is asked at once after an answer that leaves a refund open.
pub(super) fn follow_up(ask: &Ask) -> Option<Ask> {
    match ask {
        Ask::Refund { out_trade_no, refund_no, amount, way, .. } => Some(Ask::RefundQuery {
            out_trade_no: out_trade_no.clone(),
            refund_no: refund_no.clone(),
            amount: *amount,
            way: *way,
        }),
        _ => None,
    }
}

/// Fields of the wire in their published order; empty ones are left out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, name: &str, value: impl AsRef<str>) -> &mut Self {
        if !value.as_ref().is_empty() {
            self.0.insert(name.to_owned(), value.as_ref().into());
        }
        self
    }

    fn set_if(&mut self, name: &str, value: Option<&String>) -> &mut Self {
        self.set(name, value.map_or("", String::as_str))
    }

    fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

/// The business text of a question; an error means that nothing may be sent.
pub(super) fn biz_content(settings: &IcbcSettings, ask: &Ask) -> Result<String, String> {
    let online = &settings.online;
    let icbc_appid = online.icbc_appid.as_ref().unwrap_or(&settings.app_id);
    let mut biz = Fields::default();
    biz.set("mer_id", &settings.mer_id).set("out_trade_no", ask.out_trade_no());
    match ask {
        Ask::Generate { .. } => generate(settings, ask, &mut biz)?,
        Ask::Query { .. } => {
            biz.set("deal_flag", "0").set("icbc_appid", icbc_appid);
        }
        Ask::Reverse { .. } => {
            let flag = online.close_deal_flag.as_deref().unwrap_or("0");
            biz.set("deal_flag", flag).set("icbc_appid", icbc_appid);
        }
        Ask::Refund { refund_no, amount, .. } => {
            biz.set("outtrx_serial_no", refund_no)
                .set("ret_total_amt", fen(*amount)?)
                .set("trnsc_ccy", "001")
                .set("icbc_appid", icbc_appid)
                .set_if("mer_acct", online.mer_acct.as_ref());
        }
        Ask::RefundQuery { refund_no, .. } => {
            biz.set("outtrx_serial_no", refund_no);
        }
        Ask::Collect { .. } | Ask::Charge { .. } => {
            return Err(format!("this family cannot {}", ask.name()));
        }
    }
    Ok(biz.text())
}

fn generate(settings: &IcbcSettings, ask: &Ask, biz: &mut Fields) -> Result<(), String> {
    let Ask::Generate { amount, subject, expires_in_s, asked_at, .. } = ask else {
        return Err(format!("this family cannot {}", ask.name()));
    };
    let online = &settings.online;
    let at = ZONE.to_datetime(*asked_at);
    let expire_s = settings.pay_expire_s.min(*expires_in_s).max(EXPIRE_S_MIN);
    let agreement = online.mer_prtcl_no.clone();
    biz.set("mer_prtcl_no", agreement.unwrap_or_else(|| format!("{}0201", settings.mer_id)))
        .set("icbc_appid", online.icbc_appid.as_ref().unwrap_or(&settings.app_id))
        .set("mer_url", &settings.notify_url)
        .set("notify_type", if settings.notify { "HS" } else { "AG" })
        .set("result_type", &online.result_type)
        .set("expire_time", expire_s.to_string())
        .set_if("pay_limit", online.pay_limit.as_ref())
        .set("body", subject);
    let access_type = online.access_type.as_deref();
    if settings.product == Product::Online {
        biz.set("pay_mode", &online.pay_mode)
            .set("access_type", access_type.unwrap_or("5"))
            .set("orig_date_time", at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
            .set("decive_info", &online.device_info)
            .set("fee_type", "001")
            .set("spbill_create_ip", &settings.create_ip)
            .set("total_fee", fen(*amount)?)
            .set_if("shop_appid", online.shop_appid.as_ref())
            .set_if("mer_acct", online.mer_acct.as_ref());
    } else {
        biz.set("access_type", access_type.unwrap_or("4"))
            .set("cur_type", "001")
            .set("amount", fen(*amount)?)
            .set("order_date", at.strftime("%Y-%m-%d %H:%M:%S").to_string())
            .set("goods_name", subject)
            .set("installment_times", "1");
    }
    Ok(())
}

/// Judges the verified business text of an answer.
pub(super) fn word(settings: &IcbcSettings, ask: &Ask, content: &str) -> Word {
    let said = match Said::read(settings, ask, content) {
        Ok(said) => said,
        Err(word) => return word,
    };
    if let Ask::Generate { .. } = ask {
        return cashier(settings, &said);
    }
    if let Ask::Refund { .. } = ask {
        return Word::Refunding;
    }
    if let Err(word) = said.names(ask) {
        return word;
    }
    match ask {
        Ask::Query { .. } => standing(said),
        Ask::Reverse { .. } => closed(settings, said),
        Ask::RefundQuery { refund_no, .. } => refund_done(&said, refund_no),
        _ => unknown(format!("an answer to {}, which this family has not", ask.name())),
    }
}

/// A code's text, or the wallet's package where it is an address; any other package is for an application of the
/// merchant's own.
fn cashier(settings: &IcbcSettings, said: &Said) -> Word {
    if settings.product != Product::Online {
        return cashier_link(said.code_url.as_deref());
    }
    let package = match settings.online.pay_mode.as_str() {
        "9" => &said.wx_data_package,
        "10" => &said.zfb_data_package,
        _ => &said.union_data_package,
    };
    match package.as_deref() {
        Some(text) if text.contains("://") && !text.contains(char::is_whitespace) => {
            cashier_link(Some(text))
        }
        _ => unknown("the bank gave a package for an application, not a link"),
    }
}

/// How an order of this family stands, by an answer or a notification.
pub(super) fn standing(said: Said) -> Word {
    let Some(code) = said.pay_status.as_deref() else {
        return unknown("the bank's answer has no pay_status");
    };
    match OnlinePayStatus::from_code(code) {
        None => unknown(format!("pay_status {code} is not known")),
        Some(OnlinePayStatus::Paid) => said.paid(),
        Some(OnlinePayStatus::Failed) => said.failed(),
        Some(OnlinePayStatus::UnderWay) => Word::Paying,
    }
}

/// Without a flag to close it, an order is only looked at: it ends by its age.
fn closed(settings: &IcbcSettings, said: Said) -> Word {
    match standing(said) {
        Word::Failed { .. } => Word::Reversed,
        Word::Paying if settings.online.close_deal_flag.is_some() => Word::Reversing,
        Word::Paying => unknown("an order of this product cannot be closed; it ends by its age"),
        other => other,
    }
}

#[cfg(test)]
#[path = "online_tests.rs"]
mod tests;
