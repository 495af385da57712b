//! Sockets and lines: connect, reconnect with back-off, time out. Knows no domain words.

pub mod broker;
pub mod bucket;
pub mod digest;
pub mod mqtt;
pub mod onvif;
pub mod serial;

#[cfg(test)]
#[cfg(feature = "embedded-broker")]
mod tests;
