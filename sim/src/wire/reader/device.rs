//! A card reader on OSDP as the peripheral device of the standard: hears frames, says replies, holds
//! one key. Opens no port, reads no clock and knows nothing of the panel's code.

use std::collections::VecDeque;

use osdp::{
    caps::Capability,
    command::{Command, CommandCode, KeySet},
    packet::{Address, ControlByte, CtrlFlags, PacketBuilder, ParsedPacket, Scb, ScsType, Sqn},
    reply::{Ack, Busy, CCrypt, LStatR, Nak, NakErrorCode, PdCap, PdId, RMacI, Reply},
    secure::{
        SCBK_D,
        cipher::{complement_icv, decrypt_data, encrypt_data},
        crypto::{SessionKeys, client_cryptogram, initial_rmac, server_cryptogram},
        mac::cbc_mac,
    },
};

const CUID: [u8; 8] = [0xA1, 0xB2, 0xC3, 1, 7, 0, 0, 9];

/// How a reader is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderSettings {
    /// 0 to 126.
    pub address: u8,
    /// Without one it has only the makers' common key.
    pub key: Option<[u8; 16]>,
    /// Takes the common key, and a new one over it.
    pub install: bool,
    /// Answers plain polls.
    pub plain: bool,
}

/// What is wrong with it; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderFaults {
    /// No power: everything is forgotten as well.
    pub silent: bool,
    /// So many next questions are answered with "busy".
    pub busy: u32,
    /// So many next replies are lost on the line.
    pub lose: u32,
    /// Puts noise before each reply.
    pub noise: bool,
    /// Damages the MAC, but not the frame.
    pub wrong_mac: bool,
}

/// The secure channel, once the reader has the panel's challenge.
struct Channel {
    keys: SessionKeys,
    random_a: [u8; 8],
    random_b: [u8; 8],
    is_common: bool,
    /// Of the message before, whoever said it.
    last_mac: [u8; 16],
    up: bool,
}

/// One reader.
pub struct ReaderDevice {
    settings: ReaderSettings,
    /// Changed at any time.
    pub faults: ReaderFaults,
    channel: Option<Channel>,
    last: Option<(Sqn, Vec<u8>, Vec<u8>)>,
    waiting: VecDeque<Reply>,
    tamper: bool,
    signals: Vec<Command>,
    handshakes: u64,
}

/// What a secured question was, or why it is refused.
type Opened = Result<Vec<u8>, NakErrorCode>;

impl ReaderDevice {
    pub fn new(settings: ReaderSettings) -> Self {
        Self {
            settings,
            faults: ReaderFaults::default(),
            channel: None,
            last: None,
            waiting: VecDeque::new(),
            tamper: false,
            signals: Vec::new(),
            handshakes: 0,
        }
    }

    /// Told at the next polls, in this order.
    pub fn tell(&mut self, reply: Reply) {
        self.waiting.push_back(reply);
    }

    /// Its housing is opened or closed.
    pub fn set_tamper(&mut self, on: bool) {
        self.tamper = on;
        self.tell(Reply::LStatR(LStatR { tamper: on.into(), power: 0 }));
    }

    /// Lamps and buzzers it was told, the oldest first.
    pub fn signals(&self) -> &[Command] {
        &self.signals
    }

