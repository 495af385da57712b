//! Statements as they are kept in the data folder: copied whole, known by their digest, read as what they are. Matches
//! nothing.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::SettleError;
use crate::{bank::statement::Text, types::ChannelId};

/// Read and copied at once.
const CHUNK: usize = 64 << 10;

/// The folder `statements` of the data folder: one file for each channel and day, and room for sorting.
#[derive(Clone, Debug)]
pub struct Archive {
    root: PathBuf,
}

impl Archive {
    pub fn new(data_dir: &Path) -> Self {
        Self { root: data_dir.join("statements") }
    }

    /// Room for a run; made when there is none.
    pub fn work(&self) -> Result<PathBuf, SettleError> {
        let work = self.root.join("work");
        std::fs::create_dir_all(&work).map_err(wrong(&work))?;
        Ok(work)
    }

    pub fn path(&self, channel: &ChannelId, day: Date) -> PathBuf {
        self.root.join(channel.as_str()).join(format!("{day}.txt"))
    }

    /// Where a statement is put while it is fetched.
    pub fn part(&self, channel: &ChannelId, day: Date) -> Result<PathBuf, SettleError> {
        let path = self.path(channel, day).with_extension("part");
        let folder = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(folder).map_err(wrong(folder))?;
        Ok(path)
    }

    /// Deletes the statements of days before `oldest`; how many.
    pub fn prune(&self, oldest: Date) -> Result<usize, SettleError> {
        let mut dropped = 0;
        let Ok(channels) = std::fs::read_dir(&self.root) else { return Ok(0) };
        for folder in channels.filter_map(Result::ok).map(|entry| entry.path()) {
            let Ok(files) = std::fs::read_dir(&folder) else { continue };
            for path in files.filter_map(Result::ok).map(|entry| entry.path()) {
                let day = path.file_stem().and_then(|stem| stem.to_str()?.parse::<Date>().ok());
                if day.is_some_and(|day| day < oldest) {
                    std::fs::remove_file(&path).map_err(wrong(&path))?;
                    dropped += 1;
                }
            }
        }
        Ok(dropped)
    }

    /// Keeps a copy of `file`, in the place of a former one.
    pub fn keep(
        &self,
        channel: &ChannelId,
        day: Date,
        file: &Path,
    ) -> Result<PathBuf, SettleError> {
        let (part, path) = (self.part(channel, day)?, self.path(channel, day));
        if file != part {
            std::fs::copy(file, &part).map_err(wrong(file))?;
        }
        File::open(&part).and_then(|copy| copy.sync_all()).map_err(wrong(&part))?;
        std::fs::rename(&part, &path).map_err(wrong(&path))?;
        Ok(path)
    }
}

fn wrong(path: &Path) -> impl FnOnce(io::Error) -> SettleError {
    let path = path.to_owned();
    move |source| SettleError::Io { path, source }
}

/// SHA-256 of a file.
pub fn digest_of(path: &Path) -> Result<[u8; 32], SettleError> {
    let mut file = File::open(path).map_err(wrong(path))?;
    let (mut sha, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk).map_err(wrong(path))? {
            0 => return Ok(sha.finalize().into()),
            some => sha.update(&chunk[..some]),
        }
    }
}

impl Archive {
    /// The text of a statement, and whether it is one of the plain format.
    pub fn open(path: &Path) -> Result<(Text<'static>, bool), SettleError> {
        let file = File::open(path).map_err(wrong(path))?;
        let mut text = BufReader::with_capacity(CHUNK, file);
        let start = text.fill_buf().map_err(wrong(path))?;
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_plain = super::is_plain(line);
        Ok((Box::new(text), is_plain))
    }
}
