//! Payments people look into: those nobody knows the end of, the record of each, refunds and who agrees to them. Nothing
//! here collects anything but a code that a payer shows.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    amount,
    console::Frame,
    error::ApiError,
    merchant::fresh_token,
    operate::REASON_CHARS_MAX,
    ports::{PaymentFile, Row},
    records,
    router::{Shared, Web},
    signin::Signed,
    till,
    words::{self, Lang},
};
use crate::{
    core::{
        AlarmKind, Answer, Change, Input, Refusal,
        input::{At, PaymentAct, RefundAsked},
        limit::LimitName,
        money::{Order, OrderState, Payment, PaymentState, Refund, RefundState},
        tariff::QuoteLine,
    },
    types::{Money, OrderId, PayerCode, PaymentId, RefundId},
};

/// Why something with a payment was not done, and what to do instead.
pub(super) fn refusal(l: Lang, refusal: &Refusal) -> String {
    let zh = l.is_zh();
    match refusal {
        Refusal::LimitReached(name, most) => limit(l, *name, *most),
        Refusal::NotPaid(_) => l
            .say("这笔付款未成功，没有可退的钱", "This is not paid: nothing can go back")
            .to_owned(),
        Refusal::RefundTooMuch(left) if zh => format!("最多还可退 {left}"),
        Refusal::RefundTooMuch(left) => format!("No more than {left} can go back"),
        Refusal::WholeOnly(channel) if zh => format!("渠道 {channel} 只能全额退款"),
        Refusal::WholeOnly(channel) => format!("Channel {channel} gives back the whole only"),
        Refusal::SamePerson => l
            .say("须由另一位操作员复核", "Somebody else has to agree to a refund you asked for")
            .to_owned(),
        Refusal::Decided(_) => {
            l.say("这笔付款已有结果", "This payment is decided: look at its record").to_owned()
        }
        Refusal::MayCollect(..) => l
            .say(
                "银行可能仍在扣款，请在扣款发起 20 分钟后再查看后台",
                "The bank may still collect it: look in its portal 20 minutes after it was asked for",
            )
            .to_owned(),
        Refusal::SaleUnfit => l
            .say(
                "单号 1 到 64 字，名目 1 到 40 字",
                "A number has 1 to 64 characters, a subject 1 to 40",
            )
            .to_owned(),
        Refusal::SaleDiffers(order) if zh => {
            format!("该单号已用于订单 {order}，金额或名目不同；请换单号")
        }
        Refusal::SaleDiffers(order) => {
            format!("This number is order {order} of another amount or subject: take a new one")
        }
        other => words::refusal(l, other),
    }
}

fn limit(l: Lang, name: LimitName, most: Money) -> String {
    let (what, mend) = match name {
        LimitName::Plate => (
            l.say("该车牌当日付款已达限额", "This plate has paid as much as it may today"),
            l.say("请到岗亭付现金", "pay in cash at the booth"),
        ),
        // Counted only, never refused.
        LimitName::Payer => (
            l.say("该付款人当日付款已达限额", "This payer has paid as much as one may today"),
            l.say("请到岗亭付现金", "pay in cash at the booth"),
        ),
        LimitName::Lane => (
            l.say("本车道当日收款已达限额", "This lane has taken as much as it may today"),
            l.say("请到岗亭付现金或换车道", "pay in cash, or use another lane"),
        ),
        LimitName::Printed => (
            l.say("张贴码当日收款已达限额", "The printed code has taken as much as it may today"),
            l.say("请扫屏幕上的动态码", "scan the code on the display"),
        ),
        LimitName::CashBack => (
            l.say("您当日退现金已达限额", "You have given back as much cash as you may today"),
            l.say("请由另一位操作员办理", "another operator can do it"),
        ),
        // Counted only, never refused.
        LimitName::Acts | LimitName::Waived => (
            l.say("您当日减免已达限额", "You have let go as much as you may today"),
            l.say("请由另一位操作员办理", "another operator can do it"),
        ),
    };
    format!("{what} ({most}){}{mend}", l.say("，", "; "))
}

// ---- the list ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "payments.html", config = "src/http/askama.toml")]
struct PaymentsPage {
    f: Frame,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    /// Numbers at the bank of those it cannot be asked about.
    unaskable: BTreeSet<String>,
    notice: Option<String>,
}

impl PaymentsPage {
    /// A person has to look in the bank's portal.
    fn is_unaskable(&self, out_trade_no: &str) -> bool {
        self.unaskable.contains(out_trade_no)
    }

    fn state(&self, payment: &Payment) -> String {
        words::payment_state(self.f.l, &payment.state)
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn waits(&self, refund: &Refund) -> bool {
        refund.state == RefundState::Waiting
    }

    fn refund_state(&self, refund: &Refund) -> &'static str {
        words::refund_state(self.f.l, refund.state)
    }

    fn why(&self, refund: &Refund) -> String {
        words::refund_why(self.f.l, &refund.why)
    }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    list(&web, l, signed, None).await
}

