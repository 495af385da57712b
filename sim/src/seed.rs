//! Seeds by name and the draws made from them: adding a draw in one place shifts no other. Knows no clock.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One run is one seed; each part takes its own child of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of a part, by its name (FNV-1a over the parent and the name).
    #[must_use]
    pub fn child(self, name: &str) -> Self {
        let bytes = self.0.to_le_bytes().into_iter().chain(name.bytes());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    pub fn draws(self) -> Draws {
        Draws(ChaCha8Rng::seed_from_u64(self.0))
    }
}

/// A stream of draws that is the same on every machine.
#[derive(Clone, Debug)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// True with probability `p`; a `p` of 0 or below costs no draw.
    pub fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && self.0.random_bool(p.min(1.0))
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// A time from `low` to `high` seconds, to the millisecond.
    pub fn secs(&mut self, low: f64, high: f64) -> Duration {
        Duration::from_millis(self.between((low * 1e3) as u64, (high * 1e3) as u64))
    }

    /// One of `of`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.random_range(0..of.len())]
    }

    /// The wait for the next of events that come `per_day` times a day on average.
    pub fn wait(&mut self, per_day: f64) -> Duration {
        let part = 1.0 - self.0.random_range(0.0..1.0_f64);
        Duration::from_millis((-part.ln() * 86_400_000.0 / per_day.max(1e-3)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_differ_by_name_and_repeat_by_seed() {
        let draw = |seed: u64, name: &str| Seed(seed).child(name).draws().between(0, u64::MAX);
        assert_eq!(draw(7, "arm"), draw(7, "arm"));
        assert_ne!(draw(7, "arm"), draw(7, "camera"));
        assert_ne!(draw(7, "arm"), draw(8, "arm"));
    }
}
