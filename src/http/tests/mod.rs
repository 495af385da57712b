//! The pages over a real socket, on the real core.

mod bank;
mod devices;
mod driver;
mod operator;
mod phone;
mod site;
