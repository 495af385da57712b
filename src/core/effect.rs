//! What to do once the changes are on disk. Knows no wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lane::ArmAction;
use crate::types::{CommandId, LaneId, Money, Plate, RefundId, bank::Ask};

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Worth nothing after `expires_at`; never repeated.
    Arm {
        lane: LaneId,
        command: CommandId,
        action: ArmAction,
        expires_at: Timestamp,
    },
    /// Ask the lane's camera to look again.
    TriggerRead {
        lane: LaneId,
    },
    Show {
        lane: LaneId,
        message: Message,
    },
    /// The answer comes back as [`super::Input::BankSaid`]. Questions about one payment leave one after the other, each
    /// after the answer to the one before: what is said after a reversal was asked after it.
    AskBank {
        ask: Ask,
    },
    /// The answer comes back as [`super::Input::RefundSaid`].
    AskRefund {
        refund: RefundId,
        ask: Ask,
    },
}

/// What a lane tells its driver, on the display and aloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "says")]
pub enum Message {
    Ready,
    Welcome {
        plate: Plate,
    },
    Pay {
        plate: Plate,
        amount: Money,
        minutes: i64,
    },
    GoodBye {
        plate: Plate,
    },
    /// A person is called.
    Help,
    LaneClosed,
    /// The arm does not move.
    Faulty,
    HeldOpen,
}
