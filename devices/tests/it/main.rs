//! What the profiles make of messages shaped as devices send them, one fixture for each kind. Every
//! value in them is invented.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod cases;
mod damage;
mod learn;
mod made_up;
mod mqtt;
mod push;
mod says;
mod table;
