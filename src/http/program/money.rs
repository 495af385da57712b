//! Money for programs: orders, payments with refunds, arrears, shifts, invoices, settlement days. Decides nothing.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    bodies::{ArrearsBody, OrderBody, PaymentBody, RefundBody, ShiftBody},
    op::{Api, Op},
    pages::{self, Paging},
};
use crate::{
    core::{
        Input,
        input::RefundAsked,
        invoice::{Invoice, InvoiceState},
        settle::{Difference, DifferenceState, Kind, Settled, SettledDay, Side},
    },
    http::{error::ApiError, operate::REASON_CHARS_MAX, router::Shared, signin::Signed},
    types::{ChannelId, InvoiceId, Money, OrderId, PaymentId, Scope},
};

/// Days looked at in one question.
const DAYS_MAX: i32 = 62;
const DIFFERENCES_MAX: u32 = 1_000;

pub(super) fn api(api: Api) -> Api {
    let api = api
        .on(
            Op::get("/api/v1/orders", "listOrders", "What is and was owed, the latest first")
                .scope(Scope::OrdersRead)
                .pages::<OrderBody, Paging>("A part of the list"),
            orders,
        )
        .on(
            Op::get(
                "/api/v1/orders/{order}/payments",
                "getOrder",
                "An order with the attempts to collect it, also one that is over",
            )
            .scope(Scope::OrdersRead)
            .gives::<OrderFileBody>(200, "As it stands"),
            order,
        )
        .on(
            Op::get(
                "/api/v1/orders/{order}/invoices",
                "listInvoices",
                "What became of the claims of an order's invoice",
            )
            .scope(Scope::InvoicesRead)
            .lists::<InvoiceBody>("Oldest first; empty: none was claimed"),
            invoices,
        )
        .on(
            Op::get(
                "/api/v1/payments",
                "listPayments",
                "Attempts to collect through the bank, the latest first",
            )
            .scope(Scope::PaymentsRead)
            .pages::<PaymentBody, PaymentsAsked>("A part of the list"),
            payments,
        )
        .on(
            Op::get(
                "/api/v1/payments/{payment}",
                "getPayment",
                "A payment with its order and refunds",
            )
            .scope(Scope::PaymentsRead)
            .gives::<PaymentFileBody>(200, "As it stands"),
            payment,
        )
        .on(
            Op::post(
                "/api/v1/payments/{payment}/refunds",
                "refundPayment",
                "Asks for money to go back; the same key is the same refund",
            )
            .scope(Scope::PaymentsRefund)
            .body::<Wanted>()
            .gives::<PaymentFileBody>(202, "Asked for; the refunds tell how it stands"),
            refund,
        );
    api.on(
        Op::get(
            "/api/v1/arrears",
            "listArrears",
            "Fees that were not paid when their vehicles left",
        )
        .scope(Scope::ArrearsRead)
        .pages::<ArrearsBody, ArrearsAsked>("A part of what is still owed, the latest first"),
        arrears,
    )
    .on(
        Op::get("/api/v1/shifts", "listShifts", "Operators' times at the booths, the latest first")
            .scope(Scope::ShiftsRead)
            .pages::<ShiftBody, Paging>("A part of the list"),
        shifts,
    )
    .on(
        Op::get(
            "/api/v1/settlement",
            "listSettlement",
            "Settlement days: statements, and what the ledger has of them",
        )
        .scope(Scope::SettlementRead)
        .query::<Days>()
        .lists::<SettlementBody>("Latest day first"),
        settlement,
    )
    .on(
        Op::get("/api/v1/settlement/differences", "listDifferences", "Rows that do not fit")
            .scope(Scope::SettlementRead)
            .query::<Days>()
            .lists::<DifferenceBody>("Latest day first"),
        differences,
    )
}

// ---- orders --------------------------------------------------------------------------------------

async fn orders(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(paging): Query<Paging>,
) -> Result<Response, ApiError> {
    let page = paging.page()?;
    let orders = web.lists.orders(page).await?;
    Ok(pages::part(&uri, page, orders.iter().map(OrderBody::new).collect(), OrderBody::number))
}

/// An order with what was tried to collect it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderFile)]
struct OrderFileBody {
    order: OrderBody,
    /// Oldest first.
    payments: Vec<PaymentBody>,
}

