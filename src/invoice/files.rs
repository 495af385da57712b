//! The provider by exchange of files: whatever issues the site's invoices reads one folder and writes another. Speaks
//! over no network.
//!
//! ```text
//! <folder>/out/PFI12.json   we write, whole at once, once          {"number", "kind", "order", "amount", ...}
//! <folder>/in/PFI12.json    the other side writes                  {"number", "link", "issued_at"} or {"refused"}
//! <folder>/bad/             answers that make no sense, as they came, for a person to look at
//! ```
//!
//! A file of `out`: `number` (ours, as the file's name), `kind` (`blue`, or `red` to take one back), `order`, `amount`
//! (a decimal in major units, positive) and `currency`, `item`, `tax_rate`, `seller` and `buyer` (`name`, and
//! `tax_number` of a company), `made_at`; `email` or `phone` where the buyer gave one; of a red one `red_of`: our
//! `ours` and its own `theirs`. It holds personal data: mode 600, deleted after `keep_days`.
//!
//! A file of `in`: `number` (the invoice's own), `link` (http or https; may be left out) and `issued_at` (RFC 3339), or
//! only `refused` (why, for the buyer to read). More fields do no harm. It is best written beside and renamed; one that
//! cannot be read yet is taken to be half written for ten seconds.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::Invoicer;
use crate::types::{Contact, InvoiceAsk, InvoiceFor, InvoiceWord, TaxNumber};

/// An answer that cannot be read is half written, perhaps, while it is younger than this.
const HALF_WRITTEN: SignedDuration = SignedDuration::from_secs(10);
/// An answer is a few hundred bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;
/// Bad answers of one number that are kept; after that they stay where they are.
const BAD_MAX: u32 = 1_000;
const WORDS_CHARS_MAX: usize = 200;
const LINK_BYTES_MAX: usize = 500;

/// Who sells, and what is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seller {
    pub name: String,
    pub tax_number: TaxNumber,
    pub parking: Item,
    pub tickets: Item,
    pub sales: Item,
}

/// What is sold, as an invoice says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Such as `停车费`.
    pub name: String,
    /// As the provider reads it, such as `9%`.
    pub tax_rate: String,
}

impl Seller {
    fn item(&self, sold: InvoiceFor) -> &Item {
        match sold {
            InvoiceFor::Parking => &self.parking,
            InvoiceFor::Tickets => &self.tickets,
            InvoiceFor::Sales => &self.sales,
        }
    }
}

#[derive(Clone)]
pub struct FileExchange {
    folder: PathBuf,
    seller: Arc<Seller>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for FileExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileExchange").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Out<'a> {
    number: &'a str,
    kind: &'static str,
    order: i64,
    amount: String,
    currency: String,
    item: &'a str,
    tax_rate: &'a str,
    seller: Party<'a>,
    buyer: Party<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    made_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    red_of: Option<Red<'a>>,
}

#[derive(Serialize)]
struct Party<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_number: Option<&'a TaxNumber>,
}

#[derive(Serialize)]
struct Red<'a> {
    ours: &'a str,
    theirs: &'a str,
}

#[derive(Deserialize)]
struct In {
    number: Option<String>,
    link: Option<String>,
    issued_at: Option<Timestamp>,
    refused: Option<String>,
}

impl FileExchange {
    /// `now` is the wall clock, which the files' times are compared with.
    pub fn new(
        folder: PathBuf,
        seller: Seller,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self { folder, seller: Arc::new(seller), now }
    }

    fn ask_now(&self, ask: &InvoiceAsk) -> InvoiceWord {
        let unreachable = |path: &Path, source: &io::Error| InvoiceWord::Unreachable {
            why: format!("{}: {source}; check the folder and its rights", path.display()),
        };
        let name = format!("{}.json", ask.number);
        let answer = self.folder.join("in").join(&name);
        match read(&answer) {
            Ok(Some(text)) => return self.word(&answer, &text),
            Ok(None) => {}
            Err(source) => return unreachable(&answer, &source),
        }
        let out = self.folder.join("out").join(&name);
        match self.put(&out, ask) {
            Ok(()) => InvoiceWord::Waiting,
            Err(source) => unreachable(&out, &source),
        }
    }

    /// Written beside and renamed, so that the other side never reads half of it. What is there already stays.
    fn put(&self, out: &Path, ask: &InvoiceAsk) -> io::Result<()> {
        if out.exists() {
            return Ok(());
        }
        for folder in ["out", "in"] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(self.folder.join(folder))?;
        }
        let text = serde_json::to_vec_pretty(&self.out(ask)).map_err(io::Error::other)?;
        let beside = out.with_extension("new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, out)?;
        info!(number = ask.number, "an invoice is asked for");
        Ok(())
    }

