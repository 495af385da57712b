//! What to do once the changes are on disk. Knows no wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    cloud::CloudPass,
    lane::{ArmAction, Help},
    presented::Presented,
    sister::SisterAsk,
    ticket::{NotAdmitted, PassAction, Way},
};
use crate::types::{
    ChannelId, ClosureId, CloudPassId, CodeDigest, CommandId, GivenBack, InvoiceId, LaneId, Money,
    OrderId, Plate, RefundId, StayId, TicketId,
    bank::{AgreementAsk, Ask, Departure},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Worth nothing after `expires_at`; never repeated.
    Arm {
        lane: LaneId,
        command: CommandId,
        action: ArmAction,
        expires_at: Timestamp,
    },
    /// To a turnstile. Worth nothing after `expires_at`; never sent twice.
    Pass {
        lane: LaneId,
        command: CommandId,
        action: PassAction,
        way: Way,
        expires_at: Timestamp,
    },
    /// The code is of no ticket in memory: one that is over may be in the tables. The answer comes back as
    /// [`super::Input::TicketFound`].
    FindTicket {
        lane: LaneId,
        shown: Presented,
    },
    /// The home of a ticket is asked to keep a person. The answer comes back as [`super::Input::SisterSaid`].
    AskSister {
        ask: SisterAsk,
        /// Ways out of its zone are watched here.
        watched: bool,
    },
    /// Whether the tables know a code that looks like a cloud's. The answer comes back as
    /// [`super::Input::CloudLooked`].
    FindCloudTicket {
        pass: CloudPassId,
        digest: CodeDigest,
    },
    /// The cloud is asked what the state of the pass says. The answer comes back as [`super::Input::CloudSaid`].
    AskCloud {
        pass: CloudPass,
    },
    /// Something waits to be told to a sister daemon; what was taken comes back as [`super::Input::SisterTook`].
    TellSister {
        sister: u8,
    },
    /// A closure gives back what these orders bought; those that the tables do not know are left out. The answer comes
    /// back as [`super::Input::ClosureFound`].
    FindBought {
        closure: ClosureId,
        /// Comes back with the answer: which batch it is of.
        after: TicketId,
        orders: Vec<OrderId>,
    },
    /// The tariff asks for visits of this plate before a stay that ended at `since` or later. The answer comes back as
    /// [`super::Input::VisitsFound`].
    FindVisits {
        stay: StayId,
        plate: Plate,
        since: Timestamp,
    },
    /// Ask the lane's camera to look again.
    /// A tidal lane leads the other way than at first, or as at first again: told when it turns, and at a start.
    Turned {
        lane: LaneId,
        turned: bool,
    },
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
        channel: ChannelId,
        ask: Ask,
    },
    /// Whether something is bound to a stay's plate. The answer comes back as [`super::Input::AgreementSaid`].
    AskAgreement {
        channel: ChannelId,
        stay: StayId,
        ask: AgreementAsk,
    },
    /// A vehicle is gone that this channel was told of as it came in. Nothing comes back, and nothing depends on it.
    TellLeft {
        channel: ChannelId,
        left: Departure,
    },
    /// The answer comes back as [`super::Input::InvoiceSaid`].
    AskInvoice {
        invoice: InvoiceId,
    },
    /// This went back: the invoice of its order, if it has one, comes back as [`super::Input::InvoiceFound`]. What was
    /// lost with the power is looked for again after a start.
    FindInvoice {
        undoes: GivenBack,
    },
    /// The answer comes back as [`super::Input::RefundSaid`].
    AskRefund {
        refund: RefundId,
        channel: ChannelId,
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
    /// It is let pass, and its turn comes once the lane that shares the roadway is done.
    Wait,
    /// What is bound to its plate is being asked for the fee.
    Charging {
        plate: Plate,
        amount: Money,
    },
    /// It goes out: the fee is taken from what is bound to its plate.
    Charged {
        plate: Plate,
        amount: Money,
    },
    /// It comes in or goes out by a pass that ends soon.
    PassEnds {
        plate: Plate,
        entering: bool,
        /// Whole days left; 0: today is the last.
        days: i64,
    },
    /// It is let pass, and has not paid for earlier stays.
    Owes {
        plate: Plate,
        amount: Money,
    },
    /// It goes out, and so much is left of what was paid in.
    Balance {
        plate: Plate,
        left: Money,
    },
    /// It is not let pass, and why.
    Denied {
        plate: Plate,
        why: Help,
    },
    /// A person is called.
    Help,
    /// A person was called. `taken`: somebody sees to it.
    HelpCalled {
        taken: bool,
    },
    /// The zone this entry leads into has no space left.
    Full,
    LaneClosed,
    /// The arm does not move.
    Faulty,
    HeldOpen,
    /// A turnstile is open for one person; the ticket has so many left.
    PassOn {
        left: u32,
    },
    /// A turnstile stays closed, and why.
    NotAdmitted {
        why: NotAdmitted,
    },
}
