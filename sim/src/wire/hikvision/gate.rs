//! The web server of a Hikvision camera as far as its barrier goes: orders and the arm's position,
//! behind digest authentication. Pushes nothing.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, time::Instant};

use super::{Shared, digest::Verdict};
use crate::wire::{
    RelayKind,
    body::{CameraEvent, Obedience},
    lock,
};

const BARRIER: &str = "/ISAPI/Parking/channels/1/barrierGate";
const STATUS: &str = "/ISAPI/Parking/channels/1/barrierGate/barrierGateStatus";
const PUSH_MS: u32 = 500;

/// The arm behind the camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub(super) locked: bool,
    is_open: bool,
    /// Between the limits until then.
    arrives_at: Instant,
}

impl Default for Arm {
    fn default() -> Self {
        Self { locked: false, is_open: false, arrives_at: Instant::now() }
    }
}

impl Arm {
    /// The camera's number: 0 no signal, 1 closed, 2 open.
    pub(super) fn position(&self) -> u8 {
        match self.is_open {
            _ if Instant::now() < self.arrives_at => 0,
            true => 2,
            false => 1,
        }
    }
}

/// Serves until the task is dropped.
pub(super) async fn serve(camera: Arc<Shared>, listener: TcpListener) {
    let app = Router::new().fallback(handle).with_state(camera);
    // Ends only with its task.
    let _ = axum::serve(listener, app).await;
}

/// Its own port.
pub(super) fn bind(at: SocketAddr) -> std::io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

async fn handle(
    State(camera): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut power = camera.body.power();
    if !*power.borrow_and_update() || camera.body.faults().obedience == Obedience::Deaf {
        camera.body.tell(CameraEvent::Unheard { name: uri.path().to_owned() });
        return std::future::pending().await;
    }
    let answer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let asked = uri.path_and_query().map_or("/", |one| one.as_str());
    match lock(&camera.guard).judge(method.as_str(), asked, answer) {
        Verdict::Welcome => {}
        Verdict::Challenge { header, wrong } => {
            if wrong {
                camera.refused("wrong password", 401);
            }
            let body = status(4, "Invalid Operation", "unauthorized");
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, header)], body)
                .into_response();
        }
        Verdict::Locked => {
            camera.refused("locked account", 403);
            return (StatusCode::FORBIDDEN, status(4, "Invalid Operation", "userLocked"))
                .into_response();
        }
    }
    let xml = [(header::CONTENT_TYPE, "application/xml")];
    let (code, text) = match (method, uri.path()) {
        (Method::GET, STATUS) => (StatusCode::OK, camera.position()),
        (Method::PUT, BARRIER) => camera.order(&String::from_utf8_lossy(&body)),
        _ => (StatusCode::FORBIDDEN, status(4, "Invalid Operation", "notSupport")),
    };
    (code, xml, text).into_response()
}

fn status(code: u8, word: &str, sub: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ResponseStatus version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">\n\
         <requestURL></requestURL>\n<statusCode>{code}</statusCode>\n<statusString>{word}</statusString>\n\
         <subStatusCode>{sub}</subStatusCode>\n</ResponseStatus>\n"
    )
}

/// What stands in the only element of that name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let inner = xml.split_once(&format!("<{name}>"))?.1;
    Some(inner.split_once(&format!("</{name}>"))?.0.trim())
}

impl Shared {
    fn refused(&self, name: &str, code: u16) {
        self.body.tell(CameraEvent::Refused { name: name.to_owned(), code });
    }

    fn position(&self) -> String {
        let position = if self.settings.limits { lock(&self.arm).position() } else { 0 };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <BarrierGate version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">\n\
             <barrierGateStatus>{position}</barrierGateStatus>\n</BarrierGate>\n"
        )
    }

    fn order(&self, body: &str) -> (StatusCode, String) {
        if !self.settings.barrier {
            self.refused("barrierGate", 403);
            return (StatusCode::FORBIDDEN, status(4, "Invalid Operation", "notSupport"));
        }
        if let Obedience::Refuses(code) = self.body.faults().obedience {
            self.refused("barrierGate", code);
            let busy = status(2, "Device Busy", "deviceBusy");
            return (StatusCode::SERVICE_UNAVAILABLE, busy);
        }
        let mode = body.contains("<BarrierGate>").then(|| element(body, "ctrlMode")).flatten();
        let push = RelayKind::Pulse { ms: PUSH_MS };
        let locked = lock(&self.arm).locked;
        match mode {
            // The camera says yes, and nothing moves.
            Some("open" | "close") if locked => {}
            Some("open") => {
                self.moves(true);
                self.body.relay(1, push);
            }
            Some("close") => {
                self.moves(false);
                self.body.relay(2, push);
            }
            Some("lock") => {
                lock(&self.arm).locked = true;
                self.body.relay(1, RelayKind::On);
            }
            Some("unlock") => {
                lock(&self.arm).locked = false;
                self.body.relay(1, RelayKind::Off);
            }
            _ => {
                self.refused("barrierGate", 400);
                return (
                    StatusCode::BAD_REQUEST,
                    status(6, "Invalid XML Content", "badParameters"),
                );
            }
        }
        (StatusCode::OK, status(1, "OK", "ok"))
    }

    fn moves(&self, open: bool) {
        let mut arm = lock(&self.arm);
        if arm.is_open != open {
            (arm.is_open, arm.arrives_at) = (open, Instant::now() + self.settings.rises_in);
        }
    }
}
