//! The folder of a site's ticket keys: files that nobody else can read, made on first run. Knows no code.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};

/// Why there are no keys. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TicketKeyError {
    #[error("{} cannot be read or made: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf },
    #[error("{} is damaged; restore the folder of ticket keys from the back-up: without it, tickets that were sold open no gate", path.display())]
    Damaged { path: PathBuf },
    #[error("the system gives no random numbers: {0}")]
    NoRandom(String),
    #[error(
        "key 255 is the last that a code can name; remove the oldest key files and begin again at 1"
    )]
    Spent,
}

/// A key as its file holds it.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyFile {
    pub(super) id: u8,
    /// 32 bytes in base 64.
    private: String,
    /// What it signed is good until then; none: it signs still, or no end is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retire_after: Option<Timestamp>,
}

impl KeyFile {
    pub(super) fn made(id: u8) -> Result<Self, TicketKeyError> {
        Ok(Self { id, private: STANDARD.encode(random()?), retire_after: None })
    }

    pub(super) fn of(id: u8, private: &[u8; 32]) -> Self {
        Self { id, private: STANDARD.encode(private), retire_after: None }
    }

    pub(super) fn private(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.private).ok()
    }

    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("key-{}.json", self.id))
    }
}

/// What the parts that change and the short codes are made with.
pub(super) fn secret(folder: &Path) -> Result<[u8; 32], TicketKeyError> {
    let path = folder.join("secret");
    if let Some(bytes) = read(&path)? {
        return bytes.try_into().map_err(|_| TicketKeyError::Damaged { path });
    }
    let secret = random()?;
    write(&path, &secret)?;
    Ok(secret)
}

/// All keys, in no order. None: the folder is new.
pub(super) fn keys(folder: &Path) -> Result<Vec<KeyFile>, TicketKeyError> {
    let file = |source| TicketKeyError::File { path: folder.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file)?;
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder).map_err(file)? {
        let path = entry.map_err(file)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_key =
            name.strip_prefix("key-").and_then(|name| name.strip_suffix(".json")).is_some();
        if !is_key {
            continue;
        }
        let Some(bytes) = read(&path)? else { continue };
        let key: Option<KeyFile> = serde_json::from_slice(&bytes).ok();
        let key = key.filter(|key| key.path(folder) == path && key.private().is_some());
        keys.push(key.ok_or(TicketKeyError::Damaged { path })?);
    }
    Ok(keys)
}

pub(super) fn put(folder: &Path, key: &KeyFile) -> Result<(), TicketKeyError> {
    let text = serde_json::to_vec(key).map_err(io::Error::from);
    let text = text.map_err(|source| TicketKeyError::File { path: key.path(folder), source })?;
    write(&key.path(folder), &text)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, TicketKeyError> {
    let file = |source| TicketKeyError::File { path: path.to_owned(), source };
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(file)?,
    };
    if fs::metadata(path).map_err(file)?.permissions().mode() & 0o077 != 0 {
        return Err(TicketKeyError::Open { path: path.to_owned() });
    }
    Ok(Some(bytes))
}

/// Whole or not at all: a key that is cut off would end every ticket it signed.
fn write(path: &Path, bytes: &[u8]) -> Result<(), TicketKeyError> {
    let file = |source| TicketKeyError::File { path: path.to_owned(), source };
    let fresh = path.with_extension("new");
    let mut made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(file)?;
    made.write_all(bytes).and_then(|()| made.sync_all()).map_err(file)?;
    fs::rename(&fresh, path).map_err(file)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)
}

fn random() -> Result<[u8; 32], TicketKeyError> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|e| TicketKeyError::NoRandom(e.to_string()))?;
    Ok(bytes)
}
