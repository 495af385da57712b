//! Passes sold at the desk: an order for the counter to take money for, and what is given back of one that ends.
//! Decides nothing.

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    notation,
    passes::{PassForm, render, render_one},
};
use crate::{
    core::{
        Answer, Input, Refusal,
        manage::Rest,
        money::{OrderState, PaidBy},
        pass::Pass,
        pass_sale::{PassAsked, PassPrice, PassWanted},
    },
    http::{
        error::ApiError,
        router::{Shared, Web},
        signin::Signed,
        words::{Lang, refusal},
    },
    types::{Money, OrderId, PassId, Plate},
};

/// A line of the price list, as a page offers it.
#[derive(Clone, Debug)]
pub(in crate::http) struct Offer {
    pub(in crate::http) id: String,
    pub(in crate::http) name: String,
    pub(in crate::http) price: Money,
}

/// The prices that fit a pass; `None`: all of them.
pub(in crate::http) fn offers(web: &Web, pass: Option<&Pass>, by_phone: bool) -> Vec<Offer> {
    let rules = web.desk.rules();
    let fits = |price: &&PassPrice| {
        (price.by_phone || !by_phone) && pass.is_none_or(|pass| price.fits(pass))
    };
    let spaces = pass.map_or(1, |pass| pass.spaces);
    let offer = |price: &PassPrice| Offer {
        id: price.id.clone(),
        name: price.name.clone(),
        price: Money::new(price.minor_for(spaces), rules.currency),
    };
    rules.passes.prices.iter().filter(fits).map(offer).collect()
}

/// Orders it; the number of the order.
pub(in crate::http) async fn ask(
    web: &Web,
    asked: PassAsked,
) -> Result<Result<OrderId, Refusal>, ApiError> {
    match web.desk.tell(Input::PassAsked(asked)).await? {
        Ok(Answer::Order(order)) => Ok(Ok(order)),
        Ok(_) => Err(ApiError::Internal),
        Err(refusal) => Ok(Err(refusal)),
    }
}

fn at_counter(order: OrderId) -> Response {
    Redirect::to(&format!("/console/orders/{order}")).into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewForm {
    price: String,
    holder: String,
    plates: String,
    spaces: String,
    from: String,
}

/// A new pass, effective once it is paid.
pub(super) async fn sell(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(form): Form<NewForm>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let NewForm { price, holder, plates, spaces, from } = form;
    // Read as the form of a pass is, so that both say the same of what is wrong.
    let typed =
        PassForm { holder, plates, spaces, until: from.clone(), from, ..PassForm::default() };
    let asked = typed.draft(l, &rules.zone, rules.currency).map(|draft| PassAsked {
        by: Some(signed.name.clone()),
        price,
        wants: PassWanted::New {
            holder: draft.holder,
            plates: draft.plates,
            spaces: draft.spaces,
            from: draft.valid_from,
        },
    });
    let wrong = match asked {
        Ok(asked) => match ask(&web, asked).await? {
            Ok(order) => return Ok(at_counter(order)),
            Err(no) => refusal(l, &no),
        },
        Err(wrong) => wrong,
    };
    render(&web, l, signed, String::new(), Some((wrong, typed)), None).await
}

#[derive(Debug, Deserialize)]
pub(super) struct MoreForm {
    price: String,
}

/// A pass for longer, or with more in it.
pub(super) async fn more(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(form): Form<MoreForm>,
) -> Result<Response, ApiError> {
    let (by, wants) = (Some(signed.name.clone()), PassWanted::More(PassId(id)));
    match ask(&web, PassAsked { by, price: form.price, wants }).await? {
        Ok(order) => Ok(at_counter(order)),
        Err(no) => render_one(&web, l, signed, PassId(id), Some(refusal(l, &no)), None).await,
    }
}

/// Nobody wants it any more.
pub(super) async fn cancel(
    State(web): State<Shared>,
    _signed: Signed,
    Path(order): Path<i64>,
) -> Result<Response, ApiError> {
    web.desk.tell(Input::PassGivenUp { order: OrderId(order) }).await??;
    Ok(at_counter(OrderId(order)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PassOrderAsk)]
#[serde(deny_unknown_fields)]
pub(super) struct SellBody {
    price: String,
    /// To renew one; without it a new one.
    pass: Option<PassId>,
    #[serde(default)]
    holder: String,
    #[serde(default)]
    plates: Vec<Plate>,
    /// Default: as many as plates.
    spaces: Option<u32>,
    /// Default: today.
    from: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PassOrder)]
pub(super) struct OrderBody {
    id: OrderId,
    /// To be shown as a QR code, or opened on the payer's phone.
    pay_url: String,
}

pub(super) async fn api_sell(
    State(web): State<Shared>,
    signed: Signed,
    Json(body): Json<SellBody>,
) -> Result<Json<OrderBody>, ApiError> {
    let SellBody { price, pass, holder, plates, spaces, from } = body;
    let today = || notation::today(web.desk.now(), &web.desk.rules().zone);
    let wants = match pass {
        Some(pass) => PassWanted::More(pass),
        None => PassWanted::New {
            holder,
            spaces: spaces.unwrap_or(plates.len() as u32),
            plates,
            from: from.unwrap_or_else(today),
        },
    };
    let order = ask(&web, PassAsked { by: Some(signed.name), price, wants }).await??;
    let pay_url = format!("{}/p/{}", web.settings.public_url(), web.links.token(order));
    Ok(Json(OrderBody { id: order, pay_url }))
}

/// What becomes of what is left, by a form's word: `kept`, `back`, or nothing may be left.
pub(super) async fn rest(web: &Arc<Web>, id: PassId, how: &str) -> Result<Rest, ApiError> {
    match how {
        "kept" => return Ok(Rest::Kept),
        "back" => {}
        _ => return Ok(Rest::Nothing),
    }
    let paid = web.desk.read(move |state| state.passes.get(&id).map(|pass| pass.paid_in.clone()));
    let (mut payments, mut cash) = (Vec::new(), Vec::new());
    for paid in paid.await?.unwrap_or_default() {
        match paid.by {
            PaidBy::Cash(id) => cash.extend(web.till.cash(id).await?),
            PaidBy::Payment(_) => {
                if let Some((order, of)) = web.records.order(paid.order).await?
                    && matches!(order.state, OrderState::Paid { .. })
                {
                    payments.extend(of);
                }
            }
            PaidBy::Pass(_) | PaidBy::Counter => {}
        }
    }
    Ok(Rest::Back { payments, cash })
}
