//! A phone on pages shaped like the daemon's, and at the real simulated cashier.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use paifang::{
    bank::{
        Ask, Channel, Word,
        icbc::{Icbc, IcbcSettings},
    },
    types::{Currency, Money},
};
use paifang_sim::{
    bank::{Gateway, GatewayKeys, GatewaySettings},
    wire::{Phone, PhoneError},
};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::Folder;

#[derive(Deserialize)]
struct Typed {
    token: String,
    plate: String,
}

async fn lane(Path(lane): Path<String>) -> Response {
    let form = match lane.as_str() {
        "plate" => {
            "<form method=post action=/l/plate/plate><input type=hidden name=token value=t&amp;1>\
             <input name=plate><button>查询</button></form>"
        }
        "unsure" => "<p>请稍候</p>",
        lane => &format!(
            "<form method=post action=/language><input type=hidden name=to value=en></form>\
             <form method=post action=/l/{lane}/pay><input type=hidden name=visit value=7>\
             <button>支付 ¥12.50</button></form>"
        ),
    };
    ([(header::SET_COOKIE, "seen=1; Path=/")], Html(form.to_owned())).into_response()
}

async fn pay(Path(lane): Path<String>, headers: header::HeaderMap, body: String) -> Response {
    let is_ours = body == "visit=7" && headers.get(header::COOKIE).is_some_and(|c| c == "seen=1");
    match lane.as_str() {
        _ if !is_ours => (StatusCode::BAD_REQUEST, Html("<p>过期")).into_response(),
        "paid" => Redirect::to("/l/unsure").into_response(),
        _ => Html("<meta http-equiv=refresh content='0;url=/l/1/wait'>").into_response(),
    }
}

async fn wait(State(channel): State<Arc<dyn Channel>>) -> Redirect {
    let ask = Ask::Generate {
        out_trade_no: "P1".to_owned(),
        amount: Money::new(1250, Currency::Cny),
        subject: "停车费".to_owned(),
        expires_in_s: 300,
        asked_at: wall_clock(),
    };
    let Word::Cashier { link } = channel.ask(&ask).await else { panic!("no link") };
    Redirect::to(&link)
}

async fn plate(Form(typed): Form<Typed>) -> Html<String> {
    Html(format!("<p>{} {}</p>", typed.token, typed.plate))
}

#[expect(clippy::disallowed_methods, reason = "the gateway checks the time of real requests")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

struct Pages {
    gateway: Gateway,
    url: String,
    _folder: Folder,
}

async fn pages() -> Pages {
    let folder = Folder::new();
    let settings = GatewaySettings::default();
    let gateway = Gateway::start(settings, GatewayKeys::generate(21)).await.unwrap();
    let toml = gateway.site_toml(&folder.0, "http://127.0.0.1:9//notify").unwrap();
    let settings: IcbcSettings = toml::from_str(&toml).unwrap();
    let channel: Arc<dyn Channel> = Arc::new(Icbc::open(settings, Arc::new(wall_clock)).unwrap());
    let app = Router::new()
        .route("/l/{lane}", get(lane))
        .route("/l/{lane}/pay", post(pay))
        .route("/l/1/wait", get(wait))
        .route("/l/plate/plate", post(plate))
        .with_state(channel);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Pages { gateway, url, _folder: folder }
}

#[tokio::test]
async fn it_scans_presses_and_pays() {
    let pages = pages().await;
    let phone = Phone::new(&format!("{}/", pages.url)).unwrap();
    let page = phone.open_lane_page("1").await.unwrap();
    assert!(page.can_pay() && !page.asks_plate());
    assert_eq!(page.text(), "支付 ¥12.50");

    let cashier = phone.go_to_cashier("1").await.unwrap();
    assert!(cashier.url.as_str().starts_with(pages.gateway.base_url()), "{}", cashier.url);
    let paid = phone.pay_at_cashier(&cashier).await.unwrap();
    assert!(paid.text().contains("支付成功"), "{}", paid.text());
    assert!(
        pages.gateway.books().iter().any(|book| book.paid_fen == 1250),
        "{:?}",
        pages.gateway.books()
    );
    let again = phone.open(cashier.url.as_str()).await.unwrap();
    assert!(!again.can_pay(), "{}", again.text());
    assert!(matches!(phone.pay_at_cashier(&again).await, Err(PhoneError::NoForm { .. })));
}

#[tokio::test]
async fn it_types_a_plate() {
    let pages = pages().await;
    let phone = Phone::new(&pages.url).unwrap();
    assert!(phone.open_lane_page("plate").await.unwrap().asks_plate());
    let page = phone.type_plate("plate", "京A12345").await.unwrap();
    assert_eq!(page.text(), "t&1 京A12345");
    assert!(matches!(phone.pay("plate").await, Err(PhoneError::NoForm { .. })));
}

#[tokio::test]
async fn it_tells_where_it_got_stuck() {
    let pages = pages().await;
    let phone = Phone::new(&pages.url).unwrap();
    let error = phone.pay("paid").await.unwrap_err();
    assert!(matches!(&error, PhoneError::NotAtCashier { text, .. } if text == "请稍候"), "{error}");
    let error = phone.pay("unsure").await.unwrap_err();
    assert!(error.to_string().contains("请稍候"), "{error}");
    let error = phone.open(&format!("{}/nowhere", pages.url)).await.unwrap_err();
    assert!(matches!(error, PhoneError::Status { status: StatusCode::NOT_FOUND, .. }), "{error}");
    let closed = Phone::new("http://127.0.0.1:1").unwrap();
    let error = closed.open_lane_page("1").await.unwrap_err();
    assert!(matches!(error, PhoneError::Network { .. }), "{error}");
    assert!(Phone::new("not an address").is_err());
}
