//! Every case of `tests/tariffs/cases`, priced with the tariffs beside them. Knows no daemon.

mod tables;
