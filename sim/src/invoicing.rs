//! The program that issues a site's invoices, on the other side of the exchanged folders: takes what it finds in
//! `out`, answers in `in`. Knows nothing of the daemon but the two formats, which it reads with its own code.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tracing::warn;

/// The folder, beside the site file that has [`SECTION`].
pub const FOLDER: &str = "invoices";
/// What a site file says for this program to be asked.
pub const SECTION: &str = "[invoices]\nfolder = \"invoices\"\nseller = \"湖畔停车管理有限公司\"\n\
    tax_number = \"91350100M000100Y43\"\ntax_rate = \"9%\"\n\n";
/// Between two looks into the folder.
const LOOK: Duration = Duration::from_millis(500);
/// A buyer with this in the title is refused, so that a refusal can be seen.
pub const REFUSED: &str = "拒";

/// Issues whatever is asked for, until the task is aborted.
pub fn spawn(folder: PathBuf) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            if let Err(trouble) = answer_all(&folder, now()) {
                warn!(%trouble, "the simulated invoicing program cannot use its folder");
            }
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "an invoice bears the day on the wall")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Answers what has no answer yet; how many.
pub fn answer_all(folder: &Path, now: Timestamp) -> io::Result<usize> {
    let files = match fs::read_dir(folder.join("out")) {
        Ok(files) => files,
        Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(other) => return Err(other),
    };
    let mut answered = 0;
    for file in files {
        let path = file?.path();
        let Some(name) = path.file_name().filter(|_| path.extension().is_some_and(|e| e == "json"))
        else {
            continue;
        };
        let to = folder.join("in").join(name);
        if to.exists() {
            continue;
        }
        let asked: Value = serde_json::from_slice(&fs::read(&path)?).map_err(io::Error::other)?;
        let beside = to.with_extension("part");
        fs::write(&beside, answer(&asked, now).to_string())?;
        fs::rename(&beside, &to)?;
        answered += 1;
    }
    Ok(answered)
}

fn answer(asked: &Value, now: Timestamp) -> Value {
    let title = asked["buyer"]["name"].as_str().unwrap_or_default();
    if title.contains(REFUSED) {
        return json!({ "refused": "购方信息有误 (the buyer is not known)" });
    }
    // Twenty digits, as numbers of digital invoices have.
    let ours = asked["number"].as_str().unwrap_or_default();
    let digits: u64 = ours.bytes().fold(7, |sum, b| (sum * 31 + u64::from(b)) % 1_000_000_000_000);
    json!({
        "number": format!("26310000{digits:012}"),
        "link": format!("https://invoices.example/{ours}.pdf"),
        "issued_at": now.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_answered_once() {
        let folder = std::env::temp_dir().join(format!("sim-invoices-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let at: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        assert_eq!(answer_all(&folder, at).unwrap(), 0, "nobody asked yet");
        for name in ["out", "in"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let ask = |number: &str, title: &str| {
            let asked = json!({ "number": number, "buyer": { "name": title } }).to_string();
            fs::write(folder.join(format!("out/{number}.json")), asked).unwrap();
        };
        ask("PFI1", "某某公司");
        ask("PFI2", "拒开公司");
        fs::write(folder.join("out/PFI3.new"), "half").unwrap();
        assert_eq!(answer_all(&folder, at).unwrap(), 2);
        assert_eq!(answer_all(&folder, at).unwrap(), 0);
        let read = |number: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.join(format!("in/{number}.json"))).unwrap())
                .unwrap()
        };
        assert_eq!(read("PFI1")["number"].as_str().unwrap().len(), 20);
        assert!(read("PFI2")["refused"].is_string() && read("PFI2")["number"].is_null());
        fs::remove_dir_all(&folder).unwrap();
    }
}
