//! The far end of every wire, with the real protocol on it: what the daemon's ports and brokers
//! would meet on a site. Real clock and real sockets; decides nothing about vehicles, which is the
//! world's duty.
//!
//! ```text
//!   pty      a pseudo-terminal with a lasting name, to be unplugged and plugged in again
//!   line     all that hangs on one RS-485 line: `board` (relays, inputs) and `turnstile` over
//!            `rtu`, and `led`
//!   scanner  reads codes on a port of its own; printer: `stream` (what it is told), `paper`
//!   camera   a plate camera at a broker: `message` (what it says), `command` (what it is told)
//!   picture  what it photographs
//!   phone    a driver's browser: `html` (forms of a page)
//! ```

mod board;
pub mod camera;
mod html;
mod led;
pub mod line;
pub mod phone;
pub mod picture;
pub mod printer;
pub mod pty;
mod rtu;
pub mod scanner;
mod turnstile;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

pub use self::{
    board::{BoardFaults, BoardSettings, Manner},
    camera::{
        Camera, CameraEvent, CameraFaults, CameraSettings, Obedience, Results, Sighting,
        TopicLayout,
    },
    led::Led,
    line::Line,
    phone::{Page, Phone, PhoneError},
    printer::{Printer, PrinterFaults},
    pty::Pty,
    scanner::{Scanner, ScannerManner},
    turnstile::LotFaults,
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
