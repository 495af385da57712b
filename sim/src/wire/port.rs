//! Ports for daemons that a test or the simulator starts. Keeps none open.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Systems lend callers ports from 32768 on (Linux) or 49152 on (others); below, nobody is given one by chance.
const FIRST: u16 = 11_000;
const COUNT: u16 = 21_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of this machine nobody listens on now, and which no later call of this process names for a long time.
///
/// # Errors
/// All are taken.
pub fn free_port() -> io::Result<SocketAddr> {
    // Processes side by side begin apart.
    let begin = std::process::id() % 210 * 100;
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + ((begin + step) % u32::from(COUNT)) as u16;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    Err(io::ErrorKind::AddrNotAvailable.into())
}
