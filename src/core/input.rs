//! What the core is told, and what it answers to the one who asked. Knows no protocol.

use jiff::{Timestamp, civil::Date};

pub use super::refusal::Refusal;
pub use super::till::PaymentAct;
use super::{
    card::CardAct,
    change::AlarmKind,
    gate::Counted,
    invoice::{Claim, Invoice},
    lane::{OperatorAct, Sensor},
    manage::Manage,
    money::{Order, Payment},
    pass_sale::PassAsked,
    presented::Presented,
    selling::{Asker, Bought, MoveAsked, ReturnAsked, Returned, SlotAct, TicketsAsked},
    settle::{SettleAct, SettledDay},
    sister::{SisterNews, SisterQuestion, SisterWord},
    stay::Read,
    tariff::Earlier,
    task::{CallFrom, TaskAct},
    ticket::{Medium, Ticket, Visitor, Way},
    till::{MerchantAct, TillAct},
};
use crate::types::{
    AdmissionId, AskId, CashId, ChannelId, ClosureId, CloudPassId, CloudWord, CodeDigest,
    CommandId, CounterId, DeviceId, GivenBack, InvoiceId, InvoiceWord, LaneId, MerchantId, Money,
    OrderId, PayerCode, PaymentId, Plate, RefundId, ScheduleId, ShiftId, SlotId, StayId, TaskId,
    TicketId, ValidationId, ZoneId,
    bank::{AgreementWord, Word},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The process began: nothing is known of any sensor, and the bank is asked about all that is undecided.
    Started,
    Read {
        lane: LaneId,
        read: Read,
    },
    Sensor {
        lane: LaneId,
        sensor: Sensor,
        on: bool,
    },
    SensorsLost {
        lane: LaneId,
    },
    ArmAnswered {
        lane: LaneId,
        command: CommandId,
        outcome: ArmOutcome,
    },
    /// A person says which plate stands in the lane.
    PlateGiven {
        lane: LaneId,
        plate: Plate,
        by: String,
    },
    /// A driver says on the phone which plate it is; see the limits in [`super::rules::MatchRules`].
    PlateTyped {
        lane: LaneId,
        plate: Plate,
    },
    /// An operator says whose stay a misread belongs to; `None`: none of the candidates.
    MisreadSettled {
        task: TaskId,
        stay: Option<StayId>,
        who: String,
    },
    /// A driver wants to pay this order.
    PayAsked {
        order: OrderId,
    },
    /// As [`Input::PayAsked`], by the code that is printed at the order's lane.
    PrintedPayAsked {
        order: OrderId,
    },
    /// The code on a payer's phone was scanned or typed.
    PayerCodeScanned {
        at: At,
        code: PayerCode,
    },
    /// A counter sells something.
    SaleAsked(SaleAsked),
    /// Somebody wants a pass, or one for longer.
    PassAsked(PassAsked),
    /// Whoever wanted it does not any more.
    PassGivenUp {
        order: OrderId,
    },
    /// The counter gives it up.
    SaleCancelled {
        counter: CounterId,
        order: OrderId,
    },
    RefundAsked(RefundAsked),
    /// A second person agrees to a refund, or does not.
    RefundJudged {
        refund: RefundId,
        agreed: bool,
        who: String,
    },
    /// A person does something about a payment nobody knows the end of.
    PaymentActed {
        payment: PaymentId,
        act: PaymentAct,
        who: String,
    },
    /// A refund that the bank cannot be asked for was made in its portal.
    RefundMade {
        refund: RefundId,
        note: String,
        who: String,
    },
    /// A driver inside wants to pay before going to an exit.
    PrepayAsked {
        plate: Plate,
    },
    /// An operator does something with money.
    Till {
        who: String,
        act: TillAct,
    },
    Merchant {
        who: String,
        act: MerchantAct,
    },
    /// A settlement day of a channel: fees, a transfer, a difference given up.
    Settle {
        day: SettledDay,
        who: String,
        act: SettleAct,
    },
    /// A merchant gives one of its offers to a stay.
    Validate {
        merchant: MerchantId,
        plate: Plate,
        offer: String,
        by: String,
    },
    /// A merchant takes back what it gave; `None`: an operator does.
    Unvalidate {
        validation: ValidationId,
        merchant: Option<MerchantId>,
    },
    /// Visits of a plate before a stay, oldest first, as the tables know them.
    VisitsFound {
        stay: StayId,
        visits: Vec<Earlier>,
    },
    /// The bank spoke of a payment: by answer or by notification, it is the same.
    BankSaid {
        out_trade_no: String,
        to: Asked,
        word: Word,
    },
    RefundSaid {
        refund: RefundId,
        word: Word,
    },
    /// A channel spoke of what is bound to a stay's plate. `at_exit`: to the question right before charging.
    AgreementSaid {
        stay: StayId,
        channel: ChannelId,
        at_exit: bool,
        word: AgreementWord,
    },
    /// A driver came back from binding a card or wallet to the plate of a stay: the channels are asked anew.
    AgreementMade {
        plate: Plate,
    },
    /// The agreement of a plate is to be ended at the bank: by its driver, or by an operator, who says why.
    AgreementEndAsked {
        plate: Plate,
        who: String,
        reason: String,
    },
    /// Somebody wants an invoice of an order.
    InvoiceAsked(Claim),
    /// This much went back of an order that has an invoice; both as the tables know them.
    InvoiceFound {
        invoice: Invoice,
        undoes: GivenBack,
        amount: Money,
    },
    InvoiceSaid {
        invoice: InvoiceId,
        word: InvoiceWord,
    },
    /// A payment that was filed away is talked about again: it comes back with its order.
    Recalled {
        payment: Payment,
        order: Order,
    },
    Operator {
        lane: LaneId,
        act: OperatorAct,
        who: String,
        reason: String,
    },
    /// Something around the core went wrong or is well again.
    Trouble {
        subject: String,
        kind: AlarmKind,
        detail: String,
    },
    Well {
        subject: String,
        kind: AlarmKind,
    },
    /// A code was held before a turnstile's scanner, or a card before its reader.
    Scanned {
        lane: LaneId,
        shown: Presented,
    },
    /// What the tables know of a code that is of no ticket in memory.
    TicketFound {
        lane: LaneId,
        shown: Presented,
        ticket: Option<Ticket>,
    },
    /// An operator counted the persons inside a zone.
    CrowdCounted {
        zone: ZoneId,
        found: u32,
        who: String,
        reason: String,
    },
    /// Staff check a code where no turnstile stands.
    CheckedByHand(HandCheck),
    /// The same of a code that looks like one of a cloud.
    CloudCheckedByHand {
        asked: HandCheck,
        cloud: ChannelId,
        digest: CodeDigest,
        /// For the cloud alone.
        sealed: String,
    },
    /// The turnstile's answer to an order.
    PassAnswered {
        lane: LaneId,
        command: CommandId,
        outcome: PassOutcome,
    },
    /// Somebody went through a turnstile, or its counter was read anew.
    Went {
        lane: LaneId,
        way: Way,
        count: Counted,
    },
    /// Nothing is known of a turnstile.
    TurnstileLost {
        lane: LaneId,
    },
    TicketMade {
        digest: CodeDigest,
        persons: u32,
        /// `None`: from now on.
        valid_from: Option<Timestamp>,
        valid_until: Timestamp,
        by: String,
    },
    /// As [`Input::TicketMade`], under a code of this site's own keys, good in these zones; none named: everywhere.
    TicketIssued {
        persons: u32,
        valid_from: Option<Timestamp>,
        valid_until: Timestamp,
        zones: Vec<ZoneId>,
        medium: Medium,
        by: String,
    },
    TicketRevoked {
        ticket: TicketId,
        by: String,
    },
    /// Somebody wants tickets.
    TicketsAsked(TicketsAsked),
    /// A counter that settles by account wants its order as paid.
    TicketsConfirmed {
        counter: CounterId,
        order: OrderId,
    },
    TicketsReturned(ReturnAsked),
    TicketsMoved(MoveAsked),
    /// A ticket is for somebody else from now on: its codes so far are worth nothing.
    TicketRenamed {
        ticket: TicketId,
        visitor: Visitor,
        by: Asker,
    },
    /// An operator wants to read the name and number of a ticket's visitor. The ticket as the tables know it.
    VisitorShown {
        ticket: Box<Ticket>,
        who: String,
        reason: String,
    },
    /// Tickets are about to be printed: the paper's codes are the only ones that are good from now on.
    TicketsPrinted {
        tickets: Vec<TicketId>,
        who: String,
        reason: String,
    },
    /// An operator does something with a time slot.
    SlotSet {
        schedule: ScheduleId,
        day: Date,
        slot: SlotId,
        act: SlotAct,
        who: String,
        reason: String,
    },
    /// The site stays closed on these days: all that was sold for them goes back.
    ClosureAsked {
        from: Date,
        until: Date,
        who: String,
        reason: String,
    },
    /// What the tables know of orders that a closure gives back.
    ClosureFound {
        closure: ClosureId,
        after: TicketId,
        bought: Vec<Bought>,
    },
    /// Whoever paid in cash for tickets that went back without it fetches it at the window.
    CashFetched {
        bought: Bought,
        who: String,
        /// Who stands there too, above the sum that the site says.
        second: Option<String>,
    },
    /// A person decides about an admission of which nobody knows.
    AdmissionSettled {
        admission: AdmissionId,
        used: bool,
        who: String,
        reason: String,
    },
    /// The vehicle in an entry lane has no plate: its driver says so by phone, or an operator does.
    NoPlate {
        lane: LaneId,
        phone: Option<CodeDigest>,
        by: String,
    },
    /// The driver of a vehicle without a plate stands at an exit with the phone it came in with.
    PhoneShown {
        lane: LaneId,
        phone: CodeDigest,
    },
    /// An operator changes the register.
    Manage {
        by: String,
        act: Manage,
    },
    /// A fire contact, by the device it is wired to. Told when it changes, and whenever it is read anew.
    Fire {
        contact: DeviceId,
        on: bool,
    },
    /// Somebody at a lane asks for a person.
    HelpAsked {
        lane: LaneId,
        from: CallFrom,
        says: String,
    },
    /// An operator does something about a task.
    TaskActed {
        task: TaskId,
        act: TaskAct,
        who: String,
    },
    /// An operator counted a zone, with what lies within it.
    ZoneCounted {
        zone: ZoneId,
        found: u32,
        who: String,
        reason: String,
    },
    /// An operator does something with a card.
    CardActed {
        card: CodeDigest,
        /// What operators tell it from others by.
        tail: String,
        act: CardAct,
        who: String,
        reason: String,
    },
    /// A code that looks like one of a cloud was held before a turnstile's scanner.
    CloudScanned {
        lane: LaneId,
        cloud: ChannelId,
        digest: CodeDigest,
        /// For the cloud alone.
        sealed: String,
    },
    /// What the tables know of such a code.
    CloudLooked {
        pass: CloudPassId,
        found: Option<Ticket>,
    },
    CloudSaid {
        pass: CloudPassId,
        word: CloudWord,
    },
    /// The home of a ticket answers what was asked.
    SisterSaid {
        ask: AskId,
        word: SisterWord,
    },
    /// A sister daemon asks for a person on a ticket of ours. `found`: as the tables know it, where it is over.
    SisterAsked {
        sister: u8,
        asked: SisterQuestion,
        found: Option<Ticket>,
    },
    /// What happened at a sister daemon. `found`: tickets of the reports that are over, as the tables know them.
    SisterTold {
        sister: u8,
        news: SisterNews,
        found: Vec<Ticket>,
    },
    /// A sister daemon knows what became of these; of `doubles` it says that they came in there as well.
    SisterTook {
        asks: Vec<AskId>,
        doubles: Vec<AskId>,
    },
    SisterHeard {
        sister: u8,
    },
    SisterLost {
        sister: u8,
        why: String,
    },
    /// The site's files were read again: other prices and products hold from here on.
    RulesRead {
        who: String,
        digest: String,
        reason: String,
    },
    /// A deadline may have come.
    Tick,
}

