//! What the pages need of the files that prices stand in: read, tried, written, read anew. Knows no folder.

use futures::future::BoxFuture;
use jiff::civil::Date;

use crate::core::tariff::Tariff;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMistake {
    /// Empty: the text that was just typed.
    pub file: String,
    /// From 1; 0: nowhere.
    pub line: usize,
    pub field: String,
    pub what: String,
}

impl RuleMistake {
    /// Nowhere in a file.
    pub fn plain(what: impl Into<String>) -> Self {
        Self { file: String::new(), line: 0, field: String::new(), what: what.into() }
    }
}

/// A text for the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffText {
    pub text: String,
    /// It was changed and never published.
    pub is_draft: bool,
}

/// The site's files of rules.
pub trait RuleFiles: Send + Sync + 'static {
    /// Reads all of them anew; the digest of them all. A mistake changes nothing.
    fn reload(&self, who: String) -> BoxFuture<'_, Result<String, Vec<RuleMistake>>>;

    /// The draft of a tariff, else its latest file; `None`: it stands in no file.
    fn text(&self, tariff: String) -> BoxFuture<'_, Option<TariffText>>;

    /// Keeps a draft; `None`: drops it.
    fn keep(&self, tariff: String, text: Option<String>) -> BoxFuture<'_, Result<(), RuleMistake>>;

    /// Reads a text as a tariff by itself.
    fn parse(&self, text: &str) -> Result<Tariff, RuleMistake>;

    /// Writes it as a new version from a day on, beside those there are, and reads all anew. What is refused leaves no
    /// file behind.
    fn publish(
        &self,
        who: String,
        tariff: String,
        text: String,
        from: Date,
    ) -> BoxFuture<'_, Result<String, Vec<RuleMistake>>>;
}
