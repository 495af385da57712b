//! What can go wrong with the site's file, told apart by what to do next. Knows no table's meaning.

use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing of the batch is on disk; the next commit may succeed once there is room.
    #[error(
        "the disk or the size limit of the site's file is full: free some room or raise `max_mib`"
    )]
    Full,
    /// The changes contradict what is on disk: a mistake of ours, never of the disk. Nothing of the batch is on disk.
    #[error("the changes break the rule {name} of the site's file; nothing of them was written")]
    Constraint { name: String },
    #[error("{path} is in use by another paifang: stop that one first")]
    InUse { path: PathBuf },
    #[error("the site's file stayed locked by another program: {0}")]
    Locked(String),
    #[error("{path} is not a site file of paifang: name another file or restore a backup")]
    NotOurs { path: PathBuf },
    #[error(
        "{path} was written by a newer paifang (schema {found}, this one knows {known}): use that one"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{path} is of an older paifang (schema {found}, this one needs {known}): run `paifang migrate`"
    )]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error(
        "the schema of {path} is not the one this paifang was built with (step {version} differs)"
    )]
    SchemaDiffers { path: PathBuf, version: i64 },
    #[error(
        "{path} cannot be written: check its owner and permissions, and that the disk is mounted writable"
    )]
    ReadOnly { path: PathBuf },
    #[error("there is no file {path}")]
    Missing { path: PathBuf },
    #[error("{path} exists already: choose another name")]
    Exists { path: PathBuf },
    #[error("the site's file is damaged: {0}; restore the last backup")]
    Corrupt(String),
    #[error("the journal was changed after it was written, at row {seq}")]
    ChainBreak { seq: i64 },
    #[error("row {id} of {table} cannot be read: was it written by a newer paifang?")]
    Unreadable { table: &'static str, id: String, source: serde_json::Error },
    #[error("a change cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    #[error("no operator is called {0}")]
    NoOperator(String),
    #[error("{path} cannot be used")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("SQLite failed")]
    Other(#[source] sqlx::Error),
}

/// Unique indexes by the columns that SQLite names when one is violated.
const UNIQUE: [(&str, &str); 10] = [
    ("journal.seq", "journal_seq_unique"),
    ("stay.plate", "stay_one_open_per_plate"),
    ("payment.out_trade_no", "payment_out_trade_no_unique"),
    ("refund.refund_no", "refund_no_unique"),
    ("posting.txn", "posting_txn_unique"),
    ("posting.payment_id", "posting_payment_taken_once"),
    ("posting.refund_id", "posting_refund_done_once"),
    ("posting.cash_id", "posting_cash_once"),
    ("orders.counter, orders.sale_key", "orders_sale_once"),
    ("operator.name", "operator_name_unique"),
];

// Primary result codes of SQLite; an extended code carries its primary one in the low byte.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else { return Self::Other(error) };
        let message = database.message();
        match primary_code(&error) {
            FULL => Self::Full,
            CONSTRAINT => Self::Constraint { name: constraint_name(message) },
            BUSY | LOCKED => Self::Locked(message.to_owned()),
            CORRUPT | NOTADB => Self::Corrupt(message.to_owned()),
            _ => Self::Other(error),
        }
    }
}

impl StoreError {
    /// An error while the file was being opened, where the codes say more about the file itself.
    pub(super) fn opening(path: &Path, error: sqlx::Error) -> Self {
        let path = path.to_owned();
        match primary_code(&error) {
            NOTADB => Self::NotOurs { path },
            READONLY | CANTOPEN => Self::ReadOnly { path },
            _ => error.into(),
        }
    }

    pub(super) fn migrating(path: &Path, known: i64, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(found) => {
                Self::Newer { path: path.to_owned(), found, known }
            }
            MigrateError::VersionMismatch(version) => {
                Self::SchemaDiffers { path: path.to_owned(), version }
            }
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::opening(path, error)
            }
            other => Self::Other(sqlx::Error::Migrate(Box::new(other))),
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| match source.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path: path.to_owned() }
            }
            std::io::ErrorKind::StorageFull => Self::Full,
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

fn primary_code(error: &sqlx::Error) -> i32 {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).unwrap_or(0) & 0xff
}

/// `UNIQUE constraint failed: stay.plate` and its kin to the name the migrations give it.
fn constraint_name(message: &str) -> String {
    let what = message.split_once("constraint failed").map_or(message, |(kind, rest)| {
        let what = rest.trim_start_matches(':').trim();
        if what.is_empty() { kind } else { what }
    });
    let what = what.trim();
    let named = UNIQUE.iter().find(|(columns, _)| *columns == what).map(|(_, name)| *name);
    named.unwrap_or(what).to_owned()
}
