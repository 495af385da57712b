//! Card readers on OSDP (IEC 60839-11-5, SIA OSDP 2.2), seen from the control panel: one
//! [`OsdpPanel`] for each reader, several of them on one line. Knows no port and no clock, and
//! nobody's right to pass.
//!
//! ```text
//!   Identify -> Capabilities -> [Challenge -> Cryptogram] -> Status -> Online: Poll, lamp, buzzer
//!      ^  sequence 0 makes the reader forget what was before                     |
//!      '--- two questions unheard, a wrong MAC, a refused sequence number -------'
//! ```
//!
//! - The panel asks, the reader answers; a question is asked again with the same bytes until it is
//!   answered or given up, so that a card is told once.
//! - With a key there is no plain talk beyond the identification: what comes without a MAC that fits
//!   is no card. Without a key everything is plain.
//! - A reader fresh from the maker knows only the key that everybody knows. It is spoken to with that
//!   key only while the site says `install`, and then for one thing: to give it the site's key.
//!
//! Frames, commands and ciphers are the crate `osdp`'s; its `Acu` driver is not used, as it has no
//! secure channel, owns its port and waits inside.

mod channel;
mod frame;
mod key;
mod replies;
mod settings;
mod told;

use std::{collections::VecDeque, fmt};

use osdp::{
    command::Command,
    packet::Sqn,
    reply::{NakErrorCode, Reply},
};

use self::{
    channel::{Channel, Heard},
    frame::Form,
};
pub use self::{
    frame::OsdpReply,
    key::{KeyError, SiteKey},
    settings::{Check, OsdpSettings, SignalSettings},
    told::{OsdpSetupError, OsdpTrouble, Signal, Told},
};
use crate::{
    Profile, Protocol,
    exchange::{Exchange, Expect},
};

/// Questions unheard in a row (each sent twice by the line's owner) after which all begins anew.
const UNHEARD_MAX: u32 = 2;
/// Vain attempts after which a reader that was never there is told as such.
const SILENT_MAX: u32 = 3;
/// Pause before a silent or refusing reader is tried again; doubled each time up to the longest.
const PAUSE_MIN_MS: i64 = 500;
const PAUSE_MAX_MS: i64 = 5_000;
/// A busy reader is asked again after this, and given up after so many times.
const BUSY_MS: i64 = 50;
const BUSY_MAX: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Identify,
    Capabilities,
    Challenge,
    Cryptogram,
    Install,
    Status,
    Online,
}

/// What was sent and not yet answered.
struct Question {
    bytes: Vec<u8>,
    sqn: Sqn,
    /// A lamp's or buzzer's; given up alone if refused.
    is_signal: bool,
}

/// The panel's side of one reader.
pub struct OsdpPanel {
    settings: OsdpSettings,
    address: u8,
    poll_ms: i64,
    key: Option<SiteKey>,
    install: bool,
    /// The makers' common key is tried.
    common_key: bool,
    step: Step,
    sqn: Sqn,
    channel: Channel,
    asked: Option<Question>,
    signals: VecDeque<Command>,
    has_lamp: bool,
    has_buzzer: bool,
    unheard: u32,
    /// Given up so often without a word.
    silent: u32,
    busy: u32,
    pause_ms: i64,
    due_at_ms: i64,
    online: bool,
    tamper: bool,
    power_fails: bool,
    trouble: Option<OsdpTrouble>,
}

impl OsdpPanel {
    /// `address` overrides the profile's. With `install`, a reader that refuses `key` is given it
    /// over the makers' common key.
    pub fn new(
        profile: &Profile,
        address: Option<u8>,
        key: Option<SiteKey>,
        install: bool,
    ) -> Result<Self, OsdpSetupError> {
        let settings: OsdpSettings = profile
            .settings(Protocol::Osdp)
            .map_err(|why| OsdpSetupError::Profile { name: profile.name.clone(), why })?;
        let address = address.unwrap_or(settings.address);
        if address > osdp::MAX_PD_ADDR {
            return Err(OsdpSetupError::Address(address));
        }
        if install && key.is_none() {
            return Err(OsdpSetupError::InstallWithoutKey);
        }
        Ok(Self {
            settings,
            address,
            poll_ms: profile.timings.poll_ms.unwrap_or(100).into(),
            key,
            install,
            common_key: false,
            step: Step::Identify,
            sqn: Sqn::ZERO,
            channel: Channel::Plain,
            asked: None,
            signals: VecDeque::new(),
            has_lamp: true,
            has_buzzer: true,
            unheard: 0,
            silent: 0,
            busy: 0,
            pause_ms: PAUSE_MIN_MS,
            due_at_ms: i64::MIN,
            online: false,
            tamper: false,
            power_fails: false,
            trouble: None,
        })
    }

