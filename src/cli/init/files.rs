//! What `paifang init` leaves in its folder, and the site run for a while without lanes. Asks nobody.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};

use super::{
    draft::Draft,
    finds::{self, Found},
};
use crate::{app::daemon::Daemon, config};

/// The site file and the secrets beside it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    site: PathBuf,
    secrets: PathBuf,
}

impl Files {
    /// Neither is there yet.
    pub(super) fn new(config: &Path) -> anyhow::Result<Self> {
        let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let secrets = folder.join("secrets.toml");
        for file in [config, &secrets] {
            if file.exists() {
                bail!("{} is there already and is not touched; move it away first", file.display());
            }
        }
        fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        not_as_stranger(folder)?;
        Ok(Self { site: config.to_owned(), secrets })
    }

    pub(super) fn write(&self, draft: &Draft) -> anyhow::Result<()> {
        write(&self.site, &draft.site_file(), 0o640)?;
        write(&self.secrets, &draft.secrets_file(), 0o600)
    }

    /// What was written here, where it turned out to be of no use.
    pub(super) fn take_back(&self) {
        for file in [&self.site, &self.secrets] {
            let _ = fs::remove_file(file);
        }
    }
}

/// Files that the daemon's user cannot read are no use to it.
fn not_as_stranger(folder: &Path) -> anyhow::Result<()> {
    let me = fs::metadata("/proc/self").map(|me| me.uid()).unwrap_or_default();
    let owner = fs::metadata(folder).with_context(|| format!("{}", folder.display()))?.uid();
    if me == 0 && owner != 0 {
        bail!(
            "{} belongs to the daemon's user, who has to own what is made here: \
             sudo -u paifang paifang init --config {}/site.toml",
            folder.display(),
            folder.display()
        );
    }
    Ok(())
}

fn write(file: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let about = || format!("{} cannot be written", file.display());
    let mut options = fs::OpenOptions::new();
    let mut open = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(file)
        .with_context(about)?;
    open.write_all(text.as_bytes()).and_then(|()| open.sync_all()).with_context(about)
}

/// Runs the site as it was written for so long, so that whoever speaks is heard. The first account's password comes along.
pub(super) async fn hear(
    config: &Path,
    listen: Duration,
) -> anyhow::Result<(Vec<Found>, Option<String>)> {
    let site = config::load(config)?;
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
    let daemon = Daemon::start(config::load(config)?, metrics).await?;
    let heard = finds::strangers(&site, listen).await;
    let first_password = daemon.first_password.clone();
    daemon.stop().await;
    Ok((heard?, first_password))
}
