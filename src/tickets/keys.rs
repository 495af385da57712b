//! A site's ticket keys in use: signs, makes what changes, and reads what is shown. Keeps no ticket.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::Sha256;

use super::{
    changing::{self, Fit, Seed},
    code::{SiteCode, encode, is_signed},
    files::{self, KeyFile, TicketKeyError},
    verify::{PublicKey, PublicKeys, Verifier},
};
use crate::{
    core::{
        presented::{Claims, Presented, Shown},
        rules::{ShortCodes, TicketRules},
        ticket::{NotAdmitted, Ticket},
    },
    types::{Code, CodeDigest, OrderId, TicketId},
};

/// The keys in `ticket-keys/` of the data folder, each file readable by its owner only. Cheap to clone; all clones see
/// a new key at once. The daemons of one site have copies of one folder.
#[derive(Clone)]
pub struct TicketKeys {
    /// `None`: in memory only.
    folder: Option<PathBuf>,
    site: SiteCode,
    ring: Arc<RwLock<Arc<Ring>>>,
}

struct Ring {
    /// Signs: the key with the highest number.
    id: u8,
    pair: Ed25519KeyPair,
    verifier: Verifier,
    public: PublicKeys,
    secret: Hmac<Sha256>,
}

impl TicketKeys {
    /// Reads the folder, or makes it with a first key.
    pub fn open(folder: &Path, site: SiteCode) -> Result<Self, TicketKeyError> {
        let ring = Arc::new(Ring::read(folder, site)?);
        Ok(Self { folder: Some(folder.to_owned()), site, ring: Arc::new(RwLock::new(ring)) })
    }