    /// On the line, 0 to 126.
    pub fn address(&self) -> u8 {
        self.address
    }

    /// Cards are taken now.
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// When [`OsdpPanel::ask`] is due, in the milliseconds of the other calls. May be past.
    pub fn due_at_ms(&self) -> i64 {
        self.due_at_ms
    }

    /// Lamp and buzzer, at the next turn. What waits of an earlier signal is forgotten; a reader that
    /// is not online shows nothing later.
    pub fn signal(&mut self, signal: Signal) {
        if !self.online {
            return;
        }
        let settings = match signal {
            Signal::Granted => &self.settings.granted,
            Signal::Refused => &self.settings.refused,
        };
        let reader = self.settings.reader;
        self.signals.clear();
        if self.has_lamp {
            self.signals.push_back(settings.lamp(reader, self.settings.led));
        }
        if self.has_buzzer {
            self.signals.extend(settings.buzzer(reader));
        }
        self.due_at_ms = i64::MIN;
    }

    /// The next question, or the last one again if it was not answered. `random` has to be fresh: the
    /// channel's safety hangs on it.
    pub fn ask(&mut self, random: [u8; 8]) -> Exchange {
        let question = self.asked.take().unwrap_or_else(|| self.next_question(random));
        let reply = OsdpReply::new(self.address, question.sqn, self.settings.check);
        let request = frame::marked(self.settings.mark, &question.bytes);
        self.asked = Some(question);
        Exchange { request, expect: Expect::Osdp(reply), repeatable: true }
    }

    /// The answer to the last question, as [`OsdpReply::find`] cut it out.
    pub fn heard(&mut self, bytes: &[u8], now_ms: i64) -> Vec<Told> {
        let Some(question) = self.asked.take() else { return Vec::new() };
        let heard = self.channel.open(bytes);
        if matches!(heard, Ok(Heard::Refused(Some(NakErrorCode::BadCrcOrChecksum)))) {
            // It heard us as badly as if it had not: the same bytes again, within limits.
            self.asked = Some(question);
            return self.unheard(now_ms);
        }
        (self.unheard, self.silent) = (0, 0);
        match heard {
            Ok(Heard::Busy) => self.is_busy(question, now_ms),
            Ok(Heard::Refused(code)) => self.refused(&question, code, now_ms),
            Ok(Heard::Reply { code, data }) => {
                self.busy = 0;
                self.sqn = self.sqn.next();
                self.due_at_ms = now_ms;
                self.answered(code, &data, now_ms)
            }
            Err(why) => self.give_up(why, now_ms),
        }
    }

    /// No answer came in time.
    pub fn unheard(&mut self, now_ms: i64) -> Vec<Told> {
        self.unheard += 1;
        if self.unheard < UNHEARD_MAX && self.online {
            return Vec::new();
        }
        let is_news = self.online || self.silent + 1 == SILENT_MAX;
        self.silent = if self.online { SILENT_MAX } else { (self.silent + 1).min(SILENT_MAX) };
        self.begin_anew(now_ms);
        if is_news { vec![Told::Offline] } else { Vec::new() }
    }

    fn form(&self) -> Form {
        Form { address: self.address, sqn: self.sqn, check: self.settings.check }
    }

