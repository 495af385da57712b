//! A whole car park on this machine: the world in real time, its devices behind real wires, drivers and an attendant at
//! the daemon's pages, and a bank. Starts no daemon: it writes the site file for one and works with whoever runs it.
//!
//! ```text
//!   layout   what stands where, and the site file that says so
//!   wires    the far end of each lane's wires: board, display, camera
//!   engine   the world on the real clock; happenings go out, what the wires do comes in
//!   people   drivers' phones; `attendant` at the console
//!   crew     who has an account, of each role one
//!   annex    what a large site has besides: a zone within, a sign, a booth
//!   scenic   its scenic part: turnstile, scanners, board, printer, products; `kiosk` and window sell there
//!   visitors come on foot: `guests` tells who, `buyer` is their phone, `passage` how they go through
//!   staff    who works there: `office`, `booth`; `tales` counts what happened
//!   shown    what a display says, as a driver understands it
//!   books    the bank's books beside the site's ledger
//! ```

mod annex;
mod attendant;
pub mod books;
mod booth;
mod buyer;
pub mod crew;
mod engine;
mod guests;
mod kiosk;
mod layout;
mod office;
mod passage;
mod people;
mod scenic;
mod shown;
mod staff;
mod stage;
mod tales;
mod visitors;
mod wires;

pub use self::{
    annex::Annex,
    attendant::{Attendant, NAME as ATTENDANT},
    books::{Compared, compare},
    buyer::{Buyer, Held, When, pickup, tickets},
    engine::Counts,
    kiosk::{Kiosk, Paper},
    layout::{By, LaneAt, Layout, PASSWORD, Plan, Speaks},
    scenic::{GATE_IN, GATE_OUT, Scenic},
    stage::{Stage, StageSpec},
    tales::{Tale, Tales},
    wires::{Pulse, Wires},
};

#[expect(clippy::disallowed_methods, reason = "the simulated site lives in real time")]
fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
