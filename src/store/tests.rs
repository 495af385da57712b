//! The store on real files: what goes in comes back, whole or not at all.

mod accounts;
mod backup;
mod counts;
mod faults;
mod money;
mod pages;
mod past;
mod programs;
mod register;
mod rounds;
mod sales;
mod settlements;
mod site;
mod visits;
