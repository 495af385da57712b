//! WeChat's parking service on a loopback port: entries, charges, questions, refunds, and notifications sealed by its own
//! cipher. Decides nothing about money: that is `model`'s.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, Path as UrlPath, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::{civil::Date, tz};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{
    crypto::{GatewayKeys, write_secret},
    faults::Faults,
    gateway::PlateAgreement,
    wallet::{Entered, Shared, Wallet, Words, no_answer},
    words::{Answer, ChargeAsked, Notice, Refusal, Said},
};

mod bill;
mod gcm;
mod wire;

use wire::{error, signed, text};

/// Where a day's statement is asked about, and where its file lies.
const BILL: &str = "/v3/bill/tradebill";
const BILL_FILE: &str = "/v3/billdownload/file";

/// One merchant under a service provider.
#[derive(Clone, Debug)]
pub struct Wechat {
    mchid: String,
    sub_mchid: String,
    appid: String,
    /// Of the merchant's certificate, and of the platform's key.
    serial_no: String,
    platform_serial: String,
    apiv3: String,
}

pub type WechatGateway = Wallet<Wechat>;

impl Wallet<Wechat> {
    pub async fn start(faults: Faults, keys: GatewayKeys) -> io::Result<Self> {
        let words = Wechat {
            mchid: "1900000001".to_owned(),
            sub_mchid: "1900000109".to_owned(),
            appid: "wxcbda96de0b165486".to_owned(),
            serial_no: "3775B6A45ACD588826D15E583A95F5DD".to_owned(),
            platform_serial: "PUB_KEY_ID_0119000000012026".to_owned(),
            apiv3: "0123456789abcdef0123456789ABCDEF".to_owned(),
        };
        Self::begin(words, faults, keys).await
    }

    /// Writes the merchant's keys into `folder` and returns the channel's settings as TOML, to be put under
    /// `[bank.wechat]` of the site file.
    pub fn site_toml(&self, folder: &Path, notify_url: &str) -> io::Result<String> {
        let (words, keys) = (&self.shared.words, &self.shared.keys);
        let file = |name: &str| folder.join(name);
        let key = file("wechat-merchant.key");
        keys.write_merchant_key(&key)?;
        let secret = file("wechat-apiv3.key");
        write_secret(&secret, &words.apiv3)?;
        let platform = file("wechat-platform.pem");
        std::fs::write(&platform, keys.gateway_public_key())?;
        let mut table = toml::Table::new();
        let mut set = |name: &str, value: String| table.insert(name.to_owned(), value.into());
        set("base_url", self.base_url().to_owned());
        set("mchid", words.mchid.clone());
        set("sub_mchid", words.sub_mchid.clone());
        set("appid", words.appid.clone());
        set("serial_no", words.serial_no.clone());
        set("private_key_file", key.display().to_string());
        set("apiv3_key_file", secret.display().to_string());
        set("notify_url", notify_url.to_owned());
        set("parking_name", "湖畔停车场".to_owned());
        set("bill_path", BILL.to_owned());
        let keys = [(words.platform_serial.clone(), platform.display().to_string().into())];
        table.insert("platform_keys".to_owned(), toml::Table::from_iter(keys).into());
        Ok(table.to_string())
    }

    /// A vehicle inside may be charged from now on, or not any more (`Some`: why), and the site is told. The site's
    /// answer: status and text.
    pub async fn change_entrance(
        &self,
        out_parking_no: &str,
        blocked: Option<&str>,
    ) -> Option<(u16, String)> {
        let entered = self.shared.plates().entered.get(out_parking_no).cloned()?;
        let words = &self.shared.words;
        let mut plain = json!({
            "sp_mchid": words.mchid, "sub_mchid": words.sub_mchid,
            "out_parking_no": out_parking_no, "parking_id": entered.id,
            "plate_number": entered.plate, "plate_color": entered.colour,
            "start_time": entered.start, "parking_name": "湖畔停车场", "free_duration": 0,
            "parking_state": if blocked.is_some() { "BLOCKED" } else { "NORMAL" },
            "state_update_time": wire::time(self.shared.now()),
        });
        if let Some(reason) = blocked {
            plain["blocked_state_description"] = reason.into();
        }
        let number = format!("entrance-{out_parking_no}-{}", blocked.unwrap_or("NORMAL"));
        let body = wire::sealed(words, &number, "VEHICLE.ENTRANCE_STATE_CHANGE", "vehicle", &plain);
        let post = self.client.post(&entered.notify_url);
        let reply = wire::posted(&self.shared, post, body).send().await.ok()?;
        Some((reply.status().as_u16(), reply.text().await.ok()?))
    }
}

