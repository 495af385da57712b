//! A site's data as a folder that can be carried away, and a site made of such a folder. Knows no schedule; leaves out
//! pictures, which go after a month anyway, and the secrets file, which lies beside the site file.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use anyhow::{Context, bail};

use crate::{
    app::DATABASE,
    config::Site,
    settle::Archive,
    store::{self, Options, Reader, Rebuilt, Store, Tail},
};

/// Not carried away: pictures by their size, the rest because it is the database's own.
const LEFT_OUT: [&str; 2] = ["pictures", "lines"];

/// `paifang backup`: the database as of now, proven, and the keys and statements beside it, while the site runs.
pub async fn backup(site: Site, to: &Path) -> anyhow::Result<()> {
    let reader = Reader::open(&site.data_dir.join(DATABASE)).await;
    let reader = reader.context("the database cannot be read")?;
    private_folder(to).with_context(|| {
        format!("{} cannot be made; a back-up is never put over another one", to.display())
    })?;
    let taken = reader.backup(&to.join(DATABASE)).await;
    let copied = taken.map_err(anyhow::Error::from).and_then(|tail| {
        copy_beside(&site.data_dir, to)?;
        // The daemon may not have run since they were over.
        let keep = jiff::Span::new().days(i64::from(site.settlement.keep_days));
        let today = site.rules.zone.to_datetime(super::wall_now()).date();
        Archive::new(to).prune(today.saturating_sub(keep))?;
        Ok(tail)
    });
    match copied {
        Ok(tail) => {
            println!(
                "{}: {} journal rows, chain whole; keys and statements",
                to.display(),
                tail.seq
            );
            Ok(())
        }
        Err(error) => {
            // Half a back-up would be taken for one; the error that matters is the first.
            let _ = fs::remove_dir_all(to);
            Err(error)
        }
    }
}

/// `paifang restore`: makes the site's data folder out of a back-up. Nothing that is there is touched.
pub async fn restore(site: Site, from: &Path) -> anyhow::Result<()> {
    let data = &site.data_dir;
    let is_empty = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| format!("{}", data.display())),
    };
    if !is_empty {
        bail!("{} is not empty: stop the daemon and move that folder away first", data.display());
    }
    // Beside its place, so that the last step is one rename.
    let name = data.file_name().unwrap_or(OsStr::new("data")).to_string_lossy();
    let half = data.with_file_name(format!("{name}.restoring"));
    if half.exists() {
        fs::remove_dir_all(&half).with_context(|| format!("{}", half.display()))?;
    }
    let tail = match make(from, &half).await {
        Ok(tail) => tail,
        Err(error) => {
            let _ = fs::remove_dir_all(&half);
            return Err(error);
        }
    };
    if data.exists() {
        fs::remove_dir(data).with_context(|| format!("{}", data.display()))?;
    }
    fs::rename(&half, data).with_context(|| format!("{} cannot be made", data.display()))?;
    println!(
        "{}: {} journal rows, chain whole, the last of {}",
        data.display(),
        tail.seq,
        tail.last_at.map_or_else(|| "no time".to_owned(), |at| at.to_string()),
    );
    Ok(())
}

/// The whole folder, proven, under another name.
async fn make(from: &Path, half: &Path) -> anyhow::Result<Tail> {
    private_folder(half).with_context(|| format!("{} cannot be made", half.display()))?;
    let copied = half.join(DATABASE);
    copy(&from.join(DATABASE), &copied)
        .with_context(|| format!("{} is no back-up of a site", from.display()))?;
    // Of an older version, it gets this one's shape.
    let store = Store::open(&copied, Options::default()).await.context("the back-up is damaged")?;
    store::verify(&copied).await.context("the back-up is damaged")?;
    let Rebuilt { tail, differences, .. } =
        store.reader.rebuild().await.context("the back-up is damaged")?;
    if !differences.is_empty() {
        bail!("the back-up's tables are not what its journal says: {differences:?}; take another");
    }
    copy_beside(from, half)?;
    Ok(tail)
}

/// Folders and files beside the database, each readable by its owner only.
fn copy_beside(from: &Path, to: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("{}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{}", from.display()))?;
        let name = entry.file_name();
        let kept = name
            .to_str()
            .is_some_and(|name| !name.starts_with(DATABASE) && !LEFT_OUT.contains(&name));
        if kept {
            copy(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let about = |path: &Path| format!("{} cannot be copied", path.display());
    let kind = fs::symlink_metadata(from).with_context(|| about(from))?.file_type();
    if kind.is_dir() {
        private_folder(to).with_context(|| about(from))?;
        for entry in fs::read_dir(from).with_context(|| about(from))? {
            let entry = entry.with_context(|| about(from))?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if kind.is_file() {
        // Keeps the mode: keys stay their owner's.
        fs::copy(from, to).with_context(|| about(from))?;
        fs::File::open(to).and_then(|file| file.sync_all()).with_context(|| about(to))?;
    }
    Ok(())
}

fn private_folder(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    DirBuilder::new().mode(0o700).create(path)
}
