//! The daemon's side of a reader that is asked all the time, whichever its protocol. Knows no frame.

use crate::{
    exchange::Exchange,
    osdp::{OsdpPanel, Signal, Told},
};

/// Asks one reader, and makes of its answers what is told. Times are milliseconds of any clock that
/// runs evenly.
pub trait CardPanel: Send {
    /// When the next question is due. May be past.
    fn due_at_ms(&self) -> i64;
    /// The next question. `random` has to be fresh.
    fn ask(&mut self, random: [u8; 8]) -> Exchange;
    /// The answer to it, cut out of what came in.
    fn heard(&mut self, bytes: &[u8], now_ms: i64) -> Vec<Told>;
    /// It was not answered.
    fn unheard(&mut self, now_ms: i64) -> Vec<Told>;
    /// Lamp and buzzer.
    fn signal(&mut self, signal: Signal);
}

impl CardPanel for OsdpPanel {
    fn due_at_ms(&self) -> i64 {
        Self::due_at_ms(self)
    }

    fn ask(&mut self, random: [u8; 8]) -> Exchange {
        Self::ask(self, random)
    }

    fn heard(&mut self, bytes: &[u8], now_ms: i64) -> Vec<Told> {
        Self::heard(self, bytes, now_ms)
    }

    fn unheard(&mut self, now_ms: i64) -> Vec<Told> {
        Self::unheard(self, now_ms)
    }

    fn signal(&mut self, signal: Signal) {
        Self::signal(self, signal);
    }
}
