//! Programs and their tokens, what was asked under an idempotency key, and who is told of what. No part of the journal.

use jiff::{SignedDuration, Timestamp};

use super::{Accounts, Reader, StoreError};
use crate::types::{KeptAnswer, Once, Program, Scope, Webhook, WebhookDraft};

/// Answers are kept for so long.
const ONCE_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// The last use of a token is written at most this often, in milliseconds.
const USED_STEP_MS: i64 = 60_000;

impl Accounts {
    /// `false`: a program or a counter has this name.
    pub async fn add_program(
        &self,
        name: &str,
        scopes: &[Scope],
        token_hash: &[u8; 32],
        made_by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (token_hash, now_ms) = (token_hash.as_slice(), now.as_millisecond());
        let scopes = json(&scopes)?;
        let insert = sqlx::query!(
            "insert into program (name, token_hash, scopes, made_by, created_at_ms)
             select ?1, ?2, ?3, ?4, ?5 where not exists (select 1 from counter_account where name = ?1)
             on conflict (name) do nothing",
            name,
            token_hash,
            scopes,
            made_by,
            now_ms,
        );
        Ok(insert.execute(&mut *self.pen.conn.lock().await).await?.rows_affected() == 1)
    }

    /// Its token is worth nothing from now on, and it is told nothing more; `false`: nobody has this name.
    pub async fn drop_program(&self, name: &str) -> Result<bool, StoreError> {
        let by = format!("program {name}");
        let mut conn = self.pen.conn.lock().await;
        sqlx::query!("delete from webhook where made_by = ?1", by).execute(&mut *conn).await?;
        let delete = sqlx::query!("delete from program where name = ?1", name);
        Ok(delete.execute(&mut *conn).await?.rows_affected() == 1)
    }

