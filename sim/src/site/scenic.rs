//! What the scenic part of a large site has: an area that holds so many persons, a turnstile with a scanner on each side
//! and a board that says why, a printer, and what is sold. Their sections of the site file, and the far ends of their
//! wires. Moves nobody.

use std::{io, path::Path, sync::Arc};

use paifang_devices::Way;
use tokio::sync::{Mutex, MutexGuard};

use crate::wire::{Line, Printer, Pty, Scanner, ScannerManner};

/// The people lanes of one turnstile.
pub const GATE_IN: &str = "gate-in";
pub const GATE_OUT: &str = "gate-out";
/// What the gates lead into.
pub(super) const PARK: &str = "park";
/// So few that it fills up while one watches.
pub(super) const PERSONS_MAX: u32 = 9;
pub(super) const PRINTER: &str = "ticket-printer";
/// The schedule of what opens the gates.
pub(super) const SCHEDULE: &str = "hours";

const GATE: &str = "gate";
const BOARD: &str = "gate-board";
const SCANNER: &str = "scanner";
const SCANNER_OUT: &str = "scanner-out";
const TURNSTILE: u8 = 1;

/// What is sold, beside the site file. A slot is sold until it ends, so that whoever comes finds one.
pub(super) const PRODUCTS: &str = r#"# Of a simulated site. Written anew at each start.
[[schedule]]
id = "hours"
name = "分时入园"
name_en = "Hours"
late_minutes = 30
quotas = { kiosk = 150 }

[[schedule.plan]]
slots = [
    "00:00-02:00 200", "02:00-04:00 200", "04:00-06:00 200", "06:00-08:00 300", "08:00-10:00 400", "10:00-12:00 400",
    "12:00-14:00 400", "14:00-16:00 400", "16:00-18:00 400", "18:00-20:00 300", "20:00-22:00 300", "22:00-00:00 200",
]

[[schedule]]
id = "boat"
name = "游船"
name_en = "Boat"
early_minutes = 15

[[schedule.plan]]
days = ["weekend"]
slots = ["00:00-09:00 60", "09:00-11:00 60", "11:00-13:00 60", "13:00-15:00 60", "15:00-17:00 40", "17:00-24:00 40"]

[[schedule.plan]]
slots = ["00:00-10:00 40", "10:00-13:00 40", "13:00-16:00 40", "16:00-24:00 30"]

[[product]]
id = "day"
number = 1
name = "成人票"
name_en = "Adult"
kind = "adult"
price = [{ days = ["weekend"], amount = "80.00" }, { amount = "60.00" }]
areas = [{ zone = "park", returns = 1 }]
schedule = "hours"
sale = { days_ahead = 7, closes = "-2h" }
refund = [{ until = "24h", percent = 100 }, { until = "-2h", percent = 90 }]
rebook = { times = 2, until = "-2h" }
medium = "phone"

[[product]]
id = "child"
number = 2
name = "儿童票"
name_en = "Child"
kind = "child"
price = [{ amount = "30.00" }]
areas = [{ zone = "park" }]
valid = "day"
sale = { days_ahead = 7, closes = "-24h" }
refund = [{ until = "0m", percent = 100 }]

[[product]]
id = "family"
number = 3
name = "家庭票（一码多人）"
name_en = "Family, one code"
kind = "group"
persons = [2, 6]
price = [{ amount = "45.00" }]
areas = [{ zone = "park", returns = 1 }]
schedule = "hours"
sale = { days_ahead = 7, closes = "-2h" }
refund = [{ until = "-2h", percent = 90 }]

[[product]]
id = "paper"
number = 4
name = "纸质票（现场取票）"
name_en = "Paper, collected here"
kind = "adult"
price = [{ amount = "60.00" }]
areas = [{ zone = "park", returns = 1 }]
schedule = "hours"
sale = { days_ahead = 7, closes = "-2h" }
refund = [{ until = "-2h", percent = 90 }]
medium = "paper"

[[product]]
id = "boat"
number = 5
name = "游船票"
name_en = "Boat trip"
kind = "adult"
price = [{ days = ["weekend"], amount = "80.00" }, { amount = "60.00" }]
schedule = "boat"
refund = [{ until = "2h", percent = 100 }, { until = "0m", percent = 50 }]
rebook = { times = 1, until = "0m" }
"#;

