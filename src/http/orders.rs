//! What other programs of the merchant sell through this site: `/api/v1/orders`. A program is known by its counter's
//! token and sees its own counter's orders only. Knows no goods.

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    error::ApiError,
    program::{Access, Api, Op},
    router::{Shared, Web},
};
use crate::{
    core::{
        Answer, Input,
        input::{At, RefundAsked, SaleAsked},
        money::{Order, OrderState, PaidBy, Payment, Refund},
    },
    types::{CounterId, Money, OrderId, PayerCode, Scope},
};

pub(super) fn api(api: Api) -> Api {
    let by = Access::Counter(Scope::OrdersWrite);
    let api = api
        .on(
            Op::post("/api/v1/orders", "sell", "A new order; the same key is the same order")
                .by(by)
                .body::<Sold>()
                .gives::<OrderBody>(200, "The order, with the way to pay it"),
            sell,
        )
        .on(
            Op::get("/api/v1/orders/{order}", "getSale", "An order of this counter")
                .by(by)
                .gives::<OrderBody>(200, "As it stands"),
            see,
        );
    api.on(
        Op::post(
            "/api/v1/orders/{order}/code",
            "collectByCode",
            "Collects by the payer's own code",
        )
        .by(by)
        .body::<Shown>()
        .gives::<OrderBody>(202, "The bank is asked; the order tells what came of it"),
        code,
    )
    .on(
        Op::post("/api/v1/orders/{order}/cancel", "cancelSale", "Gives up what is not paid")
            .by(by)
            .gives::<OrderBody>(200, "As it stands"),
        cancel,
    )
    .on(
        Op::post(
            "/api/v1/orders/{order}/refunds",
            "refundSale",
            "Gives back; the same key is the same refund",
        )
        .by(by)
        .body::<Wanted>()
        .gives::<OrderBody>(202, "Asked for; the refunds tell how it stands"),
        refund,
    )
}

/// A program of a counter: `Authorization: Bearer <token>`.
pub(super) struct AtCounter(pub(super) CounterId);

impl FromRequestParts<Shared> for AtCounter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        // The door before every operation of the API knows.
        parts.extensions.get::<CounterId>().cloned().map(Self).ok_or(ApiError::SignIn)
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SaleAsk, example = json!({ "key": "2026-000123", "subject": "挂号费", "amount_minor": 2500 }))]
#[serde(deny_unknown_fields)]
struct Sold {
    /// The counter's own number of it: the same number is the same order, however often it is sent.
    key: String,
    /// What the payer reads.
    subject: String,
    /// In the site's currency.
    amount_minor: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sale)]
struct OrderBody {
    id: OrderId,
    key: String,
    subject: String,
    amount: Money,
    /// `due`, `paid` or `void`.
    state: &'static str,
    /// `bank`, `cash` or `account`.
    paid_by: Option<&'static str>,
    paid_at: Option<Timestamp>,
    /// Until then it can be paid.
    open_until: Option<Timestamp>,
    /// To be shown as a QR code, or opened on the payer's phone.
    pay_url: String,
    /// The attempts, oldest first.
    payments: Vec<PaymentBody>,
    refunds: Vec<RefundBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SalePayment)]
struct PaymentBody {
    out_trade_no: String,
    /// `cashier` or `payer_code`.
    way: &'static str,
    /// `pending` and `reversing` are undecided; ask again.
    state: &'static str,
    made_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleRefund)]
struct RefundBody {
    key: Option<String>,
    refund_no: String,
    amount: Money,
    /// `waiting` for a second person, `pending`, `done`, `refused` by the bank, or `denied`.
    state: &'static str,
}

fn refund_body(refund: &Refund) -> RefundBody {
    RefundBody {
        key: refund.key.clone(),
        refund_no: refund.refund_no.clone(),
        amount: refund.amount,
        state: refund.state.name(),
    }
}

async fn body(web: &Web, order: Order, payments: &[Payment]) -> Result<OrderBody, ApiError> {
    let sale = order.sale.clone().ok_or(ApiError::NotFound)?;
    let refunds = web.payments.refunds_of_order(order.id).await?;
    let (paid_by, paid_at) = match &order.state {
        OrderState::Paid { by: PaidBy::Cash(_), at } => (Some("cash"), Some(*at)),
        OrderState::Paid { by: PaidBy::Counter, at } => (Some("account"), Some(*at)),
        OrderState::Paid { at, .. } => (Some("bank"), Some(*at)),
        _ => (None, None),
    };
    Ok(OrderBody {
        id: order.id,
        key: sale.key,
        subject: sale.subject,
        amount: order.amount,
        state: order.state.name(),
        paid_by,
        paid_at,
        open_until: sale.open_until.filter(|_| order.state == OrderState::Due),
        pay_url: format!("{}/p/{}", web.settings.public_url(), web.links.token(order.id)),
        payments: payments
            .iter()
            .map(|payment| PaymentBody {
                out_trade_no: payment.out_trade_no.clone(),
                way: payment.way.name(),
                state: payment.state.name(),
                made_at: payment.made_at,
            })
            .collect(),
        refunds: refunds.iter().map(refund_body).collect(),
    })
}