impl Words for Wechat {
    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v3/vehicle/parking/services/find", get(call))
            .route("/v3/vehicle/parking/parkings", post(call))
            .route("/v3/vehicle/transactions/parking", post(call))
            .route("/v3/vehicle/transactions/out-trade-no/{number}", get(named))
            .route(BILL, get(bill_of))
            .route(BILL_FILE, get(bill_file))
            .route("/v3/refund/domestic/refunds", post(call))
            .route("/v3/refund/domestic/refunds/{number}", get(named))
    }

    fn letter(shared: &Shared<Self>, post: RequestBuilder, notice: &Notice) -> RequestBuilder {
        let standing = &notice.standing;
        let event = if standing.status == 2 { "TRANSACTION.FAIL" } else { "TRANSACTION.SUCCESS" };
        let plain = wire::transaction(&shared.words, standing);
        let body = wire::sealed(&shared.words, &notice.msg_id, event, "transaction", &plain);
        wire::posted(shared, post, body)
    }

    fn is_accepted(reply: &str) -> bool {
        let reply: Value = serde_json::from_str(reply).unwrap_or_default();
        reply["code"] == "SUCCESS"
    }
}

type Pairs = BTreeMap<String, String>;

async fn call(
    state: State<Arc<Shared<Wechat>>>,
    method: Method,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(state, method, uri, headers, body, String::new()).await
}

async fn named(
    state: State<Arc<Shared<Wechat>>>,
    UrlPath(number): UrlPath<String>,
    method: Method,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(state, method, uri, headers, body, number).await
}

async fn answered(
    State(shared): State<Arc<Shared<Wechat>>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
    number: String,
) -> Response {
    let body = String::from_utf8_lossy(&body);
    let raw = uri.path_and_query().map_or("", |whole| whole.as_str());
    if let Err(why) = wire::check(&shared, &method, raw, &headers, &body) {
        return signed(&shared, StatusCode::UNAUTHORIZED, &error("SIGN_ERROR", why));
    }
    let query: Pairs = uri.query().map(wire::pairs).unwrap_or_default();
    let biz: Value = serde_json::from_str(&body).unwrap_or_default();
    let sub = biz["sub_mchid"].as_str().or(query.get("sub_mchid").map(String::as_str));
    if sub != Some(shared.words.sub_mchid.as_str()) {
        return signed(&shared, StatusCode::FORBIDDEN, &error("NO_AUTH", "sub_mchid"));
    }
    let path = uri.path();
    if path.starts_with("/v3/vehicle/parking/") {
        let said =
            if path.ends_with("/find") { find(&shared, &query) } else { enter(&shared, &biz) };
        let (status, said) = said;
        return signed(&shared, status, &said);
    }
    let now = shared.now();
    let refused =
        |code: &'static str, why: &'static str| (StatusCode::BAD_REQUEST, error(code, why));
    let answer = match (method, path) {
        (Method::POST, "/v3/vehicle/transactions/parking") => match charge(&shared, &biz) {
            Ok(charge) => shared.bank().charge(now, charge),
            Err((code, why)) => {
                let (status, said) = refused(code, why);
                return signed(&shared, status, &said);
            }
        },
        (Method::POST, _) => {
            let (no, refund_no) = (text(&biz, "out_trade_no"), text(&biz, "out_refund_no"));
            match (biz["amount"]["refund"].as_i64(), biz["amount"]["currency"].as_str()) {
                (Some(fen), Some("CNY")) => shared.bank().refund(now, no, refund_no, fen),
                _ => Answer { after_ms: 0, said: Some(Said::No(Refusal::BadField)) },
            }
        }
        _ if path.starts_with("/v3/refund/") => shared.bank().refund_by_no(now, &number),
        _ => shared.bank().query(now, &number),
    };
    shared.wake();
    let Some(said) = shared.said(answer).await else { return no_answer() };
    let accepting = path == "/v3/vehicle/transactions/parking";
    let (status, said) = wire::answer(&shared.words, &said, accepting, &number);
    signed(&shared, status, &said)
}

/// Says where a day's statement lies, and what it hashes to.
async fn bill_of(
    State(shared): State<Arc<Shared<Wechat>>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let raw = uri.path_and_query().map_or("", |whole| whole.as_str());
    if let Err(why) = wire::check(&shared, &method, raw, &headers, "") {
        return signed(&shared, StatusCode::UNAUTHORIZED, &error("SIGN_ERROR", why));
    }
    let query: Pairs = uri.query().map(wire::pairs).unwrap_or_default();
    let asked = |name: &str| query.get(name).map_or("", String::as_str);
    if asked("sub_mchid") != shared.words.sub_mchid || asked("bill_type") != "ALL" {
        return signed(&shared, StatusCode::FORBIDDEN, &error("NO_AUTH", "sub_mchid"));
    }
    let day = asked("bill_date");
    let Some(text) = statement(&shared, day) else {
        return signed(&shared, StatusCode::BAD_REQUEST, &error("PARAM_ERROR", "bill_date"));
    };
    if shared.bank().statement_late() {
        let said = error("STATEMENT_CREATING", "statement is being created");
        return signed(&shared, StatusCode::BAD_REQUEST, &said);
    }
    let said = json!({
        "hash_type": "SHA1", "hash_value": hex(&Sha1::digest(text)),
        "download_url": format!("http://{}{BILL_FILE}?token={day}", host(&headers)),
    });
    signed(&shared, StatusCode::OK, &said)
}

