//! Programs: what they may ask and do under `/api/v1`, by tokens with scopes, with one document that says all of it.
//! Decides nothing.

mod bodies;
mod console;
mod document;
mod events;
mod gate;
mod hooks;
mod money;
mod once;
mod op;
mod pages;
mod people;
mod site;

use axum::{
    Router,
    routing::{get, post},
};

pub use self::events::{EVENT_KINDS, Event, EventKind, News, event, mask};
pub(super) use self::{
    once::InFlight,
    op::{Access, Api, Op},
    pages::{Paging, part},
};
use super::{
    admissions, agents, devices, merchant, orders, register,
    roles::{self, Right},
    router::Shared,
    settlement, tariff_edit, zones,
};

/// A token, and the SHA-256 it is known by; `None`: the system gives no random numbers.
pub fn fresh_token() -> Option<(String, [u8; 32])> {
    merchant::fresh_token(32).ok()
}

/// Every operation; what describes them all is kept in `web`.
pub(super) fn routes(web: &Shared) -> Router<Shared> {
    let parts = [
        site::api,
        people::api,
        money::api,
        orders::api,
        agents::api,
        admissions::api,
        merchant::api,
        register::api,
        zones::api,
        devices::api,
        settlement::api,
        tariff_edit::api,
        hooks::api,
        document::api,
    ];
    let api = parts.into_iter().fold(Api::new(web.clone()), |api, more| more(api));
    let (router, paths, components) = api.parts();
    let document = document::of(&web.settings, paths, components);
    // A router is made once for each web.
    let _ = web.document.set(document);
    router
}

/// Where operators give out tokens, and the page to try the API.
pub(super) fn staff(web: &Shared) -> Router<Shared> {
    let change = Router::new()
        .route("/console/programs", get(console::page).post(console::add))
        .route("/console/programs/{program}/forget", post(console::forget))
        .route("/console/webhooks", post(console::add_hook))
        .route("/console/webhooks/{webhook}/{act}", post(console::act_on_hook));
    let try_it = Router::new().route("/api/v1", get(document::try_page));
    roles::need(web, Right::ChangePrograms, change).merge(roles::need(web, Right::Enter, try_it))
}
