//! The first-run page: what `paifang init` asks on a terminal, asked in a browser, for whoever has the one-time key that
//! was printed. Serves until the site is written and wanted; overwrites nothing.

use std::{
    collections::BTreeMap,
    future::IntoFuture,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use askama::Template;
use axum::{
    Form, Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    time::Instant,
};

use super::{
    ANNOUNCE,
    draft::{self, Barrier, Board, Draft, Lane},
    files::{self, Files},
    finds::{self, Found},
};
use crate::{config, core::rules::Direction, http::Lang, io::onvif};

const CSS: &str = include_str!("../../http/assets/site.css");
/// Answers in flight as the page ends.
const GRACE: Duration = Duration::from_secs(5);
type Fields = BTreeMap<String, String>;

/// How far the installer has come.
enum Step {
    /// What the site is like; as typed so far, and what does not fit.
    Basics {
        typed: Fields,
        wrong: BTreeMap<&'static str, String>,
        failed: String,
    },
    /// The site runs without lanes, so that its cameras are heard, until then.
    Listening {
        draft: Box<Draft>,
        until: Instant,
    },
    Lanes {
        draft: Box<Draft>,
        found: Vec<Found>,
        password: Option<String>,
        wrong: Vec<String>,
    },
    Written {
        draft: Box<Draft>,
        password: Option<String>,
    },
    Wanted {
        console: String,
    },
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Basics { .. } => "basics",
            Self::Listening { .. } => "listening",
            Self::Lanes { .. } => "lanes",
            Self::Written { .. } => "written",
            Self::Wanted { .. } => "wanted",
        }
    }
}

struct Setup {
    config: PathBuf,
    files: Files,
    key: String,
    listen: Duration,
    step: Mutex<Step>,
    /// Cameras that announced themselves, one line each.
    announced: Mutex<Vec<String>>,
    wanted: Notify,
    /// Whoever runs the daemon for a while.
    asks: mpsc::UnboundedSender<Fields>,
}

type Shared = Arc<Setup>;

