//! What a person is at the site. Knows no right: those are where the pages are.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an operator is. Who sells to the site's visitors, a merchant, has a sign-in of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do all there is.
    Owner,
    /// Runs the site from day to day.
    Manager,
    /// Sits where vehicles pass and pay, or sells tickets at a window.
    Booth,
    /// Stands at the turnstiles.
    Gate,
    /// Sees that the money adds up.
    Accountant,
    /// Connects devices.
    Installer,
}

/// No such role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; it is owner, manager, booth, gate, accountant or installer")]
pub struct NoRole(String);

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Manager, Self::Booth, Self::Gate, Self::Accountant, Self::Installer];

    /// As it is written in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Booth => "booth",
            Self::Gate => "gate",
            Self::Accountant => "accountant",
            Self::Installer => "installer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| NoRole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_written_as_they_are_read() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        let told = "Owner".parse::<Role>().unwrap_err().to_string();
        assert!(told.contains("owner, manager"), "{told}");
    }
}
