//! How a site sells passes. Knows no pass.

use crate::core::pass_sale::{PassPrice, RestRule};

#[derive(Clone, Debug, Default)]
pub struct PassRules {
    /// In the order of the site file.
    pub prices: Vec<PassPrice>,
    /// What goes back of a pass that ends before its time.
    pub rest: RestRule,
}

impl PassRules {
    pub fn price(&self, id: &str) -> Option<&PassPrice> {
        self.prices.iter().find(|price| price.id == id)
    }
}
