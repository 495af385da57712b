//! What operators, merchants and arrears are allowed. Knows no bank.

/// See the fields.
#[derive(Clone, Debug, Default)]
pub struct TillRules {}
