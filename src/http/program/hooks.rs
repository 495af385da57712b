//! Webhooks: who is told of which events, by programs for themselves and by operators on their page. Sends nothing.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::{
    events,
    gate::Caller,
    op::{Api, Op},
};
use crate::{
    http::{
        error::ApiError,
        ports::{HookState, Hooks},
        router::{Shared, Web},
        signin::Signed,
    },
    types::{Scope, Webhook, WebhookDraft},
};

const URL_CHARS_MAX: usize = 500;
/// Each costs a reader of the journal.
const WEBHOOKS_MAX: usize = 20;

pub(super) fn api(api: Api) -> Api {
    let scope = Scope::WebhooksWrite;
    let api = api
        .on(
            Op::get("/api/v1/webhooks", "listWebhooks", "Who is told of what, and how far each is")
                .scope(scope)
                .lists::<WebhookBody>("By number"),
            list,
        )
        .on(
            Op::post(
                "/api/v1/webhooks",
                "addWebhook",
                "Has events sent to a URL from now on, signed",
            )
            .scope(scope)
            .body::<WebhookAsk>()
            .gives::<WebhookMade>(200, "Its number, and the secret that is shown only here")
            .secret(),
            add,
        );
    api.on(
        Op::delete("/api/v1/webhooks/{webhook}", "dropWebhook", "Tells it nothing more")
            .scope(scope)
            .empties("It is gone"),
        drop_it,
    )
    .on(
        Op::post(
            "/api/v1/webhooks/{webhook}/replay",
            "replayWebhook",
            "Tells it everything behind a journal row again, or goes on at once",
        )
        .scope(scope)
        .body::<ReplayAsk>()
        .gives::<WebhookBody>(200, "Where it stands"),
        replay,
    )
}

/// A subscription and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookBody {
    id: i64,
    url: String,
    kinds: Vec<String>,
    /// Events carry whole plates.
    plates: bool,
    made_by: String,
    made_at: Timestamp,
    /// Everything up to this journal row was told.
    told_seq: i64,
    /// Since when its receiver takes nothing.
    failing_since: Option<Timestamp>,
    tries: u32,
    next_try: Option<Timestamp>,
    /// What its receiver said last, where that was not yes.
    trouble: String,
    /// Its receiver took nothing for a day: replay goes on.
    dead: bool,
}

fn body((hook, state): (Webhook, HookState)) -> WebhookBody {
    WebhookBody {
        id: hook.id,
        url: hook.url,
        kinds: hook.kinds,
        plates: hook.plates,
        made_by: hook.made_by,
        made_at: hook.made_at,
        told_seq: state.told_seq,
        failing_since: state.failing_since,
        tries: state.tries,
        next_try: state.next_try,
        trouble: state.trouble,
        dead: state.dead,
    }
}

pub(super) fn hooks(web: &Web) -> Result<&dyn Hooks, ApiError> {
    web.hooks.as_deref().ok_or(ApiError::NotFound)
}

async fn list(State(web): State<Shared>) -> Result<Json<Vec<WebhookBody>>, ApiError> {
    let all = hooks(&web)?.list().await?;
    Ok(Json(all.into_iter().map(body).collect()))
}

/// The name of a kind of event.
struct EventName;

impl PartialSchema for EventName {
    fn schema() -> RefOr<Schema> {
        let names = events::EVENT_KINDS.map(|kind| kind.name);
        let object = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        object.build().into()
    }
}

impl ToSchema for EventName {}

