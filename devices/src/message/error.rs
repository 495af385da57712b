//! What can go wrong between a device's messages and us, in words for logs. Never holds what was in
//! a payload: heart-beats of some cameras carry the camera's password.

use thiserror::Error;

use super::BODY_BYTES_MAX;

/// A message that gives no event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The topic, or the serial number inside, is of no device of ours. Routing is wrong, or
    /// somebody pretends.
    #[error("not from device {sn}: {what}")]
    Foreign {
        /// Of this driver; its profile's name if it has no serial number.
        sn: String,
        /// What did not fit.
        what: String,
    },
    /// A message the profile does not know. No failure: new firmware says new things.
    #[error("device {sn} said {what:?}, which its profile does not know")]
    Unknown {
        /// Of this driver; its profile's name if it has no serial number.
        sn: String,
        /// Name of the message, or of the value in it.
        what: String,
    },
    /// Not looked at.
    #[error(
        "device {sn} sent {bytes} bytes, more than {BODY_BYTES_MAX}: lower its picture quality"
    )]
    TooLarge {
        /// Of this driver; its profile's name if it has no serial number.
        sn: String,
        /// How many.
        bytes: usize,
    },
    /// Cut short, or in none of the forms devices write: JSON, XML, a form, its parts.
    #[error("device {sn}: message {name} cannot be read ({why})")]
    Unreadable {
        /// Of this driver; its profile's name if it has no serial number.
        sn: String,
        /// Name of the message, as far as known.
        name: String,
        /// Kind of mistake and where, never the text.
        why: String,
    },
    /// Readable, but without what makes it this message.
    #[error("device {sn}: message {name} has no usable {field}")]
    Missing {
        /// Of this driver; its profile's name if it has no serial number.
        sn: String,
        /// Name of the message.
        name: String,
        /// Path or field.
        field: String,
    },
}

/// A command that cannot be written for this device.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Not among its capabilities.
    #[error("profile {profile} cannot {command}")]
    NotCapable {
        /// Name of the profile.
        profile: String,
        /// The capability it lacks.
        command: &'static str,
    },
    /// The profile's template has a hole nobody fills. Profiles are checked for this on loading.
    #[error("profile {profile}: nothing fills {{{hole}}} of {command}")]
    Template {
        /// Name of the profile.
        profile: String,
        /// The capability.
        command: &'static str,
        /// Name of the hole.
        hole: String,
    },
}

/// A driver that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SetupError {
    /// It becomes part of topics and filters, so `+`, `#` and `/` would reach other devices.
    #[error("serial number {0:?} must be 1 to 64 of A-Z, a-z, 0-9, '-', '_' and '.'")]
    SerialNumber(String),
    /// The profile is for something else.
    #[error("profile {0} is not for this protocol")]
    WrongProfile(String),
}