async fn order(
    State(web): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Json<OrderFileBody>, ApiError> {
    let (order, payments) = web.records.order(OrderId(id)).await?.ok_or(ApiError::NotFound)?;
    let payments = payments.iter().map(PaymentBody::new).collect();
    Ok(Json(OrderFileBody { order: OrderBody::new(&order), payments }))
}

/// An invoice, or a red-letter one that takes another back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invoice)]
struct InvoiceBody {
    id: InvoiceId,
    /// What its provider knows it by.
    number: String,
    order: OrderId,
    amount: Money,
    /// `asked`, `issued`, `refused` or `void`.
    state: &'static str,
    /// The invoice's own number, once it is issued.
    issued_number: Option<String>,
    issued_at: Option<Timestamp>,
    /// Why its provider will not.
    refused_why: Option<String>,
    red_of: Option<InvoiceId>,
    made_at: Timestamp,
}

fn invoice_body(invoice: &Invoice) -> InvoiceBody {
    let (issued_number, issued_at, refused_why) = match &invoice.state {
        InvoiceState::Issued { number, at, .. } => (Some(number.clone()), Some(*at), None),
        InvoiceState::Refused { why } => (None, None, Some(why.clone())),
        InvoiceState::Asked | InvoiceState::Void => (None, None, None),
    };
    InvoiceBody {
        id: invoice.id,
        number: invoice.number.clone(),
        order: invoice.order,
        amount: invoice.amount,
        state: invoice.state.name(),
        issued_number,
        issued_at,
        refused_why,
        red_of: invoice.red_of,
        made_at: invoice.made_at,
    }
}

async fn invoices(
    State(web): State<Shared>,
    Path(order): Path<i64>,
) -> Result<Json<Vec<InvoiceBody>>, ApiError> {
    let desk = web.invoices.as_ref().ok_or(ApiError::NotFound)?;
    let file = desk.file(OrderId(order)).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(file.invoices.iter().map(invoice_body).collect()))
}

