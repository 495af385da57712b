//! Going through the turnstile on foot: a code before the scanner, a push, a look at the board, a wait while it is full
//! inside. Knows no product.

use std::time::Duration;

use paifang_devices::Way;
use tokio::time::{Instant, sleep};

use super::{
    scenic::Scenic,
    tales::{Tale, Tales},
};

/// Whoever is not let in by then holds the code there once more: so soon after the one before, it may have been taken
/// for the same scan.
const SCANS_AGAIN: Duration = Duration::from_secs(2);
const SCANS_MAX: u32 = 4;
/// Somebody has to leave first.
const FULL_PATIENCE: Duration = Duration::from_mins(1);
const FULL: &str = "园内已满";
const STEPS_UP: Duration = Duration::from_secs(1);
/// Between two pushes.
const PUSH: Duration = Duration::from_millis(100);

/// Whether they are in; `code` is what is shown at that moment.
pub(super) async fn goes_in(scenic: &Scenic, code: impl Fn() -> String, tales: &Tales) -> bool {
    let _turn = scenic.turn(Way::In).await;
    is_let_in(scenic, code, tales).await
}

/// The same for whoever has the turn already.
pub(super) async fn is_let_in(scenic: &Scenic, code: impl Fn() -> String, tales: &Tales) -> bool {
    for _ in 0..SCANS_MAX {
        scenic.scan(Way::In, &code());
        if pushes(scenic, Way::In, SCANS_AGAIN).await {
            return true;
        }
        if scenic.shows().iter().any(|line| line.contains(FULL)) {
            let said = scenic.shows().join(" ");
            tales.tell(Tale::Full, || format!("a visitor waits at the turnstile: {said}"));
            if pushes(scenic, Way::In, FULL_PATIENCE).await {
                let words = || "somebody left, and the visitor who waited was let in".into();
                tales.tell(Tale::FullThenIn, words);
                return true;
            }
        }
    }
    false
}

/// Turned away, and the board says why in these words.
pub(super) async fn is_refused(scenic: &Scenic, code: &str, words: &str) -> bool {
    let _turn = scenic.turn(Way::In).await;
    // While the one before walks through, the board is theirs.
    sleep(STEPS_UP).await;
    scenic.scan(Way::In, code);
    let until = Instant::now() + SCANS_AGAIN;
    while Instant::now() < until {
        if scenic.walk(Way::In) {
            return false;
        }
        if scenic.shows().iter().any(|line| line.contains(words)) {
            return true;
        }
        sleep(PUSH).await;
    }
    false
}

/// By the scanner inside; whether they are out.
pub(super) async fn goes_out(scenic: &Scenic, code: &str, tales: &Tales) -> bool {
    let _turn = scenic.turn(Way::Out).await;
    for _ in 0..SCANS_MAX {
        scenic.scan(Way::Out, code);
        if pushes(scenic, Way::Out, SCANS_AGAIN).await {
            tales.tell(Tale::PersonOut, || {
                "the first visitor leaves by a scan at the way out".into()
            });
            return true;
        }
    }
    false
}

async fn pushes(scenic: &Scenic, way: Way, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if scenic.walk(way) {
            return true;
        }
        sleep(PUSH).await;
    }
    false
}
