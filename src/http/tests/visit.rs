//! Tickets on the pages: bought, shown, returned, moved, printed; the site sells two kinds and has one schedule.

mod shop;
