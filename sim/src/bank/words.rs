//! What is said to and by the bank model. Knows no text of the wire and decides nothing.

use jiff::Timestamp;
use serde::Serialize;

/// The bank's way of saying no. Only the code of a foreign application is a published one; the
/// others are this bank's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownApp,
    BadSignature,
    BadTimestamp,
    RepeatedMessage,
    BadField,
    UnknownMerchant,
    NoSuchOrder,
    OrderExists,
    AlreadyPaid,
    NotPaid,
    RefundDiffers,
    RefundTooLarge,
    NoSuchRefund,
    /// The payer's code is none, or was used before.
    BadCode,
    /// The payer's account does not hold as much.
    NotEnough,
}

impl Refusal {
    pub fn code(self) -> i64 {
        match self {
            Self::UnknownApp => 400_011,
            Self::BadSignature => 400_017,
            Self::BadTimestamp => 400_018,
            Self::RepeatedMessage => 400_019,
            Self::BadField => 400_020,
            Self::UnknownMerchant => 400_021,
            Self::NoSuchOrder => NO_ORDER_CODE,
            Self::OrderExists => 93_002,
            Self::AlreadyPaid => 93_003,
            Self::NotPaid => 93_004,
            Self::RefundDiffers => 93_005,
            Self::RefundTooLarge => 93_006,
            Self::NoSuchRefund => 93_007,
            Self::BadCode => 93_008,
            Self::NotEnough => 93_009,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::UnknownApp => "app id is not registered",
            Self::BadSignature => "sign not pass",
            Self::BadTimestamp => "timestamp is out of the window",
            Self::RepeatedMessage => "msg_id was used before",
            Self::BadField => "a field is missing or malformed",
            Self::UnknownMerchant => "mer_id does not belong to the app",
            Self::NoSuchOrder => "订单不存在",
            Self::OrderExists => "订单号重复",
            Self::AlreadyPaid => "订单已支付，不能冲正",
            Self::NotPaid => "订单未支付，不能退货",
            Self::RefundDiffers => "退货编号重复且金额不同",
            Self::RefundTooLarge => "退货金额超过可退金额",
            Self::NoSuchRefund => "退货不存在",
            Self::BadCode => "付款码无效或已使用",
            Self::NotEnough => "余额不足",
        }
    }
}

/// The codes after which nothing was done and nothing will be: a site's `final_refusal_codes`.
pub const FINAL_CODES: [i64; 6] = [400_011, 400_017, 400_021, 93_003, 93_004, 93_006];

/// The code that says there is no such order: a site's `no_order_codes`.
pub const NO_ORDER_CODE: i64 = 93_001;

/// A new order.
#[derive(Clone, Debug)]
pub struct Generate {
    pub out_trade_no: String,
    pub fen: i64,
    /// What the cashier page shows.
    pub subject: String,
    pub expires_s: u32,
    /// Where to notify; `None` for an order that is not notified.
    pub notify_url: Option<String>,
}

/// A payment by the code on the payer's phone.
#[derive(Clone, Debug)]
pub struct Collect {
    pub out_trade_no: String,
    pub fen: i64,
    pub subject: String,
    pub code: String,
}

/// A charge of what is bound to a plate.
#[derive(Clone, Debug)]
pub struct ChargeAsked {
    pub out_trade_no: String,
    pub fen: i64,
    pub subject: String,
    pub notify_url: String,
}

/// What really happened to the customer's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Paid,
    Reversed,
}

/// How the bank says an order stands, which a fault may bend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub out_trade_no: String,
    pub bank_no: String,
    /// 0 paying, 1 paid, 2 failed, 3 reversed, 5 refunded, 6 refunded in part.
    pub status: u8,
    pub total_fen: i64,
    pub paid_at: Option<Timestamp>,
    /// Begun by the payer's code; while it is paying, the payer is asked for a password.
    pub by_code: bool,
}

/// One refund of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLine {
    pub refund_no: String,
    pub fen: i64,
    pub standing: RefundStanding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStanding {
    UnderWay,
    Done,
    Failed,
}

/// One line of a day's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    pub at: Timestamp,
    pub out_trade_no: String,
    pub bank_no: String,
    pub subject: String,
    pub by_code: bool,
    /// The whole order.
    pub order_fen: i64,
    pub kind: BillKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillKind {
    Paid,
    Refunded {
        refund_no: String,
        fen: i64,
    },
    /// A paid order that was undone.
    Undone,
}

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Cashier { token: String },
    Standing(Standing),
    Reversed { out_trade_no: String, bank_no: String },
    Rejected { out_trade_no: String, bank_no: String, reject_no: String, fen: i64 },
    Refunds { out_trade_no: String, bank_no: String, refunds: Vec<RefundLine> },
    No(Refusal),
}

/// What the caller hears: after so long, this, or nothing ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub after_ms: u32,
    pub said: Option<Said>,
}

/// Why a customer could not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayRefusal {
    NoSuchOrder,
    AlreadyPaid,
    Expired,
    Closed,
}

/// A notification to be delivered, as things stood when the customer paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// For [`super::Bank::notice_answered`].
    pub id: u64,
    pub msg_id: String,
    pub notify_url: String,
    pub standing: Standing,
    /// 1 for the first.
    pub attempt: u32,
}

/// One line of the bank's books: what was really paid and given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Book {
    pub out_trade_no: String,
    pub state: State,
    pub order_fen: i64,
    pub paid_fen: i64,
    pub refunded_fen: i64,
}

/// What is wrong with a payment's line in the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    Missing,
    Twice,
    /// One fen more than was paid.
    Amount,
    /// In the statement of the next day.
    NextDay,
}