async fn list(
    web: &Web,
    l: Lang,
    signed: Signed,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let open = |payment: &&Payment| {
        payment.state.is_undecided() || matches!(payment.state, PaymentState::Disputed { .. })
    };
    let (payments, refunds, unaskable) = web
        .desk
        .read(move |state| {
            let marks = state.alarms.keys().filter(|(_, kind)| *kind == AlarmKind::BankCannotSay);
            let marked: BTreeSet<String> = marks.map(|(number, _)| number.clone()).collect();
            let listed =
                |payment: &&Payment| open(payment) || marked.contains(&payment.out_trade_no);
            let payments: Vec<_> = state.payments.values().filter(listed).cloned().collect();
            (payments, state.refunds.values().cloned().collect::<Vec<_>>(), marked)
        })
        .await?;
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let f = Frame::new(web, l, &signed);
    Ok((status, Html(PaymentsPage { f, payments, refunds, unaskable, notice }.render()?))
        .into_response())
}

/// `ask` or `close`: nothing else can be done about a payment nobody knows the end of.
pub(super) async fn act(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((payment, what)): Path<(i64, String)>,
) -> Result<Response, ApiError> {
    let act = match what.as_str() {
        "ask" => PaymentAct::Ask,
        "close" => PaymentAct::Close,
        _ => return Err(ApiError::NotFound),
    };
    let (payment, who) = (PaymentId(payment), signed.name.clone());
    done(&web, l, signed, Input::PaymentActed { payment, act, who }).await
}

/// What the bank's portal says of a payment or a refund.
#[derive(Deserialize)]
pub(super) struct Portal {
    /// Of a payment: `paid` or `unpaid`.
    #[serde(default)]
    said: String,
    note: String,
}

impl Portal {
    /// At most as long as a reason.
    fn fits(&self) -> Result<(), ApiError> {
        if self.note.chars().count() > REASON_CHARS_MAX {
            let (zh, en) = ("说明请不超过 200 字。", "A note has at most 200 characters.");
            return Err(ApiError::Unfit(zh, en));
        }
        Ok(())
    }
}

pub(super) async fn portal(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(payment): Path<i64>,
    Form(told): Form<Portal>,
) -> Result<Response, ApiError> {
    told.fits()?;
    let paid = match told.said.as_str() {
        "paid" => true,
        "unpaid" => false,
        _ => return Err(ApiError::NotFound),
    };
    let act = PaymentAct::Portal { paid, note: told.note };
    let (payment, who) = (PaymentId(payment), signed.name.clone());
    done(&web, l, signed, Input::PaymentActed { payment, act, who }).await
}

pub(super) async fn made(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(refund): Path<i64>,
    Form(told): Form<Portal>,
) -> Result<Response, ApiError> {
    told.fits()?;
    let (refund, who) = (RefundId(refund), signed.name.clone());
    done(&web, l, signed, Input::RefundMade { refund, note: told.note, who }).await
}

/// Back to the list, or the list with why not.
async fn done(web: &Web, l: Lang, signed: Signed, input: Input) -> Result<Response, ApiError> {
    match web.desk.tell(input).await? {
        Ok(_) => Ok(Redirect::to("/console/payments").into_response()),
        Err(refusal) => list(web, l, signed, Some(words::refusal(l, &refusal))).await,
    }
}

/// `agree` or `deny`.
pub(super) async fn judge(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((refund, what)): Path<(i64, String)>,
) -> Result<Response, ApiError> {
    let agreed = match what.as_str() {
        "agree" => true,
        "deny" => false,
        _ => return Err(ApiError::NotFound),
    };
    let (refund, who) = (RefundId(refund), signed.name.clone());
    done(&web, l, signed, Input::RefundJudged { refund, agreed, who }).await
}

// ---- one payment ---------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "payment.html", config = "src/http/askama.toml")]
struct PaymentPage {
    f: Frame,
    file: PaymentFile,
    rows: Vec<(Row, String)>,
    /// What may still go back; `None`: it is not paid.
    left: Option<Money>,
    /// New with each page, so that a form sent twice is one refund.
    key: String,
    /// Its channel gives back all of it or nothing.
    whole: bool,
    notice: Option<String>,
}

impl PaymentPage {
    fn state(&self) -> String {
        words::payment_state(self.f.l, &self.file.payment.state)
    }

    fn refund_state(&self, refund: &Refund) -> &'static str {
        words::refund_state(self.f.l, refund.state)
    }

    fn why(&self, refund: &Refund) -> String {
        words::refund_why(self.f.l, &refund.why)
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn typed(&self, money: &Money) -> String {
        amount::text(*money)
    }
}

/// One line of a payment's history in words.
fn line(l: Lang, change: &Change) -> String {
    match change {
        Change::Payment(payment) => {
            let state = words::payment_state(l, &payment.state);
            format!("{state} · {} {}", l.say("已查询", "asked"), payment.asks)
        }
        Change::Refund(refund) => {
            let state = words::refund_state(l, refund.state);
            format!("{} {} · {state}", refund.refund_no, refund.amount)
        }
        Change::TillActed { did, who, reason, amount, .. } => {
            format!("{who}: {} {amount} {reason}", records::till_did(l, *did))
        }
        other => other.kind().to_owned(),
    }
}

