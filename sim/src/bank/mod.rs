//! The bank's side of the wire. Shares no line with the daemon's bank code: what it signs, verifies
//! and writes is its own, so that a mistake on one side cannot be repeated on the other.
//!
//! `model` is the bank itself in virtual time, without I/O, with `faults` and
//! its `words`; `pure` lets a simulation
//! talk to it in the daemon's words; `gateway` puts it behind HTTP with `wire` and `crypto` for the
//! signed envelope, `notices` for notifications and `cashier` for the customer's pages; `swiftpass` puts the same bank
//! behind the XML gateway of other banks; `wechat` and `alipay` put it behind those of the wallets, over one `wallet`.

pub mod alipay;
mod cashier;
mod crypto;
mod faults;
mod gateway;
mod model;
mod notices;
pub mod pure;
pub mod swiftpass;
mod wallet;
pub mod wechat;
mod wire;
mod words;

pub use crypto::{GatewayKeys, Hash};
pub use faults::Faults;
pub use gateway::{Gateway, GatewaySettings, PlateAgreement, SubOrder, scenic};
pub use model::Bank;
pub use wallet::{Departed, Entered, Wallet};
pub use words::{
    Answer, BillKind, BillLine, Book, ChargeAsked, Collect, FINAL_CODES, Generate, NO_ORDER_CODE,
    Notice, PayRefusal, RefundLine, RefundStanding, Refusal, Said, Spoil, Standing, State,
};
