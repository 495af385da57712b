//! A copy of the site's file taken while the daemon runs, proven before it is called a backup. Knows no schedule.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::{Reader, StoreError, Tail, rebuild};

impl Reader {
    /// Copies the file as of the last commit to `to`, which must not exist, and verifies the copy.
    ///
    /// The copy appears under its name only once it has passed; commits go on meanwhile. Needs room for a second file.
    pub async fn backup(&self, to: &Path) -> Result<Tail, StoreError> {
        if to.exists() {
            return Err(StoreError::Exists { path: to.to_owned() });
        }
        let mut name = to.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let copied = self.copy_to(&part).await;
        let tail = match copied {
            Ok(tail) => tail,
            Err(error) => {
                // What is left of a failed copy is no use to anybody; the error that matters is the first.
                let _ = std::fs::remove_file(&part);
                return Err(error);
            }
        };
        // A hard link, unlike a rename, refuses to replace a file that came into being meanwhile.
        std::fs::hard_link(&part, to).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => StoreError::Exists { path: to.to_owned() },
            _ => StoreError::io(to)(error),
        })?;
        std::fs::remove_file(&part).map_err(StoreError::io(&part))?;
        Ok(tail)
    }

    async fn copy_to(&self, part: &Path) -> Result<Tail, StoreError> {
        if part.exists() {
            std::fs::remove_file(part).map_err(StoreError::io(part))?;
        }
        let Some(name) = part.to_str() else {
            return Err(StoreError::Io {
                path: part.to_owned(),
                source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "not UTF-8"),
            });
        };
        let mut conn = self.pool.acquire().await?;
        sqlx::query!("vacuum into ?1", name)
            .execute(&mut *conn)
            .await
            .map_err(|error| StoreError::opening(part, error))?;
        std::fs::File::open(part).and_then(|file| file.sync_all()).map_err(StoreError::io(part))?;
        verify(part).await
    }
}

/// SQLite finds its pages in order, and the journal's chain holds.
pub async fn verify(part: &Path) -> Result<Tail, StoreError> {
    let mut conn = SqliteConnectOptions::new().filename(part).read_only(true).connect().await?;
    let word: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut conn).await?;
    if word != "ok" {
        return Err(StoreError::Corrupt(word));
    }
    let tail = rebuild::replay(&mut conn, |_, _| {}).await?;
    conn.close().await?;
    Ok(tail)
}
