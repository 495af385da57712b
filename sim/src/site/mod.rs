//! A whole car park on this machine: the world in real time, its devices behind real wires, drivers and an attendant at
//! the daemon's pages, and a bank. Starts no daemon: it writes the site file for one and works with whoever runs it.
//!
//! ```text
//!   layout   what stands where, and the site file that says so
//!   wires    the far end of each lane's wires: board, display, camera
//!   engine   the world on the real clock; happenings go out, what the wires do comes in
//!   people   drivers' phones; `attendant` at the console
//!   shown    what a display says, as a driver understands it
//!   books    the bank's books beside the site's ledger
//! ```

mod attendant;
pub mod books;
mod engine;
mod layout;
mod people;
mod shown;
mod stage;
mod wires;

pub use self::{
    attendant::{Attendant, NAME as ATTENDANT},
    books::{Compared, compare},
    engine::Counts,
    layout::{By, LaneAt, Layout, PASSWORD, Plan, Speaks},
    stage::{Stage, StageSpec},
    wires::{Pulse, Wires},
};

#[expect(clippy::disallowed_methods, reason = "the simulated site lives in real time")]
fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
