//! What does not fit between a statement and the ledger, and what can be done about it. Knows no file and no table.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::types::ChannelId;

/// Which way the money went.
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
pub enum Side {
    Paid,
    Refunded,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Refunded => "refunded",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Paid, Self::Refunded].into_iter().find(|side| side.name() == name)
    }
}

/// In what way a row does not fit.
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
pub enum Kind {
    /// The bank has it, nobody here knows it (长款).
    Long,
    /// It is posted here and the bank does not have it (短款).
    Short,
    /// Both have it, with other amounts.
    Amount,
    /// The bank has taken or given back what is not so here: late money.
    State,
    /// The bank keeps another fee than the site's rate.
    Fee,
    /// Both have it, under other numbers.
    Number,
    /// The statement has it twice.
    Twice,
    /// A line of the statement that cannot be read.
    Row,
}

const KINDS: [Kind; 8] = [
    Kind::Long,
    Kind::Short,
    Kind::Amount,
    Kind::State,
    Kind::Fee,
    Kind::Number,
    Kind::Twice,
    Kind::Row,
];

/// What is proposed for a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Nothing yet: it may be in the next day's statement.
    Wait,
    /// Money that was looked for: it settles its order, or goes back, by itself.
    AttachOrRefund,
    /// Nobody here knows whose it is.
    RefundThere,
    AskBank,
    /// Too little to ask for.
    WriteOff,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Amount => "amount",
            Self::State => "state",
            Self::Fee => "fee",
            Self::Number => "number",
            Self::Twice => "twice",
            Self::Row => "row",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that one run found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    pub side: Side,
    /// The number both sides should know it by: of the payment, or of the refund.
    pub number: String,
    pub out_trade_no: String,
    pub refund_no: String,
    pub bank_no: String,
    /// `None`: we do not have it.
    pub ours_minor: Option<i64>,
    /// `None`: the bank does not have it.
    pub theirs_minor: Option<i64>,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceState {
    /// It may come with the next statement.
    Waiting,
    Open,
    /// A person, or a later statement, settled it.
    Settled,
    /// A later run of the same day did not find it any more.
    Gone,
}

impl DifferenceState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Gone => "gone",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Open, Self::Settled, Self::Gone];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// A difference on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub id: i64,
    pub channel: ChannelId,
    pub day: Date,
    #[serde(flatten)]
    pub finding: Finding,
    pub state: DifferenceState,
    /// The core was told of late money.
    pub told: bool,
    pub changed_at: Timestamp,
    pub changed_by: String,
    pub note: String,
}

impl Difference {
    /// What is too much in the ledger, in minor units; negative: too little.
    pub fn over_minor(&self) -> i64 {
        let of = |minor: Option<i64>| minor.unwrap_or(0);
        let over = of(self.finding.ours_minor).saturating_sub(of(self.finding.theirs_minor));
        match (self.finding.kind, self.finding.side) {
            // Fees are posted as the bank says; bad rows and other numbers move nothing.
            (Kind::Fee | Kind::Number | Kind::Row, _) => 0,
            (_, Side::Paid) => over,
            (_, Side::Refunded) => over.saturating_neg(),
        }
    }

    /// What is proposed. `little`: in minor units, not worth a letter to the bank.
    pub fn proposal(&self, little: i64) -> Proposal {
        match (self.finding.kind, self.finding.side) {
            _ if self.state == DifferenceState::Waiting => Proposal::Wait,
            (Kind::State, Side::Paid) => Proposal::AttachOrRefund,
            (Kind::Long | Kind::Twice, Side::Paid) => Proposal::RefundThere,
            _ if (1..=little).contains(&self.over_minor().saturating_abs()) => Proposal::WriteOff,
            _ => Proposal::AskBank,
        }
    }
}

/// One step of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub at: Timestamp,
    pub by: String,
    pub state: DifferenceState,
    pub note: String,
}

/// The statement a settlement day was last reconciled with. Amounts in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementFile {
    pub channel: ChannelId,
    pub day: Date,
    #[serde(skip)]
    pub digest: [u8; 32],
    pub rows: i64,
    pub bad: i64,
    pub matched: i64,
    pub paid_minor: i64,
    pub refunded_minor: i64,
    pub fee_minor: i64,
    pub reconciled_at: Timestamp,
}
