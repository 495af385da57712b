//! The pages over a real socket, on the real core.

mod bank;
mod driver;
mod operator;
mod people;
mod phone;
mod site;
