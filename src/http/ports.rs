//! What the pages need of the rest of the daemon: the one writer, the tables, the pictures, the bank's door.
//! The only seam of `src/http`; knows neither the store nor the bank's format.

mod devices;
mod invoices;
mod payments;
mod programs;
mod receipts;
mod rules;
mod settlement;
mod sisters;
mod staff;
mod tickets;
mod till;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

pub use self::devices::{
    Admission, DeviceAnswer, DeviceCall, DeviceDoor, DeviceReport, DeviceState, Fault, Fleet,
    Guess, Latency, Spoken, StrangerReport, TestError, TestReport,
};
pub use self::invoices::{ClaimReply, Claimant, InvoiceDesk, InvoiceFile};
pub use self::payments::{Counter, PaymentFile, PaymentRecords};
pub use self::programs::{HookState, Hooks, Lists, Page, ProgramRecords};
pub use self::receipts::{Paid, PrintOutcome, Receipts};
pub use self::rules::{RuleFiles, RuleMistake, TariffText};
pub use self::settlement::{DaySettled, Earned, EarnedSums, RelayLine, SettlementRecords};
pub use self::sisters::{SisterAnswer, SisterCall, SisterDoor};
pub use self::staff::{AccountNote, AccountRow, Person, Staff, StaffAct, StaffRefusal, TrailPiece};
pub use self::tickets::{Slip, TicketCodes, TicketPast, TicketRecords, VisitorUnfit, Visits};
pub use self::till::{BillLine, MerchantAccount, MerchantUser, TillRecords};
use crate::{
    bank::{SignAsk, SignForm},
    core::{
        self, Change, Rules, State, Waiting,
        cloud::CloudPass,
        money::{Order, Payment, Posting, Refund},
        stay::Stay,
        task::Task,
        ticket::{self, Ticket},
        till::{Cash, Validation},
    },
    types::{
        ChannelId, CodeDigest, LaneId, OrderId, Plate, Role, StayId, TicketId, bank::AgreementWord,
    },
};

/// Shed by overload, or the daemon is stopping. Nothing was decided and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the daemon has more to do than it can take; nothing was changed, try again")]
pub struct Busy;

/// A look at the state, made by the writer between two batches. Keep it short: passages wait for it.
pub type Look = Box<dyn FnOnce(&State) + Send>;

/// The one writer.
pub trait Desk: Send + Sync + 'static {
    /// Waits until what was decided is on disk.
    fn tell(&self, input: core::Input) -> BoxFuture<'_, Result<core::Reply, Busy>>;

    /// Runs `look` on the state as it was last committed.
    fn look(&self, look: Look) -> BoxFuture<'_, Result<(), Busy>>;

    /// Counts committed batches.
    fn version(&self) -> watch::Receiver<u64>;

    fn rules(&self) -> Arc<Rules>;

    fn now(&self) -> Timestamp;

    /// Kept by the writer, so that every page can show it for nothing.
    fn waiting(&self) -> Waiting;
}

impl dyn Desk {
    /// [`Desk::look`] with an answer.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        see: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let seen = Arc::new(Mutex::new(None));
        let put = Arc::clone(&seen);
        self.look(Box::new(move |state| {
            *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(see(state));
        }))
        .await?;
        seen.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Busy)
    }
}

impl fmt::Debug for dyn Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// The tables did not answer. The text goes to the log, never to a page.
#[derive(Debug, thiserror::Error)]
#[error("the tables did not answer")]
pub struct RecordsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// An answer of the tables.
pub type Found<'a, T> = BoxFuture<'a, Result<T, RecordsError>>;

/// What was taken in a period, in minor units of the site's currency, by the time it was settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    /// Sum of the payments that settled an order or are owed back.
    pub minor: i64,
    /// How many they are.
    pub count: i64,
    /// Sum of the refunds the bank has done.
    pub refunded_minor: i64,
}

/// One hour of a car park, counted from the beginning of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParkingHour {
    pub hour: usize,
    pub came: i64,
    pub left: i64,
    /// Of those who left, all together.
    pub stayed_s: i64,
    /// Earned by stays less what went back, in minor units; the same of passes.
    pub stays_minor: i64,
    pub passes_minor: i64,
}

/// What a car park did over a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parking {
    pub inside_before: i64,
    /// Those in which something happened.
    pub hours: Vec<ParkingHour>,
}

/// All that is known of a stay, oldest first.
#[derive(Clone, Debug)]
pub struct StayFile {
    pub stay: Stay,
    pub orders: Vec<Order>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    pub postings: Vec<Posting>,
    pub cash: Vec<Cash>,
    /// What merchants gave, also what was taken back.
    pub validations: Vec<Validation>,
}

/// One row of the journal.
#[derive(Clone, Debug)]
pub struct Row {
    pub seq: i64,
    pub at: Timestamp,
    pub change: Change,
}

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    /// PHC string of [`super::hash_password`].
    pub password_hash: String,
    pub role: Role,
    /// The password was given by somebody else and must be changed first.
    pub must_change: bool,
}

/// A signed-in browser. The key is the SHA-256 of its cookie; the cookie itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub digest: [u8; 32],
    pub operator: String,
    pub until: Timestamp,
}

