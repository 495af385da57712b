//! Which profiles a stranger's message fits: it is read with each of them, and those that understand
//! it are proposed. Changes nothing and answers nobody.

use std::{cmp::Reverse, fmt, sync::OnceLock};

use crate::{
    http_push::{HttpPush, PushRequest},
    json_mqtt::JsonMqtt,
    message::{Event, Language, MessageRule, Opened, Reading, Scope},
    profile::{Profile, Protocol},
};

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

/// What one profile makes of a message.
pub(crate) struct Guess {
    proposal: Proposal,
    /// How much of what the profile looks for is there.
    score: usize,
    /// The profile speaks another's protocol section: the other is proposed before it.
    is_derived: bool,
}

impl Guess {
    pub(crate) fn new(
        profile: &Profile,
        rule: &MessageRule,
        language: &Language,
        opened: &Opened,
        sn: Option<String>,
        is_event: bool,
    ) -> Self {
        let body = rule.body(&opened.top).unwrap_or(&opened.top);
        let scope = Scope { opened, body, utc_offset_s: Some(0) };
        let filled = Reading { scope, fields: language.table(&rule.fields) }.filled();
        let score = 2 * rule.asks()
            + filled
            + usize::from(sn.is_some())
            + 2 * usize::from(is_event)
            + 3 * usize::from(rule.event == Event::PlateRead);
        let says = if is_event { vec![rule.event.name()] } else { vec![] };
        let proposal = Proposal { profile: profile.name.clone(), sn, says };
        Self { proposal, score, is_derived: profile.is_derived() }
    }
}

/// Profiles that understand the message, the best first.
pub fn propose(stranger: &Stranger<'_>) -> Vec<Proposal> {
    static PROFILES: OnceLock<Vec<Profile>> = OnceLock::new();
    propose_of(PROFILES.get_or_init(|| Profile::load_all().unwrap_or_default()), stranger)
}

fn propose_of(profiles: &[Profile], stranger: &Stranger<'_>) -> Vec<Proposal> {
    let mut guesses: Vec<Guess> =
        profiles.iter().filter_map(|profile| guess(profile, stranger)).collect();
    guesses.sort_by_key(|guess| {
        (Reverse(guess.score), guess.is_derived, guess.proposal.profile.clone())
    });
    guesses.into_iter().map(|guess| guess.proposal).collect()
}

/// `None`: the profile does not understand it. Boards on a serial line that speak only when asked
/// are never understood.
fn guess(profile: &Profile, stranger: &Stranger<'_>) -> Option<Guess> {
    match (profile.protocol, *stranger) {
        (Protocol::JsonMqtt, Stranger::Mqtt { topic, payload }) => {
            JsonMqtt::guess(profile, topic, payload)
        }
        (Protocol::HttpPush, Stranger::Http { path, query, content_type, body }) => {
            HttpPush::guess(profile, &PushRequest { path, query, content_type, body })
        }
        _ => None,
    }
}
