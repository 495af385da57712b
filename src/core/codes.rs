//! Payers' codes of the last minutes, by their digests: one that is scanned twice is one attempt. In memory only; a code
//! that comes again after a restart is refused by the wallet that took it.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::input::{Answer, Input, Reply};
use crate::types::{CodeDigest, PayerCode, PaymentId};

/// Wallets change their codes every minute; two of them are remembered.
const REMEMBERED: Duration = Duration::from_mins(2);

/// The codes an attempt was made with.
#[derive(Debug, Default)]
pub struct SeenCodes {
    seen: HashMap<CodeDigest, (Timestamp, PaymentId)>,
}

impl SeenCodes {
    /// The answer to a code that an attempt was made with already.
    pub fn known(&mut self, now: Timestamp, input: &Input) -> Option<Reply> {
        let digest = digest(input)?;
        self.seen.retain(|_, (at, _)| now.duration_since(*at).unsigned_abs() < REMEMBERED);
        self.seen.get(&digest).map(|(_, payment)| Ok(Answer::Payment(*payment)))
    }

    /// Remembers the code of an input that became an attempt. `digest`: as [`SeenCodes::digest_of`] gave it before.
    pub fn decided(&mut self, now: Timestamp, digest: Option<CodeDigest>, reply: &Reply) {
        if let (Some(digest), Ok(Answer::Payment(payment))) = (digest, reply) {
            self.seen.insert(digest, (now, *payment));
        }
    }

    /// What a code is remembered by; `None`: the input is of something else.
    pub fn digest_of(input: &Input) -> Option<CodeDigest> {
        digest(input)
    }

    /// What was decided was never kept: the codes are as if nobody had shown them.
    pub fn forget(&mut self) {
        self.seen.clear();
    }
}

fn digest(input: &Input) -> Option<CodeDigest> {
    match input {
        Input::PayerCodeScanned { code, .. } => Some(digest_of(code)),
        _ => None,
    }
}

fn digest_of(code: &PayerCode) -> CodeDigest {
    CodeDigest::of(code.digits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::input::At, types::OrderId};

    #[test]
    fn a_code_scanned_twice_is_one_attempt_for_two_minutes() {
        let scan = |digits: &str| Input::PayerCodeScanned {
            at: At::Order(OrderId(1)),
            code: PayerCode::parse(digits).unwrap(),
        };
        let (one, two) = (scan("134579246810121416"), scan("134579246810121417"));
        let begun: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let mut seen = SeenCodes::default();
        assert_eq!(seen.known(begun, &one), None);
        let refused = Err(crate::core::Refusal::NotDue(OrderId(1)));
        seen.decided(begun, SeenCodes::digest_of(&one), &refused);
        assert_eq!(seen.known(begun, &one), None, "it was used for nothing");
        let made = Ok(Answer::Payment(PaymentId(7)));
        seen.decided(begun, SeenCodes::digest_of(&one), &made);
        let later = begun + Duration::from_secs(119);
        assert_eq!(seen.known(later, &one), Some(made));
        assert_eq!(seen.known(later, &two), None);
        assert_eq!(seen.known(later + Duration::from_secs(2), &one), None);
        assert_eq!(SeenCodes::digest_of(&Input::Tick), None);
    }
}
