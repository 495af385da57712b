//! The devices of the site: how each is, what it says, a test of each; as JSON and as a page. Decides nothing.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Form, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{
        Html, IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::{
    console::Frame,
    error::ApiError,
    ports::{DeviceReport, DeviceState, Fault, Spoken, StrangerReport, TestError, TestReport},
    program::{Access, Api, Op},
    router::{Shared, Web},
    signin::Signed,
    stream::{Piece, Reader},
    words::Lang,
};
use crate::types::Scope;

/// Lines of what devices said, on the page.
const LINES_MAX: usize = 30;
/// Seconds a window for strangers may be open.
const WINDOW_S_MAX: u64 = 600;

// ---- JSON ----------------------------------------------------------------------------------------

pub(super) fn api(api: Api) -> Api {
    let (read, test_) = (Access::Hand(Scope::DevicesRead), Access::Hand(Scope::DevicesTest));
    let api = api
        .on(
            Op::get("/api/v1/devices", "listDevices", "How each device is")
                .by(read)
                .lists::<DeviceReport>("In the order of their names"),
            list,
        )
        .on(
            Op::get(
                "/api/v1/devices/live",
                "watchDevices",
                "What devices say as they say it; plates are masked",
            )
            .by(read)
            .streams("One JSON object an event, for as long as somebody listens"),
            live,
        );
    api.on(
        Op::get(
            "/api/v1/devices/strangers",
            "listStrangers",
            "Who speaks that the site file does not name",
        )
        .by(read)
        .lists::<StrangerReport>("The latest first"),
        strangers,
    )
    .on(
        Op::post(
            "/api/v1/devices/strangers",
            "listen",
            "Listens to strangers more closely for a while",
        )
        .by(test_)
        .body::<Window>()
        .gives::<Listening>(200, "For so long, and what that means here"),
        listen,
    )
    .on(
        Op::post(
            "/api/v1/devices/{device}/test",
            "testDevice",
            "Does what is harmless with a device; `moves` opens its arm",
        )
        .by(test_)
        .body::<Asked>()
        .gives::<TestReport>(200, "What it found"),
        test,
    )
}

async fn list(State(web): State<Shared>, _signed: Signed) -> Json<Vec<DeviceReport>> {
    Json(web.fleet.devices())
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = DeviceTest)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    moves: bool,
}

async fn test(
    State(web): State<Shared>,
    signed: Signed,
    Path(device): Path<String>,
    Json(asked): Json<Asked>,
) -> Result<Json<TestReport>, ApiError> {
    Ok(Json(tested(&web, device, asked.moves, signed.name).await?))
}