/// The file itself, signed for by its caller and by nobody else.
async fn bill_file(
    State(shared): State<Arc<Shared<Wechat>>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let raw = uri.path_and_query().map_or("", |whole| whole.as_str());
    if let Err(why) = wire::check(&shared, &method, raw, &headers, "") {
        return signed(&shared, StatusCode::UNAUTHORIZED, &error("SIGN_ERROR", why));
    }
    let query: Pairs = uri.query().map(wire::pairs).unwrap_or_default();
    let text = query.get("token").and_then(|day| statement(&shared, day));
    match text {
        // Somebody in between cut it.
        Some(text) if shared.signs_wrongly() => text[..text.len() / 2].to_owned().into_response(),
        Some(text) => text.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn statement(shared: &Shared<Wechat>, day: &str) -> Option<String> {
    let day: Date = day.parse().ok()?;
    let midnight = |day: Date| tz::offset(8).to_timestamp(day.at(0, 0, 0, 0)).ok();
    let lines = shared.bank().statement(midnight(day)?, midnight(day.tomorrow().ok()?)?);
    Some(bill::text(&shared.words, &lines))
}

fn host(headers: &HeaderMap) -> &str {
    headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn agreement(shared: &Shared<Wechat>, plate: &str) -> Option<PlateAgreement> {
    shared.plates().bound.get(plate).copied()
}

fn find(shared: &Shared<Wechat>, query: &Pairs) -> (StatusCode, Value) {
    let plate = query.get("plate_number").map_or("", String::as_str);
    let state = match agreement(shared, plate) {
        Some(PlateAgreement::Bound) => "NORMAL",
        Some(PlateAgreement::Paused) => "PAUSE",
        None => "OUT_SERVICE",
    };
    let said = json!({
        "plate_number": plate, "plate_color": query.get("plate_color"), "service_state": state,
    });
    (StatusCode::OK, said)
}

/// The same number again is the same entry; each other is another, whatever the plate.
fn enter(shared: &Shared<Wechat>, biz: &Value) -> (StatusCode, Value) {
    let wanted = ["out_parking_no", "plate_number", "plate_color", "start_time", "parking_name"];
    let https = text(biz, "notify_url").starts_with("http");
    if wanted.iter().any(|name| text(biz, name).is_empty()) || !https {
        return (StatusCode::BAD_REQUEST, error("PARAM_ERROR", "a field is missing"));
    }
    let (number, plate) = (text(biz, "out_parking_no"), text(biz, "plate_number"));
    let bound = agreement(shared, plate);
    let mut plates = shared.plates();
    let id = format!("SIMENTRY{:04}", plates.entered.len() + 1);
    let entered = plates.entered.entry(number.to_owned()).or_insert_with(|| Entered {
        id,
        plate: plate.to_owned(),
        colour: text(biz, "plate_color").to_owned(),
        start: text(biz, "start_time").to_owned(),
        notify_url: text(biz, "notify_url").to_owned(),
        charged: None,
    });
    let mut said = biz.clone();
    said["id"] = entered.id.as_str().into();
    said["state"] = if bound == Some(PlateAgreement::Bound) { "NORMAL" } else { "BLOCKED" }.into();
    match bound {
        Some(PlateAgreement::Bound) => {}
        Some(PlateAgreement::Paused) => said["block_reason"] = "OVERDUE".into(),
        None => said["block_reason"] = "OUT_SERVICE".into(),
    }
    (StatusCode::OK, said)
}

/// A charge that fits its entry, each entry once.
fn charge(
    shared: &Shared<Wechat>,
    biz: &Value,
) -> Result<ChargeAsked, (&'static str, &'static str)> {
    let (parking, amount) = (&biz["parking_info"], &biz["amount"]);
    let fen = amount["total"].as_i64().filter(|fen| *fen > 0 && amount["currency"] == "CNY");
    let number = text(biz, "out_trade_no");
    let scene = text(biz, "trade_scene") == "PARKING" && biz["appid"] == shared.words.appid;
    let (Some(fen), true, 1..=32) = (fen, scene, number.len()) else {
        return Err(("PARAM_ERROR", "amount, trade_scene, appid or out_trade_no"));
    };
    if text(parking, "start_time") >= text(parking, "end_time") {
        return Err(("PARAM_ERROR", "start_time is not before end_time"));
    }
    let plate = text(parking, "plate_number");
    if agreement(shared, plate) != Some(PlateAgreement::Bound) {
        return Err(("NO_AUTH", "the plate may not be charged"));
    }
    let mut plates = shared.plates();
    let entered = plates.entered.values_mut().find(|entered| {
        entered.id == text(parking, "parking_id")
            && entered.plate == plate
            && entered.colour == text(parking, "plate_color")
            && entered.start == text(parking, "start_time")
    });
    let Some(entered) = entered else {
        return Err(("INVALID_REQUEST", "场景信息和停车入场id不匹配"));
    };
    if entered.charged.as_deref().is_some_and(|charged| charged != number) {
        return Err(("INVALID_REQUEST", "the entry was charged before"));
    }
    entered.charged = Some(number.to_owned());
    Ok(ChargeAsked {
        out_trade_no: number.to_owned(),
        fen,
        subject: text(biz, "description").to_owned(),
        notify_url: text(biz, "notify_url").to_owned(),
    })
}
