//! Who may sign in for a merchant, and their browsers. No part of the journal: what they give is. Decides nothing.

use jiff::Timestamp;

use super::{Accounts, StoreError};
use crate::types::MerchantId;

/// Somebody who may sign in for a merchant.
#[derive(Clone, PartialEq, Eq)]
pub struct MerchantAccount {
    pub name: String,
    pub merchant: MerchantId,
    pub password_hash: String,
}

impl std::fmt::Debug for MerchantAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MerchantAccount")
            .field("name", &self.name)
            .field("merchant", &self.merchant)
            .finish_non_exhaustive()
    }
}

impl Accounts {
    /// Adds an account or gives it a new password and token; whoever is signed in by it no longer is. An account of
    /// another merchant is not touched: `false`.
    pub async fn put_merchant_account(
        &self,
        account: &MerchantAccount,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let MerchantAccount { name, merchant, password_hash } = account;
        let (merchant, token_hash, now_ms) =
            (merchant.0, token_hash.as_slice(), now.as_millisecond());
        let mut conn = self.pen.conn.lock().await;
        let insert = sqlx::query!(
            "insert into merchant_account (name, merchant_id, password_hash, token_hash, created_at_ms)
             values (?1, ?2, ?3, ?4, ?5)
             on conflict (name) do update set password_hash = excluded.password_hash, token_hash = excluded.token_hash
             where merchant_id = excluded.merchant_id",
            name,
            merchant,
            password_hash,
            token_hash,
            now_ms,
        );
        let put = insert.execute(&mut *conn).await?.rows_affected() > 0;
        if put {
            let delete = sqlx::query!("delete from merchant_session where account_name = ?1", name);
            delete.execute(&mut *conn).await?;
        }
        Ok(put)
    }

    pub async fn merchant_account(
        &self,
        name: &str,
    ) -> Result<Option<MerchantAccount>, StoreError> {
        let select = sqlx::query!(
            "select name, merchant_id, password_hash from merchant_account where name = ?1",
            name,
        );
        let row = select.fetch_optional(&self.pool).await?;
        Ok(row.map(|row| MerchantAccount {
            name: row.name,
            merchant: MerchantId(row.merchant_id),
            password_hash: row.password_hash,
        }))
    }

    /// A new password: who is signed in elsewhere is signed out; the token of its programs stays.
    pub async fn set_merchant_password(
        &self,
        name: &str,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        let mut conn = self.pen.conn.lock().await;
        let update = sqlx::query!(
            "update merchant_account set password_hash = ?2 where name = ?1",
            name,
            password_hash,
        );
        update.execute(&mut *conn).await?;
        let delete = sqlx::query!("delete from merchant_session where account_name = ?1", name);
        delete.execute(&mut *conn).await?;
        Ok(())
    }

    /// Whose program it is.
    pub async fn merchant_of_token(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<(String, MerchantId)>, StoreError> {
        let token_hash = token_hash.as_slice();
        let select = sqlx::query!(
            "select name, merchant_id from merchant_account where token_hash = ?1",
            token_hash,
        );
        let row = select.fetch_optional(&self.pool).await?;
        Ok(row.map(|row| (row.name, MerchantId(row.merchant_id))))
    }

    /// Names of the accounts of each merchant.
    pub async fn merchant_accounts(&self) -> Result<Vec<(MerchantId, String)>, StoreError> {
        let select = sqlx::query!("select merchant_id, name from merchant_account order by name");
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        Ok(rows.map(|row| (MerchantId(row.merchant_id), row.name)).collect())
    }

    /// Keeps a sign-in. `token_hash` is SHA-256 of the browser's token. Sign-ins that have ended are forgotten.
    pub async fn put_merchant_session(
        &self,
        token_hash: &[u8; 32],
        account: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (token_hash, now_ms) = (token_hash.as_slice(), now.as_millisecond());
        let expires_ms = expires_at.as_millisecond();
        let mut conn = self.pen.conn.lock().await;
        let delete = sqlx::query!("delete from merchant_session where expires_at_ms <= ?1", now_ms);
        delete.execute(&mut *conn).await?;
        let insert = sqlx::query!(
            "insert into merchant_session (token_hash, account_name, expires_at_ms) values (?1, ?2, ?3)",
            token_hash,
            account,
            expires_ms,
        );
        insert.execute(&mut *conn).await?;
        Ok(())
    }

    /// Whose browser this is.
    pub async fn merchant_session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<(String, MerchantId)>, StoreError> {
        let (token_hash, now_ms) = (token_hash.as_slice(), now.as_millisecond());
        let select = sqlx::query!(
            "select name, merchant_id from merchant_session
             join merchant_account on merchant_account.name = merchant_session.account_name
             where merchant_session.token_hash = ?1 and expires_at_ms > ?2",
            token_hash,
            now_ms,
        );
        let row = select.fetch_optional(&self.pool).await?;
        Ok(row.map(|row| (row.name, MerchantId(row.merchant_id))))
    }

    pub async fn drop_merchant_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        let token_hash = token_hash.as_slice();
        let delete = sqlx::query!("delete from merchant_session where token_hash = ?1", token_hash);
        delete.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }
}
