//! Which codes are tickets of a bank's own cloud. Knows no wire.

use std::{future::Future, ops::RangeInclusive, pin::Pin};

use crate::types::CloudWord;

/// A word about a ticket in the making.
pub type Clouding<'a> = Pin<Box<dyn Future<Output = CloudWord> + Send + 'a>>;

/// What a cloud's codes look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudShape {
    pub prefix: String,
    pub chars: RangeInclusive<usize>,
    /// Figures only, behind the prefix.
    pub figures: bool,
}

impl CloudShape {
    pub fn fits(&self, code: &str) -> bool {
        let code = code.trim();
        let Some(rest) = code.strip_prefix(self.prefix.as_str()) else { return false };
        self.chars.contains(&code.chars().count())
            && (!self.figures || rest.bytes().all(|byte| byte.is_ascii_digit()))
    }
}
