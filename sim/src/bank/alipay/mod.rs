//! Alipay's open platform on a loopback port: parking by the plate, trades, notifications. Decides nothing about money:
//! that is `model`'s.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use axum::{
    Form, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{
    crypto::GatewayKeys,
    faults::Faults,
    gateway::PlateAgreement,
    wallet::{Departed, Entered, Shared, Wallet, Words, no_answer},
    words::{Answer, ChargeAsked, Notice, RefundStanding, Refusal, Said, State as Stands},
};

mod wire;

use wire::{failed, fen, text};

/// One car park.
#[derive(Clone, Debug)]
pub struct Alipay {
    app_id: String,
    seller_id: String,
    parking_id: String,
}

pub type AlipayGateway = Wallet<Alipay>;

impl Wallet<Alipay> {
    pub async fn start(faults: Faults, keys: GatewayKeys) -> io::Result<Self> {
        let words = Alipay {
            app_id: "2021000000000001".to_owned(),
            seller_id: "2088000000000001".to_owned(),
            parking_id: "PI1501317472942184881".to_owned(),
        };
        Self::begin(words, faults, keys).await
    }

    /// Writes the application's key into `folder` and returns the channel's settings as TOML, to be put under
    /// `[bank.alipay]` of the site file.
    pub fn site_toml(&self, folder: &Path, notify_url: &str) -> io::Result<String> {
        let (words, keys) = (&self.shared.words, &self.shared.keys);
        let key = folder.join("alipay-app.key");
        keys.write_merchant_key(&key)?;
        let mut table = toml::Table::new();
        let mut set = |name: &str, value: String| table.insert(name.to_owned(), value.into());
        set("base_url", format!("{}/gateway.do", self.base_url()));
        set("app_id", words.app_id.clone());
        set("private_key_file", key.display().to_string());
        set("gateway_public_key", keys.gateway_public_key());
        set("notify_url", notify_url.to_owned());
        set("parking_id", words.parking_id.clone());
        set("out_parking_id", "lake".to_owned());
        set("parking_name", "湖畔停车场".to_owned());
        set("seller_id", words.seller_id.clone());
        Ok(table.to_string())
    }
}

impl Words for Alipay {
    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new().route("/gateway.do", post(call))
    }

    fn letter(shared: &Shared<Self>, post: RequestBuilder, notice: &Notice) -> RequestBuilder {
        post.form(&wire::notification(shared, notice))
    }

    fn is_accepted(reply: &str) -> bool {
        reply.trim() == "success"
    }
}

async fn call(
    State(shared): State<Arc<Shared<Alipay>>>,
    Form(pairs): Form<BTreeMap<String, String>>,
) -> Response {
    let method = pairs.get("method").cloned().unwrap_or_default();
    let biz = match wire::check(&shared, &pairs) {
        Ok(biz) => biz,
        Err((sub_code, why)) => {
            let said = json!({"code": "40002", "msg": why, "sub_code": sub_code, "sub_msg": why});
            return wire::signed(&shared, &method, &said).into_response();
        }
    };
    let said = match method.strip_prefix("alipay.eco.mycar.parking.") {
        Some("order.pay") => pay(&shared, &pairs, &biz).await,
        Some(call) => parking(&shared, call, &biz),
        None => trade(&shared, &method, &biz).await,
    };
    match said {
        Some(said) => wire::signed(&shared, &method, &said).into_response(),
        None => no_answer(),
    }
}

fn scene(bound: Option<PlateAgreement>) -> &'static str {
    match bound {
        Some(PlateAgreement::Bound) => "PLATE_PAY",
        Some(PlateAgreement::Paused) => "PLATE_PAY,NSF_CHECK_FAILED",
        None => "NO_AGREEMENT_SCENE",
    }
}

fn parking(shared: &Shared<Alipay>, call: &str, biz: &Value) -> Option<Value> {
    let plate = text(biz, "car_number").to_owned();
    if text(biz, "parking_id") != shared.words.parking_id || plate.is_empty() {
        return Some(failed("ACQ.INVALID_PARAMETER"));
    }
    let mut plates = shared.plates();
    let bound = plates.bound.get(&plate).copied();
    let mut said = json!({"code": "10000", "msg": "Success"});
    match call {
        "enterinfo.sync" => {
            let serial = format!("SIMSERIAL{:04}", plates.entered.len() + 1);
            let number = text(biz, "out_serial_no").to_owned();
            let entered = plates.entered.entry(number).or_insert_with(|| Entered {
                id: serial,
                plate,
                colour: text(biz, "car_color").to_owned(),
                start: text(biz, "in_time").to_owned(),
                notify_url: String::new(),
                charged: None,
            });
            said["serial_no"] = entered.id.as_str().into();
            said["agreement_scene"] = scene(bound).into();
        }
        "agreement.query" => said["agreement_scene"] = scene(bound).into(),
        "exitinfo.sync" => plates.departed.push(Departed {
            plate,
            serial_no: biz["serial_no"].as_str().map(str::to_owned),
            amount: biz["actual_amount"].as_str().map(str::to_owned),
        }),
        "order.sync" => plates.listed.push(text(biz, "order_no").to_owned()),
        _ => return Some(failed("isv.missing-method")),
    }
    Some(said)
}