impl Setup {
    fn step(&self) -> MutexGuard<'_, Step> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the page at an address until the site is written and wanted. `told` hears the link with its key.
pub async fn first_run(
    config: &Path,
    at: SocketAddr,
    listen: Duration,
    announce: SocketAddr,
    told: impl FnOnce(&str),
) -> anyhow::Result<()> {
    let files = Files::new(config)?;
    let listener = TcpListener::bind(at).await.with_context(|| format!("{at} cannot be served"))?;
    let here = listener.local_addr()?;
    let key = draft::secret()?;
    let (asks, mut asked) = mpsc::unbounded_channel();
    let shown = if here.ip().is_unspecified() { finds::lan_address() } else { here.ip() };
    told(&format!("http://{}/?key={key}", SocketAddr::new(shown, here.port())));
    let setup = Arc::new(Setup {
        config: config.to_owned(),
        files,
        key,
        listen,
        step: Mutex::new(Step::Basics {
            typed: Fields::new(),
            wrong: BTreeMap::new(),
            failed: String::new(),
        }),
        announced: Mutex::default(),
        wanted: Notify::new(),
        asks,
    });
    let looks = tokio::spawn(look_for_cameras(setup.clone(), announce));
    let end = setup.clone();
    let serving = axum::serve(listener, router(&setup))
        .with_graceful_shutdown(async move { end.wanted.notified().await })
        .into_future();
    tokio::pin!(serving);
    tokio::select! {
        done = &mut serving => done?,
        () = async {
            while let Some(typed) = asked.recv().await {
                hear(&setup, typed).await;
            }
        } => {}
        () = async {
            setup.wanted.notified().await;
            tokio::time::sleep(GRACE).await;
        } => {}
    }
    looks.abort();
    Ok(())
}

fn router(setup: &Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/basics", post(basics))
        .route("/lanes", post(lanes))
        .route("/start", post(start))
        .layer(from_fn_with_state(setup.clone(), with_key))
        .with_state(setup.clone())
}

/// Again and again: the installer may be plugging them in.
async fn look_for_cameras(setup: Shared, announce: SocketAddr) {
    loop {
        match onvif::discover(announce, ANNOUNCE).await {
            Ok(found) => {
                let lines = found.iter().map(finds::announced).collect();
                *setup.announced.lock().unwrap_or_else(PoisonError::into_inner) = lines;
            }
            Err(trouble) => tracing::debug!(%trouble, "no camera can be asked to announce itself"),
        }
        tokio::time::sleep(ANNOUNCE).await;
    }
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    key: String,
}

/// Nobody without the printed key gets further, whatever their browser was made to send. Digests are compared, which
/// tells nothing of the key by how long it takes.
async fn with_key(
    State(setup): State<Shared>,
    Query(given): Query<Key>,
    l: Lang,
    request: Request<Body>,
    next: Next,
) -> Response {
    let is_known = Sha256::digest(&given.key) == Sha256::digest(&setup.key);
    let mut response = if is_known {
        next.run(request).await
    } else {
        let text = l.say(
            "请用启动时打印的完整链接（含 key）打开。",
            "Open the whole link, with its key, that was printed at the start.",
        );
        (StatusCode::FORBIDDEN, text).into_response()
    };
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

// ---- the page ------------------------------------------------------------------------------------

/// One field of what the site is like.
struct Field {
    name: &'static str,
    label: &'static str,
    value: String,
    wrong: String,
}

#[derive(Template)]
#[template(path = "first-run.html", config = "src/http/askama.toml")]
struct FirstRun<'a> {
    l: Lang,
    css: &'static str,
    key: &'a str,
    file: String,
    step: &'static str,
    fields: Vec<Field>,
    failed: String,
    wrong: Vec<String>,
    left_s: u64,
    /// Where cameras find the site.
    mqtt: String,
    push: String,
    announced: Vec<String>,
    found: Vec<Asked>,
    ports: Vec<String>,
    settings: Vec<String>,
    console: String,
    password: String,
}

impl FirstRun<'_> {
    fn is(&self, step: &str) -> bool {
        self.step == step
    }
}

/// A camera that was heard, and what is proposed for it.
struct Asked {
    what: String,
    is_entry: bool,
    id: String,
    own_relay: bool,
}

fn fields(l: Lang, typed: &Fields, wrong: &BTreeMap<&'static str, String>) -> Vec<Field> {
    let http = typed.get("http").and_then(|at| draft::socket(at).ok());
    let port = http.map_or(8080, |at| at.port());
    let field = |name, label, usual: String| Field {
        name,
        label,
        value: typed.get(name).cloned().unwrap_or(usual),
        wrong: wrong.get(name).cloned().unwrap_or_default(),
    };
    vec![
        field("name", l.say("场地名称", "Name of the site"), String::new()),
        field("zone", l.say("时区", "Time zone"), finds::time_zone()),
        field("free", l.say("免费分钟数", "Free minutes"), "15".into()),
        field("hour", l.say("每小时收费（元）", "Fee for each started hour"), "5.00".into()),
        field("cap", l.say("24 小时封顶（元）", "At most for 24 hours"), "40.00".into()),
        field("http", l.say("网页监听地址", "Pages are served at"), "0.0.0.0:8080".into()),
        field(
            "url",
            l.say(
                "手机访问地址（二维码以此开头）",
                "Phones call this site by (QR codes begin with it)",
            ),
            format!("http://{}:{port}", finds::lan_address()),
        ),
        field(
            "mqtt",
            l.say("摄像机 MQTT 监听地址", "Cameras reach the built-in MQTT broker at"),
            "0.0.0.0:1883".into(),
        ),
    ]
}