    /// The channel is up.
    pub fn is_secure(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| channel.up)
    }

    /// The key it holds now.
    pub fn key(&self) -> Option<[u8; 16]> {
        self.settings.key
    }

    /// On the line.
    pub fn address(&self) -> u8 {
        self.settings.address
    }

    /// Off and on again: cards not told are lost, keys stay.
    pub fn restart(&mut self) {
        (self.channel, self.last) = (None, None);
        self.waiting.clear();
    }

    /// One whole frame, whoever it is for. The reply, as the faults leave it.
    pub fn hear(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (packet, len) = ParsedPacket::parse(frame).ok()?;
        if packet.addr.is_reply() || packet.addr.as_byte() != self.settings.address {
            return None;
        }
        if self.faults.silent {
            self.restart();
            return None;
        }
        let reply = self.reply(&packet, &frame[..len]);
        if self.faults.lose > 0 {
            self.faults.lose -= 1;
            return None;
        }
        let noise: &[u8] = if self.faults.noise { &[0x00, 0x53, 0xFF, 0x53] } else { &[] };
        Some([noise, &reply].concat())
    }

    fn reply(&mut self, packet: &ParsedPacket<'_>, frame: &[u8]) -> Vec<u8> {
        let sqn = packet.ctrl.sqn;
        if self.faults.busy > 0 {
            self.faults.busy -= 1;
            return self.plain(packet, Sqn::ZERO, None, &Reply::Busy(Busy));
        }
        if sqn == Sqn::ZERO {
            (self.channel, self.last) = (None, None);
        } else {
            match &self.last {
                // The same question again: the last reply was lost.
                Some((_, asked, reply)) if asked == frame => return reply.clone(),
                Some((last, ..)) if sqn == last.next() => {}
                _ => return self.refuse(packet, NakErrorCode::UnexpectedSequenceNumber),
            }
        }
        let reply = self.answer(packet, frame);
        self.last = Some((sqn, frame.to_vec(), reply.clone()));
        reply
    }

    fn answer(&mut self, packet: &ParsedPacket<'_>, frame: &[u8]) -> Vec<u8> {
        let code = CommandCode::from_byte(packet.code);
        let kind = packet.scb.map(|scb| scb.ty);
        match (code, kind) {
            (Ok(CommandCode::Chlng), Some(ScsType::Scs11)) => self.challenged(packet),
            (Ok(CommandCode::SCrypt), Some(ScsType::Scs13)) => self.proven(packet),
            (Ok(code), Some(ScsType::Scs15 | ScsType::Scs17)) => match self.open(packet, frame) {
                Ok(data) => {
                    let reply = self.obey(code, &data);
                    self.sealed(packet, &reply)
                }
                Err(why) => {
                    self.channel = None;
                    self.refuse(packet, why)
                }
            },
            (Ok(code @ (CommandCode::Id | CommandCode::Cap)), None) => {
                let reply = self.obey(code, packet.data);
                self.plain(packet, packet.ctrl.sqn, None, &reply)
            }
            (Ok(code), None) if self.settings.plain && !self.is_secure() => {
                let reply = self.obey(code, packet.data);
                self.plain(packet, packet.ctrl.sqn, None, &reply)
            }
            (Ok(_), None) => self.refuse(packet, NakErrorCode::EncryptedCommunicationRequired),
            (Ok(_), Some(_)) => self.refuse(packet, NakErrorCode::SecurityBlockTypeNotSupported),
            (Err(_), _) => self.refuse(packet, NakErrorCode::UnknownCommandCode),
        }
    }

    fn challenged(&mut self, packet: &ParsedPacket<'_>) -> Vec<u8> {
        let is_common = packet.scb.is_some_and(|scb| scb.data == [0]);
        let allowed =
            if is_common { self.settings.install.then_some(SCBK_D) } else { self.settings.key };
        let (Some(key), Ok(random_a)) = (allowed, packet.data.try_into()) else {
            return self.refuse(packet, NakErrorCode::SecurityBlockTypeNotSupported);
        };
        self.handshakes += 1;
        let random_b = self.handshakes.to_be_bytes();
        let keys = SessionKeys::derive(&key, &random_a);
        let proof = client_cryptogram(&keys.s_enc, &random_a, &random_b);
        let channel = Channel { keys, random_a, random_b, is_common, last_mac: [0; 16], up: false };
        self.channel = Some(channel);
        let reply = CCrypt { cuid: CUID, rnd_b: random_b, client_cryptogram: proof };
        let scb = Scb::new(ScsType::Scs12, [u8::from(!is_common)]);
        self.plain(packet, packet.ctrl.sqn, Some(scb), &Reply::CCrypt(reply))
    }

    fn proven(&mut self, packet: &ParsedPacket<'_>) -> Vec<u8> {
        let Some(channel) = &mut self.channel else {
            return self.refuse(packet, NakErrorCode::SecurityBlockTypeNotSupported);
        };
        let Channel { keys, random_a, random_b, .. } = &*channel;
        let proof = server_cryptogram(&keys.s_enc, random_a, random_b);
        if packet.data != proof {
            self.channel = None;
            return self.refuse(packet, NakErrorCode::EncryptedCommunicationRequired);
        }
        let mac = initial_rmac(&keys.s_mac1, &keys.s_mac2, &proof);
        (channel.last_mac, channel.up) = (mac, true);
        let scb = Scb::new(ScsType::Scs14, [1]);
        self.plain(packet, packet.ctrl.sqn, Some(scb), &Reply::RMacI(RMacI { r_mac_i: mac }))
    }

    /// The data of a question whose MAC fits.
    fn open(&mut self, packet: &ParsedPacket<'_>, frame: &[u8]) -> Opened {
        let refused = NakErrorCode::EncryptedCommunicationRequired;
        let channel = self.channel.as_mut().filter(|channel| channel.up).ok_or(refused)?;
        let trailer = if packet.ctrl.use_crc() { 2 } else { 1 };
        let keys = &channel.keys;
        let covered = &frame[..frame.len() - trailer - 4];
        let mac = cbc_mac(covered, &channel.last_mac, &keys.s_mac1, &keys.s_mac2);
        if packet.mac.is_none_or(|said| said != mac[..4]) {
            return Err(refused);
        }
        let icv = complement_icv(&std::mem::replace(&mut channel.last_mac, mac));
        if packet.data.is_empty() {
            return Ok(Vec::new());
        }
        decrypt_data(&keys.s_enc, &icv, packet.data).map_err(|_| refused)
    }

    fn obey(&mut self, code: CommandCode, data: &[u8]) -> Reply {
        let Ok(command) = Command::decode(code, data) else {
            return Reply::Nak(Nak::simple(NakErrorCode::CommandLengthError));
        };
        match command {
            Command::Poll(_) => self.waiting.pop_front().unwrap_or(Reply::Ack(Ack)),
            Command::Id(_) => Reply::PdId(PdId {
                vendor_oui: [0x5C, 0x26, 0x23],
                model: 2,
                version: 1,
                serial: 0x1234_5678,
                firmware: [1, 4, 12],
            }),
            Command::Cap(_) => Reply::PdCap(PdCap::new(
                [(3, 1, 0), (4, 1, 1), (5, 1, 1), (8, 1, 0), (9, 1, 1)]
                    .map(|(code, compliance, number_of)| Capability { code, compliance, number_of })
                    .into(),
            )),
            Command::LocalStatus(_) => {
                Reply::LStatR(LStatR { tamper: self.tamper.into(), power: 0 })
            }
            Command::Led(_) | Command::Buzzer(_) => {
                self.signals.push(command);
                Reply::Ack(Ack)
            }
            Command::KeySet(set) => self.take_key(&set),
            _ => Reply::Nak(Nak::simple(NakErrorCode::UnknownCommandCode)),
        }
    }

    fn take_key(&mut self, set: &KeySet) -> Reply {
        let over_common = self.channel.as_ref().is_some_and(|channel| channel.is_common);
        match set.key.as_slice().try_into() {
            Ok(key) if over_common => {
                (self.settings.key, self.settings.install) = (Some(key), false);
                Reply::Ack(Ack)
            }
            _ => Reply::Nak(Nak::simple(NakErrorCode::UnableToProcessCommandRecord)),
        }
    }

    fn refuse(&self, packet: &ParsedPacket<'_>, why: NakErrorCode) -> Vec<u8> {
        self.plain(packet, packet.ctrl.sqn, None, &Reply::Nak(Nak::simple(why)))
    }

    fn plain(
        &self,
        packet: &ParsedPacket<'_>,
        sqn: Sqn,
        scb: Option<Scb>,
        reply: &Reply,
    ) -> Vec<u8> {
        let ctrl = control(packet, sqn, scb.is_some());
        let data = reply.encode_data().unwrap_or_default();
        let addr = Address::from_raw(self.settings.address | osdp::REPLY_FLAG);
        let code = reply.code().as_byte();
        PacketBuilder { addr, ctrl, scb, code, data }.encode().unwrap_or_default()
    }

    fn sealed(&mut self, packet: &ParsedPacket<'_>, reply: &Reply) -> Vec<u8> {
        let (address, wrong_mac) = (self.settings.address, self.faults.wrong_mac);
        let Some(channel) = &mut self.channel else { return Vec::new() };
        let data = reply.encode_data().unwrap_or_default();
        let (kind, data) = if data.is_empty() {
            (ScsType::Scs16, data)
        } else {
            let icv = complement_icv(&channel.last_mac);
            (ScsType::Scs18, encrypt_data(&channel.keys.s_enc, &icv, &data))
        };
        let built = PacketBuilder {
            addr: Address::from_raw(address | osdp::REPLY_FLAG),
            ctrl: control(packet, packet.ctrl.sqn, true),
            scb: Some(Scb::new(kind, [])),
            code: reply.code().as_byte(),
            data,
        };
        let sealed = built.encode_with_mac(|bytes| {
            let keys = &channel.keys;
            let mac = cbc_mac(bytes, &channel.last_mac, &keys.s_mac1, &keys.s_mac2);
            channel.last_mac = mac;
            [mac[0], mac[1], mac[2], mac[3] ^ u8::from(wrong_mac)]
        });
        sealed.unwrap_or_default()
    }
}

/// As the question: its number and what guards it.
fn control(packet: &ParsedPacket<'_>, sqn: Sqn, has_scb: bool) -> ControlByte {
    let mut flags = CtrlFlags::empty();
    flags.set(CtrlFlags::USE_CRC, packet.ctrl.use_crc());
    flags.set(CtrlFlags::HAS_SCB, has_scb);
    ControlByte::new(sqn, flags)
}

/// Keys stay out of it.
impl std::fmt::Debug for ReaderDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReaderDevice").field("address", &self.address()).finish_non_exhaustive()
    }
}
