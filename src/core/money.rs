//! What is owed, the attempts to collect it, money going back, and the ledger's lines. Knows no bank's format.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    basket::Basket,
    frictionless::Charge,
    pass_sale::{Gives, PassOrder},
    settle::SettledDay,
    tariff::Quote,
};
use crate::types::{
    ArrearsId, CashId, ChannelId, CounterId, LaneId, MerchantId, Money, OrderId, PartnerId, PassId,
    PaymentId, RefundId, ShiftId, StayId, ValidationId, ZoneId, bank::PayWay,
};

/// What is owed, for a stay or for what a counter sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    /// `None`: a counter sold something, see `sale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay: Option<StayId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Sale>,
    /// What tickets the sale is of; `None`: of something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basket: Option<Basket>,
    /// What pass the sale is of; `None`: of something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassOrder>,
    /// Where it is to be paid; `None`: on the phone, before the vehicle comes to an exit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneId>,
    /// What the quote leaves due, and the arrears.
    pub amount: Money,
    pub quote: Quote,
    pub made_at: Timestamp,
    pub state: OrderState,
    /// Unpaid fees of earlier stays that it collects as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrears: Vec<ArrearsId>,
    /// Anybody who knows the plate may have asked for it: its page shows no picture.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_plate: bool,
}

/// What a counter sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    pub counter: CounterId,
    /// The counter's own number of it: the same number is the same order.
    pub key: String,
    /// What the payer reads, such as `挂号费`.
    pub subject: String,
    /// It waits to be paid, or is remembered for who asks twice, until then; `None`: that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Timestamp>,
}

/// What an order was paid with. Journaled as one key, such as `"payment":7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaidBy {
    /// Through the bank.
    Payment(PaymentId),
    Cash(CashId),
    /// A pass with stored value.
    Pass(PassId),
    /// Nothing: its counter settles by account, or there was nothing to pay. Journaled as `"counter":null`.
    Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum OrderState {
    Due,
    Paid {
        #[serde(flatten)]
        by: PaidBy,
        at: Timestamp,
    },
    /// An operator let the vehicle go.
    Waived {
        who: String,
        reason: String,
    },
    /// The vehicle went back inside, and the next quote takes its place; or a sale was given up.
    Void,
    /// The vehicle left without paying and nobody allowed it.
    Unpaid,
}

impl OrderState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Paid { .. } => "paid",
            Self::Waived { .. } => "waived",
            Self::Void => "void",
            Self::Unpaid => "unpaid",
        }
    }
}

/// One attempt to collect an order. One `out_trade_no` each, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub id: PaymentId,
    pub order: OrderId,
    pub out_trade_no: String,
    /// Who is asked, from the first question to the last: never another one for the same attempt.
    #[serde(default = "first_channel")]
    pub channel: ChannelId,
    #[serde(default, skip_serializing_if = "PayWay::is_usual")]
    pub way: PayWay,
    pub amount: Money,
    pub state: PaymentState,
    /// The bank's cashier, once it has given one.
    pub link: Option<String>,
    pub made_at: Timestamp,
    /// After this nobody should pay by it any more: it is reversed.
    pub expires_at: Timestamp,
    /// Questions asked in this state.
    pub asks: u32,
    pub next_ask: Option<Timestamp>,
    /// The bank's number, once it has said one.
    pub bank_no: Option<String>,
    /// Of a payment by the plate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// Begun from a code that is printed at the lane, the same for everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
}

/// The channel of payments made before there were several.
fn first_channel() -> ChannelId {
    ChannelId::parse("icbc").unwrap_or_else(|| unreachable!("icbc is a channel's name"))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PaymentState {
    /// Asked for; whether it will be paid, nobody knows yet.
    Pending,
    /// A reversal is asked for; it may still turn out paid.
    Reversing,
    Paid {
        at: Timestamp,
    },
    /// The bank says so itself.
    Failed {
        why: String,
    },
    /// Reversed, by the bank's own word.
    Reversed,
    /// The bank names another amount: a person must look.
    Disputed {
        bank: Money,
    },
}

impl PaymentState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reversing => "reversing",
            Self::Paid { .. } => "paid",
            Self::Failed { .. } => "failed",
            Self::Reversed => "reversed",
            Self::Disputed { .. } => "disputed",
        }
    }

    /// Neither paid nor definitely not.
    pub fn is_paid(&self) -> bool {
        matches!(self, Self::Paid { .. })
    }

    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::Pending | Self::Reversing)
    }
}

