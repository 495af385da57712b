//! The words of the trade as types: each holds its own law and nothing else. Knows no I/O.

pub mod account;
pub mod bank;
pub mod cloud;
pub mod code;
pub mod ids;
pub mod invoice;
pub mod money;
pub mod payer_code;
pub mod plate;
pub mod program;
pub mod role;
pub mod scope;
pub mod tax_number;
pub mod vehicle;

pub use account::AccountDid;
pub use cloud::{CloudAsk, CloudNo, CloudSlip, CloudWord};
pub use code::{Code, CodeDigest};
pub use ids::*;
pub use invoice::{Buyer, Contact, GivenBack, InvoiceAsk, InvoiceFor, InvoiceWord, RedOf};
pub use money::{Currency, Money};
pub use payer_code::{PayerCode, Wallet};
pub use plate::Plate;
pub use program::{KeptAnswer, Once, Program, Webhook, WebhookDraft};
pub use role::Role;
pub use scope::Scope;
pub use tax_number::{TaxNumber, TaxNumberError};
pub use vehicle::{PlateColour, Vehicle, VehicleClass};
