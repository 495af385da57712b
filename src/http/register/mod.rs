//! Passes, lists and reservations for the operator and for other programs. Decides nothing: each form is an
//! [`Input::Manage`], recorded with the operator's name.

mod api;
mod import;
mod lists;
mod notation;
mod passes;
mod reservations;
mod selling;
mod words;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

pub(super) use self::{
    api::api,
    notation::last_day,
    selling::{Offer, ask, offers},
    words::{kind, unfit},
};
use super::{
    error::ApiError,
    ports::Page,
    roles::{self, Right},
    router::{Shared, Web},
    signin::Signed,
    words::{Lang, refusal},
};
use crate::core::{Answer, Input, Refusal, manage::Manage};

/// Rows on one page.
const ROWS_MAX: usize = 100;
/// Those rows.
const FIRST: Page = Page { below: i64::MAX, limit: ROWS_MAX as u32 };
/// A file of ten thousand passes.
const IMPORT_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) fn routes(web: &Shared) -> Router<Shared> {
    let import = post(import::import).layer(DefaultBodyLimit::max(IMPORT_BYTES_MAX));
    let see = Router::new()
        .route("/console/passes", get(passes::page))
        .route("/console/passes/{pass}", get(passes::one))
        .route("/console/lists", get(lists::page))
        .route("/console/reservations", get(reservations::page));
    let change = Router::new()
        .route("/console/passes", post(passes::add))
        .route("/console/passes/import", import)
        .route("/console/passes/{pass}", post(passes::change))
        .route("/console/passes/{pass}/{act}", post(passes::act))
        .route("/console/lists", post(lists::add))
        .route("/console/lists/agreement", post(lists::end_agreement))
        .route("/console/lists/{entry}/end", post(lists::end));
    let sell = Router::new()
        .route("/console/passes/sell", post(selling::sell))
        .route("/console/passes/{pass}/sell", post(selling::more))
        .route("/console/passes/orders/{order}/cancel", post(selling::cancel));
    let reserve = Router::new()
        .route("/console/reservations", post(reservations::add))
        .route("/console/reservations/{reservation}/end", post(reservations::end));
    roles::need(web, Right::SeeRegister, see)
        .merge(roles::need(web, Right::ChangeRegister, change))
        .merge(roles::need(web, Right::TakeCash, sell))
        .merge(roles::need(web, Right::ChangeReservations, reserve))
}

/// Tells the writer; the number of the entry.
async fn tell(web: &Web, signed: &Signed, act: Manage) -> Result<Result<i64, Refusal>, ApiError> {
    match web.desk.tell(Input::Manage { by: signed.name.clone(), act }).await? {
        Ok(Answer::Entered(number)) => Ok(Ok(number)),
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// What a form could not be, in words, or what the core said to it.
type Told = Result<i64, String>;

/// A form's answer: back to its page, or the page once more with what is wrong.
fn back(to: &str) -> Response {
    Redirect::to(to).into_response()
}

fn status(wrong: Option<&String>) -> StatusCode {
    if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// As plates are kept, for looking one up by any part of it.
fn normal(text: &str) -> String {
    text.trim().to_uppercase().replace(['·', ' ', '.'], "")
}

async fn told(web: &Web, l: Lang, signed: &Signed, act: Manage) -> Result<Told, ApiError> {
    Ok(tell(web, signed, act).await?.map_err(|no| refusal(l, &no)))
}