/// Money going back to a payer. The same `refund_no` is the same refund however often it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub payment: PaymentId,
    pub out_trade_no: String,
    pub refund_no: String,
    /// As the payment's.
    #[serde(default = "first_channel")]
    pub channel: ChannelId,
    #[serde(default, skip_serializing_if = "PayWay::is_usual")]
    pub way: PayWay,
    pub amount: Money,
    /// What the payment was of; `None` in refunds made before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Money>,
    pub state: RefundState,
    pub why: RefundWhy,
    pub made_at: Timestamp,
    pub asks: u32,
    pub next_ask: Option<Timestamp>,
    /// What it takes back of what was earned; `None`: the payment had settled nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earned: Option<Earned>,
    /// The number of whoever asked for it: the same number is the same refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The second person who let it go, or did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_by: Option<String>,
}

/// What a payment earned: which income, of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earned {
    pub account: Account,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay: Option<StayId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Where it was earned; of parking only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    /// Of an order of several products, what each cost, in minor units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub products: BTreeMap<String, i64>,
}

impl Earned {
    /// Of nothing in particular.
    pub fn from_account(account: Account) -> Self {
        let (stay, counter, product, zone) = (None, None, None, None);
        Self { account, stay, counter, product, zone, products: BTreeMap::new() }
    }

    /// What a payment of this order earns, but for the zone.
    pub fn by(order: &Order) -> Self {
        let sale = order.sale.as_ref();
        let account = match (sale, &order.basket, &order.pass) {
            // Not earned before it is used.
            (_, _, Some(PassOrder { gives: Gives::Value(_), .. })) => Account::StoredValue,
            (_, _, Some(_)) => Account::PassRevenue,
            (Some(_), Some(_), None) => Account::TicketRevenue,
            (Some(_), None, None) => Account::SalesRevenue,
            (None, _, None) => Account::ParkingRevenue,
        };
        Self {
            account,
            stay: order.stay,
            counter: sale.map(|sale| sale.counter.clone()),
            product: sale.map(|sale| sale.subject.clone()),
            zone: None,
            products: order.basket.as_ref().map_or_else(BTreeMap::new, products_of),
        }
    }
}

/// What each product of a basket costs; of an order of changes, nothing is known of it.
fn products_of(basket: &Basket) -> BTreeMap<String, i64> {
    let mut products = BTreeMap::new();
    for line in basket.lines.iter().filter(|_| basket.moves.is_empty()) {
        let minor = line.price.minor.saturating_mul(line.tickets.into());
        *products.entry(line.product.to_string()).or_insert(0) += minor;
    }
    products
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// A second person has to agree; the bank was not asked.
    Waiting,
    Pending,
    Done,
    /// The bank will not: a person must look.
    Refused,
    /// The second person did not agree.
    Denied,
}

impl RefundState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Denied => "denied",
        }
    }

    /// The money has not gone back, and will not by this refund.
    pub fn came_to_nothing(self) -> bool {
        matches!(self, Self::Refused | Self::Denied)
    }

    /// Nobody knows yet whether the money goes back.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Pending)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundWhy {
    /// Another payment had paid the order already.
    PaidTwice,
    /// The order was waived, or its vehicle had gone.
    NothingOwed,
    /// A person, or the counter that sold it, wants it given back.
    Asked { who: String, reason: String },
}

