//! Programs that ask and act by tokens, what they said once, and whom they have told of what. Knows no route.

use jiff::Timestamp;

use super::Scope;

/// A program that may ask and act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub made_by: String,
    pub made_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// What an idempotency key is known for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// Nobody used it before: it is this request's from now on.
    New,
    /// It was used for another request.
    Other,
    /// The same request was begun, and nobody kept what came of it.
    Unknown,
    Answered(KeptAnswer),
}

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: i64,
    pub url: String,
    pub kinds: Vec<String>,
    pub plates: bool,
    pub salt: [u8; 16],
    pub made_by: String,
    pub made_at: Timestamp,
    pub after_seq: i64,
}

/// A webhook to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDraft {
    pub url: String,
    pub kinds: Vec<String>,
    pub plates: bool,
    pub salt: [u8; 16],
    pub made_by: String,
}