/// Where events go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "http://127.0.0.1:9/events", "kinds": ["stay.opened"] }))]
struct WebhookAsk {
    /// `https://...`, or `http://...` in the site's own network.
    #[schema(max_length = 500, pattern = "^https?://[A-Za-z0-9]")]
    url: String,
    /// Such as `stay.opened`; each needs the scope that reads such things.
    #[schema(value_type = Vec<EventName>, min_items = 1, max_items = 40)]
    kinds: Vec<String>,
    /// With whole plates; needs the scope `plates:read`.
    #[serde(default)]
    plates: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookMade {
    id: i64,
    /// Keys `Paifang-Signature`. None: it was shown before.
    secret: Option<String>,
}

/// What is asked for, checked, by whoever may ask for it.
pub(super) async fn made(
    web: &Web,
    may: impl Fn(Scope) -> bool,
    (url, kinds, plates): (String, Vec<String>, bool),
    made_by: String,
) -> Result<(Webhook, String), ApiError> {
    let hooks = hooks(web)?;
    if !is_url(&url) {
        return Err(ApiError::Unfit(
            "url 须为 http:// 或 https:// 地址，不超过 500 字。",
            "url is an address of http:// or https://, of at most 500 characters.",
        ));
    }
    let known: Option<Vec<_>> = kinds.iter().map(|kind| events::known(kind)).collect();
    let Some(known) = known.filter(|known| !known.is_empty()) else {
        return Err(ApiError::Unfit(
            "kinds 须为文档所列事件，至少一个。",
            "kinds are those the documents name, such as stay.opened; at least one.",
        ));
    };
    let needs = known.iter().map(|kind| kind.scope);
    let needs = needs.chain(plates.then_some(Scope::PlatesRead));
    for scope in needs {
        if !may(scope) {
            return Err(ApiError::NoScope(made_by, scope));
        }
    }
    if hooks.list().await?.len() >= WEBHOOKS_MAX {
        return Err(ApiError::Unfit(
            "订阅已达 20 个，请先删除。",
            "There are 20 webhooks, as many as may be: drop one first.",
        ));
    }
    let mut salt = [0; 16];
    SysRng.try_fill_bytes(&mut salt).map_err(|_| ApiError::Internal)?;
    let mut kinds = kinds;
    kinds.sort();
    kinds.dedup();
    let draft = WebhookDraft { url, kinds, plates, salt, made_by };
    let hook = hooks.add(draft, web.desk.now()).await?;
    let secret = hooks.secret(&hook);
    tracing::info!(
        webhook = hook.id,
        by = hook.made_by,
        "events are sent to a webhook from now on"
    );
    Ok((hook, secret))
}

fn is_url(url: &str) -> bool {
    let fits = url.chars().count() <= URL_CHARS_MAX;
    let scheme = url.starts_with("http://") || url.starts_with("https://");
    let parsed = reqwest::Url::parse(url).ok();
    fits && scheme && parsed.is_some_and(|url| url.has_host() && url.username().is_empty())
}

async fn add(
    State(web): State<Shared>,
    caller: Caller,
    signed: Signed,
    Json(ask): Json<WebhookAsk>,
) -> Result<Json<WebhookMade>, ApiError> {
    let WebhookAsk { url, kinds, plates } = ask;
    let may = |scope| caller.may(scope);
    let (hook, secret) = made(&web, may, (url, kinds, plates), signed.name).await?;
    Ok(Json(WebhookMade { id: hook.id, secret: Some(secret) }))
}

async fn drop_it(State(web): State<Shared>, Path(id): Path<i64>) -> Result<StatusCode, ApiError> {
    if hooks(&web)?.drop(id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

/// From where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayAsk {
    /// Behind this journal row; nothing: where it stands.
    #[serde(default)]
    #[schema(minimum = 0)]
    after_seq: Option<i64>,
}

async fn replay(
    State(web): State<Shared>,
    Path(id): Path<i64>,
    Json(ReplayAsk { after_seq }): Json<ReplayAsk>,
) -> Result<Json<WebhookBody>, ApiError> {
    if after_seq.is_some_and(|seq| seq < 0) {
        return Err(ApiError::Unfit("after_seq 不小于 0。", "after_seq is 0 or more."));
    }
    // Known before its sender is: the list makes it so.
    let there = hooks(&web)?.list().await?.into_iter().any(|(hook, _)| hook.id == id);
    if !there || !hooks(&web)?.replay(id, after_seq).await {
        return Err(ApiError::NotFound);
    }
    let all = hooks(&web)?.list().await?;
    let one = all.into_iter().find(|(hook, _)| hook.id == id).ok_or(ApiError::NotFound)?;
    Ok(Json(body(one)))
}
