//! The far end of every wire, with the real protocol on it: what the daemon's ports and brokers
//! would meet on a site. Real clock and real sockets; decides nothing about vehicles, which is the
//! world's duty.
//!
//! ```text
//!   pty      a pseudo-terminal with a lasting name, to be unplugged and plugged in again
//!   line     all that hangs on one RS-485 line: `board` (relays, inputs) and `turnstile` over
//!            `rtu`, and `led`
//!   scanner  reads codes on a port of its own; printer: `stream` (what it is told), `paper`
//!   id_card  reads identity cards on a port of its own
//!   reader   card readers on OSDP; `device` is one of them
//!   body     what every camera has and can be told; `station` and `push` carry it to a broker or an address
//!   camera   a Vzenith camera at a broker: `message` (what it says), `command` (what it is told)
//!   others   vzenith_http, qianyi, hikvision, frigate, webhook; tasmota and shelly are relays
//!   onvif    a camera that announces itself to whoever asks
//!   picture  what it photographs
//!   port     ports for a daemon's own
//!   phone    a driver's browser: `html` (forms of a page), `eye` (codes on pages and on paper)
//! ```

mod board;
mod body;
pub mod camera;
pub mod eye;
pub mod frigate;
pub mod hikvision;
mod html;
mod id_card;
mod led;
pub mod line;
pub mod onvif;
pub mod phone;
pub mod picture;
mod port;
pub mod printer;
pub mod pty;
mod push;
pub mod qianyi;
pub mod reader;
mod rtu;
pub mod scanner;
pub mod shelly;
mod station;
pub mod tasmota;
mod turnstile;
pub mod vzenith_http;
pub mod webhook;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

pub use self::{
    board::{BoardFaults, BoardSettings, Manner},
    body::{Body, CameraEvent, CameraFaults, Obedience, Results, Twin},
    camera::{Camera, CameraSettings, Sighting, TopicLayout},
    frigate::{Frigate, FrigateSettings},
    hikvision::{AlertManner, AlertNamespace, AlertShape, HashKind, Hikvision, HikvisionSettings},
    id_card::{IdReader, IdReaderState},
    led::Led,
    line::Line,
    onvif::Onvif,
    phone::{Page, Phone, PhoneError},
    port::free_port,
    printer::{Printer, PrinterFaults},
    pty::Pty,
    qianyi::{Qianyi, QianyiSettings},
    reader::{ReaderDevice, ReaderFaults, ReaderSettings, Readers},
    scanner::{Scanner, ScannerManner},
    shelly::{Shelly, ShellySettings},
    station::MqttAccount,
    tasmota::{Tasmota, TasmotaSettings},
    turnstile::LotFaults,
    vzenith_http::{VzenithHttp, VzenithHttpSettings},
    webhook::{Webhook, WebhookMake, WebhookSettings},
};

/// A contact that moved because somebody was told to move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayEvent {
    /// Address on the line; 0 for the relays of a camera.
    pub board: u8,
    /// From 1.
    pub relay: u8,
    pub kind: RelayKind,
    /// When the request was understood.
    pub at: Instant,
}

/// What a contact does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayKind {
    /// Closed, let go by the device's own timer.
    Pulse { ms: u32 },
    /// Released, closed again by the device's own timer.
    Dip { ms: u32 },
    /// Closed until told otherwise.
    On,
    /// Released until told otherwise.
    Off,
}

/// Events a slow listener may be behind before it misses some.
const EVENTS_MAX: usize = 4_096;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
