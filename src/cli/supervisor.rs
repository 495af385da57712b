//! What systemd, or any supervisor that speaks as it does, is told: ready, alive, stopping. Says nothing where nobody
//! asks.

use sd_notify::NotifyState;
use tokio::time::{interval, timeout};
use tracing::warn;

use crate::app::App;

/// The site serves vehicles.
pub fn ready() {
    say(&[NotifyState::Ready]);
}

/// What is under way is being finished.
pub fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// As long as the writer answers, also on a full disk, the supervisor hears so, twice in the time it gives. A writer
/// that hangs is not vouched for: the process is started anew and goes on from the journal.
pub async fn watchdog(app: App) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut beat = interval(patience / 2);
    loop {
        beat.tick().await;
        match timeout(patience / 2, app.read(|_| ())).await {
            Ok(Ok(())) => say(&[NotifyState::Watchdog]),
            Ok(Err(_)) => return,
            Err(_) => {
                warn!("the writer does not answer; the supervisor will start the daemon anew")
            }
        }
    }
}

/// For as long as nothing but a page is served; never ends.
pub async fn alive() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut beat = interval(patience / 2);
    loop {
        beat.tick().await;
        say(&[NotifyState::Watchdog]);
    }
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(trouble) = sd_notify::notify(states) {
        warn!(%trouble, "the supervisor cannot be told");
    }
}
