//! Opening a port, again and again if need be, and telling that it went away. Knows no frame.

use std::{io, time::Duration};

use tokio::{sync::watch, time::Instant};
use tokio_serial::{DataBits, ErrorKind, SerialStream};

use super::{Framing, LineStatus, Parity, SerialSettings, StopBits};

const REOPEN_MIN: Duration = Duration::from_millis(100);
const REOPEN_MAX: Duration = Duration::from_secs(5);
/// A port that stayed open so long was no false start.
const STEADY: Duration = Duration::from_secs(1);
/// Start, eight data bits, one stop bit.
const BITS_PER_BYTE: u32 = 10;
pub(super) const CHECK_PLUG: &str = "check the adapter and its plug";

pub(super) fn open(settings: &SerialSettings) -> Result<SerialStream, String> {
    let parity = match settings.framing.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let stop_bits = match settings.framing.stop_bits {
        StopBits::One => tokio_serial::StopBits::One,
        StopBits::Two => tokio_serial::StopBits::Two,
    };
    let builder = tokio_serial::new(&settings.path, settings.baud)
        .data_bits(DataBits::Eight)
        .parity(parity)
        .stop_bits(stop_bits);
    SerialStream::open(&builder).map_err(|e| match e.kind() {
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            format!("{e}; may this user open it? Usually the group dialout may")
        }
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => {
            format!("{e}; is it plugged in, held by another program? See /dev/serial/by-id")
        }
        _ => format!("{e}; {CHECK_PLUG}"),
    })
}

/// Bytes received. None at all from a readable port means that it is gone; reading on would spin.
pub(super) fn received(read: io::Result<usize>) -> Result<usize, String> {
    match read {
        Ok(0) => Err(format!("the port is gone; {CHECK_PLUG}")),
        Ok(count) => Ok(count),
        Err(e) => Err(format!("reading failed: {e}; {CHECK_PLUG}")),
    }
}

/// The kernel takes bytes at once; the wire takes this long for them.
pub(super) fn on_wire(settings: &SerialSettings, bytes: usize) -> Duration {
    let Framing { parity, stop_bits } = settings.framing;
    let more = u32::from(parity != Parity::None) + u32::from(stop_bits == StopBits::Two);
    let bits = bytes as u32 * (BITS_PER_BYTE + more);
    Duration::from_secs(1) * bits / settings.baud.max(1)
}

/// Tells who watches; the log hears of changes only.
pub(super) fn report(path: &str, watched: &watch::Sender<LineStatus>, status: LineStatus) {
    let changed = watched.send_if_modified(|known| {
        let changed = *known != status;
        known.clone_from(&status);
        changed
    });
    match status {
        LineStatus::Up if changed => tracing::info!(path, "serial line is up"),
        LineStatus::Down { why } if changed => tracing::warn!(path, why, "serial line is down"),
        LineStatus::Up | LineStatus::Down { .. } => {}
    }
}

/// How long to wait before a port is tried again: longer each time it does not last.
pub(super) struct Reopening {
    pause: Duration,
    tried_at: Instant,
}

impl Reopening {
    pub(super) fn new() -> Self {
        Self { pause: REOPEN_MIN, tried_at: Instant::now() }
    }

    /// It is tried now.
    pub(super) fn tried(&mut self) {
        self.tried_at = Instant::now();
    }

    /// It is gone: when to try again.
    pub(super) fn next(&mut self) -> Instant {
        if self.tried_at.elapsed() >= STEADY {
            self.pause = REOPEN_MIN;
        }
        let at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(REOPEN_MAX);
        at
    }
}
