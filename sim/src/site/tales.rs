//! What happened on a site, by kind: counted, and the first of each told. Makes nothing happen.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::mpsc;

/// What is worth a line of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tale {
    PersonIn,
    PersonOut,
    TurnedRound,
    Bought,
    PhoneIn,
    Forged,
    Photographed,
    CameBack,
    GroupIn,
    Collected,
    KioskSold,
    WindowSold,
    PaperIn,
    WrongSlot,
    Moved,
    Returned,
    Full,
    FullThenIn,
    Pass,
    PoolPays,
    Nameless,
    Validation,
    Misread,
    Cash,
    HandOver,
    Unpaid,
    Owes,
}

impl Tale {
    /// In the summary, behind its count.
    pub fn name(self) -> &'static str {
        match self {
            Self::PersonIn => "people in by their tickets",
            Self::PersonOut => "people out",
            Self::TurnedRound => "turned round and were given back",
            Self::Bought => "tickets bought on the page",
            Self::PhoneIn => "people in by the code on their phone",
            Self::Forged => "forged codes refused",
            Self::Photographed => "pictures of codes refused",
            Self::CameBack => "came back in on the same ticket",
            Self::GroupIn => "groups in with one code",
            Self::Collected => "tickets collected at the kiosk",
            Self::KioskSold => "tickets sold by the kiosk",
            Self::WindowSold => "tickets sold at the window for cash",
            Self::PaperIn => "people in by the code on paper",
            Self::WrongSlot => "came at the wrong time and were told so",
            Self::Moved => "tickets moved to another slot",
            Self::Returned => "tickets given back",
            Self::Full => "waited while it was full inside",
            Self::FullThenIn => "of them let in once somebody left",
            Self::Pass => "left on a pass",
            Self::PoolPays => "of a pool paid, its space taken",
            Self::Nameless => "without a plate, known by their phone",
            Self::Validation => "validations by a merchant",
            Self::Misread => "misreads settled by an operator",
            Self::Cash => "paid in cash",
            Self::HandOver => "shifts handed over",
            Self::Unpaid => "left without paying",
            Self::Owes => "came again and were told what they owe",
        }
    }
}

/// Shared by everybody on the site.
#[derive(Clone, Debug)]
pub struct Tales {
    counts: Arc<Mutex<BTreeMap<Tale, u64>>>,
    firsts: mpsc::UnboundedSender<String>,
}

impl Tales {
    /// With what receives the first of each kind, in words.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (firsts, told) = mpsc::unbounded_channel();
        (Self { counts: Arc::default(), firsts }, told)
    }

    pub(super) fn tell(&self, tale: Tale, words: impl FnOnce() -> String) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(tale).or_default();
        *count += 1;
        if *count == 1 {
            // Nobody may be listening.
            let _ = self.firsts.send(words());
        }
    }

    /// How often each kind happened.
    pub fn counts(&self) -> BTreeMap<Tale, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_told_and_all_are_counted() {
        let (tales, mut told) = Tales::new();
        for words in ["one", "two"] {
            tales.tell(Tale::Cash, || words.to_owned());
        }
        tales.tell(Tale::Pass, || "pass".to_owned());
        assert_eq!(
            (told.try_recv().unwrap(), told.try_recv().unwrap()),
            ("one".into(), "pass".into())
        );
        assert!(told.try_recv().is_err());
        assert_eq!(tales.counts(), BTreeMap::from([(Tale::Cash, 2), (Tale::Pass, 1)]));
    }
}