    fn out<'a>(&'a self, ask: &'a InvoiceAsk) -> Out<'a> {
        let (seller, item) = (&self.seller, self.seller.item(ask.sold));
        let (email, phone) = match &ask.to {
            Some(Contact::Email(email)) => (Some(email.as_str()), None),
            Some(Contact::Phone(phone)) => (None, Some(phone.as_str())),
            None => (None, None),
        };
        Out {
            number: &ask.number,
            kind: if ask.red_of.is_some() { "red" } else { "blue" },
            order: ask.order.0,
            amount: Decimal::new(ask.amount.minor, ask.amount.currency.decimals()).to_string(),
            currency: ask.amount.currency.code().to_owned(),
            item: &item.name,
            tax_rate: &item.tax_rate,
            seller: Party { name: &seller.name, tax_number: Some(&seller.tax_number) },
            buyer: Party { name: ask.buyer.name(), tax_number: ask.buyer.tax_number() },
            email,
            phone,
            made_at: ask.made_at,
            red_of: ask.red_of.as_ref().map(|red| Red { ours: &red.ours, theirs: &red.theirs }),
        }
    }

    fn word(&self, path: &Path, text: &[u8]) -> InvoiceWord {
        match understand(text) {
            Ok(word) => word,
            Err(_) if self.is_young(path) => InvoiceWord::Waiting,
            Err(why) => self.put_aside(path, &why),
        }
    }

    fn is_young(&self, path: &Path) -> bool {
        let changed = fs::metadata(path).and_then(|about| about.modified());
        let changed = changed.ok().and_then(|at| Timestamp::try_from(at).ok());
        changed.is_some_and(|at| (self.now)().duration_since(at) < HALF_WRITTEN)
    }

    /// Kept under a name that nothing has, so that none is lost.
    fn put_aside(&self, path: &Path, why: &str) -> InvoiceWord {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let bad = self.folder.join("bad");
        let mut places = (1..=BAD_MAX).map(|n| bad.join(format!("{name}-{n}.json")));
        let free = places.find(|to| !to.exists());
        let moved = fs::DirBuilder::new().recursive(true).mode(0o700).create(&bad).and_then(|()| {
            let full = || io::Error::other("bad/ holds too many of it");
            fs::rename(path, free.ok_or_else(full)?)
        });
        let now = match moved {
            Ok(()) => "it lies in bad/ now; have it written anew".to_owned(),
            Err(source) => format!("it cannot be moved to bad/: {source}"),
        };
        warn!(file = %path.display(), why, "an answer about an invoice makes no sense");
        InvoiceWord::Nonsense { why: format!("in/{name}.json: {why}; {now}") }
    }

    fn forget_now(&self, before: Timestamp) {
        let Ok(files) = fs::read_dir(self.folder.join("out")) else { return };
        for file in files.flatten() {
            let changed = file.metadata().and_then(|about| about.modified()).ok();
            let changed = changed.and_then(|at| Timestamp::try_from(at).ok());
            if changed.is_some_and(|at| at < before)
                && let Err(source) = fs::remove_file(file.path())
            {
                warn!(file = %file.path().display(), %source, "an old request stays");
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    use io::Read;
    match fs::File::open(path) {
        Ok(file) => {
            let mut text = Vec::new();
            file.take(ANSWER_BYTES_MAX).read_to_end(&mut text)?;
            Ok(Some(text))
        }
        Err(none) if none.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(other) => Err(other),
    }
}

/// What an answer says; the error says what is wrong with it and quotes nothing.
fn understand(text: &[u8]) -> Result<InvoiceWord, String> {
    let answer: In = serde_json::from_slice(text)
        .map_err(|e| format!("line {} is no JSON of an answer", e.line()))?;
    if let Some(why) = answer.refused {
        if answer.number.is_some() {
            return Err("it has a number and is refused".into());
        }
        return Ok(InvoiceWord::Refused {
            why: why.trim().chars().take(WORDS_CHARS_MAX).collect(),
        });
    }
    let number = answer.number.ok_or("it has neither \"number\" nor \"refused\"")?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if !(1..=40).contains(&number.len()) || !number.bytes().all(fits) {
        return Err("\"number\" must be 1 to 40 letters, digits or -".into());
    }
    let at = answer.issued_at.ok_or("it has no \"issued_at\"")?;
    if let Some(link) = &answer.link {
        let web = link.starts_with("https://") || link.starts_with("http://");
        if !web || link.len() > LINK_BYTES_MAX || link.chars().any(|c| c.is_control() || c == ' ') {
            return Err("\"link\" must begin with https:// or http://".into());
        }
    }
    Ok(InvoiceWord::Issued { number, link: answer.link, at })
}

impl Invoicer for FileExchange {
    fn ask(&self, ask: InvoiceAsk) -> BoxFuture<'_, InvoiceWord> {
        let files = self.clone();
        Box::pin(async move {
            let word = tokio::task::spawn_blocking(move || files.ask_now(&ask)).await;
            word.unwrap_or_else(|e| InvoiceWord::Unreachable { why: e.to_string() })
        })
    }

    fn forget(&self, before: Timestamp) -> BoxFuture<'_, ()> {
        let files = self.clone();
        Box::pin(async move {
            let _ = tokio::task::spawn_blocking(move || files.forget_now(before)).await;
        })
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