pub(super) async fn one(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(payment): Path<i64>,
) -> Result<Response, ApiError> {
    show(&web, l, signed, PaymentId(payment), None).await
}

async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: PaymentId,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let file = web.payments.payment(id).await?.ok_or(ApiError::NotFound)?;
    let gone: i64 =
        file.refunds.iter().filter(|r| !r.state.came_to_nothing()).map(|r| r.amount.minor).sum();
    let paid = matches!(file.payment.state, PaymentState::Paid { .. });
    let left = Money::new(file.payment.amount.minor - gone, file.payment.amount.currency);
    let rows = file.history.iter().map(|row| (row.clone(), line(l, &row.change))).collect();
    let (key, _) = fresh_token(12)?;
    let f = Frame::new(web, l, &signed);
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let whole = web.desk.rules().pay.whole_refunds.contains(&file.payment.channel);
    let page = PaymentPage { f, file, rows, left: paid.then_some(left), key, whole, notice };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    amount: String,
    #[serde(default)]
    reason: String,
    key: String,
}

pub(super) async fn refund(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(payment): Path<i64>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, ApiError> {
    let id = PaymentId(payment);
    let amount_minor = amount::typed(&wanted.amount, web.desk.rules().currency)?;
    if wanted.reason.chars().count() > REASON_CHARS_MAX || wanted.key.len() > 64 {
        let (zh, en) = ("原因请不超过 200 字。", "A reason has at most 200 characters.");
        return Err(ApiError::Unfit(zh, en));
    }
    let file = web.payments.payment(id).await?.ok_or(ApiError::NotFound)?;
    let asked = RefundAsked {
        payment: file.payment,
        order: file.order,
        amount_minor,
        key: wanted.key,
        who: signed.name.clone(),
        reason: wanted.reason,
    };
    match web.desk.tell(Input::RefundAsked(asked)).await? {
        Ok(_) => Ok(Redirect::to(&format!("/console/payments/{id}")).into_response()),
        Err(refusal) => show(&web, l, signed, id, Some(words::refusal(l, &refusal))).await,
    }
}

// ---- one order -----------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "order.html", config = "src/http/askama.toml")]
struct OrderPage {
    f: Frame,
    order: Order,
    payments: Vec<Payment>,
    /// What its payer scans or opens, while it waits.
    pay: Option<(String, String)>,
}

impl OrderPage {
    fn line(&self, line: &QuoteLine) -> String {
        words::quote_line(self.f.l, line, &self.f.zone)
    }

    fn paid_before(&self) -> Option<Money> {
        let paid = self.order.quote.paid_minor;
        (paid > 0).then(|| Money::new(paid, self.order.amount.currency))
    }

    fn arrears(&self) -> Option<Money> {
        let minor = self.order.amount.minor - self.order.quote.due().minor;
        let owed = !self.order.arrears.is_empty() && minor > 0;
        owed.then(|| Money::new(minor, self.order.amount.currency))
    }

    fn state(&self) -> String {
        words::order_state(self.f.l, &self.order.state)
    }

    fn payment_state(&self, payment: &Payment) -> String {
        words::payment_state(self.f.l, &payment.state)
    }

    /// Somebody waits for the bank's word.
    fn waits(&self) -> bool {
        self.payments.iter().any(|payment| payment.state.is_undecided())
    }
}

pub(super) async fn order(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(order): Path<i64>,
) -> Result<Response, ApiError> {
    let found = web.records.order(OrderId(order)).await?;
    let (order, payments) = found.ok_or(ApiError::NotFound)?;
    let waits = order.state == OrderState::Due;
    let pay = waits.then(|| {
        let at = format!("{}/p/{}", web.settings.public_url(), web.links.token(order.id));
        (super::charts::qr(&at).unwrap_or_default(), at)
    });
    let f = Frame::new(&web, l, &signed);
    Ok(Html(OrderPage { f, order, payments, pay }.render()?).into_response())
}

#[derive(Deserialize)]
pub(super) struct Shown {
    code: String,
}

/// A payer's code, scanned or typed at the counter.
pub(super) async fn code(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(order): Path<i64>,
    Form(shown): Form<Shown>,
) -> Result<Response, ApiError> {
    let odd = ApiError::Unfit(
        "这不像付款码，请重新扫码。",
        "That is no payer's code; have the phone show it again.",
    );
    let code = PayerCode::parse(&shown.code).ok_or(odd)?;
    let at = At::Order(OrderId(order));
    let notice = match web.desk.tell(Input::PayerCodeScanned { at, code }).await? {
        Ok(Answer::Order(_)) => {
            l.say("费用已更新，请核对后重收", "The fee has grown; look again").to_owned()
        }
        Ok(_) => return Ok(Redirect::to(&format!("/console/orders/{order}")).into_response()),
        Err(refusal) => words::refusal(l, &refusal),
    };
    till::show(&web, l, signed, Some((false, notice))).await
}
