//! What a large site has besides lanes for vehicles: a zone within, a sign that counts spaces, a booth. Their sections of
//! the site file, and the far ends of their wires. Moves nobody.

use std::{io, path::Path};

use crate::wire::{Line, Pty};

/// The zone within and its two lanes.
pub(super) const ZONE: &str = "b1";
pub(super) const BOOTH: &str = "booth-east";

const SIGN: &str = "sign";

/// The prices, one file beside the site file.
pub(super) const TARIFF: &str = r#"# By day each started hour, by night each started two hours, at most 40 a day.
name = "lot"

[[band]]
name = "白天 Day"
hours = "07:00-21:00"
rate = [{ amount = "5", every = "1h" }]

[[band]]
name = "夜间 Night"
hours = "21:00-07:00"
rate = [{ amount = "5", every = "2h" }]

[[cap]]
amount = "40"
per = "day"
"#;

/// The wires; dropped, they go.
#[derive(Clone, Debug)]
pub struct Annex {
    sign: Line,
}

impl Annex {
    pub(super) fn connect(lines: &Path) -> io::Result<Self> {
        Ok(Self { sign: Line::start(Pty::linked(lines.join(SIGN))?, &[], 1) })
    }

    /// What the sign at the street shows.
    pub fn sign(&self) -> Vec<String> {
        self.sign.screen(0)
    }
}

/// The sections of the site file.
pub(super) fn sections(lines: &Path) -> String {
    let sign = lines.join(SIGN).display().to_string();
    format!(
        r#"[till]
booths = ["{BOOTH}", "window"]

[tariffs]
main = "lot"

[shares]
remainder = "operator"
[[shares.partner]]
id = "operator"
name = "湖畔停车管理有限公司"
[[shares.partner]]
id = "land-owner"
name = "湖畔地产"
[[shares.rule]]
partner = "land-owner"
percent = "12.5"
of = "gross"

[matching]
percent_min = 101 # an operator looks at each misread, so that there is one to look at

[[zone]]
id = "lot"
name = "地面"
capacity = 60

[[zone]]
id = "{ZONE}"
name = "地下一层"
parent = "lot"
capacity = 30

[[sign]]
device = "led-sign"
zones = ["lot", "{ZONE}"]

[[bus]]
id = "line-sign"
path = "{sign}"

[[device]]
id = "led-sign"
profile = "display/olm-led"
bus = "line-sign"

"#
    )
}
