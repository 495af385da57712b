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
    routing::{delete, get, post},
};

pub(super) use self::{
    notation::last_day,
    selling::{Offer, ask, offers},
    words::{kind, unfit},
};
use super::{
    error::ApiError,
    router::{Shared, Web},
    signin::Signed,
    words::{Lang, refusal},
};
use crate::core::{Answer, Input, Refusal, manage::Manage};

/// Rows on one page.
const ROWS_MAX: usize = 100;
/// A file of ten thousand passes.
const IMPORT_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) fn routes() -> Router<Shared> {
    let import = post(import::import).layer(DefaultBodyLimit::max(IMPORT_BYTES_MAX));
    Router::new()
        .route("/console/passes", get(passes::page).post(passes::add))
        .route("/console/passes/import", import)
        .route("/console/passes/{pass}", get(passes::one).post(passes::change))
        .route("/console/passes/sell", post(selling::sell))
        .route("/console/passes/{pass}/sell", post(selling::more))
        .route("/console/passes/{pass}/{act}", post(passes::act))
        .route("/console/passes/orders/{order}/cancel", post(selling::cancel))
        .route("/console/lists", get(lists::page).post(lists::add))
        .route("/console/lists/{entry}/end", post(lists::end))
        .route("/console/reservations", get(reservations::page).post(reservations::add))
        .route("/console/reservations/{reservation}/end", post(reservations::end))
        .route("/api/v1/passes", get(api::passes).post(api::add_pass))
        .route("/api/v1/passes/{pass}", delete(api::end_pass).put(api::change_pass))
        .route("/api/v1/passes/{pass}/adjust", post(api::adjust_pass))
        .route("/api/v1/pass-orders", post(selling::api_sell))
        .route("/api/v1/lists", get(api::lists).post(api::add_listed))
        .route("/api/v1/lists/{entry}", delete(api::end_listed))
        .route("/api/v1/reservations", get(api::reservations).post(api::add_reservation))
        .route("/api/v1/reservations/{reservation}", delete(api::end_reservation))
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