    fn next_question(&mut self, random: [u8; 8]) -> Question {
        let form = self.form();
        let mut is_signal = false;
        let bytes = match self.step {
            Step::Identify => self.channel.seal(form, &frame::identify()),
            Step::Capabilities => self.channel.seal(form, &frame::capabilities()),
            Step::Challenge => {
                let own = self.key.as_ref();
                let key = if self.common_key { own.map(|_| SiteKey::common()) } else { own };
                self.channel.challenge(form, key, self.common_key, random)
            }
            Step::Cryptogram => self.channel.cryptogram(form, self.common_key),
            Step::Install => self.channel.seal(form, &frame::key_set(self.key.as_ref())),
            Step::Status => self.channel.seal(form, &frame::status()),
            Step::Online => {
                let signal = self.signals.pop_front();
                is_signal = signal.is_some();
                self.channel.seal(form, &signal.unwrap_or_else(frame::poll))
            }
        };
        Question { bytes, sqn: self.sqn, is_signal }
    }

    fn answered(&mut self, code: u8, data: &[u8], now_ms: i64) -> Vec<Told> {
        let Some(reply) = replies::decode(code, data) else {
            return self.nonsense(code, now_ms);
        };
        match (self.step, reply) {
            (Step::Identify, reply) => {
                self.step = Step::Capabilities;
                replies::identity(&reply).map(Told::Event).into_iter().collect()
            }
            (Step::Capabilities, reply) => {
                (self.has_lamp, self.has_buzzer) = replies::signals(&reply);
                self.step = if self.key.is_some() { Step::Challenge } else { Step::Status };
                Vec::new()
            }
            (Step::Challenge, Reply::CCrypt(ccrypt)) => {
                if !self.channel.take_cryptogram(&ccrypt) {
                    return self.key_refused(now_ms);
                }
                self.step = Step::Cryptogram;
                Vec::new()
            }
            (Step::Cryptogram, Reply::RMacI(mac)) => {
                if !self.channel.take_first_mac(&mac) {
                    return self.key_refused(now_ms);
                }
                self.step = if self.common_key { Step::Install } else { Step::Status };
                Vec::new()
            }
            (Step::Install, Reply::Ack(_)) => {
                self.common_key = false;
                self.begin_anew(now_ms);
                self.due_at_ms = now_ms;
                vec![Told::KeySet]
            }
            (Step::Challenge | Step::Cryptogram | Step::Install, _) => self.nonsense(code, now_ms),
            (Step::Status, reply) => {
                let mut told = self.go_online();
                told.extend(self.report(&reply, code));
                told
            }
            (Step::Online, reply) => {
                if self.signals.is_empty() {
                    self.due_at_ms = now_ms + self.poll_ms;
                }
                self.report(&reply, code)
            }
        }
    }

    fn go_online(&mut self) -> Vec<Told> {
        self.step = Step::Online;
        self.online = true;
        self.pause_ms = PAUSE_MIN_MS;
        self.trouble = None;
        vec![Told::Online { secure: self.channel.is_secure() }]
    }

    /// What a reply to a poll or to the question of its state says.
    fn report(&mut self, reply: &Reply, code: u8) -> Vec<Told> {
        match reply {
            Reply::Raw(raw) => vec![Told::Event(replies::card(raw))],
            Reply::Fmt(text) => vec![Told::Event(replies::text_card(text))],
            Reply::Keypad(keys) => vec![Told::Keys(replies::keys(keys))],
            Reply::LStatR(state) => {
                let changes = [
                    (&mut self.tamper, state.tamper, Told::Tamper as fn(bool) -> Told),
                    (&mut self.power_fails, state.power, Told::PowerFails),
                ];
                let changed = changes.into_iter().filter_map(|(known, now, told)| {
                    let on = now != 0;
                    (std::mem::replace(known, on) != on).then(|| told(on))
                });
                changed.collect()
            }
            Reply::Nak(_) => self.tell_once(OsdpTrouble::Nonsense(code)),
            _ => Vec::new(),
        }
    }

    fn is_busy(&mut self, question: Question, now_ms: i64) -> Vec<Told> {
        self.busy += 1;
        if self.busy >= BUSY_MAX {
            return self.give_up(OsdpTrouble::Busy, now_ms);
        }
        // Busy means that the question was not taken: the same one is asked again.
        self.asked = Some(question);
        self.due_at_ms = now_ms + BUSY_MS;
        Vec::new()
    }

