//! The broker's side of MQTT: accounts with topic rules, and the broker inside this process that
//! enforces them. Keeps nothing on disk and knows no payloads.

mod account;
mod filter;

#[cfg(feature = "embedded-broker")]
mod embedded;
#[cfg(feature = "embedded-broker")]
mod guard;
#[cfg(feature = "embedded-broker")]
mod lease;
#[cfg(feature = "embedded-broker")]
mod quarantine;

pub use account::{
    Account, AccountError, Role, STALE_AFTER_MS, check_accounts, mosquitto_acl, mosquitto_passwords,
};
#[cfg(feature = "embedded-broker")]
pub use embedded::{Broker, BrokerError, Settings};
pub use filter::{covers, matches, valid_filter};
#[cfg(feature = "embedded-broker")]
pub use quarantine::{Quarantine, Said};
