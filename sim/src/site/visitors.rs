//! People on foot, one after the other for ever: guests who buy by themselves, and families with a ticket that the
//! office registered. Knows no vehicle.

use std::{sync::Arc, time::Duration};

use paifang_devices::Way;
use tokio::{task::JoinSet, time::sleep};

use super::{
    attendant::Attendant,
    booth::Booth,
    guests::{Guest, Visit},
    kiosk::Kiosk,
    passage::{goes_out, is_let_in},
    scenic::{PARK, Scenic},
    tales::{Tale, Tales},
    wall_clock,
};
use crate::seed::{Draws, Seed};

/// A pass that nobody used is over after this, and given back.
const GIVEN_BACK: Duration = Duration::from_secs(9);
const TICKET_LIFE: Duration = Duration::from_hours(12);
/// So many at the same time; more would only queue.
const GUESTS_MAX: usize = 16;

/// Who comes next, over and over.
const ROUND: [Option<Guest>; 14] = [
    Some(Guest::ComesBack),
    None,
    Some(Guest::Collects),
    Some(Guest::TooEarlyMoves),
    Some(Guest::AtKiosk),
    Some(Guest::Forges),
    Some(Guest::Group),
    None,
    Some(Guest::TooEarlyReturns),
    Some(Guest::AtWindow),
    Some(Guest::Photographs),
    Some(Guest::ComesBack),
    Some(Guest::Group),
    Some(Guest::ComesBack),
];

/// The office and everything that visitors meet.
pub(super) struct Gates {
    pub(super) scenic: Scenic,
    pub(super) clerk: Arc<Attendant>,
    pub(super) booth: Arc<Booth>,
    pub(super) url: String,
    pub(super) tales: Tales,
    /// Seconds between two who come, from and to.
    pub(super) gap_s: (f64, f64),
}

impl Gates {
    pub(super) async fn open(self, seed: u64) {
        let mut draws = Seed(seed).child("visitors").draws();
        // Who was inside when an earlier run ended is not there any more.
        let count = [("zone", PARK), ("found", "0"), ("reason", "开园清场")];
        self.clerk.fill("/console/visitors/count", &count).await;
        let kiosk = Kiosk::open(&self.clerk, &self.scenic, &self.url).await;
        let mut people = JoinSet::new();
        for number in 0.. {
            let (from, to) = self.gap_s;
            sleep(draws.secs(from, to)).await;
            while people.len() >= GUESTS_MAX {
                people.join_next().await;
            }
            while people.try_join_next().is_some() {}
            let stay = draws.secs(5.0, 20.0);
            if let Some(guest) = ROUND[number % ROUND.len()] {
                people.spawn(self.visit(kiosk.clone(), stay, draws.secs(2.0, 5.0)).of(guest));
            } else {
                people.spawn(self.family(seed, number, &mut draws).comes(stay));
            }
        }
    }

    fn visit(&self, kiosk: Option<Kiosk>, stay: Duration, pause: Duration) -> Visit {
        let Self { scenic, booth, url, tales, .. } = self;
        let (scenic, booth, url) = (scenic.clone(), booth.clone(), url.clone());
        Visit { scenic, kiosk, booth, url, tales: tales.clone(), stay, pause }
    }

    fn family(&self, seed: u64, number: usize, draws: &mut Draws) -> Family {
        Family {
            code: format!("DEMO-{seed}-{number}-{}", wall_clock().as_millisecond()),
            persons: draws.between(2, 5) as u32,
            dawdles: number % ROUND.len() == 1,
            scenic: self.scenic.clone(),
            clerk: self.clerk.clone(),
            tales: self.tales.clone(),
        }
    }
}

/// With one ticket between them.
struct Family {
    code: String,
    persons: u32,
    /// One of them scans and turns round.
    dawdles: bool,
    scenic: Scenic,
    clerk: Arc<Attendant>,
    tales: Tales,
}

impl Family {
    async fn comes(self, stay: Duration) {
        let until = wall_clock() + TICKET_LIFE;
        if self.clerk.sell(&self.code, self.persons, until).await.is_none() {
            return;
        }
        let inside = self.goes_in().await;
        sleep(stay).await;
        for _ in 0..inside {
            goes_out(&self.scenic, &self.code, &self.tales).await;
        }
    }

    /// How many of them got in.
    async fn goes_in(&self) -> u32 {
        let persons = self.persons;
        let _turn = self.scenic.turn(Way::In).await;
        if self.dawdles {
            self.scenic.scan(Way::In, &self.code);
            sleep(GIVEN_BACK).await;
        }
        let mut inside = 0;
        for _ in 0..persons {
            if is_let_in(&self.scenic, || self.code.clone(), &self.tales).await {
                inside += 1;
                self.tales.tell(Tale::PersonIn, || {
                    format!("a family of {persons} with one ticket: the first of them is in")
                });
            }
        }
        if self.dawdles && inside == persons {
            self.tales.tell(Tale::TurnedRound, || {
                format!(
                    "one of them had scanned and turned round: all {persons} came in all the same"
                )
            });
        }
        inside
    }
}
