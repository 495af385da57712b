//! Before every operation of the API: who asks, and whether that is theirs to ask. Knows no operation.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::{once, op::Access};
use crate::{
    http::{
        error::ApiError,
        guard::{self, Source},
        hand,
        roles::Right,
        router::{Shared, Web},
        signin::{Known, Signed},
    },
    types::{CounterId, Scope},
};

/// One operation's door.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) web: Shared,
    pub(super) access: Access,
    /// Its answer holds what is shown once only.
    pub(super) secret: bool,
}

/// Who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Caller {
    /// Whom idempotency keys are of.
    pub(super) id: String,
    /// `None`: a person, who has no scopes.
    scopes: Option<Vec<Scope>>,
}

impl Caller {
    fn person(id: String) -> Self {
        Self { id, scopes: None }
    }

    pub(in crate::http) fn may(&self, scope: Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::SignIn)
    }
}

pub(super) async fn gate(
    State(Gate { web, access, secret }): State<Gate>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match admit(&mut parts, &web, access).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    parts.extensions.insert(caller.clone());
    let request = Request::from_parts(parts, body);
    if request.method() == Method::POST && request.headers().contains_key(once::HEADER) {
        return once::once(&web, &caller, secret, request, next).await;
    }
    next.run(request).await
}

/// What follows `Authorization: Bearer`.
fn bearer(parts: &Parts) -> Option<&str> {
    let text = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (kind, token) = text.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

async fn admit(parts: &mut Parts, web: &Shared, access: Access) -> Result<Caller, ApiError> {
    let token = bearer(parts).map(str::to_owned);
    match (access, token) {
        (Access::Anyone, _) => Ok(Caller::person(String::new())),
        (Access::Scope(scope) | Access::Hand(scope), None) => person(parts, web, scope).await,
        (Access::Hand(_), Some(token)) if hand::same(&token, &web.folder_token) => {
            let signed = Signed::command_line();
            let caller = Caller::person(signed.name.clone());
            parts.extensions.insert(signed);
            Ok(caller)
        }
        (Access::Scope(scope) | Access::Hand(scope), Some(token)) => {
            let (name, caller) = program(parts, web, &token, scope).await?;
            // On record as who did it; no operator's name has a space.
            let name = format!("program {name}");
            let rights = caller.scopes.iter().flatten().flat_map(|scope| rights(*scope));
            parts.extensions.insert(Signed::program(name, rights.copied().collect()));
            Ok(caller)
        }
        (Access::Counter(_) | Access::Merchant, None) => Err(ApiError::SignIn),
        (Access::Counter(scope), Some(token)) => counter(parts, web, &token, scope).await,
        (Access::Merchant, Some(token)) => {
            let (now, source) = (web.desk.now(), Source::from_request_parts(parts, web).await?);
            web.sign_ins.may_try(source, now)?;
            let Some(user) = web.till.merchant_of_token(digest(&token)).await? else {
                web.sign_ins.count(source, now);
                return Err(ApiError::Token);
            };
            let caller = Caller::person(format!("merchant {}", user.name));
            parts.extensions.insert(user);
            Ok(caller)
        }
    }
}

/// A signed-in operator whose role has the right, from one of our own pages.
async fn person(parts: &mut Parts, web: &Shared, scope: Scope) -> Result<Caller, ApiError> {
    let signed = Known::of(web, &parts.headers).await?.signed(&parts.uri)?;
    rights(scope).iter().take(1).try_for_each(|right| signed.must(*right))?;
    let asks = matches!(parts.method, Method::GET | Method::HEAD);
    if !asks && !guard::is_own(web.settings.public_url(), &parts.headers) {
        return Err(ApiError::Foreign);
    }
    let caller = Caller::person(format!("operator {}", signed.name));
    parts.extensions.insert(signed);
    Ok(caller)
}

/// What a scope lets a program do. The first is what an operator needs for the same operations.
fn rights(scope: Scope) -> &'static [Right] {
    match scope {
        Scope::LanesRead | Scope::AlarmsRead => &[Right::SeeLanes],
        Scope::LanesOperate => &[Right::OperateGates, Right::Operate],
        Scope::ZonesCount => &[Right::CountSpaces],
        Scope::StaysRead | Scope::PlatesRead => &[Right::SeeStays],
        Scope::OrdersRead | Scope::PaymentsRead => &[Right::SeePayments],
        Scope::OrdersWrite | Scope::ShiftsRead => &[Right::TakeCash],
        Scope::PaymentsRefund => &[Right::ActOnPayments],
        Scope::ArrearsRead => &[Right::SeeArrears],
        Scope::InvoicesRead => &[Right::IssueInvoices],
        Scope::SettlementRead => &[Right::SeeSettlement],
        Scope::SettlementWrite => &[Right::Settle],
        Scope::PassesRead => &[Right::SeeRegister],
        Scope::PassesWrite => &[Right::ChangeRegister, Right::ChangeReservations],
        Scope::TasksRead => &[Right::SeeTasks],
        Scope::TasksWrite => &[Right::SettleTasks],
        Scope::TicketsRead => &[Right::SeeTickets],
        Scope::TicketsWrite => &[Right::ChangeTickets],
        Scope::TicketsSell => &[Right::SellTickets],
        Scope::DevicesRead => &[Right::SeeDevices],
        Scope::DevicesTest => &[Right::TestDevices],
        Scope::RulesReload => &[Right::ChangeTariffs],
        Scope::WebhooksWrite => &[Right::ChangePrograms],
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The program's name, if its token has the scope.
async fn program(
    parts: &mut Parts,
    web: &Shared,
    token: &str,
    scope: Scope,
) -> Result<(String, Caller), ApiError> {
    let (now, source) = (web.desk.now(), Source::from_request_parts(parts, web).await?);
    web.sign_ins.may_try(source, now)?;
    let found = match &web.programs {
        Some(programs) => programs.of_token(digest(token), now).await?,
        None => None,
    };
    let Some(program) = found else {
        web.sign_ins.count(source, now);
        return Err(ApiError::Token);
    };
    if !program.scopes.contains(&scope) {
        return Err(ApiError::NoScope(program.name, scope));
    }
    let id = format!("program {}", program.name);
    Ok((program.name, Caller { id, scopes: Some(program.scopes) }))
}

async fn counter(
    parts: &mut Parts,
    web: &Shared,
    token: &str,
    scope: Scope,
) -> Result<Caller, ApiError> {
    let source = Source::from_request_parts(parts, web).await?;
    web.sign_ins.may_try(source, web.desk.now())?;
    if let Some(counter) = known_counter(web, token).await? {
        let caller = Caller::person(format!("counter {counter}"));
        parts.extensions.insert(counter);
        return Ok(caller);
    }
    let (name, caller) = program(parts, web, token, scope).await?;
    let counter = CounterId::parse(&name).ok_or(ApiError::Internal)?;
    parts.extensions.insert(counter);
    Ok(caller)
}

async fn known_counter(web: &Web, token: &str) -> Result<Option<CounterId>, ApiError> {
    Ok(web.payments.counter_of_token(digest(token)).await?)
}
