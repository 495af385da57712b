//! What `json-mqtt` and `http-push` have in common: messages laid open, read and answered as a
//! profile says. Knows no topic and no request.

pub(crate) mod error;

/// A body longer than this is not looked at: two full pictures in base64 fit well.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
