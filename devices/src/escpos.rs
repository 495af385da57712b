//! Protocol "escpos": a receipt as bytes for a printer, and the printer's word of what became of
//! it. Knows no port, no money and no text of a receipt.
//!
//! `DLE EOT n` is answered at once, even while the printer still prints; `GS r 1` only when all that
//! came before it is done. So "printed" is the answer to the second and then a clean bill from the
//! first. A printer without paper goes offline, and many then answer nothing at all.

mod document;
mod status;

use serde::Deserialize;
use thiserror::Error;

pub use self::{
    document::{Align, Block, Document, DocumentError, Size},
    status::{Answers, Ask, Fault, Paper, PrinterState},
};
use crate::profile::{Profile, Protocol};

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscposSettings {
    /// As delivered; absent for a network printer.
    #[serde(default)]
    pub baud: Option<u32>,
    /// Latin characters in a line; a Chinese one takes two.
    pub columns: u8,
    /// Dots in a line, a multiple of 8.
    pub dots: u16,
    /// It draws QR codes itself; else they are sent as pictures.
    pub native_qr: bool,
    /// It answers `GS r 1` behind a receipt.
    pub in_order_status: bool,
}

impl EscposSettings {
    pub(crate) fn check(&self) -> Result<(), String> {
        let fits = self.baud.is_none_or(|baud| (1200..=921_600).contains(&baud))
            && (16..=96).contains(&self.columns)
            && (128..=1024).contains(&self.dots)
            && self.dots.is_multiple_of(8);
        if fits { Ok(()) } else { Err("escpos: a number is out of range".into()) }
    }
}

/// The profile is for something else.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("profile {0} is not for protocol escpos")]
pub struct WrongProfile(pub String);

/// Writes for one printer.
#[derive(Clone, Debug)]
pub struct Escpos {
    settings: EscposSettings,
}

impl Escpos {
    /// A printer of this profile.
    pub fn new(profile: &Profile) -> Result<Self, WrongProfile> {
        let settings = profile.settings(Protocol::Escpos);
        settings.map(|settings| Self { settings }).map_err(|_| WrongProfile(profile.name.clone()))
    }

    /// Numbers of the profile.
    pub fn settings(&self) -> &EscposSettings {
        &self.settings
    }

    /// The whole document, from a printer put back to its defaults on.
    pub fn encode(&self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        document::encode(&self.settings, document)
    }

    /// What to ask behind a document, one after the other, each answered before the next is sent.
    pub fn asks_after(&self) -> Vec<Ask> {
        let last = self.settings.in_order_status.then_some(Ask::InOrder);
        last.into_iter().chain(Self::asks()).collect()
    }

    /// What to ask before a document, or to see how the printer is.
    pub fn asks() -> [Ask; 4] {
        [Ask::Printer, Ask::Offline, Ask::Error, Ask::Paper]
    }
}

#[cfg(test)]
#[path = "escpos_tests.rs"]
mod tests;
