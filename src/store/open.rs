//! Opening the site's file: alone, migrated, with the durability that money needs. Knows no query.

use std::{
    cmp::Ordering,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Mutex;

use super::{Accounts, StoreError, Writer};

static MIGRATOR: Migrator = sqlx::migrate!();

/// SQLite's pages are 4 KiB.
const PAGES_PER_MIB: u32 = 256;
/// Only programs outside the daemon can hold SQLite's own lock, such as a shell with an open transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages a commit leaves in the write-ahead log before it copies them into the file: 4 MiB, a few ms of work.
const WAL_PAGES: u32 = 1_000;
/// Pages are read by people; two at a time keep memory small.
const READERS_MAX: u32 = 2;

/// How the site's file is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The file never grows beyond this; `None`: as far as the disk goes.
    pub max_mib: Option<u32>,
}

/// An open site file: the one daemon's.
#[derive(Debug)]
pub struct Store {
    pub writer: Writer,
    pub reader: Reader,
    pub accounts: Accounts,
}

/// Reads a site file; any number of them, also beside a running daemon.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) pool: SqlitePool,
}

/// The one connection that writes. Whoever writes takes it for one short statement.
#[derive(Debug)]
pub(super) struct Pen {
    pub(super) conn: Mutex<SqliteConnection>,
    /// The daemon's: held as long as the connection lives; the kernel lets it go when the process dies.
    _lock: Option<File>,
}

impl Store {
    /// Opens the file, makes it (and its directory) if there is none, and brings it to this program's schema.
    pub async fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(StoreError::io(parent))?;
        }
        let lock = lock(path)?;
        let mut conn = connect_options(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .create_if_missing(true)
            .connect()
            .await
            .map_err(|error| StoreError::opening(path, error))?;
        migrate(path, &mut conn).await?;
        limit(&mut conn, options).await?;
        let tail = super::load::tail(&mut conn).await?;
        let pen = Arc::new(Pen { conn: Mutex::new(conn), _lock: Some(lock) });
        let reader = Reader::new(path);
        let accounts = Accounts { pen: pen.clone(), pool: reader.pool.clone() };
        Ok(Self { writer: Writer { pen, tail }, reader, accounts })
    }
}

impl Reader {
    /// Opens an existing file for reading only.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        let mut conn = connect_options(path)
            .read_only(true)
            .connect()
            .await
            .map_err(|error| StoreError::opening(path, error))?;
        if !is_ours(&mut conn).await.map_err(|error| StoreError::opening(path, error))? {
            return Err(StoreError::NotOurs { path: path.to_owned() });
        }
        let found: i64 = sqlx::query_scalar("select max(version) from _sqlx_migrations")
            .fetch_one(&mut conn)
            .await?;
        conn.close().await?;
        let known = known_version();
        let path_buf = path.to_owned();
        match found.cmp(&known) {
            Ordering::Equal => Ok(Self::new(path)),
            Ordering::Greater => Err(StoreError::Newer { path: path_buf, found, known }),
            Ordering::Less => Err(StoreError::Older { path: path_buf, found, known }),
        }
    }

    fn new(path: &Path) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .test_before_acquire(false)
            .connect_lazy_with(connect_options(path).read_only(true));
        Self { pool }
    }
}

/// A connection for short writes to the accounts while the daemon runs; SQLite makes the two take turns.
pub(super) async fn second_pen(path: &Path) -> Result<Pen, StoreError> {
    let options = connect_options(path).synchronous(SqliteSynchronous::Full);
    let conn = options.connect().await.map_err(|error| StoreError::opening(path, error))?;
    Ok(Pen { conn: Mutex::new(conn), _lock: None })
}

/// What every connection has.
fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", WAL_PAGES.to_string())
        .disable_statement_logging()
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(StoreError::io(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&name)(error)),
    }
}

async fn migrate(path: &Path, conn: &mut SqliteConnection) -> Result<(), StoreError> {
    // The list of migrations alone is what a power cut in the middle of the very first start leaves.
    let others = "select count(*) from sqlite_schema where tbl_name <> '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(others)
        .fetch_one(&mut *conn)
        .await
        .map_err(|error| StoreError::opening(path, error))?;
    if tables > 0 && !is_ours(conn).await? {
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    let migrated = MIGRATOR.run(&mut *conn).await;
    migrated.map_err(|error| StoreError::migrating(path, known_version(), error))
}

async fn is_ours(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "select count(*) from sqlite_schema where name in ('_sqlx_migrations', 'journal')";
    let found: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(found == 2)
}

/// The latest schema this program knows.
fn known_version() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}

pub(super) async fn limit(conn: &mut SqliteConnection, options: Options) -> Result<(), StoreError> {
    // SQLite's own upper bound stands for "as far as the disk goes".
    let pages = options.max_mib.map_or(u32::MAX - 1, |mib| mib.saturating_mul(PAGES_PER_MIB));
    let pragma = format!("pragma max_page_count = {pages}");
    sqlx::query(sqlx::AssertSqlSafe(pragma)).execute(conn).await?;
    Ok(())
}
