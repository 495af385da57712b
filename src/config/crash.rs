//! Where a daemon is to die on purpose: from the environment alone, so that no site file can say it. Kills nothing.

use crate::crash_point::{CrashAt, NoPoint};

/// Names the place; see [`crate::crash_point`].
const VARIABLE: &str = "PAIFANG_CRASH_AT";

/// `None`, as on every site: nowhere.
pub fn crash_at() -> Result<Option<CrashAt>, NoPoint> {
    #[expect(clippy::disallowed_methods, reason = "a setting, read where settings are")]
    let named = std::env::var(VARIABLE);
    named.ok().map(|text| CrashAt::parse(&text)).transpose()
}
