//! The files that prices stand in, for the console: drafts, new versions beside the old, and reading all anew. Decides
//! nothing.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use futures::future::BoxFuture;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::reload::{ReloadError, Reloader};
use crate::{
    config::{self, ConfigError, Mistake},
    core::tariff::Tariff,
    http::ports::{RuleFiles as RuleFilesPort, RuleMistake, TariffText},
};

/// A tariff file is a few kilobytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Debug)]
pub(super) struct RuleFiles {
    pub(super) reloader: Reloader,
    /// The folder of the tariff files.
    pub(super) tariffs: PathBuf,
    pub(super) drafts: PathBuf,
}

impl RuleFiles {
    fn draft(&self, tariff: &str) -> PathBuf {
        let digest = Sha256::digest(tariff);
        let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.drafts.join(format!("{name}.toml"))
    }

    /// The latest version's file.
    fn latest(&self, tariff: &str) -> Option<String> {
        let entries = std::fs::read_dir(&self.tariffs).ok()?;
        let texts = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let toml = path.extension().is_some_and(|kind| kind == "toml");
            toml.then(|| std::fs::read_to_string(path).ok()).flatten()
        });
        let versions = texts.filter_map(|text| {
            let parsed = Tariff::parse(&text).ok().filter(|found| **found.name() == *tariff)?;
            Some((parsed.valid_from(), text))
        });
        versions.max_by_key(|(from, _)| *from).map(|(_, text)| text)
    }

    fn write(&self, tariff: &str, text: &str, from: Date) -> Result<PathBuf, RuleMistake> {
        let path = self.tariffs.join(format!("{}-{from}.toml", plain(tariff)));
        let fault = |error: &std::io::Error| {
            RuleMistake::plain(format!(
                "{} cannot be written: {error}; a version of that day may be there already, or the daemon needs the right to write into this folder",
                path.display()
            ))
        };
        std::fs::create_dir_all(&self.tariffs).map_err(|error| fault(&error))?;
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).open(&path).map_err(|error| fault(&error))?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _ = std::fs::remove_file(&path);
            return Err(fault(&error));
        }
        Ok(path)
    }
}

/// What a file can be called.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
}

/// The text with this first day, whatever it said before.
pub(super) fn dated(text: &str, from: Date) -> String {
    let line = format!("valid_from = \"{from}\"");
    let head = text.lines().position(|line| line.trim_start().starts_with('['));
    let mut lines: Vec<&str> = text.lines().collect();
    let head = head.unwrap_or(lines.len());
    let key = |line: &&str, key: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    if let Some(at) = lines[..head].iter().position(|line| key(line, "valid_from")) {
        lines[at] = &line;
    } else {
        let named = lines[..head].iter().position(|line| key(line, "name"));
        lines.insert(named.map_or(0, |at| at + 1), &line);
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn told(refused: ReloadError) -> Vec<RuleMistake> {
    let one = |path: &Path, mistake: Mistake| RuleMistake {
        file: mistake.file.as_deref().unwrap_or(path).display().to_string(),
        line: mistake.line,
        field: mistake.field,
        what: mistake.what,
    };
    match refused {
        ReloadError::Config(ConfigError::Mistakes { path, mistakes }) => {
            mistakes.into_iter().map(|mistake| one(&path, mistake)).collect()
        }
        other => vec![RuleMistake::plain(other.to_string())],
    }
}

impl RuleFilesPort for RuleFiles {
    fn reload(&self, who: String) -> BoxFuture<'_, Result<String, Vec<RuleMistake>>> {
        Box::pin(async move { self.reloader.reload(&who, "read anew").await.map_err(told) })
    }

    fn text(&self, tariff: String) -> BoxFuture<'_, Option<TariffText>> {
        let files = self.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || {
                if let Ok(text) = std::fs::read_to_string(files.draft(&tariff)) {
                    return Some(TariffText { text, is_draft: true });
                }
                files.latest(&tariff).map(|text| TariffText { text, is_draft: false })
            });
            read.await.ok().flatten()
        })
    }

    fn keep(&self, tariff: String, text: Option<String>) -> BoxFuture<'_, Result<(), RuleMistake>> {
        let path = self.draft(&tariff);
        Box::pin(async move {
            let kept = tokio::task::spawn_blocking(move || match text {
                Some(text) if text.len() > TEXT_BYTES_MAX => {
                    Err(RuleMistake::plain("a tariff has at most 64 kB"))
                }
                Some(text) => {
                    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
                    let written = folder.and_then(|()| std::fs::write(&path, text));
                    written
                        .map_err(|error| RuleMistake::plain(format!("{}: {error}", path.display())))
                }
                None => {
                    let _ = std::fs::remove_file(path);
                    Ok(())
                }
            });
            kept.await.unwrap_or_else(|_| Err(RuleMistake::plain("the daemon is stopping")))
        })
    }

    fn parse(&self, text: &str) -> Result<Tariff, RuleMistake> {
        config::tariff_text(text).map_err(|mistake| RuleMistake {
            file: String::new(),
            line: mistake.line,
            field: mistake.field,
            what: mistake.what,
        })
    }

    fn publish(
        &self,
        who: String,
        tariff: String,
        text: String,
        from: Date,
    ) -> BoxFuture<'_, Result<String, Vec<RuleMistake>>> {
        let files = self.clone();
        Box::pin(async move {
            let text = dated(&text, from);
            let parsed = self.parse(&text).map_err(|mistake| vec![mistake])?;
            let name = parsed.name().to_string();
            let (of, writer) = (name.clone(), files.clone());
            let written = tokio::task::spawn_blocking(move || writer.write(&of, &text, from));
            let stopping = || RuleMistake::plain("the daemon is stopping");
            let path = written.await.map_err(|_| vec![stopping()])?.map_err(|why| vec![why])?;
            let reason = format!("tariff {name} from {from}");
            match self.reloader.reload(&who, &reason).await {
                Ok(digest) => {
                    let _ = self.keep(tariff, None).await;
                    Ok(digest)
                }
                Err(refused) => {
                    let _ = std::fs::remove_file(path);
                    Err(told(refused))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_dated_where_its_head_says_so() {
        let day = jiff::civil::date(2026, 12, 1);
        for (text, dated_text) in [
            (
                "name = \"lot\"\n\n[[band]]\nname = \"always\"\n",
                "name = \"lot\"\nvalid_from = \"2026-12-01\"\n\n[[band]]\nname = \"always\"\n",
            ),
            (
                "# sign\nname = \"lot\"\nvalid_from = \"2026-01-01\" # old\n[[band]]\nvalid_from = 3\n",
                "# sign\nname = \"lot\"\nvalid_from = \"2026-12-01\"\n[[band]]\nvalid_from = 3\n",
            ),
            ("name = \"lot\"", "name = \"lot\"\nvalid_from = \"2026-12-01\"\n"),
        ] {
            assert_eq!(dated(text, day), dated_text);
        }
    }
}
