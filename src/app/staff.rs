//! Operators' accounts: made with a one-time password, shown once. Knows no page.

use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};

use crate::{
    http::hash_password,
    store::{Accounts, StoreError},
};

/// The name of the account that the first start makes.
pub const FIRST_NAME: &str = "admin";
/// Letters of one-time passwords: none that is mistaken for another.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// 31^16 possibilities.
const PASSWORD_LETTERS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    #[error("a name has 2 to 32 letters, digits, '-' or '.'; this is {0:?}")]
    Name(String),
    #[error("there is an account {0} already; `paifang user reset {0}` gives it a new password")]
    Taken(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no password can be made: {0}")]
    Password(String),
}

/// On the first start: the account that makes all others. Gives its one-time password.
pub async fn first(accounts: &Accounts, now: Timestamp) -> Result<Option<String>, StaffError> {
    if accounts.operators().await?.is_empty() {
        return add(accounts, FIRST_NAME, now).await.map(Some);
    }
    Ok(None)
}

/// Makes an account; gives its one-time password.
pub async fn add(accounts: &Accounts, name: &str, now: Timestamp) -> Result<String, StaffError> {
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    if !(2..=32).contains(&name.chars().count()) || !name.chars().all(letters) {
        return Err(StaffError::Name(name.to_owned()));
    }
    if accounts.operator(name).await?.is_some() {
        return Err(StaffError::Taken(name.to_owned()));
    }
    let (password, hash) = one_time().await?;
    accounts.add_operator(name, &hash, true, now).await?;
    Ok(password)
}

/// Gives an account a new one-time password and signs it out everywhere.
pub async fn reset(accounts: &Accounts, name: &str) -> Result<String, StaffError> {
    let (password, hash) = one_time().await?;
    accounts.set_password(name, &hash, true).await?;
    accounts.drop_sessions_of(name).await?;
    Ok(password)
}

async fn one_time() -> Result<(String, String), StaffError> {
    let trouble = |e: &dyn std::fmt::Display| StaffError::Password(e.to_string());
    let mut password = String::with_capacity(PASSWORD_LETTERS);
    while password.len() < PASSWORD_LETTERS {
        let mut byte = [0];
        SysRng.try_fill_bytes(&mut byte).map_err(|e| trouble(&e))?;
        // Bytes beyond the last whole round would favour the first letters.
        if usize::from(byte[0]) < 256 / LETTERS.len() * LETTERS.len() {
            password.push(char::from(LETTERS[usize::from(byte[0]) % LETTERS.len()]));
        }
    }
    let plain = password.clone();
    let hash = tokio::task::spawn_blocking(move || hash_password(&plain))
        .await
        .map_err(|e| trouble(&e))?
        .map_err(|e| trouble(&e))?;
    Ok((password, hash))
}