async fn pay(
    shared: &Shared<Alipay>,
    pairs: &BTreeMap<String, String>,
    biz: &Value,
) -> Option<Value> {
    let (number, plate) = (text(biz, "out_trade_no"), text(biz, "car_number"));
    let ours = text(biz, "seller_id") == shared.words.seller_id && biz["pay_version"] == "3.0";
    let Some(fen) = fen(text(biz, "total_fee")).filter(|_| ours && !number.is_empty()) else {
        return Some(failed("ACQ.INVALID_PARAMETER"));
    };
    if shared.plates().bound.get(plate) != Some(&PlateAgreement::Bound) {
        return Some(failed("ACQ.ACCESS_FORBIDDEN"));
    }
    let charge = ChargeAsked {
        out_trade_no: number.to_owned(),
        fen,
        subject: text(biz, "subject").to_owned(),
        notify_url: pairs.get("notify_url").cloned().unwrap_or_default(),
    };
    let now = shared.now();
    let answer = shared.bank().charge(now, charge);
    shared.wake();
    Some(match shared.said(answer).await? {
        Said::Standing(standing) => {
            let mut said = json!({"code": "10000", "msg": "Success", "out_trade_no": number});
            if standing.status == 1 {
                said["trade_no"] = standing.bank_no.into();
                said["total_fee"] = wire::yuan(standing.total_fen).into();
                said["gmt_payment"] = standing.paid_at.map(wire::time).into();
                said["user_id"] = "2088000000000099".into();
            }
            said
        }
        Said::No(Refusal::NotEnough) => failed("ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        _ => failed("ACQ.SYSTEM_ERROR"),
    })
}

async fn trade(shared: &Shared<Alipay>, method: &str, biz: &Value) -> Option<Value> {
    let (now, number) = (shared.now(), text(biz, "out_trade_no"));
    let refund_no = text(biz, "out_request_no");
    let answer = match method {
        "alipay.trade.query" => shared.bank().query(now, number),
        "alipay.trade.cancel" => shared.bank().undo(now, number),
        "alipay.trade.refund" => match fen(text(biz, "refund_amount")) {
            Some(fen) => shared.bank().refund(now, number, refund_no, fen),
            None => Answer { after_ms: 0, said: Some(Said::No(Refusal::BadField)) },
        },
        "alipay.trade.fastpay.refund.query" => shared.bank().refund_query(now, number),
        _ => return Some(failed("isv.missing-method")),
    };
    let mut said = json!({"code": "10000", "msg": "Success", "out_trade_no": number});
    match shared.said(answer).await? {
        Said::Standing(standing) => {
            let status = match standing.status {
                0 => "WAIT_BUYER_PAY",
                1 | 6 => "TRADE_SUCCESS",
                _ => "TRADE_CLOSED",
            };
            said["trade_status"] = status.into();
            said["trade_no"] = standing.bank_no.into();
            said["total_amount"] = wire::yuan(standing.total_fen).into();
            if let Some(paid_at) = standing.paid_at.filter(|_| standing.status != 3) {
                said["send_pay_date"] = wire::time(paid_at).into();
            }
        }
        Said::Reversed { .. } => {
            let book = shared.bank().books().into_iter().find(|book| book.out_trade_no == number);
            let closed = book.is_some_and(|book| book.state == Stands::Reversed);
            said["retry_flag"] = "N".into();
            said["action"] = if closed { "close" } else { "refund" }.into();
        }
        Said::Rejected { fen, .. } => {
            said["fund_change"] = "Y".into();
            said["refund_fee"] = wire::yuan(fen).into();
        }
        Said::Refunds { refunds, .. } => {
            said["out_request_no"] = refund_no.into();
            let line = refunds.iter().find(|line| line.refund_no == refund_no);
            if let Some(line) = line.filter(|line| line.standing == RefundStanding::Done) {
                said["refund_status"] = "REFUND_SUCCESS".into();
                said["refund_amount"] = wire::yuan(line.fen).into();
            }
        }
        Said::No(Refusal::NoSuchOrder) => return Some(failed("ACQ.TRADE_NOT_EXIST")),
        Said::No(_) => return Some(failed("ACQ.TRADE_STATUS_ERROR")),
        Said::Cashier { .. } => return Some(failed("ACQ.SYSTEM_ERROR")),
    }
    Some(said)
}
