//! What only a person can decide: the work list, each task with its act, calls for help that ring. Decides nothing.

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    console::Frame,
    error::ApiError,
    misreads,
    operate::REASON_CHARS_MAX,
    roles::Right,
    router::{Shared, Web},
    signin::Signed,
    stream::Piece,
    words::Lang,
    worklist::{self, Line},
};
use crate::{
    core::{
        Input, Rules, State as Core,
        lane::WaitsFor,
        task::{About, CallFrom, Task, TaskAct},
    },
    types::{LaneId, TaskId},
};

/// Settled tasks shown.
const OVER_MAX: u32 = 50;

/// An open task, with where it is.
#[derive(Clone, Debug)]
pub(super) struct TaskSeen {
    pub(super) task: Task,
    /// The lane's name.
    pub(super) place: String,
    /// What a vehicle in that lane waits for.
    pub(super) waits: Option<WaitsFor>,
    pub(super) plate: Option<String>,
}

/// Open tasks: first where somebody stands and waits, then the oldest.
pub(super) fn open(state: &Core, rules: &Rules) -> Vec<TaskSeen> {
    let mut seen: Vec<TaskSeen> = state
        .tasks
        .values()
        .map(|task| {
            let lane = task.lane.as_ref();
            let stands = lane.and_then(|id| state.lanes.get(id));
            let visit = stands.and_then(|lane| lane.visit.as_ref());
            TaskSeen {
                place: lane.map(|id| rules.lane_name(id).to_owned()).unwrap_or_default(),
                waits: stands.and_then(|lane| lane.wait.as_ref()).map(|wait| wait.on),
                plate: visit.and_then(|v| v.plate.as_ref()).map(|plate| plate.full().to_owned()),
                task: task.clone(),
            }
        })
        .collect();
    seen.sort_by_key(|one| (!one.task.is_call(), one.waits.is_none(), one.task.since));
    seen
}

impl TaskSeen {
    pub(super) fn what(&self, l: Lang) -> &'static str {
        what(l, &self.task.about)
    }

    pub(super) fn why(&self, l: Lang) -> String {
        let says = says(l, &self.task.about);
        let waits = self.waits.filter(|_| self.task.is_call()).map(|on| waits_for(l, on));
        [Some(says), waits.map(str::to_owned)]
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" · ")
    }

    fn is_mine(&self, f: &Frame) -> bool {
        self.task.taken.as_ref().is_some_and(|taken| taken.who == f.who)
    }
}

/// What a task is, in words.
pub(super) fn what(l: Lang, about: &About) -> &'static str {
    match about {
        About::Misread { .. } => l.say("车牌识别不符", "A read fits no stay"),
        About::PlateTwice { .. } => l.say("同一车牌再次入场", "A plate came in twice"),
        About::Tailgate => l.say("跟车闯杆", "A vehicle went through behind another"),
        About::CloudRefused { .. } => l.say(
            "平台票已放行但未能核销",
            "Let in on a ticket that its platform does not write off",
        ),
        About::AdmittedTwice { .. } => {
            l.say("一票两处入场", "Two came in on one right of a ticket")
        }
        About::HelpCall { from: CallFrom::Waiting, .. } => {
            l.say("车辆等待过久", "A vehicle has waited for too long")
        }
        About::HelpCall { .. } => l.say("车主求助", "A driver asks for help"),
    }
}

fn says(l: Lang, about: &About) -> String {
    match about {
        About::Misread { raw, .. } => format!("{} {raw}", l.say("识别为", "read as")),
        About::PlateTwice { former } => format!("{} {former}", l.say("原停车记录", "former stay")),
        About::Tailgate => String::new(),
        About::CloudRefused { cloud, trade_no, why } => format!("{cloud} {trade_no}: {why}"),
        About::AdmittedTwice { ticket, sister } => match l {
            Lang::Zh => format!("票 {ticket}：与 {sister} 断开期间，两边都放行了一人"),
            Lang::En => {
                format!("ticket {ticket}: let in here and at {sister} while the two were apart")
            }
        },
        About::HelpCall { from, says } => {
            let from = match from {
                CallFrom::Phone => l.say("手机", "by phone"),
                CallFrom::Button => l.say("车道按钮", "by the lane's button"),
                CallFrom::Waiting => "",
            };
            if says.is_empty() { from.to_owned() } else { format!("{from}: {says}") }
        }
    }
}

fn waits_for(l: Lang, on: WaitsFor) -> &'static str {
    match on {
        WaitsFor::Help => l.say("无法判断能否放行", "nobody knows whether it may pass"),
        WaitsFor::Payment => l.say("等待付款", "it has to pay"),
        WaitsFor::Repair => l.say("道闸故障", "the arm does not work"),
        WaitsFor::Unlock => l.say("车道已锁定", "the lane is locked"),
        WaitsFor::OtherLane => l.say("等待联动车道", "the lane it is coupled with is taken"),
    }
}

// ---- the list ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "calls.html", config = "src/http/askama.toml")]
struct Ringing<'a> {
    f: &'a Frame,
    calls: Vec<&'a TaskSeen>,
}

/// Calls that nobody has taken on; empty: none.
fn ringing(f: &Frame, tasks: &[TaskSeen]) -> Result<String, ApiError> {
    let calls = tasks.iter().filter(|one| one.task.is_call() && one.task.taken.is_none());
    Ok(Ringing { f, calls: calls.collect() }.render()?)
}

