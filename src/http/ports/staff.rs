//! Who may sign in, what is done with their accounts, and the trail of what people did.

use jiff::Timestamp;

use super::{Found, RecordsError, Row};
use crate::types::{AccountDid, Role};

/// An account as its page shows it: no hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub role: Role,
    /// The one-time password was not used yet.
    pub must_change: bool,
    pub disabled: bool,
    pub made_at: Timestamp,
}

/// What one person does with the account of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffAct {
    Add {
        name: String,
        role: Role,
    },
    Role {
        name: String,
        role: Role,
    },
    /// Gives a new one-time password.
    Reset {
        name: String,
    },
    Disable {
        name: String,
    },
    Enable {
        name: String,
    },
}

impl StaffAct {
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name, .. }
            | Self::Role { name, .. }
            | Self::Reset { name }
            | Self::Disable { name }
            | Self::Enable { name } => name,
        }
    }
}

/// Why nothing was done with an account.
#[derive(Debug, thiserror::Error)]
pub enum StaffRefusal {
    #[error("a name has 2 to 32 letters, digits, '-' or '.'")]
    Name,
    #[error("the name is taken")]
    Taken,
    #[error("nobody has that name")]
    Nobody,
    #[error("the last owner stays")]
    LastOwner,
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// For the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountNote {
    pub did: AccountDid,
    /// Whose account; `None`: a name that nobody has.
    pub whom: Option<String>,
    pub by: String,
    pub detail: String,
}

/// A row of that record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub seq: i64,
    pub at: Timestamp,
    pub note: AccountNote,
}

/// A piece of the trail: rows before `before` (not included) of a time, at most `limit`, latest first.
#[derive(Clone, Copy, Debug)]
pub struct TrailPiece {
    pub before: i64,
    pub from: Timestamp,
    pub to: Timestamp,
    pub limit: u32,
}

/// Accounts of operators, and the trail.
pub trait Staff: Send + Sync + 'static {
    /// By name.
    fn people(&self) -> Found<'_, Vec<Person>>;

    /// The one-time password, where one was made. It is kept nowhere.
    fn act(
        &self,
        act: StaffAct,
        by: String,
    ) -> futures::future::BoxFuture<'_, Result<Option<String>, StaffRefusal>>;

    /// A person's own new password; ends every session of theirs.
    fn new_password(&self, name: String, password_hash: String) -> Found<'_, ()>;

    fn note(&self, note: AccountNote) -> Found<'_, ()>;

    fn account_trail(&self, piece: TrailPiece) -> Found<'_, Vec<AccountRow>>;

    /// Acts of people and alarms, out of the journal.
    fn journal_trail(&self, piece: TrailPiece) -> Found<'_, Vec<Row>>;
}
