//! People on foot: families with one ticket between them at the scanner and the turnstile. Know no vehicle.

use std::{sync::Arc, time::Duration};

use paifang::core::lane::OperatorAct;
use paifang_devices::Way;
use tokio::time::sleep;

use super::{
    annex::{Annex, GATE_OUT},
    attendant::Attendant,
    guests,
    tales::{Tale, Tales},
    wall_clock,
};
use crate::seed::Seed;

/// A turnstile that has not opened by now opens for nobody.
const PATIENCE: Duration = Duration::from_secs(8);
/// Whoever is not let in by then holds the code there once more: so soon after the one before, it may have been taken
/// for the same scan.
const SCANS_AGAIN: Duration = Duration::from_secs(2);
const SCANS_MAX: u32 = 4;
/// Between two pushes.
const PUSH: Duration = Duration::from_millis(200);
/// A pass that nobody used is over after this, and given back.
const GIVEN_BACK: Duration = Duration::from_secs(9);
const TICKET_LIFE: Duration = Duration::from_hours(12);

/// Families, one after the other, for ever.
pub(super) async fn come(
    annex: Annex,
    seller: Arc<Attendant>,
    url: String,
    tales: Tales,
    seed: u64,
) {
    let mut draws = Seed(seed).child("visitors").draws();
    // Whoever leaves just pushes.
    seller.operate(GATE_OUT, OperatorAct::Hold, "the way out is free").await;
    for number in 1.. {
        sleep(draws.secs(1.0, 4.0)).await;
        if number % 2 == 0 {
            if guests::comes(&annex, &url, number / 2, &tales).await {
                let (annex, tales, stay) = (annex.clone(), tales.clone(), draws.secs(5.0, 20.0));
                tokio::spawn(leave(annex, 1, stay, tales));
            }
            continue;
        }
        let code = format!("DEMO-{seed}-{number}-{}", wall_clock().as_millisecond());
        let persons = draws.between(2, 5) as u32;
        let Some(_) = seller.sell(&code, persons, wall_clock() + TICKET_LIFE).await else {
            continue;
        };
        let inside = goes_in(&annex, &code, persons, number % 3 == 1, &tales).await;
        let (annex, tales, stay) = (annex.clone(), tales.clone(), draws.secs(5.0, 20.0));
        tokio::spawn(leave(annex, inside, stay, tales));
    }
}

async fn leave(annex: Annex, persons: u32, stay: Duration, tales: Tales) {
    sleep(stay).await;
    for _ in 0..persons {
        if pushes(&annex, Way::Out, PATIENCE).await {
            tales.tell(Tale::PersonOut, || "the first visitor leaves by the turnstile".into());
        }
    }
}

/// Somebody who has just scanned pushes for a while.
pub(super) async fn pushes_in(annex: &Annex) -> bool {
    pushes(annex, Way::In, SCANS_AGAIN).await
}

/// How many of them got in. One may turn round before the turnstile and come again.
async fn goes_in(annex: &Annex, code: &str, persons: u32, dawdles: bool, tales: &Tales) -> u32 {
    if dawdles {
        annex.scan(code);
        sleep(GIVEN_BACK).await;
    }
    let mut inside = 0;
    for _ in 0..persons {
        if scans_and_goes(annex, code).await {
            inside += 1;
            tales.tell(Tale::PersonIn, || {
                format!("a family of {persons} with one ticket: the first of them is in")
            });
        }
        sleep(PUSH).await;
    }
    if dawdles && inside == persons {
        tales.tell(Tale::TurnedRound, || {
            format!("one of them had scanned and turned round: all {persons} came in all the same")
        });
    }
    inside
}

async fn scans_and_goes(annex: &Annex, code: &str) -> bool {
    for _ in 0..SCANS_MAX {
        annex.scan(code);
        if pushes(annex, Way::In, SCANS_AGAIN).await {
            return true;
        }
    }
    false
}

async fn pushes(annex: &Annex, way: Way, patience: Duration) -> bool {
    for _ in 0..patience.as_millis() / PUSH.as_millis() {
        if annex.walk(way) {
            return true;
        }
        sleep(PUSH).await;
    }
    false
}