async fn page(State(setup): State<Shared>, l: Lang) -> Response {
    let here = finds::lan_address();
    let step = setup.step();
    let mut page = FirstRun {
        l,
        css: CSS,
        key: &setup.key,
        file: setup.config.display().to_string(),
        step: step.name(),
        fields: Vec::new(),
        failed: String::new(),
        wrong: Vec::new(),
        left_s: 0,
        mqtt: String::new(),
        push: String::new(),
        announced: setup.announced.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        found: Vec::new(),
        ports: finds::serial_ports(),
        settings: Vec::new(),
        console: String::new(),
        password: String::new(),
    };
    match &*step {
        Step::Basics { typed, wrong, failed } => {
            page.fields = fields(l, typed, wrong);
            failed.clone_into(&mut page.failed);
        }
        Step::Listening { draft, until } => {
            page.left_s = until.saturating_duration_since(Instant::now()).as_secs();
            page.mqtt = format!("{here}:{}", draft.mqtt.port());
            page.push = format!("http://{here}:{}/device/", draft.http.port());
        }
        Step::Lanes { draft, found, wrong, .. } => {
            page.found = asked(draft, found);
            page.wrong.clone_from(wrong);
        }
        Step::Written { draft, password } => {
            page.settings =
                draft.lanes.iter().map(|lane| lane.camera.settings(&here, draft)).collect();
            page.console = format!("{}/console", draft.public_url);
            page.password = password.clone().unwrap_or_default();
        }
        Step::Wanted { console } => console.clone_into(&mut page.console),
    }
    page.render().map_or_else(
        |_| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |html| Html(html).into_response(),
    )
}

/// Cameras lead in and out by turns, until the installer says otherwise.
fn asked(draft: &Draft, found: &[Found]) -> Vec<Asked> {
    let ask = |(nth, camera): (usize, &Found)| {
        let is_entry = nth % 2 == 0;
        let word = if is_entry { "entry" } else { "exit" };
        let id = format!("{word}-{}", nth / 2 + 1 + draft.lanes.len());
        Asked { what: camera.to_string(), is_entry, id, own_relay: finds::own_relay(camera) }
    };
    found.iter().enumerate().map(ask).collect()
}

fn back(setup: &Setup, l: Lang) -> Response {
    let lang = l.say("zh", "en");
    Redirect::to(&format!("/?key={}&lang={lang}", setup.key)).into_response()
}

// ---- what is done there --------------------------------------------------------------------------

/// Everything fits, or what would, by field.
fn draft_of(config: &Path, typed: &Fields) -> Result<Draft, BTreeMap<&'static str, String>> {
    let mut wrong = BTreeMap::new();
    let text = |name| typed.get(name).map_or("", |text| text.trim());
    let mut keep = |name, found: Result<(), String>| {
        if let Err(fits) = found {
            wrong.insert(name, fits);
        }
    };
    let (name, zone) = (draft::name(text("name")), draft::zone(text("zone")));
    let (free, hour, cap) =
        (draft::minutes(text("free")), draft::minor(text("hour")), draft::minor(text("cap")));
    let (http, mqtt) = (draft::socket(text("http")), draft::socket(text("mqtt")));
    let url = draft::url(text("url"));
    keep("name", name.as_ref().map(drop).map_err(Clone::clone));
    keep("zone", zone.as_ref().map(drop).map_err(Clone::clone));
    keep("free", free.as_ref().map(drop).map_err(Clone::clone));
    keep("hour", hour.as_ref().map(drop).map_err(Clone::clone));
    keep("cap", cap.as_ref().map(drop).map_err(Clone::clone));
    keep("http", http.as_ref().map(drop).map_err(Clone::clone));
    keep("mqtt", mqtt.as_ref().map(drop).map_err(Clone::clone));
    keep("url", url.as_ref().map(drop).map_err(Clone::clone));
    match (name, zone, free, hour, cap, http, mqtt, url) {
        (
            Ok(name),
            Ok(zone),
            Ok(free_minutes),
            Ok(hour_minor),
            Ok(cap_minor),
            Ok(http),
            Ok(mqtt),
            Ok(public_url),
        ) => {
            let (data_dir, lanes) = (draft::data_dir(config), Vec::new());
            Ok(Draft {
                name,
                zone,
                free_minutes,
                hour_minor,
                cap_minor,
                http,
                public_url,
                mqtt,
                data_dir,
                lanes,
            })
        }
        _ => Err(wrong),
    }
}