/// A code in the hand of staff. The same `key` is the same check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandCheck {
    pub key: String,
    pub zone: ZoneId,
    pub way: Way,
    pub shown: Presented,
    /// As the tables know it, also where it is over.
    pub found: Option<Ticket>,
    /// So many of a group at once; 1 or more.
    pub persons: u32,
    /// The operator with the phone.
    pub who: String,
}

/// What a payer's code is to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// What the vehicle owes that waits there.
    Lane(LaneId),
    Order(OrderId),
}

/// What a counter sells. The same `key` of the same counter is the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleAsked {
    pub counter: CounterId,
    pub key: String,
    pub subject: String,
    pub amount_minor: i64,
}

/// Money to give back of a payment, given with its order as both are on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAsked {
    pub payment: Payment,
    pub order: Order,
    pub amount_minor: i64,
    /// The asker's number of it: the same number is the same refund.
    pub key: String,
    pub who: String,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArmOutcome {
    Done,
    Refused(String),
    /// Nobody answered; whether it moved, only the limits tell.
    Silent(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassOutcome {
    /// Taken. The turnstile's counter, read after it took the order; `None`: it has none.
    Done(Option<u32>),
    Refused(String),
    /// Nobody answered, or the counter could not be read; whether anybody can go, only the turnstile knows.
    Silent(String),
}

/// What the one who asked is told.
pub type Reply = Result<Answer, Refusal>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// Seen before; nothing to do.
    Duplicate,
    /// This payment collects the order; its cashier link may still be on its way.
    Payment(PaymentId),
    /// The order is paid already.
    AlreadyPaid,
    /// What is bound to the plate is being charged for the order: nobody else pays it meanwhile.
    Charging,
    /// Registered under this number, now or before.
    Ticket(TicketId),
    /// Let in once the one before is through, or once the ticket's home has said so.
    Queued,
    /// The ticket's home is being asked: the same check again tells what came of it.
    Asked,
    /// A person is kept for a sister daemon; the ticket as it was before.
    Lent(Box<Ticket>),
    /// A sister daemon's news are known, but for those to be told again in a moment; of `doubles`, somebody else came in
    /// here as well.
    Told {
        doubles: Vec<AskId>,
        later: Vec<AskId>,
    },
    /// What there is to pay.
    Order(OrderId),
    /// This invoice is of the order, asked for now or before.
    Invoice(InvoiceId),
    /// Paid already, or nothing to pay: until then, where a time is set.
    NothingOwed(Option<Timestamp>),
    /// Goes back, or waits for a second person.
    Refund(RefundId),
    Shift(ShiftId),
    /// Taken; so much goes back as change.
    Cash(CashId, Money),
    Merchant(MerchantId),
    Validation(ValidationId),
    /// Tickets went back, and what for.
    Returned(Returned),
    Closure(ClosureId),
    /// On the register under this number.
    Entered(i64),
    /// A vehicle without a plate is called so.
    Named(Plate),
}

/// What the bank's word answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    Generate,
    Query,
    Reverse,
    /// Nothing: the bank spoke first.
    Notified,
}
