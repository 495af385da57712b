//! Who may sign in, and which browsers are signed in. Hashes nothing itself and knows no HTTP.
//!
//! Each write is one short statement on the writing connection, or two or three in one transaction, which both this and
//! the writer take in turn: a sign-in delays a commit by at most one such, and neither can make the other fail. What is
//! done with accounts is recorded with it, and nobody takes that back.

use std::{fmt, path::Path, sync::Arc};

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::{Reader, StoreError, open::Pen};
use crate::types::{AccountDid, Role};

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
    pub role: Role,
    /// The password was given out by somebody else.
    pub must_change: bool,
    pub created_at_ms: i64,
    pub disabled: bool,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("must_change", &self.must_change)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// One thing done with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEvent {
    pub seq: i64,
    pub at: Timestamp,
    pub did: AccountDid,
    /// Whose account; `None`: a name that nobody has.
    pub operator: Option<String>,
    /// Who did it.
    pub by: String,
    pub detail: String,
}

/// Who does something with an account, and when.
#[derive(Clone, Copy, Debug)]
pub struct Doer<'a> {
    pub name: &'a str,
    pub now: Timestamp,
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
        role: Role,
        by: Doer<'_>,
    ) -> Result<(), StoreError> {
        let (now_ms, role) = (by.now.as_millisecond(), role.name());
        let insert = sqlx::query!(
            "insert into operator (name, password_hash, role, must_change, created_at_ms) values (?1, ?2, ?3, 1, ?4)",
            name,
            password_hash,
            role,
            now_ms,
        );
        let mut conn = self.pen.conn.lock().await;
        let mut both = conn.begin().await?;
        insert.execute(&mut *both).await?;
        put_event(&mut both, AccountDid::Added, Some(name), by, role).await?;
        Ok(both.commit().await?)
    }

    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        let select = sqlx::query_as!(
            Person,
            r#"select name, password_hash, role, must_change as "must_change: bool", created_at_ms,
                disabled as "disabled: bool"
            from operator where name = ?1"#,
            name,
        );
        select.fetch_optional(&self.pool).await?.map(Operator::try_from).transpose()
    }

    /// All operators by name.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let select = sqlx::query_as!(
            Person,
            r#"select name, password_hash, role, must_change as "must_change: bool", created_at_ms,
                disabled as "disabled: bool"
            from operator order by name"#,
        );
        select.fetch_all(&self.pool).await?.into_iter().map(Operator::try_from).collect()
    }

    /// A new password; whoever is not its owner gives one that must be changed. Signs the operator out everywhere.
    pub async fn set_password(
        &self,
        name: &str,
        password_hash: &str,
        by: Doer<'_>,
    ) -> Result<(), StoreError> {
        let own = by.name == name;
        let must_change = !own;
        let did = if own { AccountDid::PasswordChanged } else { AccountDid::PasswordReset };
        let update = sqlx::query!(
            "update operator set password_hash = ?2, must_change = ?3 where name = ?1",
            name,
            password_hash,
            must_change,
        );
        let mut conn = self.pen.conn.lock().await;
        let mut all = conn.begin().await?;
        found(name, update.execute(&mut *all).await?.rows_affected())?;
        drop_sessions(&mut all, name).await?;
        put_event(&mut all, did, Some(name), by, "").await?;
        Ok(all.commit().await?)
    }

    /// Refused with `operator_last_owner` where no owner would be left.
    pub async fn set_role(&self, name: &str, role: Role, by: Doer<'_>) -> Result<(), StoreError> {
        let role = role.name();
        let update = sqlx::query!("update operator set role = ?2 where name = ?1", name, role);
        let mut conn = self.pen.conn.lock().await;
        let mut both = conn.begin().await?;
        found(name, update.execute(&mut *both).await?.rows_affected())?;
        put_event(&mut both, AccountDid::RoleChanged, Some(name), by, role).await?;
        Ok(both.commit().await?)
    }

    /// A disabled operator cannot sign in, and whoever is signed in by that name no longer is. Refused with
    /// `operator_last_owner` where no owner would be left.
    pub async fn set_disabled(
        &self,
        name: &str,
        disabled: bool,
        by: Doer<'_>,
    ) -> Result<(), StoreError> {
        let did = if disabled { AccountDid::Disabled } else { AccountDid::Enabled };
        let update =
            sqlx::query!("update operator set disabled = ?2 where name = ?1", name, disabled);
        let mut conn = self.pen.conn.lock().await;
        let mut all = conn.begin().await?;
        found(name, update.execute(&mut *all).await?.rows_affected())?;
        drop_sessions(&mut all, name).await?;
        put_event(&mut all, did, Some(name), by, "").await?;
        Ok(all.commit().await?)
    }

    /// Puts on record what changes no account, such as a sign-in.
    pub async fn note(
        &self,
        did: AccountDid,
        operator: Option<&str>,
        by: Doer<'_>,
        detail: &str,
    ) -> Result<(), StoreError> {
        put_event(&mut *self.pen.conn.lock().await, did, operator, by, detail).await
    }

    /// What was done with accounts before the row `before`, latest first.
    pub async fn account_events(
        &self,
        before: i64,
        (from, to): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<AccountEvent>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query!(
            "select seq, at_ms, did, operator, by, detail from account_event
             where seq < ?1 and at_ms >= ?2 and at_ms < ?3 order by seq desc limit ?4",
            before,
            from_ms,
            to_ms,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            let did = row.did.parse().map_err(|e| StoreError::Corrupt(format!("{e}")))?;
            // Written from a timestamp, so it is one.
            let at = Timestamp::from_millisecond(row.at_ms).unwrap_or_default();
            let (seq, operator, by, detail) = (row.seq, row.operator, row.by, row.detail);
            Ok(AccountEvent { seq, at, did, operator, by, detail })
        })
        .collect()
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
            r#"select name, password_hash, role, must_change as "must_change: bool", created_at_ms,
                disabled as "disabled: bool", expires_at_ms
            from web_session join operator on operator.name = web_session.operator_name
            where token_hash = ?1 and expires_at_ms > ?2 and disabled = 0"#,
            token_hash,
            now_ms,
        );
        let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(None) };
        let operator = Person {
            name: row.name,
            password_hash: row.password_hash,
            role: row.role,
            must_change: row.must_change,
            created_at_ms: row.created_at_ms,
            disabled: row.disabled,
        };
        // Written from a timestamp, so it is one.
        let until = Timestamp::from_millisecond(row.expires_at_ms).unwrap_or_default();
        Ok(Some((operator.try_into()?, until)))
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
        drop_sessions(&mut *self.pen.conn.lock().await, operator).await
    }

    /// Forgets the sessions that have expired; how many.
    pub async fn expire_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let now_ms = now.as_millisecond();
        let delete = sqlx::query!("delete from web_session where expires_at_ms <= ?1", now_ms);
        Ok(delete.execute(&mut *self.pen.conn.lock().await).await?.rows_affected())
    }
}