    /// One key in memory, as tests and inspectors need it. `None`: not a private key.
    pub fn of(private: &[u8; 32], secret: &[u8], site: SiteCode) -> Option<Self> {
        let ring = Ring::of(&[KeyFile::of(1, private)], secret, site)?;
        Some(Self { folder: None, site, ring: Arc::new(RwLock::new(Arc::new(ring))) })
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the folder anew: another program may have made a key.
    pub fn refresh(&self) -> Result<(), TicketKeyError> {
        if let Some(folder) = &self.folder {
            let fresh = Arc::new(Ring::read(folder, self.site)?);
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(())
    }

    /// Makes a key that signs from now on. What the keys before it signed is good for `overlap` more: no shorter than
    /// the longest a printed ticket is valid for. Pages show the new code when they are loaded again.
    pub fn rotate(&self, now: Timestamp, overlap: Duration) -> Result<u8, TicketKeyError> {
        let Some(folder) = &self.folder else { return Err(TicketKeyError::Spent) };
        let keys = files::keys(folder)?;
        let last = keys.iter().map(|key| key.id).max().unwrap_or_default();
        let fresh = KeyFile::made(last.checked_add(1).ok_or(TicketKeyError::Spent)?)?;
        files::put(folder, &fresh)?;
        for mut key in keys {
            if key.retire_after.is_none() {
                key.retire_after = now.checked_add(overlap).ok();
                files::put(folder, &key)?;
            }
        }
        self.refresh()?;
        Ok(fresh.id)
    }

    /// For other verifiers.
    pub fn public(&self) -> PublicKeys {
        self.ring().public.clone()
    }

    /// The 140 letters of a ticket's code as it stands now.
    pub fn code(&self, ticket: &Ticket, rules: &TicketRules) -> String {
        let ring = self.ring();
        encode(&claims(ticket, rules), self.site, ring.id, &ring.pair)
    }

    /// What the page of an edition of a ticket makes the changing part with.
    pub fn seed(&self, ticket: TicketId, edition: u8) -> Seed {
        let mut seed = Seed::default();
        seed.copy_from_slice(&self.keyed("ticket", ticket.0, edition)[..16]);
        seed
    }

    /// The code of an edition of a ticket that is typed, such as `GJ6HB-7H6NW`; the ticket is known by its digest.
    pub fn short_code(&self, ticket: TicketId, edition: u8) -> String {
        Code::of_bits(first_bits(&self.keyed("typed", ticket.0, edition)))
    }

    /// The code that paper tickets of an order are collected with, eight figures. `again` counts from 0, where another
    /// order has the same by chance.
    pub fn pickup_code(&self, order: OrderId, again: u8) -> String {
        format!("{:08}", first_bits(&self.keyed("pickup", order.0, again)) % 100_000_000)
    }

    /// A key of its own for another purpose, such as sealing names.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut mac = self.ring().secret.clone();
        mac.update(b"key ");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn keyed(&self, purpose: &str, number: i64, edition: u8) -> [u8; 32] {
        let mut mac = self.ring().secret.clone();
        mac.update(purpose.as_bytes());
        mac.update(&number.to_be_bytes());
        mac.update(&[edition]);
        mac.finalize().into_bytes().into()
    }

    /// What was held before a reader, or typed. Never fails: what is good for nothing says why. About 50 µs for a
    /// signed code.
    pub fn read(&self, text: &str, now: Timestamp) -> Presented {
        let text = text.trim();
        if !is_signed(text) {
            let code = Code::parse(text).map_err(|_| NotAdmitted::Unreadable);
            return code.map_or_else(Presented::Bad, |code| Presented::from(&code));
        }
        let text = text.to_ascii_uppercase();
        let code = match self.ring().verifier.verify(&text, now) {
            Ok(code) => code,
            Err(why) => return Presented::Bad(why),
        };
        let claims = code.claims;
        let short = CodeDigest::of(&self.short_code(claims.ticket, claims.edition));
        if code.changing.is_empty() {
            return Presented::Signed(claims, Shown::Still, short);
        }
        let seed = self.seed(claims.ticket, claims.edition);
        let minutes = |seconds: i64| u32::try_from(seconds / 60).unwrap_or(u32::MAX).max(1);
        match changing::fit(&seed, code.changing, now) {
            Fit::Now => Presented::Signed(claims, Shown::Changing, short),
            Fit::Old(seconds) => Presented::Bad(NotAdmitted::PictureOld(minutes(seconds))),
            Fit::Ahead(seconds) => Presented::Bad(NotAdmitted::ClockAhead(minutes(seconds))),
            Fit::Forged => Presented::Bad(NotAdmitted::Forged),
        }
    }
}

impl ShortCodes for TicketKeys {
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest {
        CodeDigest::of(&self.short_code(ticket, edition))
    }

    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest {
        CodeDigest::of(&self.pickup_code(order, again))
    }
}

impl Ring {
    fn read(folder: &Path, site: SiteCode) -> Result<Self, TicketKeyError> {
        let mut keys = files::keys(folder)?;
        let secret = files::secret(folder)?;
        if keys.is_empty() {
            let first = KeyFile::made(1)?;
            files::put(folder, &first)?;
            keys.push(first);
        }
        let damaged = || TicketKeyError::Damaged { path: folder.to_owned() };
        Self::of(&keys, &secret, site).ok_or_else(damaged)
    }

    fn of(keys: &[KeyFile], secret: &[u8], site: SiteCode) -> Option<Self> {
        let pair = |key: &KeyFile| Ed25519KeyPair::from_seed_unchecked(&key.private()?).ok();
        let mut public = PublicKeys { site, keys: Vec::new() };
        for key in keys {
            let bytes = pair(key)?.public_key().as_ref().to_vec();
            public.keys.push(PublicKey::new(key.id, &bytes, key.retire_after));
        }
        public.keys.sort_by_key(|key| key.id);
        let last = keys.iter().max_by_key(|key| key.id)?;
        Some(Self {
            id: last.id,
            pair: pair(last)?,
            verifier: Verifier::new(&public).ok()?,
            public,
            secret: KeyInit::new_from_slice(secret).ok()?,
        })
    }
}

fn claims(ticket: &Ticket, rules: &TicketRules) -> Claims {
    let product = ticket.sold.as_ref().and_then(|sold| rules.numbers.get(&sold.product));
    Claims {
        ticket: ticket.id,
        edition: ticket.edition,
        medium: ticket.medium,
        persons: u16::try_from(ticket.persons).unwrap_or(u16::MAX),
        valid_from: ticket.valid_from,
        valid_until: ticket.valid_until,
        areas: rules.bits(ticket.areas.iter().map(|area| &area.zone)),
        product: product.copied().unwrap_or_default(),
    }
}

fn first_bits(bytes: &[u8; 32]) -> u64 {
    bytes[..8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKeys").field("site", &self.site).finish_non_exhaustive()
    }
}
