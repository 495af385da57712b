//! What the journal keeps: each change makes one thing true, whole. Knows nothing of how it came about.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    card::Card,
    cloud::CloudPass,
    crowd::Crowd,
    gate::Gate,
    invoice::Invoice,
    lane::{Lane, LaneAlarm, OperatorAct},
    limit::Spent,
    money::{Order, Payment, Posting, Refund},
    pass::{Listed, Pass, Reservation},
    pass_sale::PassActed,
    selling::{Closure, TicketActed},
    settle::Settled,
    sister::{Sister, SisterAsk},
    slot::Slot,
    stay::{Read, Stay},
    task::Task,
    ticket::{Admission, NotAdmitted, Ticket, Walk, Way},
    till::{Arrears, Cash, Merchant, Shift, TillDid, Validation},
    zone::Zone,
};
use crate::types::{LaneId, Money, PaymentId, ShiftId, StayId, TicketId};

/// One row of the journal. Entities are kept whole, so that applying needs no rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "body")]
pub enum Change {
    /// A read came and this became of it.
    ReadTaken {
        lane: LaneId,
        read: Read,
        as_: Taken,
    },
    Lane(Lane),
    Stay(Stay),
    Order(Order),
    Payment(Payment),
    /// The payment needs no more watching: it leaves memory and stays in the tables.
    PaymentFiled {
        payment: PaymentId,
    },
    Refund(Refund),
    Posting(Posting),
    OperatorActed {
        lane: LaneId,
        act: OperatorAct,
        who: String,
        reason: String,
        /// What the camera saw then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<String>,
        /// The operator's shift at that time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shift: Option<ShiftId>,
    },
    PlateGiven {
        lane: LaneId,
        plate: crate::types::Plate,
        by: String,
    },
    AlarmRaised(Alarm),
    AlarmCleared {
        subject: String,
        alarm: AlarmKind,
    },
    /// The bank spoke of a number nobody here ever used.
    WordUnplaced {
        out_trade_no: String,
        word: String,
    },
    Gate(Gate),
    Ticket(Ticket),
    Admission(Admission),
    /// A code was scanned and nobody let in; `ticket` is whose code it was, if anybody's.
    ScanRefused {
        lane: LaneId,
        ticket: Option<TicketId>,
        why: NotAdmitted,
        /// The operator who checked it by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
    },
    /// So many went through a turnstile whom no admission let in.
    Walked {
        lane: LaneId,
        way: Way,
        count: u32,
        walk: Walk,
    },
    Pass(Pass),
    Listed(Listed),
    Reservation(Reservation),
    Merchant(Merchant),
    Validation(Validation),
    Arrears(Arrears),
    Shift(Shift),
    Cash(Cash),
    Task(Task),
    Zone(Zone),
    Settled(Settled),
    Invoice(Invoice),
    Slot(Slot),
    Closure(Closure),
    TicketActed(TicketActed),
    PassActed(PassActed),
    /// The site's files were read again; from this row on they hold.
    RulesRead {
        who: String,
        /// SHA-256 of the site file and of all it names, in hexadecimal digits.
        digest: String,
        reason: String,
    },
    /// An operator did something with money, and why.
    TillActed {
        did: TillDid,
        who: String,
        reason: String,
        amount: Money,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lane: Option<LaneId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stay: Option<StayId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shift: Option<ShiftId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment: Option<PaymentId>,
    },
    Spent(Spent),
    /// Persons inside a zone for people.
    Crowd(Crowd),
    Sister(Sister),
    SisterAsk(SisterAsk),
    CloudPass(CloudPass),
    Card(Card),
}

impl Change {
    /// The journal's `kind` column.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ReadTaken { .. } => "read_taken",
            Self::Lane(_) => "lane",
            Self::Stay(_) => "stay",
            Self::Order(_) => "order",
            Self::Payment(_) => "payment",
            Self::PaymentFiled { .. } => "payment_filed",
            Self::Refund(_) => "refund",
            Self::Posting(_) => "posting",
            Self::OperatorActed { .. } => "operator_acted",
            Self::PlateGiven { .. } => "plate_given",
            Self::AlarmRaised(_) => "alarm_raised",
            Self::AlarmCleared { .. } => "alarm_cleared",
            Self::WordUnplaced { .. } => "word_unplaced",
            Self::Gate(_) => "gate",
            Self::Ticket(_) => "ticket",
            Self::Admission(_) => "admission",
            Self::ScanRefused { .. } => "scan_refused",
            Self::Walked { .. } => "walked",
            Self::Pass(_) => "pass",
            Self::Listed(_) => "listed",
            Self::Reservation(_) => "reservation",
            Self::Merchant(_) => "merchant",
            Self::Validation(_) => "validation",
            Self::Arrears(_) => "arrears",
            Self::Shift(_) => "shift",
            Self::Cash(_) => "cash",
            Self::Task(_) => "task",
            Self::Zone(_) => "zone",
            Self::Settled(_) => "settled",
            Self::Invoice(_) => "invoice",
            Self::Slot(_) => "slot",
            Self::Closure(_) => "closure",
            Self::TicketActed(_) => "ticket_acted",
            Self::PassActed(_) => "pass_acted",
            Self::RulesRead { .. } => "rules_read",
            Self::TillActed { .. } => "till_acted",
            Self::Spent(_) => "spent",
            Self::Crowd(_) => "crowd",
            Self::Sister(_) => "sister",
            Self::SisterAsk(_) => "sister_ask",
            Self::CloudPass(_) => "cloud_pass",
            Self::Card(_) => "card",
        }
    }
}

