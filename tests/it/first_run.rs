//! The first-run page: a site without a file, set up in a browser.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use paifang_sim::wire::Onvif;
use tokio::runtime::Runtime;

use super::support::{self, Folder, free_port, paifang, wait_for};

/// The program on its first run, and the link it printed.
struct FirstRun {
    process: Child,
    /// Without path and key.
    base: String,
    key: String,
}

impl FirstRun {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let link = line.split_whitespace().last().unwrap();
        let (base, key) = link.split_once("/?key=").expect(&line);
        Self { base: base.to_owned(), key: key.to_owned(), process }
    }

    /// The page in English; empty: nobody serves it.
    fn page(&self) -> String {
        curl(&format!("{}/?key={}&lang=en", self.base, self.key), &[])
    }

    /// Sends a form; the page that comes then.
    fn send(&self, path: &str, fields: &[(&str, &str)]) -> String {
        curl(&format!("{}{path}?key={}&lang=en", self.base, self.key), fields)
    }

    fn stop(&mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = wait_for("its end", || self.process.try_wait().unwrap());
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for FirstRun {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn curl(url: &str, fields: &[(&str, &str)]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-L", "--max-time", "10", url]);
    for (name, value) in fields {
        curl.args(["--data-urlencode", &format!("{name}={value}")]);
    }
    String::from_utf8(curl.output().unwrap().stdout).unwrap()
}

/// A camera in the field reads a plate.
fn is_pushed(http: std::net::SocketAddr) -> bool {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-o", "/dev/null", "-H", "Content-Type: application/json"]);
    curl.args(["--data-binary", "@devices/fixtures/vzenith-http-plate.json"]);
    curl.arg(format!("http://{http}/device/some-name")).status().unwrap().success()
}

#[test]
fn a_site_is_set_up_in_a_browser_and_starts() {
    let runtime = Runtime::new().unwrap();
    let folder = Folder::new();
    let config = folder.path().join("site.toml");
    let (http, mqtt) = (free_port().to_string(), free_port().to_string());
    let camera = runtime.block_on(Onvif::start("Gate camera", "DS-TCG227")).unwrap();
    let mut command = paifang();
    command.args(["init", "--page", "127.0.0.1:0", "--seconds", "8", "--announce"]);
    command.arg(camera.at.to_string()).arg("--config").arg(&config);
    let mut setup = FirstRun::start(&mut command);

    let refused = curl(&format!("{}/?key=guess", setup.base), &[]);
    assert!(refused.contains("key") && !refused.contains("<form"), "only with the key: {refused}");
    let refused = curl(&format!("{}/basics", setup.base), &[("name", "x")]);
    assert!(!refused.contains("<form") && !config.exists(), "{refused}");
    assert!(setup.page().contains(&config.display().to_string()));

    let url = format!("http://{http}");
    let with = |hour| {
        [
            ("name", "Lake \"park\""),
            ("zone", "Asia/Shanghai"),
            ("free", "15"),
            ("hour", hour),
            ("cap", "40.00"),
            ("http", http.as_str()),
            ("url", url.as_str()),
            ("mqtt", mqtt.as_str()),
        ]
    };
    let page = setup.send("/basics", &with("6,00"));
    assert!(page.contains("wrong-hour") && page.contains("Lake &#34;park&#34;"), "{page}");
    assert!(!page.contains("wrong-cap") && !config.exists(), "nothing is written yet");
    let page = setup.send("/basics", &with("6.00"));
    assert!(page.contains("Listening for cameras"), "{page}");
    let at = http.parse().unwrap();
    wait_for("a camera is heard", || is_pushed(at).then_some(()));
    let page = wait_for("the end of listening", || {
        Some(setup.page()).filter(|page| page.contains("name=\"id-0\""))
    });
    assert!(page.contains("camera/vzenith-http"), "{page}");
    assert!(page.contains("127.0.0.1 Gate camera DS-TCG227"), "who announced itself: {page}");

    let with = |id| [("use-0", "1"), ("id-0", id), ("way-0", "out"), ("barrier-0", "camera")];
    let page = setup.send("/lanes", &with("North Gate"));
    assert!(page.contains("1 to 32 of a-z"), "{page}");
    let page = setup.send("/lanes", &with("north"));
    assert!(page.contains("id=\"password\"") && page.contains("/device/cam-north?key="), "{page}");
    let page = setup.send("/start", &[("go", "1")]);
    assert!(page.contains(&format!("{url}/console")), "{page}");
    wait_for("the site", || support::answers(at, "/readyz").then_some(()));
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("id = \"north\"") && text.contains("direction = \"exit\""), "{text}");
    assert!(text.contains("hour_minor = 600"), "{text}");
    assert!(setup.page().is_empty(), "the page is gone with its key");
    setup.stop();

    let again = paifang().args(["init", "--page", "--config"]).arg(&config).output().unwrap();
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && told.contains("is not touched"), "{told}");
}

#[test]
fn a_port_that_is_taken_is_told_on_the_page_and_leaves_no_file() {
    let folder = Folder::new();
    let config = folder.path().join("site.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let http = taken.local_addr().unwrap().to_string();
    let mut command = paifang();
    command.args(["init", "--page", "127.0.0.1:0", "--seconds", "1", "--announce", "127.0.0.1:9"]);
    let setup = FirstRun::start(command.arg("--config").arg(&config));
    let mqtt = free_port().to_string();
    let typed = [
        ("name", "Lake"),
        ("zone", "Asia/Shanghai"),
        ("free", "15"),
        ("hour", "6.00"),
        ("cap", "40.00"),
        ("http", http.as_str()),
        ("url", "http://127.0.0.1"),
        ("mqtt", mqtt.as_str()),
    ];
    setup.send("/basics", &typed);
    let page = wait_for("the trouble", || {
        Some(setup.page()).filter(|page| page.contains("role=\"alert\""))
    });
    assert!(page.contains(&http) && page.contains("value=\"Lake\""), "{page}");
    assert!(!config.exists(), "nothing stays");
}

#[test]
fn a_daemon_without_a_site_file_says_where_it_is_made_and_ends_when_told() {
    let folder = Folder::new();
    let config = folder.path().join("site.toml");
    let mut command = paifang();
    command.args(["run", "--first-run", "127.0.0.1:0", "--config"]).arg(&config);
    let mut setup = FirstRun::start(&mut command);
    assert!(setup.base.starts_with("http://127.0.0.1:") && setup.key.len() == 20, "{}", setup.key);
    assert!(setup.page().contains("First run"));
    setup.stop();
    assert!(!config.exists());
}
