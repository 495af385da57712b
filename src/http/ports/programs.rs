//! What programs need of the tables: their tokens, what they said once, their webhooks, and lists. Knows no table.

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::Found;
use crate::{
    core::{
        money::{Order, Payment},
        stay::Stay,
        task::Task,
        ticket::{Admission, Ticket},
        till::Shift,
    },
    types::{KeptAnswer, Once, Program, Scope, Webhook, WebhookDraft},
};

/// A part of a list, the latest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Numbers below this one.
    pub below: i64,
    pub limit: u32,
}

/// What is listed for programs.
pub trait Lists: Send + Sync + 'static {
    /// Whose plate contains `plate`; `open`: only those of vehicles inside.
    fn stays(&self, plate: String, open: bool, page: Page) -> Found<'_, Vec<Stay>>;

    fn orders(&self, page: Page) -> Found<'_, Vec<Order>>;

    /// `undecided`: only those of which the bank has not said what became of them.
    fn payments(&self, undecided: bool, page: Page) -> Found<'_, Vec<Payment>>;

    fn shifts(&self, page: Page) -> Found<'_, Vec<Shift>>;

    /// Settled ones.
    fn tasks(&self, page: Page) -> Found<'_, Vec<Task>>;

    fn admissions(&self, page: Page) -> Found<'_, Vec<Admission>>;

    fn tickets(&self, page: Page) -> Found<'_, Vec<Ticket>>;
}

/// Programs, known by the SHA-256 of their tokens, which are kept nowhere.
pub trait ProgramRecords: Send + Sync + 'static {
    /// By name.
    fn programs(&self) -> Found<'_, Vec<Program>>;

    /// `false`: a program or a counter has this name.
    fn add(
        &self,
        name: String,
        scopes: Vec<Scope>,
        token: [u8; 32],
        made_by: String,
        now: Timestamp,
    ) -> Found<'_, bool>;

    /// Its token is worth nothing from now on; `false`: nobody has this name.
    fn drop(&self, name: String) -> Found<'_, bool>;

    fn of_token(&self, token: [u8; 32], now: Timestamp) -> Found<'_, Option<Program>>;

    /// Takes a caller's key for a request, unless it is known.
    fn begin_once(
        &self,
        caller: String,
        key: String,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Found<'_, Once>;

    /// `None`: nothing was done, and the key is free again.
    fn end_once(&self, caller: String, key: String, answer: Option<KeptAnswer>) -> Found<'_, ()>;
}

/// How far a webhook is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookState {
    /// Everything up to this journal row was told.
    pub told_seq: i64,
    /// Since when its receiver takes nothing.
    pub failing_since: Option<Timestamp>,
    pub tries: u32,
    pub next_try: Option<Timestamp>,
    /// What its receiver said last, where that was not yes.
    pub trouble: String,
    /// Nothing more is sent until a person, or its program, says from where.
    pub dead: bool,
}

/// Who is told of what, and those who tell them.
pub trait Hooks: Send + Sync + 'static {
    /// By number.
    fn list(&self) -> Found<'_, Vec<(Webhook, HookState)>>;

    /// Told from now on.
    fn add(&self, draft: WebhookDraft, now: Timestamp) -> Found<'_, Webhook>;

    /// `false`: there is none of this number.
    fn drop(&self, id: i64) -> Found<'_, bool>;

    /// Tells everything behind this journal row, again or at last; `None`: goes on where it stands. `false`: there is
    /// none of this number.
    fn replay(&self, id: i64, after_seq: Option<i64>) -> BoxFuture<'_, bool>;

    /// What its receiver checks signatures with.
    fn secret(&self, hook: &Webhook) -> String;
}