/// The chart of accounts. A posting's amount is a debit when positive, a credit when negative.
#[expect(clippy::enum_variant_names, reason = "a bank account is called so")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// What the bank's channel has taken for us and not yet transferred (asset).
    ChannelReceivable,
    /// Parking fees earned (income).
    ParkingRevenue,
    /// Sales of counters (income).
    SalesRevenue,
    /// Tickets (income).
    TicketRevenue,
    /// Passes for a time or for so many stays (income).
    PassRevenue,
    /// Stored value that the site gave, set right or kept when a pass ended (expense when a debit, income when a credit).
    PassAdjustments,
    /// What counters that settle by account owe for what they sold (asset).
    CounterReceivable,
    /// Fees of vehicles that left without paying (asset).
    ArrearsReceivable,
    /// The same fees as income, until they are paid and become parking fees (income).
    ArrearsRevenue,
    /// Arrears that a person forgave (expense).
    ArrearsForgiven,
    /// What merchants owe for the fees they took over (asset).
    MerchantReceivable,
    /// Fees that merchants took over, or the site gave away through them (income).
    ValidationRevenue,
    /// Discounts of merchants whose discounts are the site's own (expense).
    Discounts,
    /// What partners have a right to of the takings (expense).
    PartnersShare,
    /// The same, until it is transferred to them (liability).
    PartnersPayable,
    /// Taken, but owed back to payers (liability).
    RefundsPayable,
    /// Paid in by holders of passes and not used up (liability).
    StoredValue,
    /// In the drawers of open shifts (asset).
    CashDrawer,
    /// Cash counted at the end of shifts, less the floats of new ones (asset).
    CashSafe,
    /// In the bank account, as transfers that a person has seen there (asset).
    BankAccount,
    /// What channels kept for collecting (expense).
    ChannelFees,
    /// Differences from statements that a person gave up: losses (debit), gains (credit).
    SettlementOverShort,
    /// Counted more (credit) or less (debit) than the drawer should hold.
    CashOverShort,
}

impl Account {
    pub fn name(self) -> &'static str {
        match self {
            Self::ChannelReceivable => "channel_receivable",
            Self::ParkingRevenue => "parking_revenue",
            Self::SalesRevenue => "sales_revenue",
            Self::TicketRevenue => "ticket_revenue",
            Self::PassRevenue => "pass_revenue",
            Self::PassAdjustments => "pass_adjustments",
            Self::CounterReceivable => "counter_receivable",
            Self::ArrearsReceivable => "arrears_receivable",
            Self::ArrearsRevenue => "arrears_revenue",
            Self::ArrearsForgiven => "arrears_forgiven",
            Self::MerchantReceivable => "merchant_receivable",
            Self::ValidationRevenue => "validation_revenue",
            Self::Discounts => "discounts",
            Self::PartnersShare => "partners_share",
            Self::PartnersPayable => "partners_payable",
            Self::RefundsPayable => "refunds_payable",
            Self::StoredValue => "stored_value",
            Self::CashDrawer => "cash_drawer",
            Self::CashSafe => "cash_safe",
            Self::BankAccount => "bank_account",
            Self::ChannelFees => "channel_fees",
            Self::SettlementOverShort => "settlement_over_short",
            Self::CashOverShort => "cash_over_short",
        }
    }
}

impl Posting {
    /// Of nothing yet, with nobody's name on it.
    pub fn bare(txn: i64, at: Timestamp, debit: Account, credit: Account, amount: Money) -> Self {
        Self {
            txn,
            at,
            payment: None,
            refund: None,
            cash: None,
            shift: None,
            pass: None,
            counter: None,
            product: None,
            zone: None,
            products: BTreeMap::new(),
            order: None,
            merchant: None,
            validation: None,
            partner: None,
            settled: None,
            debit,
            credit,
            amount,
        }
    }
}

/// One transaction of the ledger: its lines sum to zero. Never changed, only followed by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Counts from 1.
    pub txn: i64,
    pub at: Timestamp,
    /// `None`: no bank has part in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    pub refund: Option<RefundId>,
    /// The cash taken or given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash: Option<CashId>,
    /// Whose drawer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftId>,
    /// Whose paid-in value was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassId>,
    /// Who sold it, and what: of sales only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Where it was earned; of parking only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    /// How much of it each product is, where it is of several, in minor units; they add up to `amount`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub products: BTreeMap<String, i64>,
    /// The order, where neither a payment nor cash tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<MerchantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// Of which channel's settlement day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<SettledDay>,
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
}
