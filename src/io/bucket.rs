//! How many messages in a time one sender may send: a token bucket. Knows no sender and drops nothing itself.

use std::time::{Duration, Instant};

/// So many messages a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_s: u32,
    pub burst: u32,
}

/// One sender's tokens. Counted as time, so that nothing is lost to rounding.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// When the bucket will be full again; in the past: it is.
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes one token if there is one.
    pub fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let each = Duration::from_secs(1) / rate.per_s.max(1);
        let full_at = self.full_at.filter(|at| *at > now).unwrap_or(now) + each;
        if full_at - now > each * rate.burst.max(1) {
            return false;
        }
        self.full_at = Some(full_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do to start from")]
    fn a_burst_and_then_the_rate() {
        let rate = Rate { per_s: 50, burst: 200 };
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        let taken = |bucket: &mut Bucket, at| (0..1_000).filter(|_| bucket.take(rate, at)).count();
        assert_eq!(taken(&mut bucket, start), 200);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(19)), 0);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(40)), 2);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(2)), 98);
        assert_eq!(taken(&mut bucket, start + Duration::from_mins(1)), 200, "never more at once");
        // Within the rate nothing is ever refused.
        for n in 1..=500_u32 {
            let at = start + Duration::from_mins(2) + Duration::from_millis(20) * n;
            assert!(bucket.take(rate, at));
        }
    }
}
