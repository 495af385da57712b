//! The other families of the platform: payers' codes, newer versions, the online family, plates, the statement. Decides
//! nothing about money: that is the bank's.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use axum::{
    Form,
    extract::{OriginalUri, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz};
use serde_json::{Value, json};

use super::{
    super::words::{BillKind, Book, Collect, Generate, RefundStanding},
    Answer, Bank, Duration, Refusal, SILENCE, Said, Shared, no, wire,
};

/// What is bound to a plate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlateAgreement {
    Bound,
    /// It holds, and may not be charged now.
    Paused,
}

#[derive(Debug, Default)]
pub(super) struct Plates {
    bound: BTreeMap<String, PlateAgreement>,
    charges: u64,
}

impl Plates {
    pub(super) fn bind(&mut self, plate: &str, agreement: Option<PlateAgreement>) {
        match agreement {
            Some(agreement) => drop(self.bound.insert(plate.to_owned(), agreement)),
            None => drop(self.bound.remove(plate)),
        }
    }
}

/// Parts of payments that are settled to others.
#[derive(Debug, Default)]
pub(super) struct SubOrders {
    given: BTreeMap<String, SubOrder>,
    /// Numbers of what was taken back, with how much of which sub-order.
    taken: BTreeMap<String, (String, i64)>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubOrder {
    pub out_trade_no: String,
    pub sub_mer_id: String,
    /// What it has of the payment, less what was taken back.
    pub fen: i64,
}

impl SubOrders {
    pub(super) fn all(&self) -> Vec<SubOrder> {
        self.given.values().cloned().collect()
    }

    /// Gives a part of a paid order; the same number again is the same.
    fn give(&mut self, book: Option<&Book>, biz: &Value) -> Value {
        let Some(book) = book else { return refused(Refusal::NoSuchOrder) };
        for sub in biz["order_submit_act_input"].as_array().into_iter().flatten() {
            let (number, payee) = (text(sub, "sub_order_id"), text(sub, "sub_mer_id"));
            let Some(fen) =
                fen(sub, "classify_amt").filter(|_| !number.is_empty() && !payee.is_empty())
            else {
                return refused(Refusal::BadField);
            };
            let of_order = self.given.values().filter(|s| s.out_trade_no == book.out_trade_no);
            let so_far: i64 = of_order.map(|sub| sub.fen).sum();
            if self.given.contains_key(number) {
                continue;
            }
            if so_far + fen > book.paid_fen {
                return refused(Refusal::RefundTooLarge);
            }
            let (out_trade_no, sub_mer_id) = (book.out_trade_no.clone(), payee.to_owned());
            self.given.insert(number.to_owned(), SubOrder { out_trade_no, sub_mer_id, fen });
        }
        json!({"return_code": 0, "return_msg": "", "order_submit_act_output": []})
    }

