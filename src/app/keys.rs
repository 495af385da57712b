//! The site's own secrets, made on first run and kept in files nobody else can read. Never printed.

use std::{
    fmt,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rand::{TryRng, rngs::SysRng};

/// What the site made for itself.
pub struct SiteKeys {
    /// Seals the tokens of payment pages.
    pub site_secret: [u8; 32],
    /// The daemon's own account at the embedded broker.
    pub broker_password: String,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{} cannot be read or made: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf },
    #[error("{} is damaged; restore it from the back-up, or remove it: printed payment codes end then", path.display())]
    Damaged { path: PathBuf },
    #[error("the system gives no random numbers: {0}")]
    NoRandom(String),
}

impl SiteKeys {
    /// The secret in `site.key`; makes nothing.
    pub fn read(data_dir: &Path) -> Result<[u8; 32], KeyError> {
        let path = data_dir.join("site.key");
        let bytes = std::fs::read(&path);
        let bytes = bytes.map_err(|source| KeyError::File { path: path.clone(), source })?;
        bytes.try_into().map_err(|_| KeyError::Damaged { path })
    }

    /// Reads `site.key` in the data folder, or makes it.
    pub fn load(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join("site.key");
        let file = |source| KeyError::File { path: path.clone(), source };
        let site_secret = match std::fs::read(&path) {
            Ok(bytes) => {
                let mode = std::fs::metadata(&path).map_err(file)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(KeyError::Open { path });
                }
                bytes.try_into().map_err(|_| KeyError::Damaged { path })?
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let secret = random()?;
                std::fs::create_dir_all(data_dir).map_err(file)?;
                let mut made = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(file)?;
                made.write_all(&secret).and_then(|()| made.sync_all()).map_err(file)?;
                secret
            }
            Err(e) => return Err(file(e)),
        };
        let broker_password = random()?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { site_secret, broker_password })
    }
}

fn random() -> Result<[u8; 32], KeyError> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|e| KeyError::NoRandom(e.to_string()))?;
    Ok(bytes)
}

impl fmt::Debug for SiteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKeys(hidden)")
    }
}
