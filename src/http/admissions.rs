//! People lanes: tickets registered and revoked by programs, today's admissions for the operator, and what nobody knows
//! decided by one. Shows no code and keeps none.

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    console::{Frame, today},
    error::ApiError,
    operate::REASON_CHARS_MAX,
    program::{Access, Api, Op},
    router::Shared,
    signin::Signed,
    words::{self, Lang},
};
use crate::{
    core::{
        Input,
        cloud::CloudPass,
        gate::Gate,
        input::{Answer, Refusal},
        lane::OperatorAct,
        ticket::{Admission, Medium, Ticket},
    },
    types::{AdmissionId, Code, LaneId, Scope, TicketId, ZoneId},
};

const ADMISSIONS_MAX: u32 = 200;

pub(super) fn api(api: Api) -> Api {
    api.on(
        Op::post(
            "/api/v1/tickets",
            "registerTicket",
            "Registers a ticket sold elsewhere, by its code",
        )
        .scope(Scope::TicketsWrite)
        .body::<Sold>()
        .gives::<TicketBody>(
            200,
            "Its number; the same code with the same content is the same ticket",
        ),
        sell,
    )
    .on(
        Op::delete(
            "/api/v1/tickets/{ticket}",
            "revokeTicket",
            "Lets nobody in any more; who is in stays in",
        )
        .scope(Scope::TicketsWrite)
        .empties("It lets nobody in any more"),
        revoke,
    )
    .on(
        Op::post(
            "/api/v1/tickets/issue",
            "issueTicket",
            "A ticket under a code that the site signs",
        )
        .by(Access::Hand(Scope::TicketsWrite))
        .body::<Issued>()
        .gives::<TicketBody>(200, "Its number"),
        issue,
    )
    .on(
        Op::post(
            "/api/v1/tickets/{ticket}/revoke",
            "withdrawTicket",
            "As revoking it, for a reason that goes on record",
        )
        .by(Access::Hand(Scope::TicketsWrite))
        .body::<Withdrawn>()
        .gives::<TicketBody>(200, "Its number"),
        withdraw,
    )
}

// ---- tickets -------------------------------------------------------------------------------------

#[derive(Deserialize, ToSchema)]
#[schema(as = TicketAsk, example = json!({
    "code": "A-4711", "persons": 2, "valid_until": "2096-01-01T00:00:00Z"
}))]
#[serde(deny_unknown_fields)]
struct Sold {
    /// As the scanner will read it; a card: its bits and bytes, such as `26:2d00a280`. Its digest alone is kept.
    #[schema(min_length = 1, max_length = 512)]
    code: String,
    #[schema(minimum = 1, maximum = 1000)]
    persons: u32,
    /// Default: now.
    valid_from: Option<Timestamp>,
    valid_until: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketMade)]
struct TicketBody {
    id: TicketId,
}

/// The same code again with the same content is the same ticket.
async fn sell(
    State(web): State<Shared>,
    signed: Signed,
    Json(sold): Json<Sold>,
) -> Result<Json<TicketBody>, ApiError> {
    let Sold { code, persons, valid_from, valid_until } = sold;
    let code = Code::parse(&code).map_err(|_| {
        ApiError::Unfit(
            "票码须为 1 到 512 个字符",
            "A code has 1 to 512 characters, none of them control",
        )
    })?;
    let digest = code.digest();
    let known = web.records.ticket_of(digest).await?;
    if let Some(known) = known {
        let same = known.persons == persons
            && known.valid_until == valid_until
            && valid_from.is_none_or(|from| from == known.valid_from);
        return if same {
            Ok(Json(TicketBody { id: known.id }))
        } else {
            Err(Refusal::TicketDiffers(known.id).into())
        };
    }
    let by = signed.name;
    let made = Input::TicketMade { digest, persons, valid_from, valid_until, by };
    match web.desk.tell(made).await?? {
        Answer::Ticket(id) => Ok(Json(TicketBody { id })),
        _ => Err(ApiError::Internal),
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TicketIssue)]
#[serde(deny_unknown_fields)]
struct Issued {
    #[schema(minimum = 1, maximum = 1000)]
    persons: u32,
    /// Default: now.
    valid_from: Option<Timestamp>,
    valid_until: Timestamp,
    /// Default: everywhere.
    #[serde(default)]
    zones: Vec<ZoneId>,
    #[serde(default)]
    medium: Medium,
}