    fn take_back(&mut self, biz: &Value) -> Value {
        let (number, of) = (text(biz, "seq_no").to_owned(), text(biz, "sub_order_id").to_owned());
        let Some(fen) = fen(biz, "classify_amt").filter(|_| !number.is_empty()) else {
            return refused(Refusal::BadField);
        };
        if self.taken.contains_key(&number) {
            return json!({"return_code": 0, "return_msg": ""});
        }
        match self.given.get_mut(&of) {
            Some(sub) if sub.fen >= fen => sub.fen -= fen,
            Some(_) => return refused(Refusal::RefundTooLarge),
            None => return refused(Refusal::NoSuchOrder),
        }
        self.taken.insert(number, (of, fen));
        json!({"return_code": 0, "return_msg": ""})
    }
}

/// A plate that is not bound, and one that may not be charged now: this bank's own codes.
const UNBOUND_CODE: i64 = 93_010;
const PAUSED_CODE: i64 = 93_011;

/// An answer in the words of one call.
struct Content {
    after_ms: u32,
    /// `None`: never.
    said: Option<Value>,
}

fn content(said: Value) -> Content {
    Content { after_ms: 0, said: Some(said) }
}

fn refused(refusal: Refusal) -> Value {
    json!({"return_code": refusal.code(), "return_msg": refusal.text()})
}

pub(super) async fn call(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    let now = shared.now();
    let opened = wire::open(&shared.settings, &shared.keys, now, uri.path(), &pairs);
    let (msg_id, answer) = match opened {
        Ok((msg_id, _)) if !shared.is_new(&msg_id) => {
            (msg_id, content(refused(Refusal::RepeatedMessage)))
        }
        Ok((msg_id, text)) => {
            let biz = serde_json::from_str(&text).unwrap_or_default();
            let Some(answer) = act(&shared, now, uri.path(), &biz) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            (msg_id, answer)
        }
        Err(refusal) => (String::new(), content(refused(refusal))),
    };
    shared.pause(Duration::from_millis(answer.after_ms.into())).await;
    let Some(mut said) = answer.said else {
        shared.pause(SILENCE).await;
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    };
    said["msg_id"] = msg_id.into();
    let rightly = !shared.bank().signs_wrongly();
    let body = wire::seal(&shared.settings, &shared.keys, &said, rightly);
    ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}

fn text<'a>(biz: &'a Value, name: &str) -> &'a str {
    biz[name].as_str().unwrap_or_default()
}

fn fen(biz: &Value, name: &str) -> Option<i64> {
    let digits = text(biz, name);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|fen| plain && *fen > 0)
}

/// `None` for a call this gateway does not have.
fn act(shared: &Shared, now: Timestamp, path: &str, biz: &Value) -> Option<Content> {
    if let Some(call) = path.strip_prefix("/api/ecsp/scenic/ticket/") {
        let faults = shared.bank().faults().clone();
        let after_ms = if faults.slow >= 1.0 { faults.slow_ms } else { 0 };
        return Some(Content { after_ms, said: shared.scenic().call(call, biz) });
    }
    let merchant = ["mer_id", "merchant_id", "outVendorId"].iter().find_map(|n| biz[n].as_str());
    if merchant != Some(shared.settings.mer_id.as_str()) {
        return Some(content(refused(Refusal::UnknownMerchant)));
    }
    if matches!(
        path,
        "/api/cardbusiness/qrcode/consumption/V1"
            | "/api/cardbusiness/aggregatepay/b2c/online/consumepurchase/V1"
    ) {
        let number = text(biz, "out_trade_no").to_owned();
        shared.begun_by().insert(number, path.to_owned());
    }
    if let Some(call) = path.strip_prefix("/api/b2c/") {
        return plate(shared, now, call, biz);
    }
    let mut bank = shared.bank();
    let number = text(biz, "out_trade_no");
    match path {
        "/api/cardbusiness/aggregatepay/b2c/online/sersuborder/V1" => {
            let order = text(biz, "order_num");
            let known = bank.book_of(order);
            let said = shared.sub_orders().give(known.as_ref(), biz);
            return Some(content(said));
        }
        "/api/cardbusiness/aggregatepay/b2c/online/sersuborderrefund/V1" => {
            return Some(content(shared.sub_orders().take_back(biz)));
        }
        _ => {}
    }
    Some(match path.strip_prefix("/api/")? {
        "qrcode/V2/pay" | "qrcode/pay/V3" | "qrcode/pay/V4" => {
            told(collect(&mut bank, now, biz, text(biz, "qr_code")), |said| {
                standing(said, Status::Collect)
            })
        }
        "qrcode/query/V3" | "qrcode/query/V4" | "qrcode/query/V5" => {
            told(bank.query(now, number), |said| standing(said, Status::Qrcode))
        }
        "qrcode/reject/V3" => {
            told(refund(&mut bank, now, biz, "reject_no", "reject_amt"), rejected)
        }
        "qrcode/V2/reject/query" | "qrcode/reject/query/V4" => {
            let no = text(biz, "reject_no").to_owned();
            told(bank.refund_query(now, number), move |said| one_refund(said, &no))
        }
        "qrcode/reject/query/V3" => told(bank.refund_query(now, number), all_refunds),
        "cardbusiness/qrcode/consumption/V1" => {
            let link = format!("{}/cashier/", shared.base_url);
            told(generate(&mut bank, now, biz, "amount"), move |said| {
                cashier(said, "codeUrl", &link)
            })
        }
        "cardbusiness/aggregatepay/b2c/online/consumepurchase/V1" => {
            let link = format!("{}/cashier/", shared.base_url);
            let name = match text(biz, "pay_mode") {
                "9" => "wx_data_package",
                "10" => "zfb_data_package",
                _ => "union_data_package",
            };
            told(generate(&mut bank, now, biz, "total_fee"), move |said| cashier(said, name, &link))
        }
        "cardbusiness/aggregatepay/b2c/online/orderqry/V1" => {
            let closing = text(biz, "deal_flag") == "1";
            if closing {
                let _ = bank.reverse(now, number);
            }
            told(bank.query(now, number), |said| standing(said, Status::Online))
        }
        "cardbusiness/aggregatepay/b2c/online/merrefund/V1" => {
            let answer = refund(&mut bank, now, biz, "outtrx_serial_no", "ret_total_amt");
            told(
                answer,
                |_| json!({"return_code": 0, "return_msg": "", "intrx_serial_no": "SIMR1"}),
            )
        }
        "cardbusiness/aggregatepay/b2c/online/refundqry/V1" => {
            let no = text(biz, "outtrx_serial_no").to_owned();
            told(bank.refund_query(now, number), move |said| one_refund(said, &no))
        }
        "jft/api/vacct/token/get/V1" => {
            content(json!({"return_code": 0, "token": format!("T{}", shared.settings.app_id)}))
        }
        _ => return None,
    })
}

