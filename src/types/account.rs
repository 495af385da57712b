//! What is done with the account of an operator. Knows no table.

use std::str::FromStr;

/// One thing done with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountDid {
    SignedIn,
    SignInFailed,
    SignedOut,
    /// By the person it belongs to.
    PasswordChanged,
    Added,
    RoleChanged,
    /// By somebody else: it has a new one-time password.
    PasswordReset,
    Disabled,
    Enabled,
}

impl AccountDid {
    pub const ALL: [Self; 9] = [
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::PasswordChanged,
        Self::Added,
        Self::RoleChanged,
        Self::PasswordReset,
        Self::Disabled,
        Self::Enabled,
    ];

    /// As it is written in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::PasswordChanged => "password_changed",
            Self::Added => "added",
            Self::RoleChanged => "role_changed",
            Self::PasswordReset => "password_reset",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        }
    }
}

/// Written by a newer program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing called {0:?} is done with accounts")]
pub struct NoDeed(String);

impl FromStr for AccountDid {
    type Err = NoDeed;

    fn from_str(text: &str) -> Result<Self, NoDeed> {
        let found = Self::ALL.into_iter().find(|did| did.name() == text);
        found.ok_or_else(|| NoDeed(text.to_owned()))
    }
}
