//! Operators' accounts: made with a one-time password, shown once. Knows no page.

use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};

use crate::{
    http::hash_password,
    store::{Accounts, Doer, StoreError},
    types::Role,
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
    #[error("nobody has an account {0}; `paifang user list` shows all")]
    Nobody(String),
    #[error("{0} is the last owner that can sign in; make another one first")]
    LastOwner(String),
    #[error(transparent)]
    Store(StoreError),
    #[error("no password can be made: {0}")]
    Password(String),
}

/// Of an account that exists, or should.
fn of(name: &str, error: StoreError) -> StaffError {
    match error {
        StoreError::NoOperator(name) => StaffError::Nobody(name),
        StoreError::Constraint { name: rule } if rule == "operator_last_owner" => {
            StaffError::LastOwner(name.to_owned())
        }
        StoreError::Constraint { name: rule } if rule == "operator_name_unique" => {
            StaffError::Taken(name.to_owned())
        }
        error => StaffError::Store(error),
    }
}

/// On the first start: the account that makes all others. Gives its one-time password.
pub async fn first(accounts: &Accounts, now: Timestamp) -> Result<Option<String>, StaffError> {
    if accounts.operators().await.map_err(StaffError::Store)?.is_empty() {
        let by = Doer { name: "paifang", now };
        return add(accounts, FIRST_NAME, Role::Owner, by).await.map(Some);
    }
    Ok(None)
}

/// Makes an account; gives its one-time password.
pub async fn add(
    accounts: &Accounts,
    name: &str,
    role: Role,
    by: Doer<'_>,
) -> Result<String, StaffError> {
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    if !(2..=32).contains(&name.chars().count()) || !name.chars().all(letters) {
        return Err(StaffError::Name(name.to_owned()));
    }
    let (password, hash) = one_time().await?;
    accounts.add_operator(name, &hash, role, by).await.map_err(|e| of(name, e))?;
    Ok(password)
}

/// Gives an account a new one-time password and signs it out everywhere.
pub async fn reset(accounts: &Accounts, name: &str, by: Doer<'_>) -> Result<String, StaffError> {
    let (password, hash) = one_time().await?;
    accounts.set_password(name, &hash, by).await.map_err(|e| of(name, e))?;
    Ok(password)
}

/// Gives an account another role; the last owner keeps it.
pub async fn set_role(
    accounts: &Accounts,
    name: &str,
    role: Role,
    by: Doer<'_>,
) -> Result<(), StaffError> {
    accounts.set_role(name, role, by).await.map_err(|e| of(name, e))
}

/// Takes the sign-in away from an account, at once and everywhere, or gives it back. The last owner keeps it.
pub async fn set_disabled(
    accounts: &Accounts,
    name: &str,
    disabled: bool,
    by: Doer<'_>,
) -> Result<(), StaffError> {
    accounts.set_disabled(name, disabled, by).await.map_err(|e| of(name, e))
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