/// The bank's answer in the words of a call; a refusal is told alike everywhere.
fn told(answer: Answer, words: impl FnOnce(Said) -> Value) -> Content {
    let said = answer.said.map(|said| match said {
        Said::No(refusal) => refused(refusal),
        said => words(said),
    });
    Content { after_ms: answer.after_ms, said }
}

fn collect(bank: &mut Bank, now: Timestamp, biz: &Value, code: &str) -> Answer {
    let Some(fen) = fen(biz, "order_amt").or_else(|| fen(biz, "amount")) else {
        return no(Refusal::BadField);
    };
    let number = ["out_trade_no", "order_id"].iter().find_map(|name| biz[name].as_str());
    let (subject, code) = (text(biz, "attach").to_owned(), code.to_owned());
    let out_trade_no = number.unwrap_or_default().to_owned();
    bank.collect(now, Collect { out_trade_no, fen, subject, code })
}

fn refund(bank: &mut Bank, now: Timestamp, biz: &Value, no_name: &str, fen_name: &str) -> Answer {
    match (text(biz, no_name), fen(biz, fen_name)) {
        (number, Some(fen)) if !number.is_empty() => {
            bank.refund(now, text(biz, "out_trade_no"), number, fen)
        }
        _ => no(Refusal::BadField),
    }
}

fn generate(bank: &mut Bank, now: Timestamp, biz: &Value, fen_name: &str) -> Answer {
    let wanted = ["mer_prtcl_no", "access_type", "icbc_appid", "mer_url"];
    let expires_s = text(biz, "expire_time").parse().ok().filter(|s| *s > 60);
    match (fen(biz, fen_name), expires_s) {
        (Some(fen), Some(expires_s)) if wanted.iter().all(|name| !text(biz, name).is_empty()) => {
            let notified = text(biz, "notify_type") == "HS";
            let order = Generate {
                out_trade_no: text(biz, "out_trade_no").to_owned(),
                fen,
                subject: text(biz, "body").to_owned(),
                expires_s,
                notify_url: notified.then(|| text(biz, "mer_url").to_owned()),
            };
            bank.generate(now, order)
        }
        _ => no(Refusal::BadField),
    }
}

/// Who counts `pay_status` how.
#[derive(Clone, Copy)]
enum Status {
    Collect,
    Qrcode,
    Online,
}

