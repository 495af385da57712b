//! The pages over a real socket, on the real core.

mod bank;
mod bank_door;
mod binding;
mod desk;
mod devices;
mod driver;
mod invoices;
mod lists;
mod misreads;
mod operator;
mod payments;
mod people;
mod phone;
mod programs;
mod receipts;
mod register;
mod reports;
mod roles;
mod site;
mod tariffs;
mod tasks;
mod till;
mod users;
mod visit;
