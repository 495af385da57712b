//! Why the core does not do what it was told: what happened, to whom, what to do next. Knows no page.

use jiff::Timestamp;

use super::{
    lane::Reject,
    limit::LimitName,
    selling::{NoChange, NoSale},
    ticket::NotAdmitted,
};
use crate::types::{
    AdmissionId, ArrearsId, BoothId, CashId, ChannelId, LaneId, MerchantId, Money, OrderId,
    PaymentId, RefundId, StayId, TaskId, TicketId, ValidationId, ZoneId,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no lane is called {0}")]
    NoLane(LaneId),
    #[error("lane {0} cannot do that now: {1:?}")]
    Lane(LaneId, Reject),
    #[error("a reason is needed: it goes on record with your name")]
    NoReason,
    #[error("order {0} is not waiting to be paid")]
    NotDue(OrderId),
    #[error("no payment is called {0}")]
    NoPayment(String),
    #[error("no refund is called {0}")]
    NoRefund(RefundId),
    #[error("the bank spoke of {0} in a way that does not fit what was asked")]
    WordUnfit(String),
    #[error("the command is not the one the lane waits for")]
    OldCommand,
    #[error("no vehicle stands in lane {0}")]
    NobodyThere(LaneId),
    #[error("lane {0} lets nobody in: {1:?}")]
    NotAdmitted(LaneId, NotAdmitted),
    #[error("no ticket is called {0}, or it is over")]
    NoTicket(TicketId),
    #[error("a ticket is for 1 to 1000 persons and valid for a time that is not over")]
    TicketUnfit,
    #[error("ticket {0} has this code already, for other persons or another time")]
    TicketDiffers(TicketId),
    #[error("admission {0} waits for nobody's decision")]
    NoAdmission(AdmissionId),
    #[error("a plate can be read here, or no vehicle stands there: nobody needs a stand-in at {0}")]
    PlateThere(LaneId),
    #[error("this phone has a vehicle inside already")]
    PhoneInside,
    #[error("no vehicle inside came in with this phone: ask the operator")]
    PhoneUnknown,
    #[error("{0}")]
    Unfit(#[from] super::manage::Unfit),
    #[error("{0}")]
    NoInvoice(#[from] super::invoice::NoInvoice),
    #[error("{0}")]
    NoSale(#[from] NoSale),
    #[error("{0}")]
    NoChange(#[from] NoChange),
    #[error("no open stay is called {0}")]
    NoStay(StayId),
    #[error(
        "nobody inside has a plate like that; at most one character may differ from what the camera of lane {0} read"
    )]
    PlateUnfit(LaneId),
    #[error("too many plates were tried at lane {0}; an operator has been called")]
    TriesSpent(LaneId),
    #[error("an operator has been asked to confirm the plate at lane {0}")]
    OperatorAsked(LaneId),
    #[error("no task is called {0}, or it is settled; look at the list again")]
    NoTask(TaskId),
    #[error("no sister daemon has the number {0}: name it in the site file under [[sister]]")]
    NoSister(u8),
    #[error("ticket {0} was sold by another daemon of this site: change it there")]
    ElsewhereSold(TicketId),
    #[error("this card stands for ticket {0}: unbind it there first")]
    CardTaken(TicketId),
    #[error("ticket {0} has a card for each of its persons")]
    CardsFull(TicketId),
    #[error("this card stands for no ticket")]
    NoCard,
    #[error("no zone is called {0}")]
    NoZone(ZoneId),
    #[error("more than {most} vehicles cannot be in there; count again")]
    CountUnfit { most: u32 },
    #[error("no vehicle with this plate is inside")]
    NotInside,
    #[error("no booth is called {0}: name it in the site file under till.booths")]
    NoBooth(BoothId),
    #[error("booth {0} has an open shift: hand it over or take it over first")]
    BoothOpen(BoothId),
    #[error("you have an open shift at booth {0}: end it first")]
    ShiftOpen(BoothId),
    #[error("cash moves in an open shift only: open one at your booth")]
    NoShift,
    #[error("the amount does not fit: from 0 up to what it is about")]
    AmountUnfit,
    #[error("{0} is owed and less was given")]
    NotEnough(Money),
    #[error("cash {0} was given back already")]
    RefundedBefore(CashId),
    #[error("no arrears are called {0}, or they are over")]
    NoArrears(ArrearsId),
    #[error("the vehicle in lane {0} is on record as having come in")]
    EntryKnown(LaneId),
    #[error("its vehicle stands in lane {0}: it has not left")]
    StandsThere(LaneId),
    #[error("the tariff has no fee for a lost entry: give the time it came in")]
    NoLostFee,
    #[error("no merchant is called {0}, or it gives nothing now")]
    NoMerchant(MerchantId),
    #[error("a merchant has a name, offers of different names and amounts that are not negative")]
    MerchantUnfit,
    #[error("merchant {0} makes no such offer")]
    NoOffer(MerchantId),
    #[error("the budget of this month is spent")]
    BudgetSpent,
    #[error("this stay has as many validations as a stay may have")]
    ValidationsFull,
    #[error("validation {0} was used or taken back already, or is of somebody else")]
    NoValidation(ValidationId),
    #[error("{0:?}: no more than {1} a day; another way of paying, or an operator, is needed")]
    LimitReached(LimitName, Money),
    #[error("payment {0} is not paid: there is nothing to give back")]
    NotPaid(String),
    #[error("no more than {0} can go back of this payment")]
    RefundTooMuch(Money),
    #[error("channel {0} gives back the whole of a payment only")]
    WholeOnly(ChannelId),
    #[error("somebody else has to agree to a refund you asked for")]
    SamePerson,
    #[error("payment {0} is decided; look at its record")]
    Decided(PaymentId),
    #[error("the bank may still collect payment {0} until {1}: look in its portal after that")]
    MayCollect(PaymentId, Timestamp),
    #[error("a sale has a number of 1 to 64 characters and a subject of 1 to 40")]
    SaleUnfit,
    #[error("this number was used for order {0}, of another amount or subject: take a new number")]
    SaleDiffers(OrderId),
    #[error("above {0} a second person has to agree: one other than you")]
    SecondNeeded(Money),
    #[error("there is a fire: ways out stay open until the contact is off")]
    Fire,
}