fn standing(said: Said, status: Status) -> Value {
    let Said::Standing(standing) = said else { return refused(Refusal::BadField) };
    // Paid it was, whatever was given back since.
    let (paid, waits) = (matches!(standing.status, 1 | 5 | 6), standing.status == 0);
    let code = match status {
        Status::Qrcode => standing.status,
        Status::Collect if paid => 1,
        Status::Collect => {
            if waits {
                0
            } else {
                2
            }
        }
        Status::Online if paid => 0,
        Status::Online => {
            if waits {
                2
            } else {
                1
            }
        }
    };
    json!({
        "return_code": 0, "pay_status": code.to_string(), "out_trade_no": standing.out_trade_no,
        "order_id": standing.bank_no, "total_amt": standing.total_fen.to_string(),
        "pay_time": standing.paid_at.map_or_else(String::new, wire::stamp), "card_no": "",
    })
}

fn rejected(said: Said) -> Value {
    let Said::Rejected { out_trade_no, reject_no, fen, .. } = said else {
        return refused(Refusal::BadField);
    };
    json!({
        "return_code": 0, "out_trade_no": out_trade_no, "reject_no": reject_no,
        "reject_amt": fen.to_string(), "trace_no": "1",
    })
}

fn one_refund(said: Said, number: &str) -> Value {
    let Said::Refunds { out_trade_no, refunds, .. } = said else {
        return refused(Refusal::BadField);
    };
    let done = |line: &&super::super::words::RefundLine| {
        line.refund_no == number && line.standing == RefundStanding::Done
    };
    match refunds.iter().find(done) {
        Some(line) => json!({
            "return_code": 0, "out_trade_no": out_trade_no, "reject_no": number,
            "reject_amt": line.fen.to_string(),
        }),
        None => refused(Refusal::NoSuchRefund),
    }
}

fn all_refunds(said: Said) -> Value {
    let Said::Refunds { out_trade_no, refunds, .. } = said else {
        return refused(Refusal::BadField);
    };
    let done = refunds.iter().filter(|line| line.standing == RefundStanding::Done);
    let list: Vec<Value> = done
        .map(|line| json!({"reject_no": line.refund_no, "reject_amt": line.fen.to_string()}))
        .collect();
    json!({"return_code": 0, "out_trade_no": out_trade_no, "refund_json_list": list})
}

fn cashier(said: Said, name: &str, link: &str) -> Value {
    match said {
        Said::Cashier { token } => json!({"return_code": "0", name: format!("{link}{token}")}),
        _ => refused(Refusal::BadField),
    }
}

/// Calls about plates. A pass-free number is taken for the plate's own name.
fn plate(shared: &Shared, now: Timestamp, call: &str, biz: &Value) -> Option<Content> {
    let mut plates = shared.plates();
    let name = ["plateno", "external_agreement_no"].iter().find_map(|name| biz[name].as_str());
    let name = name.unwrap_or_default().to_owned();
    let bound = plates.bound.get(&name).copied();
    let paused = || content(json!({"return_code": PAUSED_CODE, "return_msg": "协议暂停"}));
    let unbound = || content(json!({"return_code": UNBOUND_CODE, "return_msg": "未签约"}));
    Some(match call {
        "licenseplate/payment/query/V3" if bound == Some(PlateAgreement::Paused) => paused(),
        "licenseplate/payment/query/V3" => content(json!({
            "return_code": 0, "plateno": name, "platecolor": biz["platecolor"],
            "prtoex": if bound.is_some() { "1" } else { "0" }, "startdate": "20260101",
        })),
        "passfree/payment/query/V1" => match bound {
            Some(PlateAgreement::Bound) => content(json!({
                "return_code": 0, "external_agreement_no": name, "agreement_no": "SIMA1",
                "valid_time": "20260101000000", "invalid_time": "",
            })),
            Some(PlateAgreement::Paused) => paused(),
            None => unbound(),
        },
        "passfree/payment/terminate/V1" => {
            plates.bind(&name, None);
            content(json!({"return_code": 0}))
        }
        "passfree/payment/pay/V2" | "passfree/payment/pay/V3"
            if text(biz, "channel_type").is_empty() =>
        {
            content(refused(Refusal::BadField))
        }
        "licenseplate/payment/pay/V3"
        | "passfree/payment/pay/V1"
        | "passfree/payment/pay/V2"
        | "passfree/payment/pay/V3" => match bound {
            Some(PlateAgreement::Bound) => {
                plates.charges += 1;
                let code = format!("9{:018}", plates.charges);
                let number = text(biz, "order_id").to_owned();
                let answer = collect(&mut shared.bank(), now, biz, &code);
                told(answer, |said| match said {
                    Said::Standing(standing) => json!({
                        "return_code": 0, "order_id": number,
                        "total_amt": standing.total_fen.to_string(), "mer_disc_amt": "0",
                    }),
                    _ => refused(Refusal::BadField),
                })
            }
            Some(PlateAgreement::Paused) => paused(),
            None => unbound(),
        },
        _ => return None,
    })
}

