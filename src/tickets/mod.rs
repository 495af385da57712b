//! Codes of tickets: signed for paper and gates, changing on a phone, short to be typed. Knows no gate and no price.
//!
//! ```text
//! a ticket ── code ──▶ PT1 + claims, signed (Ed25519)      checked by anybody with the public keys
//!          ── seed ──▶ + what changes each 15 s (HMAC)     checked by this site, which has the secret
//!          ── short_code ──▶ 10 letters to type (HMAC)     known by its digest on the ticket
//! ```
//!
//! Keys are files of their own, never in the database: see [`TicketKeys`].

mod base45;
mod changing;
mod code;
mod files;
mod keys;
mod sealed;
#[cfg(test)]
mod tests;
mod verify;

pub use self::{
    changing::{CHANGING_CHARS, STEP_S, Seed, part},
    code::{CODE_CHARS, CodeFault, PREFIX, SiteCode, Unverified, decode, is_signed},
    files::TicketKeyError,
    keys::TicketKeys,
    sealed::{NotSealed, Seal},
    verify::{PublicKey, PublicKeys, Verifier},
};