    /// By name.
    pub async fn programs(&self) -> Result<Vec<Program>, StoreError> {
        let select = sqlx::query!(
            "select name, scopes, made_by, created_at_ms, used_at_ms from program order by name"
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            program(row.name, &row.scopes, row.made_by, row.created_at_ms, row.used_at_ms)
        })
        .collect()
    }

    /// Whose token this is; remembers that it was used.
    pub async fn program_of_token(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Program>, StoreError> {
        let (token_hash, now_ms) = (token_hash.as_slice(), now.as_millisecond());
        let select = sqlx::query!(
            "select name, scopes, made_by, created_at_ms, used_at_ms from program where token_hash = ?1",
            token_hash,
        );
        let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(None) };
        if row.used_at_ms.is_none_or(|used| used < now_ms - USED_STEP_MS) {
            let update = sqlx::query!(
                "update program set used_at_ms = ?2 where name = ?1",
                row.name,
                now_ms
            );
            update.execute(&mut *self.pen.conn.lock().await).await?;
        }
        program(row.name, &row.scopes, row.made_by, row.created_at_ms, Some(now_ms)).map(Some)
    }

    // ---- idempotency keys ----------------------------------------------------------------------

    /// Takes a caller's key for a request, unless it is known.
    pub async fn begin_once(
        &self,
        caller: &str,
        key: &str,
        digest: &[u8; 32],
        now: Timestamp,
    ) -> Result<Once, StoreError> {
        let (digest, now_ms) = (digest.as_slice(), now.as_millisecond());
        let old_ms = (now - ONCE_KEPT).as_millisecond();
        let mut conn = self.pen.conn.lock().await;
        sqlx::query!("delete from once where at_ms < ?1", old_ms).execute(&mut *conn).await?;
        let insert = sqlx::query!(
            "insert into once (caller, key, digest, at_ms) values (?1, ?2, ?3, ?4)
             on conflict (caller, key) do nothing",
            caller,
            key,
            digest,
            now_ms,
        );
        if insert.execute(&mut *conn).await?.rows_affected() == 1 {
            return Ok(Once::New);
        }
        let select = sqlx::query!(
            "select digest, status, content_type, body from once where caller = ?1 and key = ?2",
            caller,
            key,
        );
        let row = select.fetch_one(&mut *conn).await?;
        if row.digest != digest {
            return Ok(Once::Other);
        }
        Ok(match row.status {
            None => Once::Unknown,
            Some(status) => Once::Answered(KeptAnswer {
                status: u16::try_from(status).unwrap_or_default(),
                content_type: row.content_type.unwrap_or_default(),
                body: row.body.unwrap_or_default(),
            }),
        })
    }

    /// Keeps what came of it; `None`: nothing was done, and the key is free again.
    pub async fn end_once(
        &self,
        caller: &str,
        key: &str,
        answer: Option<&KeptAnswer>,
    ) -> Result<(), StoreError> {
        let mut conn = self.pen.conn.lock().await;
        let Some(KeptAnswer { status, content_type, body }) = answer else {
            let delete =
                sqlx::query!("delete from once where caller = ?1 and key = ?2", caller, key);
            delete.execute(&mut *conn).await?;
            return Ok(());
        };
        let body = body.as_slice();
        let update = sqlx::query!(
            "update once set status = ?3, content_type = ?4, body = ?5 where caller = ?1 and key = ?2",
            caller,
            key,
            status,
            content_type,
            body,
        );
        update.execute(&mut *conn).await?;
        Ok(())
    }

    // ---- webhooks ------------------------------------------------------------------------------

    /// Told from the end of the journal on. Its number is never used again.
    pub async fn add_webhook(
        &self,
        draft: &WebhookDraft,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        let WebhookDraft { url, plates, made_by, .. } = draft;
        let (kinds, salt) = (json(&draft.kinds)?, draft.salt.as_slice());
        let now_ms = now.as_millisecond();
        let insert = sqlx::query!(
            r#"insert into webhook (url, kinds, plates, salt, made_by, created_at_ms, after_seq)
             select ?1, ?2, ?3, ?4, ?5, ?6, coalesce(max(seq), 0) from journal
             returning id as "id!: i64", after_seq as "after_seq!: i64""#,
            url,
            kinds,
            plates,
            salt,
            made_by,
            now_ms,
        );
        let row = insert.fetch_one(&mut *self.pen.conn.lock().await).await?;
        let WebhookDraft { url, kinds, plates, salt, made_by } = draft.clone();
        let (id, after_seq) = (row.id, row.after_seq);
        Ok(Webhook { id, url, kinds, plates, salt, made_by, made_at: now, after_seq })
    }

    /// `false`: there is none of this number.
    pub async fn drop_webhook(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sqlx::query!("delete from webhook where id = ?1", id);
        Ok(delete.execute(&mut *self.pen.conn.lock().await).await?.rows_affected() == 1)
    }
}

impl Reader {
    /// By number.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let select = sqlx::query!(
            r#"select id, url, kinds, plates as "plates: bool", salt, made_by, created_at_ms, after_seq
             from webhook order by id"#
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            let odd = || StoreError::Corrupt(format!("webhook {} cannot be read", row.id));
            Ok(Webhook {
                id: row.id,
                url: row.url,
                kinds: serde_json::from_str(&row.kinds).map_err(|_| odd())?,
                plates: row.plates,
                salt: row.salt.try_into().map_err(|_| odd())?,
                made_by: row.made_by,
                made_at: Timestamp::from_millisecond(row.created_at_ms).map_err(|_| odd())?,
                after_seq: row.after_seq,
            })
        })
        .collect()
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Corrupt(format!("this cannot be written: {error}")))
}

fn program(
    name: String,
    scopes: &str,
    made_by: String,
    created_at_ms: i64,
    used_at_ms: Option<i64>,
) -> Result<Program, StoreError> {
    let odd = || StoreError::Corrupt(format!("program {name} cannot be read"));
    // A scope that this version does not know lets nobody do anything.
    let named: Vec<String> = serde_json::from_str(scopes).map_err(|_| odd())?;
    let scopes = named.iter().filter_map(|scope| Scope::parse(scope)).collect();
    let at = |ms| Timestamp::from_millisecond(ms).map_err(|_| odd());
    let (made_at, used_at) = (at(created_at_ms)?, used_at_ms.map(at).transpose()?);
    Ok(Program { name, scopes, made_by, made_at, used_at })
}
