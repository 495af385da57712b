//! Which profiles a stranger's message fits: it is read with each of them, and those that understand
//! it are proposed. Changes nothing and answers nobody.

use std::fmt;

/// A message of a device that no site file names.
#[derive(Clone, Copy)]
pub enum Stranger<'a> {
    /// Published at the broker.
    Mqtt {
        /// Concrete.
        topic: &'a str,
        /// As received.
        payload: &'a [u8],
    },
    /// A request.
    Http {
        /// Behind the part that would name the device.
        path: &'a str,
        /// Without the question mark.
        query: &'a str,
        /// The header, if there is one.
        content_type: Option<&'a str>,
        /// As received.
        body: &'a [u8],
    },
    /// Heard on a serial line.
    Serial {
        /// As received.
        bytes: &'a [u8],
    },
}

impl fmt::Debug for Stranger<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mqtt { topic, payload } => write!(f, "Mqtt({topic:?}, {} bytes)", payload.len()),
            Self::Http { path, body, .. } => write!(f, "Http({path:?}, {} bytes)", body.len()),
            Self::Serial { bytes } => write!(f, "Serial({} bytes)", bytes.len()),
        }
    }
}

/// A profile that understands the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// As a site file names it.
    pub profile: String,
    /// Serial number found in topic or message.
    pub sn: Option<String>,
    /// Kinds of events understood, as in `plate-read`; empty for a message known but of no use.
    pub says: Vec<&'static str>,
}

/// Profiles that understand the message, the best first.
pub fn propose(_stranger: &Stranger<'_>) -> Vec<Proposal> {
    vec![]
}
