//! The page of programs: tokens with their scopes, shown once, taken back; and who is told of events. Sells nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    events::{EVENT_KINDS, EventKind},
    hooks,
};
use crate::{
    http::{
        console::Frame,
        error::ApiError,
        merchant::fresh_token,
        ports::{HookState, ProgramRecords},
        router::{Shared, Web},
        signin::Signed,
        words::Lang,
    },
    types::{CounterId, Program, Scope, Webhook},
};

#[derive(Template)]
#[template(path = "programs.html", config = "src/http/askama.toml")]
struct ProgramsPage {
    f: Frame,
    programs: Vec<Program>,
    hooks: Vec<(Webhook, HookState)>,
    /// What is shown once: whose, and the token or secret.
    secret: Option<(String, String)>,
    notice: Option<String>,
}

impl ProgramsPage {
    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn scopes(&self) -> &'static [Scope] {
        Scope::ALL
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn words(&self, scope: &Scope) -> &'static str {
        let (zh, en) = scope.words();
        self.f.l.say(zh, en)
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn of(&self, program: &Program) -> String {
        program.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", ")
    }

    #[expect(clippy::unused_self, reason = "templates ask the page")]
    fn kinds(&self) -> [EventKind; EVENT_KINDS.len()] {
        EVENT_KINDS
    }

    /// How a webhook is.
    fn how(&self, state: &HookState) -> String {
        let l = self.f.l;
        match (&state.failing_since, state.dead) {
            (_, true) => {
                format!("{}: {}", l.say("已停发", "nothing more is sent"), state.trouble)
            }
            (Some(since), false) => {
                let (tried, since) = (l.say("未送达，自", "not taken since"), self.f.clock(since));
                format!("{tried} {since} ({}): {}", state.tries, state.trouble)
            }
            (None, false) => l.say("正常", "well").to_owned(),
        }
    }

    fn used(&self, program: &Program) -> String {
        let never = || self.f.l.say("从未使用", "never used").to_owned();
        program.used_at.as_ref().map_or_else(never, |at| {
            format!("{} {}", self.f.l.say("最近使用", "last used"), self.f.clock(at))
        })
    }
}

fn records(web: &Web) -> Result<&dyn ProgramRecords, ApiError> {
    web.programs.as_deref().ok_or(ApiError::NotFound)
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    show(&web, l, signed, None, None).await
}

pub(super) async fn show(
    web: &Web,
    l: Lang,
    signed: Signed,
    secret: Option<(String, String)>,
    notice: Option<String>,
) -> Result<Response, ApiError> {
    let programs = records(web)?.programs().await?;
    let hooks = match &web.hooks {
        Some(hooks) => hooks.list().await?,
        None => Vec::new(),
    };
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let f = Frame::new(web, l, &signed);
    Ok((status, Html(ProgramsPage { f, programs, hooks, secret, notice }.render()?))
        .into_response())
}

/// A form with several fields of one name.
type Pairs = Vec<(String, String)>;

/// Its name, and each scope that is ticked: `name=x&scope=lanes:read&scope=...`.
pub(super) async fn add(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(pairs): Form<Pairs>,
) -> Result<Response, ApiError> {
    let all = |of: &'static str| pairs.iter().filter(move |(name, _)| name == of);
    let name = all("name").next().map(|(_, name)| name.trim().to_owned()).unwrap_or_default();
    let scopes: Option<Vec<Scope>> = all("scope").map(|(_, scope)| Scope::parse(scope)).collect();
    let scopes = scopes.filter(|scopes| !scopes.is_empty());
    let (Some(scopes), Some(_)) = (scopes, CounterId::parse(&name)) else {
        return Err(ApiError::Unfit(
            "名称为 1 到 32 个小写字母、数字或短横，并至少选一项权限。",
            "A program has a name of 1 to 32 of a-z, 0-9 and '-', and at least one scope.",
        ));
    };
    let (token, digest) = fresh_token(32)?;
    let (now, who) = (web.desk.now(), signed.name.clone());
    if !records(&web)?.add(name.clone(), scopes, digest, who, now).await? {
        let text =
            l.say("该名称已被程序或柜台使用", "A program or a counter has this name already");
        return show(&web, l, signed, None, Some(text.to_owned())).await;
    }
    tracing::info!(program = name, operator = signed.name, "a program's token was given out");
    show(&web, l, signed, Some((name, token)), None).await
}

pub(super) async fn forget(
    State(web): State<Shared>,
    signed: Signed,
    Path(program): Path<String>,
) -> Result<Response, ApiError> {
    if !records(&web)?.drop(program.clone()).await? {
        return Err(ApiError::NotFound);
    }
    tracing::info!(program, operator = signed.name, "a program's token was taken back");
    Ok(Redirect::to("/console/programs").into_response())
}

// ---- webhooks ------------------------------------------------------------------------------------

/// `url=...&kind=stay.opened&kind=...&plates=on`.
pub(super) async fn add_hook(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(pairs): Form<Pairs>,
) -> Result<Response, ApiError> {
    let all = |of: &'static str| pairs.iter().filter(move |(name, _)| name == of);
    let url = all("url").next().map(|(_, url)| url.trim().to_owned()).unwrap_or_default();
    let kinds = all("kind").map(|(_, kind)| kind.clone()).collect();
    let asked = (url, kinds, all("plates").next().is_some());
    let (hook, secret) = hooks::made(&web, |_| true, asked, signed.name.clone()).await?;
    show(&web, l, signed, Some((hook.url, secret)), None).await
}

#[derive(Debug, Deserialize)]
pub(super) struct From {
    /// A journal row; empty: where it stands.
    #[serde(default)]
    after_seq: String,
}

pub(super) async fn act_on_hook(
    State(web): State<Shared>,
    signed: Signed,
    Path((id, act)): Path<(i64, String)>,
    Form(From { after_seq }): Form<From>,
) -> Result<Response, ApiError> {
    let hooks = hooks::hooks(&web)?;
    let done = match act.as_str() {
        "drop" => hooks.drop(id).await?,
        "again" => {
            let seq = after_seq.trim();
            let seq: Option<i64> = if seq.is_empty() {
                None
            } else {
                let odd = ApiError::Unfit("序号须为数字。", "A journal row has a number.");
                Some(seq.parse().ok().filter(|seq| *seq >= 0).ok_or(odd)?)
            };
            hooks.replay(id, seq).await
        }
        _ => false,
    };
    if !done {
        return Err(ApiError::NotFound);
    }
    tracing::info!(webhook = id, act, operator = signed.name, "an operator acts on a webhook");
    Ok(Redirect::to("/console/programs").into_response())
}