/// A row of `operator`.
struct Person {
    name: String,
    password_hash: String,
    role: String,
    must_change: bool,
    created_at_ms: i64,
    disabled: bool,
}

impl TryFrom<Person> for Operator {
    type Error = StoreError;

    fn try_from(person: Person) -> Result<Self, StoreError> {
        let Person { name, password_hash, role, must_change, created_at_ms, disabled } = person;
        let role = role.parse().map_err(|e| StoreError::Corrupt(format!("{name}: {e}")))?;
        Ok(Self { name, password_hash, role, must_change, created_at_ms, disabled })
    }
}

async fn put_event(
    conn: &mut SqliteConnection,
    did: AccountDid,
    operator: Option<&str>,
    by: Doer<'_>,
    detail: &str,
) -> Result<(), StoreError> {
    let (now_ms, did) = (by.now.as_millisecond(), did.name());
    let insert = sqlx::query!(
        "insert into account_event (at_ms, did, operator, by, detail) values (?1, ?2, ?3, ?4, ?5)",
        now_ms,
        did,
        operator,
        by.name,
        detail,
    );
    insert.execute(conn).await?;
    Ok(())
}

async fn drop_sessions(conn: &mut SqliteConnection, operator: &str) -> Result<(), StoreError> {
    let delete = sqlx::query!("delete from web_session where operator_name = ?1", operator);
    delete.execute(conn).await?;
    Ok(())
}

fn found(name: &str, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NoOperator(name.to_owned())) } else { Ok(()) }
}
