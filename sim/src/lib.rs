//! The other side of every wire: what stands around the daemon, simulated.

pub mod bank;
pub mod wire;
