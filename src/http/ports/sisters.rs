//! The door for other daemons of the site, as the HTTP side sees it: bytes in, bytes out. Knows no ticket.

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::BoxFuture;

/// What a sister says.
#[derive(Debug)]
pub struct SisterCall {
    /// The end of the path.
    pub what: String,
    /// Its seal, as it came.
    pub seal: String,
    pub body: Bytes,
}

#[derive(Debug)]
pub struct SisterAnswer {
    pub status: StatusCode,
    pub seal: Option<String>,
    pub body: Vec<u8>,
}

pub trait SisterDoor: Send + Sync + 'static {
    /// What was not sealed with a secret of ours is refused without a word.
    fn called(&self, call: SisterCall) -> BoxFuture<'_, SisterAnswer>;
}