/// What became of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// The lane serves this vehicle.
    Served,
    /// Kept while another vehicle is on its way through.
    Queued,
    /// The vehicle in the lane, read once more.
    Again,
    /// The plate that just passed, read once more.
    Echo,
    /// Kept by the camera while it was offline; opens nothing.
    Replay,
    /// The lane is locked.
    Refused,
    /// By the camera of the other way of a lane that leads both ways in turn; opens nothing.
    OtherWay,
}

/// Something a person should know, as long as it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alarm {
    /// A lane, a device, a bank channel, `clock`, `disk`, or a payment's number.
    pub subject: String,
    pub kind: AlarmKind,
    pub since: Timestamp,
    pub detail: String,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    Lane(LaneAlarm),
    /// A device has said nothing for too long.
    DeviceSilent,
    /// A device talks nonsense, or what it may not.
    DeviceNonsense,
    /// A device's housing was opened.
    DeviceOpened,
    /// A device's clock is off.
    DeviceClock,
    /// A device sends more than is taken; the rest is dropped.
    DeviceFlood,
    /// A device refuses our password, so nothing more is asked of it.
    DeviceLogin,
    /// A printer has no paper.
    PaperOut,
    /// This machine's clock jumped.
    ClockStepped,
    /// The bank has not answered for a while.
    BankSilent,
    /// The bank names another amount than was asked for.
    AmountDiffers,
    /// A payment has been undecided for very long.
    PaymentUndecided,
    /// The bank cannot be asked what became of a payment or refund: a person looks in its portal.
    BankCannotSay,
    RefundRefused,
    /// A provider of invoices cannot be reached, says nonsense, or will not take one back.
    InvoiceTrouble,
    /// The bank speaks of a payment that nobody here knows.
    PaymentUnknown,
    /// The same plate came in twice.
    PlateTwice,
    /// A vehicle left without paying.
    LeftUnpaid,
    /// The disk takes no more.
    DiskFull,
    /// More comes in than can be handled; what is shed is in the detail.
    Overload,
    BrokerDown,
    /// The fire contact is on: ways out are open.
    FireAlarm,
    /// A call for help that nobody took on.
    CallUnanswered,
    /// More attempts to pay at a lane than people make.
    ManyPayments,
    /// More was let go or given back by one person in a day than the site allows.
    LimitPassed,
    /// One operator gives up money very often.
    ManyActs,
    /// Nobody knows whether a person went through a turnstile.
    AdmissionUnsure,
    /// Another daemon of the site is not heard.
    SisterApart,
    /// A receiver of events took none for a day, and is told nothing more.
    WebhookDead,
    /// A bank's statement is not there although it is late.
    StatementMissing,
    /// Differences between statements and the ledger that nobody has settled.
    DifferencesOpen,
    /// A bank will not give a partner its part.
    ShareRefused,
}

impl AlarmKind {
    /// About a payment, a bank or an invoice, and not about a lane, a device or this machine.
    pub fn is_about_money(self) -> bool {
        match self {
            Self::BankSilent
            | Self::AmountDiffers
            | Self::PaymentUndecided
            | Self::RefundRefused
            | Self::InvoiceTrouble
            | Self::PaymentUnknown
            | Self::BankCannotSay
            | Self::ManyPayments
            | Self::LimitPassed
            | Self::ManyActs
            | Self::StatementMissing
            | Self::DifferencesOpen
            | Self::ShareRefused => true,
            Self::Lane(_)
            | Self::DeviceSilent
            | Self::DeviceNonsense
            | Self::DeviceOpened
            | Self::DeviceClock
            | Self::DeviceFlood
            | Self::DeviceLogin
            | Self::PaperOut
            | Self::ClockStepped
            | Self::PlateTwice
            | Self::LeftUnpaid
            | Self::DiskFull
            | Self::Overload
            | Self::BrokerDown
            | Self::FireAlarm
            | Self::CallUnanswered
            | Self::AdmissionUnsure
            | Self::SisterApart
            | Self::WebhookDead => false,
        }
    }

    /// The work list has the thing itself: the call, the admission.
    pub fn is_told_elsewhere(self) -> bool {
        matches!(self, Self::CallUnanswered | Self::AdmissionUnsure)
    }
}
