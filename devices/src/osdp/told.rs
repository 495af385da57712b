//! What is told of a reader, and what is told to the person before it. Knows no frame.

use std::fmt;

use thiserror::Error;

use crate::DeviceEvent;

/// What a reader told, or what is to be told about it.
#[derive(Clone, PartialEq)]
pub enum Told {
    /// A card, or what the reader is.
    Event(DeviceEvent),
    /// Keys pressed: digits, `*` and `#`. Part of a code at times: never logged.
    Keys(String),
    /// Its housing was opened (`true`) or is closed again.
    Tamper(bool),
    /// Its power fails (`true`) or is back.
    PowerFails(bool),
    /// It is polled now.
    Online {
        /// Over the secure channel with the site's key.
        secure: bool,
    },
    /// It took the site's key.
    KeySet,
    /// It answers no more, or has not from the start.
    Offline,
    /// It answers, but cannot be used.
    Trouble(OsdpTrouble),
}

/// The numbers of cards and the keys pressed stay out of logs.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(DeviceEvent::CardRead { bits, .. }) => write!(f, "Card({bits} bits)"),
            Self::Event(event) => write!(f, "{event:?}"),
            Self::Keys(keys) => write!(f, "Keys({} keys)", keys.chars().count()),
            Self::Tamper(on) => write!(f, "Tamper({on})"),
            Self::PowerFails(on) => write!(f, "PowerFails({on})"),
            Self::Online { secure } => write!(f, "Online {{ secure: {secure} }}"),
            Self::KeySet => write!(f, "KeySet"),
            Self::Offline => write!(f, "Offline"),
            Self::Trouble(why) => write!(f, "Trouble({why:?})"),
        }
    }
}

/// Why a reader that answers cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OsdpTrouble {
    /// It holds another key.
    #[error(
        "the reader does not hold this site's key; give it the right one in the secrets file, or, if \
         the reader is new, set install = true until it has taken the key"
    )]
    KeyRefused,
    /// Neither the site's key nor the makers' common one.
    #[error(
        "the reader holds neither this site's key nor the makers' common one; reset it to its factory \
         state"
    )]
    InstallRefused,
    /// It talks only over the secure channel.
    #[error("the reader wants a secure channel; put its key into the secrets file under [osdp]")]
    KeyNeeded,
    /// It would not take the site's key.
    #[error("the reader refuses to take the site's key; see its installation mode")]
    KeySetRefused,
    /// A message that does not belong to the secure channel, or was changed on its way.
    #[error("a reply does not belong to the secure channel; is somebody else on the line?")]
    Forged,
    /// Well framed, but not what the standard says.
    #[error("reply {0:#04x} makes no sense; is the profile the reader's?")]
    Nonsense(u8),
    /// It never gets ready.
    #[error("the reader is busy without end; switch it off and on")]
    Busy,
}

/// A reader that cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OsdpSetupError {
    /// Of another protocol, or its section is wrong.
    #[error("profile {name}: {why}")]
    Profile {
        /// Which.
        name: String,
        /// Reason.
        why: String,
    },
    /// 127 is everybody's.
    #[error("address {0} is no reader's; they have 0 to 126")]
    Address(u8),
    /// There is nothing to install.
    #[error("install = true without a key: put one into the secrets file under [osdp]")]
    InstallWithoutKey,
}

/// What the person before the reader shall see and hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Come in.
    Granted,
    /// Not with this card.
    Refused,
}
