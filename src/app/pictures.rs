//! The pictures that cameras send, kept as files by day. Knows no lane.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

/// A larger picture is not kept; cameras send 100 to 600 KiB.
const PICTURE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The folder of kept pictures. A name is `yyyymmdd-` and 32 hex digits of the content.
#[derive(Clone, Debug)]
pub struct Pictures {
    folder: PathBuf,
    zone: TimeZone,
}

impl Pictures {
    pub fn new(data_dir: &Path, zone: TimeZone) -> Self {
        Self { folder: data_dir.join("pictures"), zone }
    }

    /// The name under which [`Pictures::keep`] will keep these bytes, or `None` for what is no JPEG or too large.
    pub fn name_of(&self, jpeg: &[u8], now: Timestamp) -> Option<String> {
        if !jpeg.starts_with(&[0xff, 0xd8]) || jpeg.len() > PICTURE_BYTES_MAX {
            return None;
        }
        let day = self.zone.to_datetime(now).strftime("%Y%m%d").to_string();
        let digest = Sha256::digest(jpeg);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(format!("{day}-{hex}"))
    }

    /// Writes a picture under its name. Blocks.
    pub fn keep(&self, name: &str, jpeg: &[u8]) -> std::io::Result<()> {
        let path = self.path(name).ok_or(std::io::ErrorKind::InvalidInput)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // A reader never sees half a picture.
        let partial = path.with_extension("part");
        std::fs::write(&partial, jpeg)?;
        std::fs::rename(partial, path)
    }

    /// The bytes of a kept picture. Blocks.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(name)?).ok()
    }

    /// Removes the days before `keep_days` ago; gives how many.
    pub fn prune(&self, now: Timestamp, keep_days: u32) -> std::io::Result<usize> {
        let oldest = now - std::time::Duration::from_hours(24) * keep_days;
        let oldest = self.zone.to_datetime(oldest).strftime("%Y%m%d").to_string();
        let mut gone = 0;
        let Ok(days) = std::fs::read_dir(&self.folder) else { return Ok(0) };
        for day in days {
            let day = day?;
            if day.file_name().to_string_lossy().as_ref() < oldest.as_str() {
                std::fs::remove_dir_all(day.path())?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Only names that [`Pictures::name_of`] makes have a path: nothing else on the disk can be named.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let (day, hex) = name.split_once('-')?;
        let fits = day.len() == 8
            && day.bytes().all(|b| b.is_ascii_digit())
            && hex.len() == 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| self.folder.join(day).join(format!("{hex}.jpg")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_by_day_named_by_content_and_pruned() {
        let dir = std::env::temp_dir().join(format!("paifang-pictures-{}", std::process::id()));
        let pictures = Pictures::new(&dir, TimeZone::UTC);
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let jpeg = [0xff, 0xd8, 0xff, 1, 2, 3];
        assert_eq!(pictures.name_of(b"GIF89a", now), None);
        let name = pictures.name_of(&jpeg, now).unwrap();
        pictures.keep(&name, &jpeg).unwrap();
        assert_eq!(pictures.read(&name).unwrap(), jpeg);
        for bad in ["../../etc/passwd", "20261123-", "20261123-..", ""] {
            assert_eq!(pictures.read(bad), None, "{bad}");
        }
        let later = now + std::time::Duration::from_hours(24 * 31);
        assert_eq!(pictures.prune(later, 31).unwrap(), 0);
        assert_eq!(pictures.prune(later, 30).unwrap(), 1);
        assert_eq!(pictures.read(&name), None);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
