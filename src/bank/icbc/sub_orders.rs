//! Sub-orders (分账) of the online family: a payment's parts that the bank settles to partners by itself. Knows no rule
//! of shares and no signature.
//!
//! Published are the names of the two calls' own fields; those of one sub-order inside `order_submit_act_input` are
//! *unverified*, taken from the call that takes one back, and can be renamed by the site file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    envelope::ZONE,
    fields::{fen, scalar},
    settings::IcbcSettings,
};
use crate::bank::{ShareAsk, ShareWord};

const BASE: &str = "/api/cardbusiness/aggregatepay/b2c/online";

/// `[bank.icbc.sub_orders]`. Without it the channel relays no shares.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SubOrderSettings {
    /// What the bank calls a field, by our name for it, such as `classify_amt = "sub_amt"`. *Unverified*, default: the
    /// names of the call that takes a sub-order back.
    pub fields: BTreeMap<String, String>,
    /// Further fields of a sub-order with their fixed texts, as the contract says. *Unverified*, default none.
    pub extra: BTreeMap<String, String>,
    /// `out_trade_no` or `order_id`: the number that `order_num` takes. *Unverified*, default `order_id`, the bank's.
    pub order_num: OrderNum,
    /// `busi_type` of a sub-order. *Unverified*, default `1`.
    pub busi_type: String,
    /// `oper_flag` of taking one back. *Unverified*, default `1`.
    pub oper_flag: String,
    /// `return_code`s by which the bank says that it has this sub-order already. *Unverified*, default none: then such
    /// an answer is asked about by people.
    pub known_codes: Vec<String>,
}

impl Default for SubOrderSettings {
    fn default() -> Self {
        Self {
            fields: BTreeMap::new(),
            extra: BTreeMap::new(),
            order_num: OrderNum::default(),
            busi_type: "1".to_owned(),
            oper_flag: "1".to_owned(),
            known_codes: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderNum {
    #[default]
    OrderId,
    OutTradeNo,
}

impl SubOrderSettings {
    fn named<'a>(&'a self, ours: &'a str) -> &'a str {
        self.fields.get(ours).map_or(ours, String::as_str)
    }
}

/// Path and business text; an error means that nothing may be sent.
pub(super) fn call(settings: &IcbcSettings, ask: &ShareAsk) -> Result<(String, String), String> {
    let Some(own) = &settings.sub_orders else {
        return Err("the site file has no [bank.icbc.sub_orders]".to_owned());
    };
    let agreement = |mer_id: &str| format!("{mer_id}0201");
    let online = &settings.online;
    let mer_prtcl_no = online.mer_prtcl_no.clone().unwrap_or_else(|| agreement(&settings.mer_id));
    let icbc_appid = online.icbc_appid.as_ref().unwrap_or(&settings.app_id);
    let sub_prtcl = ask.account.sub_mer_prtcl_no.clone();
    let sub_prtcl = sub_prtcl.unwrap_or_else(|| agreement(&ask.account.sub_mer_id));
    let amount = fen(ask.amount)?;
    let Some(given) = &ask.given else {
        let order_num = match own.order_num {
            OrderNum::OrderId if ask.bank_no.is_empty() => {
                return Err("the bank has named no number for this payment".to_owned());
            }
            OrderNum::OrderId => &ask.bank_no,
            OrderNum::OutTradeNo => &ask.out_trade_no,
        };
        let mut sub = Map::new();
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                sub.insert(own.named(name).to_owned(), value.into());
            }
        };
        set("sub_order_id", &ask.number);
        set("seq_no", &ask.number);
        set("busi_type", &own.busi_type);
        set("sub_mer_id", &ask.account.sub_mer_id);
        set("sub_mer_prtcl_no", &sub_prtcl);
        set("classify_amt", &amount);
        set("mer_acct", ask.account.mer_acct.as_deref().unwrap_or_default());
        own.extra.iter().for_each(|(name, value)| set(name, value));
        let biz = json!({
            "mer_id": settings.mer_id, "mer_prtcl_no": mer_prtcl_no, "icbc_appid": icbc_appid,
            "order_num": order_num, "order_submit_act_input": [sub],
        });
        return Ok((format!("{BASE}/sersuborder/V1"), biz.to_string()));
    };
    let paid_on = ZONE.to_datetime(ask.paid_at).strftime("%Y%m%d").to_string();
    let biz = json!({
        "mer_id": settings.mer_id, "mer_prtcl_no": mer_prtcl_no, "icbc_appid": icbc_appid,
        "oper_flag": own.oper_flag, "sub_order_id": given, "seq_no": ask.number,
        "busi_type": own.busi_type, "ori_trx_date": paid_on, "ori_mer_id": settings.mer_id,
        "sub_mer_id": ask.account.sub_mer_id, "sub_mer_prtcl_no": sub_prtcl,
        "classify_amt": amount, "ret_sub_order_id": ask.number,
    });
    Ok((format!("{BASE}/sersuborderrefund/V1"), biz.to_string()))
}

/// Judges the verified business text of an answer.
pub(super) fn word(settings: &IcbcSettings, content: &str) -> ShareWord {
    #[derive(Deserialize)]
    struct Said {
        #[serde(default, deserialize_with = "scalar")]
        return_code: Option<String>,
        return_msg: Option<String>,
        #[serde(default)]
        order_submit_act_output: Value,
    }
    let said: Said = match serde_json::from_str(content) {
        Ok(said) => said,
        Err(e) => {
            return ShareWord::Unknown { why: format!("the bank's answer cannot be read: {e}") };
        }
    };
    let why = said.return_msg.unwrap_or_default();
    let known = |code: &str| {
        let own = settings.sub_orders.as_ref();
        own.is_some_and(|own| own.known_codes.iter().any(|known| known == code))
    };
    match said.return_code {
        Some(code) if code == "0" => {
            // An answer may name what became of each; one that failed is no success of the whole.
            let each = said.order_submit_act_output.as_array().into_iter().flatten();
            let code = |sub: &Value| match &sub["return_code"] {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            match each.filter_map(code).find(|code| code != "0" && !known(code)) {
                None => ShareWord::Done,
                Some(code) => ShareWord::Unknown { why: format!("sub-order: return_code {code}") },
            }
        }
        Some(code) if known(&code) => ShareWord::Done,
        Some(code) if settings.final_refusal_codes.contains(&code) => {
            ShareWord::Refused { code, why }
        }
        Some(code) => ShareWord::Unknown { why: format!("return_code {code}: {why}") },
        None => ShareWord::Unknown { why: "the bank's answer has no return_code".to_owned() },
    }
}

#[cfg(test)]
#[path = "sub_order_tests.rs"]
mod tests;