#[derive(Template)]
#[template(path = "task-list.html", config = "src/http/askama.toml")]
struct TaskList<'a> {
    f: &'a Frame,
    lines: &'a [Line],
    over: &'a [Task],
}

impl TaskList<'_> {
    fn what(&self, task: &Task) -> &'static str {
        what(self.f.l, &task.about)
    }
}

#[derive(Template)]
#[template(path = "tasks.html", config = "src/http/askama.toml")]
struct TasksPage {
    f: Frame,
    calls: String,
    list: String,
}

async fn look(web: &Web) -> Result<Vec<TaskSeen>, ApiError> {
    let rules = web.desk.rules();
    Ok(web.desk.read(move |state| open(state, &rules)).await?)
}

async fn list_of(web: &Web, f: &Frame, tasks: &[TaskSeen]) -> Result<String, ApiError> {
    let lines = worklist::lines(web, f, tasks).await?;
    let over = if f.may(Right::SettleTasks) {
        web.records.tasks_over(OVER_MAX).await?
    } else {
        Vec::new()
    };
    Ok(TaskList { f, lines: &lines, over: &over }.render()?)
}

/// Calls ring for those who may answer them.
pub(super) fn calls_of(f: &Frame, tasks: &[TaskSeen]) -> Result<String, ApiError> {
    if f.may(Right::SettleTasks) { ringing(f, tasks) } else { Ok(String::new()) }
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    let f = Frame::new(&web, l, &signed);
    let tasks = look(&web).await?;
    let (calls, list) = (calls_of(&f, &tasks)?, list_of(&web, &f, &tasks).await?);
    Ok(Html(TasksPage { f, calls, list }.render()?).into_response())
}

/// All that moves on the page of tasks.
pub(super) async fn pieces(web: &Web, l: Lang, signed: &Signed) -> Result<Vec<Piece>, ApiError> {
    let f = Frame::new(web, l, signed);
    let tasks = look(web).await?;
    Ok(vec![
        ("waiting".into(), f.badge()),
        ("calls".into(), calls_of(&f, &tasks)?),
        ("tasks".into(), list_of(web, &f, &tasks).await?),
    ])
}

/// Open tasks, as they are on record.
pub(super) async fn list(
    State(web): State<Shared>,
    _signed: Signed,
) -> Result<Json<Vec<Task>>, ApiError> {
    let tasks = look(&web).await?;
    Ok(Json(tasks.into_iter().map(|one| one.task).collect()))
}

// ---- one task ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "task.html", config = "src/http/askama.toml")]
struct TaskPage {
    f: Frame,
    one: TaskSeen,
    /// The vehicles it is about, side by side.
    body: String,
}

impl TaskPage {
    fn lane(&self) -> Option<&LaneId> {
        self.one.task.lane.as_ref()
    }

    /// What mostly comes of such a task, to be picked instead of typed.
    fn outcomes(&self) -> [&'static str; 5] {
        let l = self.f.l;
        [
            l.say("已放行", "Let through"),
            l.say("已协助付款", "Helped to pay"),
            l.say("已更正车牌", "Plate corrected"),
            l.say("已查看，无需处理", "Looked at, nothing to do"),
            l.say("误按", "Called by mistake"),
        ]
    }
}

async fn find(web: &Web, id: i64) -> Result<TaskSeen, ApiError> {
    let tasks = look(web).await?;
    tasks.into_iter().find(|one| one.task.id.0 == id).ok_or(ApiError::NotFound)
}

pub(super) async fn one(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let one = find(&web, id).await?;
    let f = Frame::new(&web, l, &signed);
    let body = misreads::body(&web, &f, &one.task).await?;
    Ok(Html(TaskPage { f, one, body }.render()?).into_response())
}

pub(super) async fn take(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let (task, act, who) = (TaskId(id), TaskAct::Take, signed.name);
    tracing::info!(%task, operator = who, "an operator takes a task on");
    web.desk.tell(Input::TaskActed { task, act, who }).await??;
    Ok(Redirect::to(&format!("/console/tasks/{id}")).into_response())
}

#[derive(Deserialize)]
pub(super) struct Settled {
    #[serde(default)]
    what: String,
}

pub(super) async fn settle(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Form(Settled { what }): Form<Settled>,
) -> Result<Response, ApiError> {
    if what.chars().count() > REASON_CHARS_MAX {
        return Err(ApiError::Unfit(
            "处理结果请不超过 200 字。",
            "An outcome has at most 200 characters.",
        ));
    }
    let (task, who) = (TaskId(id), signed.name);
    tracing::info!(%task, operator = who, "an operator settles a task");
    web.desk.tell(Input::TaskActed { task, act: TaskAct::Settle { what }, who }).await??;
    Ok(Redirect::to("/console/tasks").into_response())
}

/// What became of a task: the site's own words in the reader's language, a person's as they were written.
fn outcome(f: &Frame, what: &str) -> String {
    match what.strip_prefix("taken for stay ") {
        Some(stay) => f.l.say("对应停车记录 ", "taken for stay ").to_owned() + stay,
        None => what.to_owned(),
    }
}

/// How long a settled task took.
fn took(f: &Frame, since: Timestamp, over: Option<&Timestamp>) -> String {
    over.map(|over| f.l.duration(over.duration_since(since).as_secs())).unwrap_or_default()
}