    fn refused(&mut self, question: &Question, code: Option<NakErrorCode>, now: i64) -> Vec<Told> {
        let in_channel = self.channel.last_was_sealed();
        match (self.step, code) {
            (Step::Identify, Some(NakErrorCode::EncryptedCommunicationRequired)) => {
                self.give_up(OsdpTrouble::KeyNeeded, now)
            }
            (Step::Challenge | Step::Cryptogram, _) => self.key_refused(now),
            (Step::Install, _) => {
                self.common_key = false;
                self.give_up(OsdpTrouble::KeySetRefused, now)
            }
            (_, Some(NakErrorCode::UnexpectedSequenceNumber)) => self.lost_step(now),
            (_, Some(NakErrorCode::EncryptedCommunicationRequired)) if self.key.is_none() => {
                self.give_up(OsdpTrouble::KeyNeeded, now)
            }
            // A refusal outside the channel breaks the chain of MACs.
            (Step::Status | Step::Online, _) if self.channel.is_secure() && !in_channel => {
                self.lost_step(now)
            }
            (Step::Identify | Step::Capabilities | Step::Status, _) => {
                self.sqn = self.sqn.next();
                self.due_at_ms = now;
                self.skip_step()
            }
            (Step::Online, _) => {
                self.sqn = self.sqn.next();
                self.due_at_ms = now + self.poll_ms;
                let nonsense = OsdpTrouble::Nonsense(0x41);
                if question.is_signal { Vec::new() } else { self.tell_once(nonsense) }
            }
        }
    }

    /// The reader does not know this question, which is no harm.
    fn skip_step(&mut self) -> Vec<Told> {
        match self.step {
            Step::Identify => self.step = Step::Capabilities,
            Step::Capabilities if self.key.is_some() => self.step = Step::Challenge,
            Step::Capabilities => self.step = Step::Status,
            _ => return self.go_online(),
        }
        Vec::new()
    }

    fn key_refused(&mut self, now_ms: i64) -> Vec<Told> {
        let (tried_common, why) = match (self.install, self.common_key) {
            (false, _) => (true, OsdpTrouble::KeyRefused),
            (true, tried) => (tried, OsdpTrouble::InstallRefused),
        };
        self.common_key = !tried_common;
        if self.common_key {
            self.begin_anew(now_ms);
            self.due_at_ms = now_ms;
            return Vec::new();
        }
        self.give_up(why, now_ms)
    }

    fn nonsense(&mut self, code: u8, now_ms: i64) -> Vec<Told> {
        if self.step == Step::Online {
            self.due_at_ms = now_ms + self.poll_ms;
            return self.tell_once(OsdpTrouble::Nonsense(code));
        }
        self.give_up(OsdpTrouble::Nonsense(code), now_ms)
    }

    /// Panel and reader are out of step, as after a restart of either: no trouble in itself.
    fn lost_step(&mut self, now_ms: i64) -> Vec<Told> {
        let was_online = self.online;
        self.begin_anew(now_ms);
        if was_online { vec![Told::Offline] } else { Vec::new() }
    }

    fn give_up(&mut self, why: OsdpTrouble, now_ms: i64) -> Vec<Told> {
        let mut told = self.lost_step(now_ms);
        told.extend(self.tell_once(why));
        told
    }

    fn tell_once(&mut self, why: OsdpTrouble) -> Vec<Told> {
        let is_new = self.trouble.replace(why) != Some(why);
        if is_new { vec![Told::Trouble(why)] } else { Vec::new() }
    }

    fn begin_anew(&mut self, now_ms: i64) {
        self.step = Step::Identify;
        self.sqn = Sqn::ZERO;
        self.channel = Channel::Plain;
        self.asked = None;
        self.signals.clear();
        (self.unheard, self.busy) = (0, 0);
        self.online = false;
        self.due_at_ms = now_ms + self.pause_ms;
        self.pause_ms = (self.pause_ms * 2).min(PAUSE_MAX_MS);
    }
}

/// The key and the channel stay out of it.
impl fmt::Debug for OsdpPanel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsdpPanel")
            .field("address", &self.address)
            .field("step", &self.step)
            .field("online", &self.online)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
