//! The secure channel (annex D of the standard) as the panel sees it, over the crate's session:
//! which messages need a MAC, which are ciphered, and what is refused. Knows no order of questions.

use osdp::{
    command::{Chlng, Command, SCrypt},
    packet::{MAC_LEN, PacketBuilder, ParsedPacket, Scb, ScsType},
    reply::{CCrypt, NakErrorCode, RMacI},
    secure::{
        Challenged, Cryptogrammed, Secure, Session,
        cipher::{complement_icv, decrypt_data},
    },
};

use super::{OsdpTrouble, SiteKey, frame::Form};

const NAK: u8 = 0x41;
const BUSY: u8 = 0x79;
/// Third byte of a handshake's security block: which key is meant.
const COMMON_KEY: u8 = 0;
const OWN_KEY: u8 = 1;

/// How far the handshake is.
#[derive(Default)]
pub(super) enum Channel {
    #[default]
    Plain,
    Challenged(Session<Challenged>),
    Agreed(Session<Cryptogrammed>),
    Secure {
        session: Session<Secure>,
        /// The last message heard had a MAC.
        sealed: bool,
    },
}

/// A message that may be believed.
pub(super) enum Heard {
    Reply { code: u8, data: Vec<u8> },
    Refused(Option<NakErrorCode>),
    Busy,
}

impl Channel {
    pub(super) fn is_secure(&self) -> bool {
        matches!(self, Self::Secure { .. })
    }

    pub(super) fn last_was_sealed(&self) -> bool {
        matches!(self, Self::Secure { sealed: true, .. })
    }

    /// A question, with a MAC and ciphered where the channel is up.
    pub(super) fn seal(&mut self, form: Form, command: &Command) -> Vec<u8> {
        let code = command.code().as_byte();
        // Our own commands are within every limit that encoding checks.
        let data = command.encode_data().unwrap_or_default();
        let Self::Secure { session, .. } = self else { return plain(form, code, None, data) };
        // Ciphering nothing is not allowed: such a message has a MAC alone.
        let (kind, data) = if data.is_empty() {
            (ScsType::Scs15, data)
        } else {
            (ScsType::Scs17, session.seal_data(&data))
        };
        let scb = Some(Scb::new(kind, []));
        let packet = packet(form, code, scb, data);
        let sealed = packet.encode_with_mac(|bytes| {
            let mac = session.mac(bytes);
            [mac[0], mac[1], mac[2], mac[3]]
        });
        sealed.unwrap_or_default()
    }

    /// Begins the handshake.
    pub(super) fn challenge(
        &mut self,
        form: Form,
        key: Option<&SiteKey>,
        is_common: bool,
        random: [u8; 8],
    ) -> Vec<u8> {
        let Some(key) = key else { return Vec::new() };
        *self = Self::Challenged(Session::new(key.bytes()).challenge(random));
        let command = Command::Chlng(Chlng::new(random));
        handshake(form, ScsType::Scs11, is_common, &command)
    }

    /// The panel's proof that it holds the key too.
    pub(super) fn cryptogram(&mut self, form: Form, is_common: bool) -> Vec<u8> {
        let Self::Agreed(session) = self else { return Vec::new() };
        let command = Command::SCrypt(SCrypt::new(session.server_cryptogram()));
        handshake(form, ScsType::Scs13, is_common, &command)
    }

    /// The reader's proof. `false`: it holds another key.
    pub(super) fn take_cryptogram(&mut self, proof: &CCrypt) -> bool {
        let Self::Challenged(session) = std::mem::take(self) else { return false };
        session.receive_ccrypt(proof).map(|session| *self = Self::Agreed(session)).is_ok()
    }

    /// The first link of the chain of MACs. `false`: the two do not agree.
    pub(super) fn take_first_mac(&mut self, mac: &RMacI) -> bool {
        let Self::Agreed(session) = std::mem::take(self) else { return false };
        let secure = session.confirm_rmac_i(&mac.r_mac_i);
        secure.map(|session| *self = Self::Secure { session, sealed: false }).is_ok()
    }

    /// A framed reply, checked against what the channel demands.
    pub(super) fn open(&mut self, bytes: &[u8]) -> Result<Heard, OsdpTrouble> {
        let Ok((packet, len)) = ParsedPacket::parse(bytes) else {
            return Err(OsdpTrouble::Nonsense(bytes.get(5).copied().unwrap_or_default()));
        };
        let kind = packet.scb.map(|scb| scb.ty);
        let data = match (&mut *self, kind) {
            (Self::Secure { session, sealed }, Some(ScsType::Scs16 | ScsType::Scs18)) => {
                *sealed = true;
                unsealed(session, &packet, &bytes[..len]).ok_or(OsdpTrouble::Forged)?
            }
            (Self::Secure { sealed, .. }, _) if matches!(packet.code, NAK | BUSY) => {
                *sealed = false;
                packet.data.to_vec()
            }
            (Self::Secure { .. }, _) => return Err(OsdpTrouble::Forged),
            (_, Some(kind)) if kind.has_mac() => return Err(OsdpTrouble::Forged),
            (_, _) => packet.data.to_vec(),
        };
        Ok(match packet.code {
            BUSY => Heard::Busy,
            NAK => {
                Heard::Refused(data.first().and_then(|code| NakErrorCode::from_byte(*code).ok()))
            }
            code => Heard::Reply { code, data },
        })
    }
}

/// The plain data, if the MAC fits. The crate's own function deciphers first and looks at the MAC
/// after; nothing is deciphered here before it is known to be the reader's.
fn unsealed(
    session: &mut Session<Secure>,
    packet: &ParsedPacket<'_>,
    frame: &[u8],
) -> Option<Vec<u8>> {
    let mac = packet.mac?;
    let trailer_len = if packet.ctrl.use_crc() { 2 } else { 1 };
    let covered = frame.get(..frame.len().checked_sub(trailer_len + MAC_LEN)?)?;
    let icv = complement_icv(session.last_other_mac());
    session.verify(covered, &mac).ok()?;
    let is_ciphered = packet.scb?.ty.is_encrypted();
    if !is_ciphered || packet.data.is_empty() {
        return Some(packet.data.to_vec());
    }
    decrypt_data(&session.keys().s_enc, &icv, packet.data).ok()
}

fn handshake(form: Form, kind: ScsType, is_common: bool, command: &Command) -> Vec<u8> {
    let key = if is_common { COMMON_KEY } else { OWN_KEY };
    let data = command.encode_data().unwrap_or_default();
    plain(form, command.code().as_byte(), Some(Scb::new(kind, [key])), data)
}

fn plain(form: Form, code: u8, scb: Option<Scb>, data: Vec<u8>) -> Vec<u8> {
    packet(form, code, scb, data).encode().unwrap_or_default()
}

fn packet(form: Form, code: u8, scb: Option<Scb>, data: Vec<u8>) -> PacketBuilder {
    PacketBuilder { addr: form.address(), ctrl: form.control(scb.is_some()), scb, code, data }
}
