//! Passwords of devices, from a file that nobody else can read. Never printed.

use std::{
    collections::BTreeMap,
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use paifang_devices::osdp::{KeyError, SiteKey};
use serde::Deserialize;

use super::shares::PartnerAccount;

use crate::io::digest::Login;

/// The secrets file: `[mqtt]` with one password per device id, and `daemon` for an external broker; `[push]` with the
/// key each calling device has in its address; `[device]` with our user and password at each device that we call;
/// `[osdp]` with one key per reader's id; `[partner]` with the account that each partner's part is sent to;
/// `[sister]` with the secret that we and each other daemon of the site have.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    #[serde(default)]
    mqtt: BTreeMap<String, String>,
    #[serde(default)]
    osdp: BTreeMap<String, String>,
    #[serde(default)]
    push: BTreeMap<String, String>,
    #[serde(default)]
    device: BTreeMap<String, Login>,
    #[serde(default)]
    sister: BTreeMap<String, String>,
    #[serde(default)]
    partner: BTreeMap<String, PartnerAccount>,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} can be read by others (mode {mode:o}); run: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{} line {line}: not one of the expected tables [mqtt], [push], [device], [osdp], [partner] and [sister]", path.display())]
    Malformed { path: PathBuf, line: usize },
    #[error("{} osdp.{reader}: {source}", path.display())]
    Key { path: PathBuf, reader: String, source: KeyError },
}

impl Secrets {
    /// Reads the file; one that is not there holds no secret.
    pub fn load(path: &Path) -> Result<Self, SecretsError> {
        let unreadable = |source| SecretsError::Unreadable { path: path.to_owned(), source };
        let meta = match std::fs::metadata(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            other => other.map_err(unreadable)?,
        };
        let mode = meta.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SecretsError::Open { path: path.to_owned(), mode });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // The parser's own words could quote a password: only the line is told.
        let secrets: Self = toml::from_str(&text).map_err(|e| SecretsError::Malformed {
            path: path.to_owned(),
            line: super::check::line_of(&text, e.span().map_or(0, |span| span.start)),
        })?;
        for (reader, key) in &secrets.osdp {
            let wrong = |source| SecretsError::Key {
                path: path.to_owned(),
                reader: reader.clone(),
                source,
            };
            key.parse::<SiteKey>().map_err(wrong)?;
        }
        Ok(secrets)
    }

    /// The key of a reader's secure channel.
    pub fn osdp(&self, reader: &str) -> Option<SiteKey> {
        self.osdp.get(reader)?.parse().ok()
    }

    /// The password of an account at the broker: a device's id, or `daemon`.
    pub fn mqtt(&self, account: &str) -> Option<&str> {
        self.mqtt.get(account).map(String::as_str)
    }

    /// The key a device calls us with.
    pub fn push(&self, device: &str) -> Option<&str> {
        self.push.get(device).map(String::as_str)
    }

    /// The secret that another daemon of the site has as well.
    pub fn sister(&self, name: &str) -> Option<&str> {
        self.sister.get(name).map(String::as_str)
    }

    /// Where a partner's money is sent.
    pub fn partner(&self, id: &str) -> Option<&PartnerAccount> {
        self.partner.get(id)
    }

    /// Who we are at a device.
    pub fn login(&self, device: &str) -> Option<&Login> {
        self.device.get(device)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = self.mqtt.len() + self.push.len() + self.device.len() + self.sister.len();
        write!(f, "Secrets({accounts} accounts, {} readers)", self.osdp.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_private_file_is_taken_and_nothing_is_printed() {
        let dir = std::env::temp_dir().join(format!("paifang-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("secrets.toml");
        assert_eq!(Secrets::load(&path).unwrap().mqtt("cam"), None);
        std::fs::write(&path, "[mqtt]\ncam = \"hunter2\"\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Secrets::load(&path).unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let secrets = Secrets::load(&path).unwrap();
        assert_eq!(secrets.mqtt("cam"), Some("hunter2"));
        assert!(!format!("{secrets:?}").contains("hunter2"));
        std::fs::write(&path, "[mqtt]\ncam = hunter2\n").unwrap();
        let error = Secrets::load(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
        std::fs::write(&path, "[osdp]\nreader-1 = \"00112233445566778899aabbccddeeff\"\n").unwrap();
        let secrets = Secrets::load(&path).unwrap();
        assert!(secrets.osdp("reader-1").is_some() && secrets.osdp("reader-2").is_none());
        assert!(!format!("{secrets:?}").contains("0011"));
        for key in ["0011", "303132333435363738393a3b3c3d3e3f"] {
            std::fs::write(&path, format!("[osdp]\nreader-1 = \"{key}\"\n")).unwrap();
            let error = Secrets::load(&path).unwrap_err().to_string();
            assert!(error.contains("osdp.reader-1") && !error.contains(key), "{error}");
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
