//! The receipt of a stay, printed when an operator asks, and what became of it in words. Prints nothing itself.

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    error::ApiError,
    ports::{Paid, PrintOutcome, StayFile},
    records,
    router::{Shared, Web},
    signin::Signed,
    words::Lang,
};
use crate::{
    core::money::{OrderState, PaidBy, PaymentState},
    types::StayId,
};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    printer: String,
}

/// The site's printers, if a receipt of this stay can be printed at all.
pub(super) fn printers(web: &Web, file: &StayFile) -> Vec<String> {
    match (&web.receipts, paid(file)) {
        (Some(receipts), Some(_)) => receipts.printers(),
        (None, _) | (_, None) => Vec::new(),
    }
}

/// The order that was paid last.
fn paid(file: &StayFile) -> Option<Paid> {
    file.orders.iter().rev().find_map(|order| {
        let OrderState::Paid { by, at } = &order.state else { return None };
        let payment = file
            .payments
            .iter()
            .find(|one| *by == PaidBy::Payment(one.id))
            .filter(|one| matches!(one.state, PaymentState::Paid { .. }));
        let cash = file.cash.iter().find(|one| *by == PaidBy::Cash(one.id));
        Some(Paid {
            stay: file.stay.clone(),
            order: order.clone(),
            payment: payment.cloned(),
            cash: cash.cloned(),
            at: *at,
            invoice: None,
        })
    })
}

pub(super) async fn print(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    let file = web.records.stay(StayId(id)).await?.ok_or(ApiError::NotFound)?;
    let receipts = web.receipts.clone().ok_or(ApiError::NotFound)?;
    let (status, text) = match paid(&file) {
        None => {
            let text = l.say(
                "该停车没有已付订单，不能打印收据",
                "Nothing was paid, so there is no receipt",
            );
            (StatusCode::CONFLICT, text.to_owned())
        }
        Some(mut paid) => {
            let order = paid.order.id;
            paid.invoice = web.invoices.as_ref().map(|_| {
                let at = web.settings.public_url();
                (format!("{at}/i/{}", web.links.token(order)), web.links.code(order))
            });
            let who = signed.name.clone();
            words(l, receipts.print(asked.printer, paid, l.is_zh(), who).await)
        }
    };
    records::stay_page(&web, l, &signed, file, Some((status, text)))
}

/// What became of it, and what to do.
fn words(l: Lang, outcome: PrintOutcome) -> (StatusCode, String) {
    match outcome {
        PrintOutcome::Printed => {
            (StatusCode::OK, l.say("收据已打印", "The receipt is printed").into())
        }
        PrintOutcome::PaperOut => (
            StatusCode::CONFLICT,
            l.say(
                "打印机缺纸：请装纸，未打完的内容可能随后打出",
                "The printer has no paper: put in a roll; the rest may then come out by itself",
            )
            .into(),
        ),
        PrintOutcome::Offline(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "{} ({why})",
                l.say("没有打印：打印机不可用", "Not printed: the printer is not ready")
            ),
        ),
        PrintOutcome::Unknown(why) => (
            StatusCode::BAD_GATEWAY,
            format!(
                "{} ({why})",
                l.say(
                    "不确定是否已打印，请查看打印机",
                    "It may be printed or not: look at the printer"
                )
            ),
        ),
        PrintOutcome::Refused(why) => {
            (StatusCode::CONFLICT, format!("{} ({why})", l.say("没有打印", "Not printed")))
        }
    }
}
