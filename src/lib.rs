//! Paifang: one daemon per site. Decides who passes each lane, takes the money, loses nothing.
//!
//! ```text
//!  cameras, barriers, displays          phones, browsers        the bank
//!          |  MQTT, serial                    |  HTTP              |  HTTPS
//!   devices/ (codecs), src/io             src/http             src/bank
//!          \____________________ Input + now ___|___________________/
//!                                     |
//!                         src/core   decide (pure)
//!                                     |  changes + effects
//!                         src/app    commit, then act
//!                                     |
//!                         src/store  journal + tables
//! ```

pub mod app;
pub mod bank;
pub mod cli;
pub mod config;
pub mod core;
pub mod crash_point;
pub mod http;
pub mod invoice;
pub mod io;
pub mod settle;
pub mod store;
pub mod tickets;
pub mod types;
