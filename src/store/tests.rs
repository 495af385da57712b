//! The store on real files: what goes in comes back, whole or not at all.

mod accounts;
mod backup;
mod counts;
mod faults;
mod pages;
mod rounds;
mod site;