/// What devices say, one JSON object an event.
async fn live(State(web): State<Shared>, signed: Signed) -> Result<Response, ApiError> {
    let place = web.streams.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
    let reader = Reader::new(&web, signed);
    let start = (web.fleet.live(), web.stop.clone(), reader, web, place);
    let events = stream::unfold(start, async |(mut live, mut stop, mut reader, web, place)| {
        loop {
            let said = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return None,
                said = live.recv() => said,
            };
            match said {
                Ok(_) if !reader.may_go_on(&web).await => return None,
                Ok(said) => {
                    let data = serde_json::to_string(&*said).unwrap_or_default();
                    let event = Ok::<_, Infallible>(Event::default().event("said").data(data));
                    return Some((event, (live, stop, reader, web, place)));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15)).text("still here");
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

async fn strangers(State(web): State<Shared>, _signed: Signed) -> Json<Vec<StrangerReport>> {
    Json(web.fleet.strangers())
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ListeningWindow)]
#[serde(deny_unknown_fields)]
struct Window {
    seconds: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Listening {
    seconds: u64,
    notes: Vec<String>,
}

async fn listen(
    State(web): State<Shared>,
    signed: Signed,
    Json(window): Json<Window>,
) -> Json<Listening> {
    let seconds = window.seconds.clamp(1, WINDOW_S_MAX);
    tracing::info!(by = signed.name, seconds, "listening to devices that nobody knows");
    let notes = web.fleet.listen(Duration::from_secs(seconds));
    Json(Listening { seconds, notes })
}

async fn tested(
    web: &Web,
    device: String,
    moves: bool,
    who: String,
) -> Result<TestReport, ApiError> {
    tracing::info!(device, moves, by = who, "a device is tested");
    web.fleet.test(device, moves, who).await.map_err(|error| match error {
        TestError::NoDevice(_) => ApiError::NotFound,
        TestError::NoArm(_) => ApiError::Unfit(
            "这个设备不控制道闸，只能做不动杆的测试。",
            "This device moves no arm; test it without moving.",
        ),
        TestError::Busy(busy) => busy.into(),
        TestError::Refused(refusal) => refusal.into(),
    })
}

// ---- the page ------------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "devices.html", config = "src/http/askama.toml")]
struct DevicesPage {
    f: Frame,
    table: String,
    rows: Vec<DeviceReport>,
    notice: Option<(String, TestReport)>,
}

#[derive(Template)]
#[template(path = "device-table.html", config = "src/http/askama.toml")]
struct Table<'a> {
    f: &'a Frame,
    rows: Vec<Row>,
}

struct Row {
    report: DeviceReport,
    mood: &'static str,
    state: &'static str,
    seen: String,
    latency: String,
    errors: String,
    clock: String,
}

impl Row {
    fn new(f: &Frame, report: DeviceReport) -> Self {
        let l = f.l;
        let (mood, state) = state(l, report.state);
        let seen = match &report.last_seen {
            Some(at) if f.now.duration_since(*at).as_secs() < 60 => {
                l.say("刚刚", "Just now").into()
            }
            Some(at) => format!("{} {}", f.since(at), l.say("前", "ago")),
            None => "–".to_owned(),
        };
        let latency = report.latency.map(|latency| {
            format!("{} / {} / {} ms", ms(latency.last_us), ms(latency.p50_us), ms(latency.p99_us))
        });
        let mut errors: Vec<String> = report
            .errors
            .iter()
            .map(|(fault, n)| format!("{} {n}", fault_name(l, *fault)))
            .collect();
        for (count, name) in [
            (report.nonsense, l.say("无法理解", "nonsense")),
            (report.dropped, l.say("超量丢弃", "dropped")),
        ] {
            if count > 0 {
                errors.push(format!("{name} {count}"));
            }
        }
        let clock = report.clock_offset_ms.map(|ms| format!("{:+.1} s", ms as f64 / 1_000.0));
        Self {
            mood,
            state,
            seen,
            latency: latency.unwrap_or_else(|| "–".into()),
            errors: if errors.is_empty() { "–".into() } else { errors.join(", ") },
            clock: clock.unwrap_or_else(|| "–".into()),
            report,
        }
    }

    fn make(&self) -> String {
        let texts = [self.report.model.as_deref(), self.report.firmware.as_deref()];
        texts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn ms(us: u64) -> String {
    if us < 10_000 { format!("{:.1}", us as f64 / 1_000.0) } else { (us / 1_000).to_string() }
}

fn state(l: Lang, state: DeviceState) -> (&'static str, &'static str) {
    match state {
        DeviceState::NeverHeard => ("wait", l.say("尚无消息", "Not heard yet")),
        DeviceState::Mute => ("calm", l.say("已发送(设备不应答)", "Told; answers nothing")),
        DeviceState::Well => ("calm", l.say("正常", "Well")),
        DeviceState::Failing => ("wait", l.say("上次操作失败", "Last answer failed")),
        DeviceState::Silent => ("bad", l.say("没有响应", "Silent")),
        DeviceState::Flooding => ("bad", l.say("发送过多", "Floods")),
        DeviceState::LockedOut => ("bad", l.say("拒绝登录", "Refuses our password")),
    }
}

fn fault_name(l: Lang, fault: Fault) -> &'static str {
    match fault {
        Fault::TimedOut => l.say("超时", "timed out"),
        Fault::Unreachable => l.say("不通", "unreachable"),
        Fault::Refused => l.say("拒绝", "refused"),
        Fault::Login => l.say("登录", "sign-in"),
        Fault::Expired => l.say("过期", "expired"),
    }
}

fn table(f: &Frame, web: &Web) -> Result<String, ApiError> {
    let rows = web.fleet.devices().into_iter().map(|report| Row::new(f, report)).collect();
    Ok(Table { f, rows }.render()?)
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
) -> Result<Response, ApiError> {
    whole(&web, l, &signed, None)
}

fn whole(
    web: &Web,
    l: Lang,
    signed: &Signed,
    notice: Option<(String, TestReport)>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, signed);
    let passed = notice.as_ref().is_none_or(|(_, report)| report.passed);
    let status = if passed { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    let page = DevicesPage { table: table(&f, web)?, rows: web.fleet.devices(), notice, f };
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct TestForm {
    #[serde(default)]
    moves: Option<String>,
}

pub(super) async fn test_form(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(device): Path<String>,
    Form(form): Form<TestForm>,
) -> Result<Response, ApiError> {
    let report = tested(&web, device.clone(), form.moves.is_some(), signed.name.clone()).await?;
    whole(&web, l, &signed, Some((device, report)))
}

/// What moves on the page: the table, and the last things said, newest first.
pub(super) fn pieces(
    web: &Web,
    l: Lang,
    signed: &Signed,
    said: &VecDeque<Arc<Spoken>>,
) -> Result<Vec<Piece>, ApiError> {
    let f = Frame::new(web, l, signed);
    Ok(vec![("devices".into(), table(&f, web)?), ("said".into(), Said { f: &f, said }.render()?)])
}

#[derive(Template)]
#[template(path = "said.html", config = "src/http/askama.toml")]
struct Said<'a> {
    f: &'a Frame,
    said: &'a VecDeque<Arc<Spoken>>,
}

/// Keeps the last lines.
pub(super) fn keep(said: &mut VecDeque<Arc<Spoken>>, line: Arc<Spoken>) {
    said.push_front(line);
    said.truncate(LINES_MAX);
}
