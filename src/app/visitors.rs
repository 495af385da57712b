//! Deletes visitors' sealed names and numbers once they are old. Opens none.

use std::time::Duration;

use jiff::SignedDuration;
use tracing::{info, warn};

use super::App;
use crate::store::Accounts;

/// Once an hour, for as long as the daemon runs.
pub(super) async fn forget(app: App, accounts: Accounts, keep_days: u32) {
    let kept = SignedDuration::from_hours(i64::from(keep_days) * 24);
    let mut hour = tokio::time::interval(Duration::from_hours(1));
    loop {
        hour.tick().await;
        let Ok(before) = app.now().checked_sub(kept) else { continue };
        match accounts.drop_visitors(before).await {
            Ok(0) => {}
            Ok(dropped) => info!(dropped, "old names and numbers of visitors deleted"),
            Err(trouble) => warn!(%trouble, "old names of visitors could not be deleted"),
        }
    }
}
