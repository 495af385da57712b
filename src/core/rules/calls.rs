//! When a person is called, and to what. Knows no page.

/// See the fields.
#[derive(Clone, Debug, Default)]
pub struct CallRules {}
