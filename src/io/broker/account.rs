//! Who may sign in to the broker and which topics are theirs; also written as the two files that
//! mosquitto reads. Knows nothing of sockets.

use std::{collections::HashSet, fmt, fmt::Write as _};

use super::filter::valid_filter;

/// What the broker keeps for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The daemon itself: its messages wait for it while it reconnects, none is too old.
    Daemon,
    /// A camera, display or other device: nothing waits for it while it is away, and a message
    /// not handed over within [`STALE_AFTER_MS`] is thrown away, so that no old command arrives.
    Device,
}

/// Age in milliseconds from which a message to a device is thrown away instead of delivered.
/// Commands live for seconds; a barrier must not open for a car that has left.
pub const STALE_AFTER_MS: i64 = 3_000;

/// One set of credentials and the topics it may touch. Rules are topic filters, wildcards allowed.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Unique; not empty, no `:` and no control characters (mosquitto's password file is lines of
    /// `name:password`).
    pub username: String,
    pub password: String,
    pub role: Role,
    /// Filters of the topics it may publish on.
    pub publish: Vec<String>,
    /// Filters it may subscribe to, or to anything inside them.
    pub subscribe: Vec<String>,
}

impl Account {
    /// The daemon's own account: everything but the broker's `$` topics, plus `extra` rules for
    /// devices that speak on such topics.
    pub fn daemon(username: &str, password: &str, extra: &[String]) -> Account {
        let rules: Vec<String> =
            std::iter::once("#".to_owned()).chain(extra.iter().cloned()).collect();
        Account {
            username: username.to_owned(),
            password: password.to_owned(),
            role: Role::Daemon,
            publish: rules.clone(),
            subscribe: rules,
        }
    }

    /// A device's account with its own topics only.
    pub fn device(
        username: &str,
        password: &str,
        publish: Vec<String>,
        subscribe: Vec<String>,
    ) -> Account {
        let (username, password) = (username.to_owned(), password.to_owned());
        Account { username, password, role: Role::Device, publish, subscribe }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("username", &self.username)
            .field("password", &"(hidden)")
            .field("role", &self.role)
            .field("publish", &self.publish)
            .field("subscribe", &self.subscribe)
            .finish()
    }
}

/// Why a list of accounts cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccountError {
    #[error("MQTT user name {0:?} is empty or holds ':' or a control character: choose another")]
    Username(String),
    #[error("MQTT user {0:?} has an empty password or one with a line break: set one")]
    Password(String),
    #[error("MQTT user {0:?} appears twice: give each device its own name")]
    Twice(String),
    #[error(
        "MQTT user {username:?} has the topic rule {rule:?}, which is no topic filter: \
         '+' and '#' stand alone in their level and '#' comes last"
    )]
    Rule { username: String, rule: String },
}

/// Checks each account by itself and that no name is used twice.
pub fn check_accounts(accounts: &[Account]) -> Result<(), AccountError> {
    let mut names = HashSet::new();
    for account in accounts {
        let name = &account.username;
        if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
            return Err(AccountError::Username(name.clone()));
        }
        if account.password.is_empty() || account.password.contains(['\n', '\r', '\0']) {
            return Err(AccountError::Password(name.clone()));
        }
        if !names.insert(name) {
            return Err(AccountError::Twice(name.clone()));
        }
        if let Some(rule) =
            account.publish.iter().chain(&account.subscribe).find(|r| !valid_filter(r))
        {
            return Err(AccountError::Rule { username: name.clone(), rule: rule.clone() });
        }
    }
    Ok(())
}

/// The same rules for a site with its own mosquitto: the text of its `acl_file`.
/// The accounts must have passed [`check_accounts`], or a line could say more than was meant.
pub fn mosquitto_acl(accounts: &[Account]) -> String {
    let mut text = String::from("# acl_file: who may use which topics\n");
    for account in accounts {
        let _ = writeln!(text, "\nuser {}", account.username);
        for rule in &account.publish {
            let _ = writeln!(text, "topic write {rule}");
        }
        for rule in &account.subscribe {
            let _ = writeln!(text, "topic read {rule}");
        }
    }
    text
}

/// The text to be turned into mosquitto's `password_file` by `mosquitto_passwd -U <file>`, which
/// replaces the plain passwords by hashes.
pub fn mosquitto_passwords(accounts: &[Account]) -> String {
    accounts.iter().fold(String::new(), |mut text, account| {
        let _ = writeln!(text, "{}:{}", account.username, account.password);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Account {
        Account::device(
            "cam1",
            "s3cret",
            vec!["device/cam1/message/up/+".into()],
            vec!["device/cam1/message/down/#".into()],
        )
    }

    #[test]
    fn the_password_is_never_printed() {
        assert!(!format!("{:?}", camera()).contains("s3cret"));
    }

    #[test]
    fn mistakes_are_named() {
        let change = |change: fn(&mut Account)| {
            let mut account = camera();
            change(&mut account);
            check_accounts(&[account])
        };
        assert_eq!(check_accounts(&[camera()]), Ok(()));
        assert_eq!(check_accounts(&[camera(), camera()]), Err(AccountError::Twice("cam1".into())));
        assert!(matches!(change(|a| a.username.clear()), Err(AccountError::Username(_))));
        assert!(matches!(change(|a| a.username = "a:b".into()), Err(AccountError::Username(_))));
        assert!(matches!(
            change(|a| a.username = "a\nuser b".into()),
            Err(AccountError::Username(_))
        ));
        assert!(matches!(change(|a| a.password.clear()), Err(AccountError::Password(_))));
        assert!(matches!(
            change(|a| a.publish.push("a/#/b".into())),
            Err(AccountError::Rule { .. })
        ));
        assert!(matches!(
            change(|a| a.subscribe.push("a\ntopic #".into())),
            Err(AccountError::Rule { .. })
        ));
    }

    #[test]
    fn the_same_rules_are_written_for_mosquitto() {
        let accounts = [Account::daemon("paifang", "p", &["$/device/#".into()]), camera()];
        let acl = mosquitto_acl(&accounts);
        assert!(acl.contains("\nuser paifang\ntopic write #\ntopic write $/device/#\n"), "{acl}");
        assert!(
            acl.ends_with(
                "user cam1\ntopic write device/cam1/message/up/+\n\
                 topic read device/cam1/message/down/#\n"
            ),
            "{acl}"
        );
        assert_eq!(mosquitto_passwords(&accounts), "paifang:p\ncam1:s3cret\n");
    }
}