/// An order of this counter with its payments; those of others are not there.
async fn own(
    web: &Web,
    counter: &CounterId,
    id: OrderId,
) -> Result<(Order, Vec<Payment>), ApiError> {
    let found = web.records.order(id).await?;
    let of = |order: &Order| order.sale.as_ref().is_some_and(|sale| sale.counter == *counter);
    found.filter(|(order, _)| of(order)).ok_or(ApiError::NotFound)
}

async fn answer(web: &Web, counter: &CounterId, id: OrderId) -> Result<Json<OrderBody>, ApiError> {
    let (order, payments) = own(web, counter, id).await?;
    Ok(Json(body(web, order, &payments).await?))
}

/// A new order, or the one this number is of already.
async fn sell(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Json(sold): Json<Sold>,
) -> Result<Json<OrderBody>, ApiError> {
    let Sold { key, subject, amount_minor } = sold;
    // What is not remembered any more is in the tables still.
    if let Some(known) = web.payments.sale(counter.clone(), key.clone()).await? {
        let same = known.amount.minor == amount_minor
            && known.sale.as_ref().is_some_and(|sale| sale.subject == subject.trim());
        if !same {
            return Err(crate::core::Refusal::SaleDiffers(known.id).into());
        }
        return answer(&web, &counter, known.id).await;
    }
    let asked = SaleAsked { counter: counter.clone(), key, subject, amount_minor };
    match web.desk.tell(Input::SaleAsked(asked)).await?? {
        Answer::Order(order) => answer(&web, &counter, order).await,
        _ => Err(ApiError::Internal),
    }
}

async fn see(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
) -> Result<Json<OrderBody>, ApiError> {
    answer(&web, &counter, OrderId(order)).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ShownCode)]
#[serde(deny_unknown_fields)]
struct Shown {
    /// The digits on the payer's phone.
    #[schema(value_type = String, min_length = 16, max_length = 32)]
    code: PayerCodeText,
    /// What a certified scanner made of it.
    #[serde(default)]
    secret_text: Option<PayerCodeText>,
}

/// Kept out of every log.
#[derive(Deserialize, ToSchema)]
#[schema(as = PayerText)]
#[serde(transparent)]
struct PayerCodeText(String);

impl std::fmt::Debug for PayerCodeText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PayerCodeText")
    }
}

/// Collects by the payer's code. Whether it was paid, the order tells: mostly within seconds.
async fn code(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
    Json(shown): Json<Shown>,
) -> Result<(StatusCode, Json<OrderBody>), ApiError> {
    let (order, _) = own(&web, &counter, OrderId(order)).await?;
    let odd = ApiError::Unfit("这不像付款码。", "That is no payer's code: 16 to 32 digits.");
    let code = PayerCode::parse(&shown.code.0).ok_or(odd)?;
    let code = match &shown.secret_text {
        Some(cipher) => code.with_cipher(&cipher.0).ok_or(ApiError::Unfit(
            "密文应为 1 至 128 个可见字符。",
            "A secret_text has 1 to 128 visible characters.",
        ))?,
        None => code,
    };
    let at = At::Order(order.id);
    web.desk.tell(Input::PayerCodeScanned { at, code }).await??;
    Ok((StatusCode::ACCEPTED, answer(&web, &counter, order.id).await?))
}

async fn cancel(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
) -> Result<Json<OrderBody>, ApiError> {
    let (order, _) = own(&web, &counter, OrderId(order)).await?;
    let cancelled = Input::SaleCancelled { counter: counter.clone(), order: order.id };
    web.desk.tell(cancelled).await??;
    answer(&web, &counter, order.id).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SaleRefundAsk)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The counter's own number of the refund.
    key: String,
    amount_minor: i64,
    reason: String,
}

/// Gives back of the payment that settled the order. Cash goes back at the booth that took it.
async fn refund(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<OrderBody>), ApiError> {
    let (order, payments) = own(&web, &counter, OrderId(order)).await?;
    let settled = match order.state {
        OrderState::Paid { by: PaidBy::Payment(by), .. } => {
            payments.into_iter().find(|p| p.id == by)
        }
        _ => None,
    };
    let odd = ApiError::Unfit(
        "该订单没有经银行付款，不能退款。",
        "Nothing was paid for this order through the bank, so nothing can go back.",
    );
    let payment = settled.ok_or(odd)?;
    if !(1..=64).contains(&wanted.key.chars().count()) || wanted.reason.chars().count() > 200 {
        return Err(ApiError::Unfit(
            "退款单号 1 到 64 字，原因不超过 200 字。",
            "A refund has a number of 1 to 64 characters and a reason of at most 200.",
        ));
    }
    let asked = RefundAsked {
        payment,
        order: order.clone(),
        amount_minor: wanted.amount_minor,
        key: wanted.key,
        who: counter.to_string(),
        reason: wanted.reason,
    };
    web.desk.tell(Input::RefundAsked(asked)).await??;
    Ok((StatusCode::ACCEPTED, answer(&web, &counter, order.id).await?))
}