// ---- payments ------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    #[default]
    All,
    /// The bank has not said what became of them.
    Undecided,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct PaymentsAsked {
    #[param(inline, required = false)]
    state: Which,
    /// The last number seen: what is older follows.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// At most so many; 100 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

async fn payments(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<PaymentsAsked>,
) -> Result<Response, ApiError> {
    let page = Paging::new(asked.after, asked.limit).page()?;
    let payments = web.lists.payments(asked.state == Which::Undecided, page).await?;
    let bodies = payments.iter().map(PaymentBody::new).collect();
    Ok(pages::part(&uri, page, bodies, PaymentBody::number))
}

/// A payment with what it is of and what goes back of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentFile)]
struct PaymentFileBody {
    payment: PaymentBody,
    order: OrderBody,
    /// Oldest first.
    refunds: Vec<RefundBody>,
}

async fn file(web: &Shared, id: i64) -> Result<PaymentFileBody, ApiError> {
    let file = web.payments.payment(PaymentId(id)).await?.ok_or(ApiError::NotFound)?;
    Ok(PaymentFileBody {
        payment: PaymentBody::new(&file.payment),
        order: OrderBody::new(&file.order),
        refunds: file.refunds.iter().map(RefundBody::new).collect(),
    })
}

async fn payment(
    State(web): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Json<PaymentFileBody>, ApiError> {
    Ok(Json(file(&web, id).await?))
}

/// Money that is to go back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundAsk)]
struct Wanted {
    /// The program's own number of the refund.
    #[schema(min_length = 1, max_length = 64)]
    key: String,
    #[schema(minimum = 1)]
    amount_minor: i64,
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

async fn refund(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<PaymentFileBody>), ApiError> {
    let known = web.payments.payment(PaymentId(id)).await?.ok_or(ApiError::NotFound)?;
    let fits = (1..=64).contains(&wanted.key.chars().count())
        && wanted.reason.chars().count() <= REASON_CHARS_MAX;
    if !fits {
        return Err(ApiError::Unfit(
            "退款单号 1 到 64 字，原因不超过 200 字。",
            "A refund has a number of 1 to 64 characters and a reason of at most 200.",
        ));
    }
    let asked = RefundAsked {
        payment: known.payment,
        order: known.order,
        amount_minor: wanted.amount_minor,
        key: wanted.key,
        who: signed.name,
        reason: wanted.reason,
    };
    web.desk.tell(Input::RefundAsked(asked)).await??;
    Ok((StatusCode::ACCEPTED, Json(file(&web, id).await?)))
}

// ---- the desk ------------------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ArrearsAsked {
    /// A part of the plate.
    #[param(required = false)]
    plate: String,
    /// The last number seen: what is older follows.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// At most so many; 100 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

async fn arrears(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<ArrearsAsked>,
) -> Result<Response, ApiError> {
    let page = Paging::new(asked.after, asked.limit).page()?;
    let plate = crate::http::records::Search { plate: asked.plate }.normal();
    let bodies = web.desk.read(move |state| {
        let of = state.arrears.values().rev();
        let of = of.filter(|one| one.id.0 < page.below && one.plate.full().contains(&plate));
        of.take(page.limit as usize).map(ArrearsBody::new).collect::<Vec<_>>()
    });
    Ok(pages::part(&uri, page, bodies.await?, ArrearsBody::number))
}

async fn shifts(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(paging): Query<Paging>,
) -> Result<Response, ApiError> {
    let page = paging.page()?;
    let shifts = web.lists.shifts(page).await?;
    Ok(pages::part(&uri, page, shifts.iter().map(ShiftBody::new).collect(), ShiftBody::number))
}

// ---- settlement ----------------------------------------------------------------------------------

/// Settlement days, at most 62.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Days {
    #[param(value_type = String, format = Date)]
    from: Date,
    /// Included.
    #[param(value_type = String, format = Date)]
    to: Date,
}

impl Days {
    fn sound(&self) -> Result<(), ApiError> {
        let days = self.from.until(self.to).map_or(-1, |span| span.get_days());
        if (0..DAYS_MAX).contains(&days) {
            return Ok(());
        }
        Err(ApiError::Unfit(
            "from 不晚于 to，且不超过 62 天。",
            "from is not after to, and no more than 62 days are asked for at once.",
        ))
    }
}

/// A channel's settlement day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettlementDay)]
struct SettlementBody {
    channel: ChannelId,
    #[schema(value_type = String, format = Date)]
    day: Date,
    /// Of the bank's statement; none: it is not there yet.
    statement: Option<StatementBody>,
    /// What the ledger has; none: the day is not closed.
    fees: Option<Money>,
    arrived: Option<Money>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
struct StatementBody {
    rows: i64,
    /// Rows that cannot be read.
    bad: i64,
    matched: i64,
    paid_minor: i64,
    refunded_minor: i64,
    fee_minor: i64,
    reconciled_at: Timestamp,
}

async fn settlement(
    State(web): State<Shared>,
    Query(days): Query<Days>,
) -> Result<Json<Vec<SettlementBody>>, ApiError> {
    days.sound()?;
    let Some(records) = &web.settlement else { return Ok(Json(Vec::new())) };
    let files = records.statements(days.from, days.to).await?;
    let (from, to) = (days.from, days.to);
    let posted = web.desk.read(move |state| {
        let of = state.settled.iter().filter(|(id, _)| (from..=to).contains(&id.day));
        of.map(|(id, settled)| (id.clone(), settled.clone())).collect::<Vec<_>>()
    });
    let mut all: std::collections::BTreeMap<SettledDay, (Option<StatementBody>, Option<Settled>)> =
        posted.await?.into_iter().map(|(id, settled)| (id, (None, Some(settled)))).collect();
    for file in files {
        let id = SettledDay { channel: file.channel, day: file.day };
        let body = StatementBody {
            rows: file.rows,
            bad: file.bad,
            matched: file.matched,
            paid_minor: file.paid_minor,
            refunded_minor: file.refunded_minor,
            fee_minor: file.fee_minor,
            reconciled_at: file.reconciled_at,
        };
        all.entry(id).or_default().0 = Some(body);
    }
    let body = |(id, (statement, settled)): (SettledDay, (_, Option<Settled>))| SettlementBody {
        channel: id.channel,
        day: id.day,
        statement,
        fees: settled.as_ref().map(|settled| settled.fees),
        arrived: settled.map(|settled| settled.arrived),
    };
    let mut bodies: Vec<SettlementBody> = all.into_iter().map(body).collect();
    bodies.sort_by(|a, b| b.day.cmp(&a.day).then_with(|| a.channel.cmp(&b.channel)));
    Ok(Json(bodies))
}

/// A row that does not fit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
struct DifferenceBody {
    id: i64,
    channel: ChannelId,
    #[schema(value_type = String, format = Date)]
    day: Date,
    kind: Kind,
    side: Side,
    out_trade_no: String,
    refund_no: String,
    bank_no: String,
    /// As the ledger has it.
    ours_minor: Option<i64>,
    /// As the bank has it.
    theirs_minor: Option<i64>,
    detail: String,
    state: DifferenceState,
    changed_at: Timestamp,
    changed_by: String,
    note: String,
}

fn difference_body(one: Difference) -> DifferenceBody {
    DifferenceBody {
        id: one.id,
        channel: one.channel,
        day: one.day,
        kind: one.finding.kind,
        side: one.finding.side,
        out_trade_no: one.finding.out_trade_no,
        refund_no: one.finding.refund_no,
        bank_no: one.finding.bank_no,
        ours_minor: one.finding.ours_minor,
        theirs_minor: one.finding.theirs_minor,
        detail: one.finding.detail,
        state: one.state,
        changed_at: one.changed_at,
        changed_by: one.changed_by,
        note: one.note,
    }
}

async fn differences(
    State(web): State<Shared>,
    Query(days): Query<Days>,
) -> Result<Json<Vec<DifferenceBody>>, ApiError> {
    days.sound()?;
    let Some(records) = &web.settlement else { return Ok(Json(Vec::new())) };
    let found = records.differences(days.from, days.to, false, DIFFERENCES_MAX).await?;
    Ok(Json(found.into_iter().map(difference_body).collect()))
}
