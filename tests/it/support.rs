//! A site in a folder of its own and the real `paifang` program running it.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// How long anything that should happen soon may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn paifang() -> Command {
    Command::new(env!("CARGO_BIN_EXE_paifang"))
}

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("paifang-it-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What gives a process a clock of its own.
pub(crate) fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    folders
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketime.so.1")))
        .find(|path| path.exists())
        .expect("Debian's libfaketime")
}

/// A port nobody listens on now.
pub(crate) fn free_port() -> SocketAddr {
    paifang_sim::wire::free_port().unwrap()
}

/// A site file in a folder, with the ports it will use.
pub(crate) struct Site {
    pub(crate) folder: Folder,
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
}

impl Site {
    /// `rest`: devices and lanes, and sections besides `[site]`, `[http]`, `[mqtt]` and `[tariff]`.
    pub(crate) fn new(rest: &str, secrets: &str) -> Self {
        Self::with("", "", rest, secrets)
    }

    pub(crate) fn with(site: &str, mqtt_section: &str, rest: &str, secrets: &str) -> Self {
        let (folder, http, mqtt) = (Folder::new(), free_port(), free_port());
        let text = format!(
            "[site]\nname = \"Test\"\nzone = \"Asia/Shanghai\"\ndata_dir = \"data\"\n{site}\n\
             [http]\nlisten = \"{http}\"\n[mqtt]\nlisten = \"{mqtt}\"\n{mqtt_section}\n\
             [tariff]\nfree_minutes = 0\nhour_minor = 500\nday_cap_minor = 4000\n{rest}\n"
        );
        folder.write("site.toml", &text, 0o644);
        folder.write("secrets.toml", secrets, 0o600);
        Self { folder, http, mqtt }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("site.toml")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("data/paifang.sqlite")
    }

    /// Runs another of the program's commands on this site.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        paifang().args(args).arg("--config").arg(self.config()).output().unwrap()
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) fn start(&self) -> Daemon {
        self.start_by(paifang())
    }

    /// The same by a command of the caller's, such as one under another clock.
    pub(crate) fn start_by(&self, command: Command) -> Daemon {
        let mut daemon = self.launch(command);
        let begun = Instant::now();
        while !answers(self.http, "/readyz") {
            let ended = daemon.process.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended: {ended:?}\n{}", daemon.log());
            assert!(begun.elapsed() < SOON, "not ready:\n{}", daemon.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(&self, mut command: Command) -> Daemon {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let mut process = command
            .args(["run", "--log-json", "--config"])
            .arg(self.config())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon {
            out: process.stdout.take().map(BufReader::new),
            process,
            log: self.folder.path().join("log"),
        }
    }
}

/// The running program; killed when the test ends.
pub(crate) struct Daemon {
    pub(crate) process: Child,
    out: Option<BufReader<std::process::ChildStdout>>,
    log: PathBuf,
}

impl Daemon {
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The first line it prints on its very first start.
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// SIGKILL: no word of farewell.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, and it must end well.
    pub(crate) fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                assert!(status.success(), "{status}\n{}", self.log());
                return;
            }
            assert!(begun.elapsed() < SOON, "does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether `path` answers 200. A few lines of HTTP/1.0, so that waiting needs no runtime.
pub(crate) fn answers(at: SocketAddr, path: &str) -> bool {
    get(at, path).is_some_and(|answer| {
        answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200")
    })
}

pub(crate) fn get(at: SocketAddr, path: &str) -> Option<String> {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(at).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {at}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Waits until `look` gives something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < SOON, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A question to the site's database, by the sqlite3 shell: a reader that is not ours.
pub(crate) fn sql(site: &Site, question: &str) -> String {
    let output = Command::new("sqlite3")
        .args(["-readonly", "-cmd", ".timeout 5000"])
        .arg(site.database())
        .arg(question)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