/// Questions to the tables, and the sessions that pages write.
pub trait Records: Send + Sync + 'static {
    /// From `from` up to but without `to`.
    fn takings(&self, from: Timestamp, to: Timestamp) -> Found<'_, Takings>;

    /// Minor units taken in each hour that begins at `from + n h`, for `hours` of them.
    fn takings_by_hour(&self, from: Timestamp, hours: usize) -> Found<'_, Vec<i64>>;

    /// Open stays whose plate contains `search`, the latest entered first; an empty text finds all.
    fn open_stays(&self, search: String, limit: u32) -> Found<'_, Vec<Stay>>;

    fn stay(&self, id: StayId) -> Found<'_, Option<StayFile>>;

    /// Late stays, open and over, whose plates are or look like this one, the nearest first, each with how far it is in
    /// hundredths of a letter.
    fn stays_like(&self, plate: String, limit: u32) -> Found<'_, Vec<(u32, Stay)>>;

    /// Payments by a number of ours or the bank's, or by that of a refund.
    fn payments_numbered(&self, number: String) -> Found<'_, Vec<Payment>>;

    /// An order with all its payments, oldest first, also when it is over.
    fn order(&self, id: OrderId) -> Found<'_, Option<(Order, Vec<Payment>)>>;

    /// The latest journal rows of a lane, newest first.
    fn lane_history(&self, lane: LaneId, limit: u32) -> Found<'_, Vec<Row>>;

    /// Vehicles that came in less those that left, in each quarter of an hour that begins at `from + n * 15 min`. Looks
    /// at the latest stays only.
    fn net_by_quarter(&self, from: Timestamp, quarters: usize) -> Found<'_, Vec<i64>>;

    /// Vehicles and what they paid, hour by hour from `from` up to but without `to`.
    fn parking(&self, from: Timestamp, to: Timestamp) -> Found<'_, Parking>;

    /// Settled tasks, the latest first.
    fn tasks_over(&self, limit: u32) -> Found<'_, Vec<Task>>;

    /// Persons who went through each lane from `from` on.
    fn admitted_since(&self, from: Timestamp) -> Found<'_, Vec<(LaneId, i64)>>;

    /// The ticket with this code, also one that is over.
    fn ticket_of(&self, digest: CodeDigest) -> Found<'_, Option<Ticket>>;

    fn ticket(&self, id: TicketId) -> Found<'_, Option<Ticket>>;

    /// Tickets of clouds that were shown at the gates, latest first.
    fn cloud_passes(&self, _limit: u32) -> Found<'_, Vec<CloudPass>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// From `from` on, latest first.
    fn admissions_since(&self, from: Timestamp, limit: u32) -> Found<'_, Vec<ticket::Admission>>;

    fn operator(&self, name: String) -> Found<'_, Option<Operator>>;

    fn put_session(&self, session: Session) -> Found<'_, ()>;

    fn session(&self, digest: [u8; 32]) -> Found<'_, Option<Session>>;

    fn drop_session(&self, digest: [u8; 32]) -> Found<'_, ()>;

    /// Every session of an operator: after a new password.
    fn drop_sessions_of(&self, operator: String) -> Found<'_, ()>;
}

/// A kept picture.
#[derive(Clone, Debug)]
pub struct Picture {
    pub bytes: Bytes,
    /// Such as `image/jpeg`.
    pub mime: &'static str,
}

/// Pictures the cameras sent. Names are checked with `is_picture_name` before they get here.
pub trait Pictures: Send + Sync + 'static {
    fn open(&self, name: String) -> BoxFuture<'_, Option<Picture>>;
}

/// A name that can be no path: letters, digits, `-`, `_` and single dots inside.
pub(super) fn is_picture_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=128).contains(&name.len())
        && name.bytes().all(fits)
        && !name.starts_with('.')
        && !name.contains("..")
}

/// What the bank is answered when it speaks first.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Bytes,
}

/// Where the bank's notifications come in.
pub trait BankDoor: Send + Sync + 'static {
    /// The paths as they were registered with banks; none: no bank ever speaks first here.
    fn notify_paths(&self) -> Vec<String>;

    /// `raw_path`: as it stood in the request line, since the signature covers it. `headers`: names in small letters.
    fn notified(
        &self,
        raw_path: String,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> BoxFuture<'_, Said>;

    /// Whether a card or wallet can be bound to a plate by a form.
    fn binds(&self) -> bool {
        false
    }

    /// Whether some bank can be told to end what is bound to a plate.
    fn ends_agreements(&self) -> bool {
        false
    }

    /// Tells each bank that can to end what is bound to the plate; what each answered. A stay inside knows it, too.
    fn end_agreement(&self, _plate: Plate) -> BoxFuture<'_, Vec<(ChannelId, AgreementWord)>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// The way to each bank that binds one. Asks nobody.
    fn sign_forms(&self, _ask: &SignAsk) -> Vec<(ChannelId, SignForm)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_name_is_no_path() {
        assert!(is_picture_name("20261123-exit-1_04.jpg"));
        for bad in ["", ".env", "a/b.jpg", "..", "a..b", "a\\b", "车.jpg", &"x".repeat(129)] {
            assert!(!is_picture_name(bad), "{bad}");
        }
    }
}
