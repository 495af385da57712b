//! The laws of a run, and what is said when one is broken. Knows not how a run is driven.

use std::fmt;

/// What must hold after every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Law {
    /// No arm opens without an order on record that has a cause.
    OpensWithCause,
    /// An order to an arm is carried out at most once.
    CommandOnce,
    /// No stay pays more than it owes, no order and no payment is settled twice.
    PaidOnce,
    /// Every posting moves an amount between two accounts, and its number is new.
    PostingsBalance,
    /// What the bank holds for us is what the ledger says it holds.
    BooksAgree,
    /// No close while a wired loop is occupied or unknown.
    ClosesWhenFree,
    /// The arm touches nobody.
    TouchesNobody,
    /// What is undecided is asked about, or an alarm tells of it.
    UndecidedVisible,
    /// The journal rebuilds the state.
    JournalRebuilds,
    /// Whoever stands before an arm gets out.
    NobodyTrapped,
    OneStayPerPlate,
    /// Time goes on: a deadline that has come is dealt with.
    DeadlinesEnd,
    /// What is over leaves memory.
    MemoryEmpties,
    /// No ticket lets in more persons than it is for.
    TicketOnce,
    /// Everybody on record as gone through a turnstile really went.
    UsedWalked,
    /// Whoever was let in went, was given back, or somebody is told that nobody knows.
    GrantsEnd,
    /// No turnstile opens for one without an admission on record.
    PassOnRecord,
    /// A fire opens every way out.
    FireOpens,
    /// A pass covers no more vehicles at a time than it has spaces.
    PoolSpaces,
    /// Nobody opens by hand without a reason on record.
    OpeningsReasoned,
    /// While a charge by the plate may be accepted, nothing else collects the same stay.
    ChargedAlone,
    /// A charge that a vehicle was let go for is paid, or owed.
    ChargedOrOwed,
    /// Nobody stands at an exit for a charge that nobody answers.
    PatienceEnds,
    /// What a zone holds is the stays in it and what was counted besides.
    OccupancyIsStays,
    /// What a shift says of itself is the sum of its postings.
    ShiftsAddUp,
    /// A drawer holds what its cash and the postings say, and nothing once it is counted.
    DrawerHolds,
    /// Nobody goes on owing more than was not paid.
    ArrearsFit,
    /// A merchant pays for no more than its offers say, within its budget.
    WithinBudget,
    /// An attempt and its refunds stay with the bank that was asked first.
    OneChannel,
    /// What goes back of a payment is at most what it was of, and nobody agrees to what they asked for.
    GivenBackOnce,
    /// What a settlement day does not fit in has a cause, and nothing is left once the bank has mended its statements.
    DayExplained,
    /// What the ledger owes to holders of passes is what their passes hold.
    StoredIsHeld,
    /// A fee is the sum of its lines, and an order asks for what is left of it and for arrears.
    FeeExplained,
    /// Who pays like anybody, or has a pass, comes in while a space is free.
    SpacesKept,
    /// A lane for some vehicles lets in no other.
    LaneServes,
    /// A reservation lets in one vehicle once.
    ReservedOnce,
    /// A pass that is inside does not come in again where the site forbids it.
    PassbackKept,
    /// Of two lanes that share a roadway, one opens while the other's arm is down.
    OneArmOfTwo,
    /// Of a time slot, sold is paid and held, and each is what orders and tickets say.
    PlacesCounted,
    /// No time slot has more sold than there are places.
    PlacesKept,
    /// A ticket lets in at its time, where it is good, as often as its product allows; one that went back stays so.
    RightsKept,
    /// No more persons are let into a zone than it holds, and who is inside went in and not out.
    CrowdKept,
    /// Tickets that are paid earn what they cost, and go on to be worth no more than what was earned.
    TicketsEarn,
}

impl Law {
    pub const ALL: [Self; 43] = [
        Self::OpensWithCause,
        Self::CommandOnce,
        Self::PaidOnce,
        Self::PostingsBalance,
        Self::BooksAgree,
        Self::ClosesWhenFree,
        Self::TouchesNobody,
        Self::UndecidedVisible,
        Self::JournalRebuilds,
        Self::NobodyTrapped,
        Self::OneStayPerPlate,
        Self::DeadlinesEnd,
        Self::MemoryEmpties,
        Self::TicketOnce,
        Self::UsedWalked,
        Self::GrantsEnd,
        Self::PassOnRecord,
        Self::FireOpens,
        Self::PoolSpaces,
        Self::OpeningsReasoned,
        Self::ChargedAlone,
        Self::ChargedOrOwed,
        Self::PatienceEnds,
        Self::OccupancyIsStays,
        Self::ShiftsAddUp,
        Self::DrawerHolds,
        Self::ArrearsFit,
        Self::WithinBudget,
        Self::OneChannel,
        Self::GivenBackOnce,
        Self::DayExplained,
        Self::StoredIsHeld,
        Self::FeeExplained,
        Self::SpacesKept,
        Self::LaneServes,
        Self::ReservedOnce,
        Self::PassbackKept,
        Self::OneArmOfTwo,
        Self::PlacesCounted,
        Self::PlacesKept,
        Self::RightsKept,
        Self::CrowdKept,
        Self::TicketsEarn,
    ];
}

/// A law, and what broke it.
#[derive(Clone, Debug)]
pub struct Broken {
    pub law: Law,
    pub what: String,
}

impl Broken {
    pub fn new(law: Law, what: impl Into<String>) -> Self {
        Self { law, what: what.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.law, self.what)
    }
}

/// `Err` with the law and the text unless `holds`.
pub(super) fn law(law: Law, holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(law, what())) }
}
