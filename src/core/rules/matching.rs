//! When a misread is taken for a stay, and when a person is asked. Knows no camera.

/// See the fields.
#[derive(Clone, Debug, Default)]
pub struct MatchRules {}