/// The wires, and who stands before them; clones share both. Dropped, they go.
#[derive(Clone, Debug)]
pub struct Scenic {
    gate: Line,
    board: Line,
    scanners: [Scanner; 2],
    printer: Printer,
    queues: Arc<Queues>,
}

/// One stands there at a time; the others wait behind.
#[derive(Debug, Default)]
struct Queues {
    ways: [Mutex<()>; 2],
    printer: Mutex<()>,
}

fn side(way: Way) -> usize {
    match way {
        Way::In => 0,
        Way::Out => 1,
    }
}

impl Scenic {
    pub(super) fn connect(lines: &Path) -> io::Result<Self> {
        let pty = |name: &str| Pty::linked(lines.join(name));
        let scanner = |name: &str| {
            let manner = ScannerManner::Text { tail: b"\r".to_vec() };
            Ok::<_, io::Error>(Scanner::start(pty(name)?, manner))
        };
        Ok(Self {
            gate: Line::start_with(pty(GATE)?, &[], 0, &[TURNSTILE]),
            board: Line::start(pty(BOARD)?, &[], 1),
            scanners: [scanner(SCANNER)?, scanner(SCANNER_OUT)?],
            printer: Printer::serial(pty(PRINTER)?),
            queues: Arc::default(),
        })
    }

    /// The turn of whoever goes this way, until it is dropped.
    pub async fn turn(&self, way: Way) -> MutexGuard<'_, ()> {
        self.queues.ways[side(way)].lock().await
    }

    /// The same before the printer, where everybody takes their own paper.
    pub async fn turn_at_printer(&self) -> MutexGuard<'_, ()> {
        self.queues.printer.lock().await
    }

    /// Somebody holds a code before the scanner.
    pub fn scan(&self, way: Way, code: &str) {
        self.scanners[side(way)].scan(code);
    }

    /// Somebody pushes; `true`: it let them through.
    pub fn walk(&self, way: Way) -> bool {
        self.gate.walk(TURNSTILE, way)
    }

    /// What the board at the way in shows.
    pub fn shows(&self) -> Vec<String> {
        self.board.screen(0)
    }

    /// What it has said aloud, the oldest first.
    pub fn spoken(&self) -> Vec<String> {
        self.board.led(0).map(crate::wire::Led::spoken).unwrap_or_default()
    }

    pub fn printer(&self) -> &Printer {
        &self.printer
    }
}

/// The sections of the site file.
pub(super) fn sections(lines: &Path) -> String {
    let at = |name: &str| lines.join(name).display().to_string();
    let (gate, board, printer) = (at(GATE), at(BOARD), at(PRINTER));
    let (scanner, scanner_out) = (at(SCANNER), at(SCANNER_OUT));
    format!(
        r#"[[zone]]
id = "{PARK}"
name = "景区"
persons_max = {PERSONS_MAX}

[[bus]]
id = "line-gate"
path = "{gate}"

[[bus]]
id = "line-gate-board"
path = "{board}"

[[bus]]
id = "port-scanner"
path = "{scanner}"

[[bus]]
id = "port-scanner-out"
path = "{scanner_out}"

[[bus]]
id = "port-printer"
path = "{printer}"

[[device]]
id = "turnstile"
profile = "turnstile/lot-modbus"
bus = "line-gate"
address = {TURNSTILE}

[[device]]
id = "led-gate"
profile = "display/olm-led"
bus = "line-gate-board"

[[device]]
id = "scanner"
profile = "scanner/ascii-generic"
bus = "port-scanner"

[[device]]
id = "scanner-out"
profile = "scanner/ascii-generic"
bus = "port-scanner-out"

[[device]]
id = "{PRINTER}"
profile = "printer/escpos-serial"
bus = "port-printer"

[[lane]]
id = "{GATE_IN}"
name = "检票口·进 Gate in"
kind = "people"
direction = "entry"
zone = "{PARK}"
scanner = "scanner"
turnstile = "turnstile"
display = "led-gate"
times = {{ walk_s = 6 }}

[[lane]]
id = "{GATE_OUT}"
name = "检票口·出 Gate out"
kind = "people"
direction = "exit"
zone = "{PARK}"
scanner = "scanner-out"
turnstile = "turnstile"
times = {{ walk_s = 6 }}
"#
    )
}
