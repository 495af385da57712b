//! Who may sign in, and which browsers are signed in. Hashes nothing itself and knows no HTTP.
//!
//! Each write is one short statement on the writing connection, which both this and the writer take in turn: a sign-in
//! delays a commit by at most one such statement, and neither can make the other fail.

use std::{fmt, path::Path, sync::Arc};

use jiff::Timestamp;
use sqlx::SqlitePool;

use super::{Reader, StoreError, open::Pen};

#[derive(Clone, Debug)]
pub struct Accounts {
    pub(super) pen: Arc<Pen>,
    pub(super) pool: SqlitePool,
}

/// A person who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub password_hash: String,
    /// The password was given out by somebody else.
    pub must_change: bool,
    pub created_at_ms: i64,
    pub disabled: bool,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator")
            .field("name", &self.name)
            .field("must_change", &self.must_change)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Accounts {
    /// Opens the accounts of a site file beside the daemon that runs it. Makes no file and migrates nothing.
    pub async fn beside(path: &Path) -> Result<Self, StoreError> {
        let reader = Reader::open(path).await?;
        let conn = super::open::second_pen(path).await?;
        Ok(Self { pen: Arc::new(conn), pool: reader.pool })
    }

    /// Refused with `operator_name_unique` when the name is taken.
    pub async fn add_operator(
        &self,
        name: &str,
        password_hash: &str,
        must_change: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now_ms = now.as_millisecond();
        let insert = sqlx::query!(
            "insert into operator (name, password_hash, must_change, created_at_ms) values (?1, ?2, ?3, ?4)",
            name,
            password_hash,
            must_change,
            now_ms,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        let select = sqlx::query_as!(
            Operator,
            r#"select name, password_hash, must_change as "must_change: bool", created_at_ms,
                disabled as "disabled: bool"
            from operator where name = ?1"#,
            name,
        );
        Ok(select.fetch_optional(&self.pool).await?)
    }

    /// All operators by name.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let select = sqlx::query_as!(
            Operator,
            r#"select name, password_hash, must_change as "must_change: bool", created_at_ms,
                disabled as "disabled: bool"
            from operator order by name"#,
        );
        Ok(select.fetch_all(&self.pool).await?)
    }

    /// Signs nobody out; follow with [`Self::drop_sessions_of`] where that is wanted.
    pub async fn set_password(
        &self,
        name: &str,
        password_hash: &str,
        must_change: bool,
    ) -> Result<(), StoreError> {
        let update = sqlx::query!(
            "update operator set password_hash = ?2, must_change = ?3 where name = ?1",
            name,
            password_hash,
            must_change,
        );
        let done = update.execute(&mut *self.pen.conn.lock().await).await?;
        found(name, done.rows_affected())
    }

    /// A disabled operator cannot sign in, and whoever is signed in by that name no longer is.
    pub async fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), StoreError> {
        let update =
            sqlx::query!("update operator set disabled = ?2 where name = ?1", name, disabled);
        let done = update.execute(&mut *self.pen.conn.lock().await).await?;
        found(name, done.rows_affected())
    }

    // ---- sessions ------------------------------------------------------------------------------

    /// Keeps a sign-in, or prolongs it. `token_hash` is SHA-256 of the browser's token.
    pub async fn put_session(
        &self,
        token_hash: &[u8; 32],
        operator: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (token_hash, expires_ms) = (token_hash.as_slice(), expires_at.as_millisecond());
        let insert = sqlx::query!(
            "insert into web_session (token_hash, operator_name, expires_at_ms) values (?1, ?2, ?3)
             on conflict (token_hash) do update set expires_at_ms = excluded.expires_at_ms",
            token_hash,
            operator,
            expires_ms,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Whose browser this is: nobody's once it has expired or its operator is disabled.
    pub async fn session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<(Operator, Timestamp)>, StoreError> {
        let (token_hash, now_ms) = (token_hash.as_slice(), now.as_millisecond());
        let select = sqlx::query!(
            r#"select name, password_hash, must_change as "must_change: bool", created_at_ms,
                disabled as "disabled: bool", expires_at_ms
            from web_session join operator on operator.name = web_session.operator_name
            where token_hash = ?1 and expires_at_ms > ?2 and disabled = 0"#,
            token_hash,
            now_ms,
        );
        Ok(select.fetch_optional(&self.pool).await?.map(|row| {
            let operator = Operator {
                name: row.name,
                password_hash: row.password_hash,
                must_change: row.must_change,
                created_at_ms: row.created_at_ms,
                disabled: row.disabled,
            };
            // Written from a timestamp, so it is one.
            (operator, Timestamp::from_millisecond(row.expires_at_ms).unwrap_or_default())
        }))
    }

    /// Signs a browser out.
    pub async fn drop_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        let token_hash = token_hash.as_slice();
        let delete = sqlx::query!("delete from web_session where token_hash = ?1", token_hash);
        delete.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Signs an operator's browsers out everywhere.
    pub async fn drop_sessions_of(&self, operator: &str) -> Result<(), StoreError> {
        let delete = sqlx::query!("delete from web_session where operator_name = ?1", operator);
        delete.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// Forgets the sessions that have expired; how many.
    pub async fn expire_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let now_ms = now.as_millisecond();
        let delete = sqlx::query!("delete from web_session where expires_at_ms <= ?1", now_ms);
        Ok(delete.execute(&mut *self.pen.conn.lock().await).await?.rows_affected())
    }
}

fn found(name: &str, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NoOperator(name.to_owned())) } else { Ok(()) }
}
