//! Sockets and lines: connect, reconnect with back-off, time out. Knows no domain words.

#[cfg(feature = "embedded-broker")]
pub mod broker;
pub mod mqtt;
pub mod serial;
