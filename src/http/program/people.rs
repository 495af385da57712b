//! For programs: tasks that only a person, or whoever speaks for one, can decide; tickets and admissions as they stand.
//! Sells nothing.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    bodies::{AdmissionBody, TicketBody},
    op::{Api, Op},
    pages::{self, Paging},
};
use crate::{
    core::{Input, task::Task, task::TaskAct},
    http::{error::ApiError, operate::REASON_CHARS_MAX, router::Shared, signin::Signed, tasks},
    types::{Scope, TaskId, TicketId},
};

pub(super) fn api(api: Api) -> Api {
    let api = api
        .on(
            Op::get(
                "/api/v1/tasks",
                "listTasks",
                "Open tasks: first where somebody waits, then the oldest",
            )
            .scope(Scope::TasksRead)
            .lists::<Task>("All of them"),
            tasks::list,
        )
        .on(
            Op::get("/api/v1/tasks/settled", "listSettledTasks", "Settled tasks, the latest first")
                .scope(Scope::TasksRead)
                .pages::<Task, Paging>("A part of the list"),
            settled,
        )
        .on(
            Op::post(
                "/api/v1/tasks/{task}/take",
                "takeTask",
                "Takes a task on, also where it was another's",
            )
            .scope(Scope::TasksWrite)
            .gives::<TaskDone>(200, "It is on record"),
            take,
        )
        .on(
            Op::post(
                "/api/v1/tasks/{task}/settle",
                "settleTask",
                "Settles a task, in the program's own words",
            )
            .scope(Scope::TasksWrite)
            .body::<Outcome>()
            .gives::<TaskDone>(200, "It is on record"),
            settle,
        );
    api.on(
        Op::get("/api/v1/tickets", "listTickets", "Tickets, the latest first; no code is shown")
            .scope(Scope::TicketsRead)
            .pages::<TicketBody, Paging>("A part of the list"),
        tickets,
    )
    .on(
        Op::get("/api/v1/tickets/{ticket}", "getTicket", "A ticket with its admissions")
            .scope(Scope::TicketsRead)
            .gives::<TicketFileBody>(200, "As it stands"),
        ticket,
    )
    .on(
        Op::get(
            "/api/v1/admissions",
            "listAdmissions",
            "Persons let through turnstiles, the latest first",
        )
        .scope(Scope::TicketsRead)
        .pages::<AdmissionBody, Paging>("A part of the list"),
        admissions,
    )
}

// ---- tasks ---------------------------------------------------------------------------------------

async fn settled(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(paging): Query<Paging>,
) -> Result<Response, ApiError> {
    let page = paging.page()?;
    let tasks = web.lists.tasks(page).await?;
    Ok(pages::part(&uri, page, tasks, |task: &Task| task.id.0))
}

#[derive(Debug, Serialize, ToSchema)]
struct TaskDone {
    task: TaskId,
}

async fn tell(
    web: &Shared,
    signed: Signed,
    id: i64,
    act: TaskAct,
) -> Result<Json<TaskDone>, ApiError> {
    let (task, who) = (TaskId(id), signed.name);
    let known = web.desk.read(move |state| state.tasks.contains_key(&task)).await?;
    if !known {
        return Err(ApiError::NotFound);
    }
    tracing::info!(%task, by = who, "a program acts on a task");
    web.desk.tell(Input::TaskActed { task, act, who }).await??;
    Ok(Json(TaskDone { task }))
}

async fn take(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Json<TaskDone>, ApiError> {
    tell(&web, signed, id, TaskAct::Take).await
}

/// What became of a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskOutcome)]
struct Outcome {
    #[schema(min_length = 1, max_length = 200)]
    what: String,
}

async fn settle(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Json(Outcome { what }): Json<Outcome>,
) -> Result<Json<TaskDone>, ApiError> {
    if !(1..=REASON_CHARS_MAX).contains(&what.chars().count()) {
        return Err(ApiError::Unfit(
            "处理结果 1 到 200 字。",
            "An outcome has 1 to 200 characters.",
        ));
    }
    tell(&web, signed, id, TaskAct::Settle { what }).await
}

// ---- tickets -------------------------------------------------------------------------------------

async fn tickets(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(paging): Query<Paging>,
) -> Result<Response, ApiError> {
    let page = paging.page()?;
    let tickets = web.lists.tickets(page).await?;
    Ok(pages::part(&uri, page, tickets.iter().map(TicketBody::new).collect(), TicketBody::number))
}

/// A ticket and who came in on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketFile)]
struct TicketFileBody {
    ticket: TicketBody,
    /// Oldest first; empty also where the site sells no tickets.
    admissions: Vec<AdmissionBody>,
}

async fn ticket(
    State(web): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Json<TicketFileBody>, ApiError> {
    let id = TicketId(id);
    let ticket = web.records.ticket(id).await?.ok_or(ApiError::NotFound)?;
    let past = match &web.tickets {
        Some(office) => office.records.past(id).await?.admissions,
        None => Vec::new(),
    };
    Ok(Json(TicketFileBody {
        ticket: TicketBody::new(&ticket),
        admissions: past.iter().map(AdmissionBody::new).collect(),
    }))
}

async fn admissions(
    State(web): State<Shared>,
    OriginalUri(uri): OriginalUri,
    Query(paging): Query<Paging>,
) -> Result<Response, ApiError> {
    let page = paging.page()?;
    let admissions = web.lists.admissions(page).await?;
    let bodies = admissions.iter().map(AdmissionBody::new).collect();
    Ok(pages::part(&uri, page, bodies, AdmissionBody::number))
}