/// A ticket under a code of this site's own keys, which whoever reads the data folder signs.
async fn issue(
    State(web): State<Shared>,
    signed: Signed,
    Json(issued): Json<Issued>,
) -> Result<Json<TicketBody>, ApiError> {
    let Issued { persons, valid_from, valid_until, zones, medium } = issued;
    let by = signed.name;
    let made = Input::TicketIssued { persons, valid_from, valid_until, zones, medium, by };
    match web.desk.tell(made).await?? {
        Answer::Ticket(id) => Ok(Json(TicketBody { id })),
        _ => Err(ApiError::Internal),
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TicketWithdrawal)]
struct Withdrawn {
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// As [`revoke`], for a reason.
async fn withdraw(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(Withdrawn { reason }): Json<Withdrawn>,
) -> Result<Json<TicketBody>, ApiError> {
    let (ticket, reason) = (TicketId(id), reason.trim());
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(ApiError::Unfit(
            "请填写原因（200 字内）。",
            "Give a reason, of 200 characters at most.",
        ));
    }
    revoked(&web, ticket, format!("{}: {reason}", signed.name)).await?;
    Ok(Json(TicketBody { id: ticket }))
}

/// Lets nobody in any more; who is in stays in.
async fn revoke(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    revoked(&web, TicketId(id), signed.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Also where it was revoked before.
async fn revoked(web: &Shared, ticket: TicketId, by: String) -> Result<(), ApiError> {
    match web.desk.tell(Input::TicketRevoked { ticket, by }).await? {
        Ok(_) => Ok(()),
        Err(refusal @ Refusal::NoTicket(_)) => {
            let known: Option<Ticket> = web.records.ticket(ticket).await?;
            match known {
                None => Err(ApiError::NotFound),
                Some(known) if known.revoked => Ok(()),
                Some(_) => Err(refusal.into()),
            }
        }
        Err(refusal) => Err(refusal.into()),
    }
}

// ---- the page ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "admissions.html", config = "src/http/askama.toml")]
struct AdmissionsPage {
    f: Frame,
    /// Each with its direction in words.
    gates: Vec<(Gate, &'static str)>,
    admissions: Vec<Admission>,
    /// Tickets of clouds, and what the operator reads of each.
    clouds: Vec<CloudPass>,
    most: usize,
    notice: Option<String>,
}

impl AdmissionsPage {
    fn phase(&self, gate: &Gate) -> &'static str {
        words::gate_phase(self.f.l, gate.phase)
    }

    fn state(&self, admission: &Admission) -> &'static str {
        words::admission_state(self.f.l, admission.state)
    }

    fn cloud_state(&self, pass: &CloudPass) -> &'static str {
        words::cloud_state(self.f.l, pass.state)
    }

    /// Why, where no ticket says so.
    fn why(&self, admission: &Admission) -> String {
        if admission.double {
            let l = self.f.l;
            return l
                .say("同一权利已在此处放行一人", "one had come in on the same right here")
                .into();
        }
        let cause = admission.settled.as_ref().or(admission.cause.as_ref());
        cause.map(|cause| words::cause(self.f.l, cause)).unwrap_or_default()
    }

    fn acts(&self) -> [(&'static str, &'static str); 5] {
        use OperatorAct::{Hold, Lock, Release, Unlock};
        let l = self.f.l;
        [
            ("open", l.say("放行一人", "Let one in")),
            ("hold", words::act(l, Hold)),
            ("release", words::act(l, Release)),
            ("lock", words::act(l, Lock)),
            ("unlock", words::act(l, Unlock)),
        ]
    }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    with_notice(&web, l, signed, None).await
}

async fn with_notice(
    web: &Shared,
    l: Lang,
    signed: Signed,
    notice: Option<Refusal>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, &signed);
    let (from, _) = today(&f).ok_or(ApiError::Internal)?;
    let rules = web.desk.rules();
    let gates = web.desk.read(move |state| {
        let of = |(id, rules): (&LaneId, &crate::core::rules::GateRules)| {
            Some((state.gates.get(id)?.clone(), super::lanes::direction(l, rules.direction)))
        };
        rules.gates.iter().filter_map(of).collect::<Vec<_>>()
    });
    let gates = gates.await?;
    let admissions = web.records.admissions_since(from, ADMISSIONS_MAX).await?;
    let mut clouds = web.records.cloud_passes(ADMISSIONS_MAX).await?;
    clouds.retain(|pass| pass.at >= from || pass.over_at.is_none());
    let status = if notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let notice = notice.map(|refusal| words::refusal(l, &refusal));
    let most = ADMISSIONS_MAX as usize;
    let page = AdmissionsPage { f, gates, admissions, clouds, most, notice };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Settled {
    used: bool,
    #[serde(default)]
    reason: String,
}

pub(super) async fn settle(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Form(settled): Form<Settled>,
) -> Result<Response, ApiError> {
    let Settled { used, reason } = settled;
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(ApiError::Unfit(
            "原因请不超过 200 字。",
            "A reason has at most 200 characters.",
        ));
    }
    let who = signed.name.clone();
    let admission = AdmissionId(id);
    let told = web.desk.tell(Input::AdmissionSettled { admission, used, who, reason }).await?;
    tracing::info!(%admission, used, operator = signed.name, done = told.is_ok(), "an admission was decided");
    match told {
        Ok(_) if headers.contains_key("x-piece") => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(_) => Ok(Redirect::to("/console/admissions").into_response()),
        Err(refusal) => with_notice(&web, l, signed, Some(refusal)).await,
    }
}
