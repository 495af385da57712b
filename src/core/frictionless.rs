//! Payment from a card or wallet bound to the plate (无感支付): what is known of the binding, and how far an exit has come
//! with it. Knows no bank's format and no lane's machine.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{ChannelId, LaneId, PaymentId, Plate, StayId, bank::AgreementWord};

/// What a stay knows of what is bound to its plate. A stay without one was not asked about, or nobody has answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Agreement {
    /// By this channel's word. `number` is the bank's of the agreement, where it has one.
    Bound {
        channel: ChannelId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
    },
    /// Paused, in arrears, or nobody could tell: asked again at the exit.
    Unsure,
    /// Nothing is bound: at the exit nobody loses time by asking again.
    Nothing,
    /// No camera proved whose plate it is: this stay is paid by an act of its driver only.
    Barred,
}

impl Agreement {
    /// What is known after a channel's word. The first channel that says "bound" is the one; it alone takes that back.
    pub fn after(known: Option<&Self>, channel: &ChannelId, word: &AgreementWord) -> Self {
        let own = matches!(known, Some(Self::Bound { channel: of, .. }) if of == channel);
        match (known, word) {
            (Some(Self::Barred), _) => Self::Barred,
            (Some(bound @ Self::Bound { .. }), _) if !own => bound.clone(),
            (_, AgreementWord::Bound { agreement }) => {
                Self::Bound { channel: channel.clone(), number: agreement.clone() }
            }
            // Silence takes nothing away.
            (Some(bound @ Self::Bound { .. }), AgreementWord::Unknown { .. }) => bound.clone(),
            (Some(Self::Unsure), AgreementWord::None { .. })
            | (_, AgreementWord::Paused { .. } | AgreementWord::Unknown { .. }) => Self::Unsure,
            (_, AgreementWord::None { .. }) => Self::Nothing,
        }
    }
}

/// How far an exit has come with charging the vehicle before it. Both steps share one patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Attempt {
    /// Whether something is bound is asked once more.
    Asking {
        until: Timestamp,
        /// Channels that have not answered.
        left: u8,
        /// Another agreement was named than at the entry: the answer must come twice.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// The charge is asked for.
    Charging { until: Timestamp, payment: PaymentId },
    /// The driver pays by an act of their own: this visit is not charged any more.
    Over,
}

impl Attempt {
    /// When the driver stops waiting for it; `None`: there is nothing to wait for.
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Asking { until, .. } | Self::Charging { until, .. } => Some(until),
            Self::Over => None,
        }
    }
}

/// What a payment by the plate knows besides, for when its vehicle is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    pub plate: Plate,
    pub stay: StayId,
    /// Where it leaves.
    pub lane: LaneId,
    /// A vehicle was let go for it: should it fall through, its order becomes arrears.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relied_on: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_channel_that_says_bound_is_the_one() {
        let channel = |id: &str| ChannelId::parse(id).unwrap();
        let bound = |id: &str, number: &str| Agreement::Bound {
            channel: channel(id),
            number: Some(number.into()),
        };
        let why = || String::new();
        let is_bound = |number: &str| AgreementWord::Bound { agreement: Some(number.into()) };
        let (none, paused, unknown) = (
            AgreementWord::None { why: why() },
            AgreementWord::Paused { why: why() },
            AgreementWord::Unknown { why: why() },
        );
        let table = [
            (None, "a", is_bound("1"), bound("a", "1")),
            (None, "a", none.clone(), Agreement::Nothing),
            (None, "a", paused.clone(), Agreement::Unsure),
            (None, "a", unknown.clone(), Agreement::Unsure),
            (Some(Agreement::Nothing), "b", is_bound("2"), bound("b", "2")),
            (Some(Agreement::Nothing), "b", unknown.clone(), Agreement::Unsure),
            (Some(Agreement::Unsure), "b", none.clone(), Agreement::Unsure),
            (Some(bound("a", "1")), "b", is_bound("2"), bound("a", "1")),
            (Some(bound("a", "1")), "b", none.clone(), bound("a", "1")),
            (Some(bound("a", "1")), "a", is_bound("3"), bound("a", "3")),
            (Some(bound("a", "1")), "a", unknown, bound("a", "1")),
            (Some(bound("a", "1")), "a", none, Agreement::Nothing),
            (Some(bound("a", "1")), "a", paused, Agreement::Unsure),
            (Some(Agreement::Barred), "a", is_bound("1"), Agreement::Barred),
        ];
        for (known, from, word, after) in table {
            let found = Agreement::after(known.as_ref(), &channel(from), &word);
            assert_eq!(found, after, "{known:?} and {from} says {word:?}");
        }
    }
}