/// The signing page: the address holds the parameters, the body the business text. What is signed is bound at once.
pub(super) async fn sign_page(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    Query(mut pairs): Query<Vec<(String, String)>>,
    Form(body): Form<Vec<(String, String)>>,
) -> Response {
    pairs.extend(body);
    let opened = wire::open(&shared.settings, &shared.keys, shared.now(), uri.path(), &pairs);
    let Ok((_, content)) = opened else {
        return (StatusCode::FORBIDDEN, "sign not pass").into_response();
    };
    let biz: Value = serde_json::from_str(&content).unwrap_or_default();
    let plate = match biz["external_agreement_no"].as_str() {
        Some(number) => number.to_owned(),
        None => plate_in_gbk(text(&biz, "tranData")).unwrap_or_default(),
    };
    if plate.is_empty() {
        return (StatusCode::BAD_REQUEST, "no plate").into_response();
    }
    shared.plates().bind(&plate, Some(PlateAgreement::Bound));
    Html(format!("<p>签约成功 {plate}</p>")).into_response()
}

/// The value of `plateno`: percent signs and GBK.
fn plate_in_gbk(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("plateno="))?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let two = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&two).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    let (text, _, broken) = encoding_rs::GBK.decode(&bytes);
    (!broken).then(|| text.into_owned())
}

/// A day's file in a layout of this bank's own, in GBK.
pub(super) async fn statement(
    State(shared): State<Arc<Shared>>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let token = format!("T{}", shared.settings.app_id);
    let day = Date::strptime("%Y%m%d", field("acDate"));
    let known = field("outVendorId") == shared.settings.mer_id;
    let (Ok(day), true, true) = (day, known, field("token") == token) else {
        return r#"{"return_code":"1","return_msg":"token"}"#.into_response();
    };
    let Ok(from) = tz::offset(8).to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut bank = shared.bank();
    if bank.statement_late() {
        return r#"{"return_code":"2","return_msg":"对账文件未生成"}"#.into_response();
    }
    let mut file = "商户订单号|订单号|交易类型|金额|退货编号|手续费|交易时间\n".to_owned();
    for line in bank.statement(from, from + SignedDuration::from_hours(24)) {
        let (kind, refund_no, fen) = match &line.kind {
            BillKind::Paid => ("消费", "", line.order_fen),
            BillKind::Refunded { refund_no, fen } => ("退货", refund_no.as_str(), *fen),
            BillKind::Undone => ("冲正", "", line.order_fen),
        };
        let (no, bank_no, at) = (&line.out_trade_no, &line.bank_no, wire::local(line.at));
        let at = at.strftime("%Y-%m-%d %H:%M:%S");
        let _ = writeln!(
            file,
            "{no}|{bank_no}|{kind}|{}.{:02}|{refund_no}|0.00|{at}",
            fen / 100,
            fen % 100
        );
    }
    encoding_rs::GBK.encode(&file).0.into_owned().into_response()
}
