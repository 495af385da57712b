//! Who may come in and out: what the site does about passes, lists and a full lot. Knows no lane.

/// See the fields.
#[derive(Clone, Debug, Default)]
pub struct AccessRules {}