async fn basics(State(setup): State<Shared>, l: Lang, Form(typed): Form<Fields>) -> Response {
    let drafted = draft_of(&setup.config, &typed);
    {
        let mut step = setup.step();
        if !matches!(*step, Step::Basics { .. }) {
            drop(step);
            return back(&setup, l);
        }
        *step = match drafted {
            Ok(draft) => {
                let _ = setup.asks.send(typed);
                Step::Listening { draft: Box::new(draft), until: Instant::now() + setup.listen }
            }
            Err(wrong) => Step::Basics { typed, wrong, failed: String::new() },
        };
    }
    back(&setup, l)
}

/// The site as it is so far runs for a while; what it needs and does not get, such as a port, is told on the page.
async fn hear(setup: &Setup, typed: Fields) {
    let written = match &*setup.step() {
        Step::Listening { draft, .. } => setup.files.write(draft),
        _ => return,
    };
    let heard = match written {
        Ok(()) => files::hear(&setup.config, setup.listen).await,
        Err(why) => Err(why),
    };
    let mut step = setup.step();
    let before = std::mem::replace(&mut *step, Step::Wanted { console: String::new() });
    *step = match (heard, before) {
        (Ok((found, password)), Step::Listening { draft, .. }) => {
            Step::Lanes { draft, found, password, wrong: Vec::new() }
        }
        (Err(why), _) => {
            setup.files.take_back();
            Step::Basics { typed, wrong: BTreeMap::new(), failed: format!("{why:#}") }
        }
        (_, other) => other,
    };
}

/// One lane for each camera that is to be used.
fn lanes_of(draft: &mut Draft, found: &[Found], typed: &Fields) -> Vec<String> {
    let mut wrong = Vec::new();
    for (nth, camera) in found.iter().enumerate() {
        let text = |name: &str| typed.get(&format!("{name}-{nth}")).map_or("", |text| text.trim());
        if text("use").is_empty() {
            continue;
        }
        let direction = if text("way") == "out" { Direction::Exit } else { Direction::Entry };
        let made = draft.fresh_id(text("id")).and_then(|id| {
            let barrier = match text("barrier") {
                "camera" => Barrier::Camera,
                _ if !text("path").starts_with('/') => return Err(format!("{id}: /dev/…")),
                _ => Barrier::Board(Board {
                    id: format!("board-{id}"),
                    path: text("path").to_owned(),
                    address: draft::address(text("address"))?,
                }),
            };
            Lane::of(camera, id, direction, barrier).map_err(|why| why.to_string())
        });
        match made {
            Ok(lane) => draft.lanes.push(lane),
            Err(why) => wrong.push(why),
        }
    }
    wrong
}

async fn lanes(State(setup): State<Shared>, l: Lang, Form(typed): Form<Fields>) -> Response {
    {
        let mut step = setup.step();
        if let Step::Lanes { draft, found, password, wrong } = &mut *step {
            draft.lanes.clear();
            let mut odd = lanes_of(draft, found, &typed);
            if odd.is_empty() {
                // The check of the whole file names line and field of each mistake.
                let checked = setup.files.write(draft);
                let checked = checked.and_then(|()| Ok(config::load(&setup.config).map(drop)?));
                odd.extend(checked.err().map(|why| format!("{why:#}")));
            }
            if odd.is_empty() {
                let (draft, password) = (draft.clone(), password.clone());
                *step = Step::Written { draft, password };
            } else {
                draft.lanes.clear();
                *wrong = odd;
            }
        }
    }
    back(&setup, l)
}

/// The page is answered first; then its server ends and the site begins.
async fn start(State(setup): State<Shared>, l: Lang) -> Response {
    {
        let mut step = setup.step();
        if let Step::Written { draft, .. } = &*step {
            let console = format!("{}/console", draft.public_url);
            *step = Step::Wanted { console };
        } else {
            drop(step);
            return back(&setup, l);
        }
    }
    let response = page(State(setup.clone()), l).await;
    setup.wanted.notify_waiters();
    response
}
