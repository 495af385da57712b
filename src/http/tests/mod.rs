//! The pages over a real socket, on the real core.

mod bank;
mod devices;
mod driver;
mod misreads;
mod operator;
mod people;
mod phone;
mod receipts;
mod site;
mod tasks;
mod till;
