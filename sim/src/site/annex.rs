//! What a large site has besides lanes for vehicles: a zone within, a sign that counts spaces, a turnstile with its
//! scanner, a booth. Their sections of the site file, and the far ends of their wires. Moves nobody.

use std::{io, path::Path};

use paifang_devices::Way;

use crate::wire::{Line, Pty, Scanner, ScannerManner};

/// The zone within and its two lanes.
pub(super) const ZONE: &str = "b1";
/// The people lanes of one turnstile.
pub const GATE_IN: &str = "gate-in";
pub(super) const GATE_OUT: &str = "gate-out";
pub(super) const BOOTH: &str = "booth-east";

const SIGN: &str = "sign";
const GATE: &str = "gate";
const SCANNER: &str = "scanner";
/// Of the way out, which nobody uses while that stands free.
const SCANNER_OUT: &str = "scanner-out";
const TURNSTILE: u8 = 1;

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
    gate: Line,
    scanner: Scanner,
    _scanner_out: Scanner,
}

impl Annex {
    pub(super) fn connect(lines: &Path) -> io::Result<Self> {
        let pty = |name: &str| Pty::linked(lines.join(name));
        let manner = || ScannerManner::Text { tail: b"\r".to_vec() };
        Ok(Self {
            sign: Line::start(pty(SIGN)?, &[], 1),
            gate: Line::start_with(pty(GATE)?, &[], 0, &[TURNSTILE]),
            scanner: Scanner::start(pty(SCANNER)?, manner()),
            _scanner_out: Scanner::start(pty(SCANNER_OUT)?, manner()),
        })
    }

    /// What the sign at the street shows.
    pub fn sign(&self) -> Vec<String> {
        self.sign.screen(0)
    }

    /// Somebody holds a code before the scanner.
    pub fn scan(&self, code: &str) {
        self.scanner.scan(code);
    }

    /// Somebody pushes; `true`: it let them through.
    pub fn walk(&self, way: Way) -> bool {
        self.gate.walk(TURNSTILE, way)
    }
}

/// The sections of the site file.
pub(super) fn sections(lines: &Path) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    let (sign, gate, scanner, scanner_out) = (at(SIGN), at(GATE), at(SCANNER), at(SCANNER_OUT));
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

[[bus]]
id = "line-gate"
path = "{gate}"

[[bus]]
id = "port-scanner"
path = "{scanner}"

[[bus]]
id = "port-scanner-out"
path = "{scanner_out}"

[[device]]
id = "led-sign"
profile = "display/olm-led"
bus = "line-sign"

[[device]]
id = "turnstile"
profile = "turnstile/lot-modbus"
bus = "line-gate"
address = {TURNSTILE}

[[device]]
id = "scanner"
profile = "scanner/ascii-generic"
bus = "port-scanner"

[[device]]
id = "scanner-out"
profile = "scanner/ascii-generic"
bus = "port-scanner-out"

[[lane]]
id = "{GATE_IN}"
name = "检票口·进 Gate in"
kind = "people"
direction = "entry"
scanner = "scanner"
turnstile = "turnstile"
times = {{ walk_s = 6 }}

[[lane]]
id = "{GATE_OUT}"
name = "检票口·出 Gate out"
kind = "people"
direction = "exit"
scanner = "scanner-out"
turnstile = "turnstile"
"#
    )
}
