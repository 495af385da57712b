//! The command line as an installer meets it.

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use super::support::{self, Folder, Site, free_port, paifang, sql, wait_for};

pub(crate) const LANE: &str = "[[device]]\nid = \"cam-1\"\nprofile = \"camera/vzenith-mqtt\"\nsn = \"sn-1\"\n\
    [[lane]]\nid = \"entry-1\"\ndirection = \"entry\"\ncamera = \"cam-1\"\nbarrier = \"cam-1\"\ninputs = {}\n";
pub(crate) const SECRETS: &str = "[mqtt]\ncam-1 = \"pw\"\n";

#[test]
fn help_names_every_command() {
    let output = paifang().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for command in
        ["run", "check", "migrate", "user", "device", "tariff", "ticket", "backup", "restore"]
    {
        assert!(help.contains(&format!("\n  {command} ")), "{command}:\n{help}");
    }
}

#[test]
fn check_names_file_line_and_field_of_each_mistake() {
    let folder = Folder::new();
    let text = "[site]\nname = \"x\"\nzone = \"Mars\"\ndata_dir = \"d\"\n[tariff]\nfree_minutes = 1\n\
        hour_minor = 1\nday_cap_minor = 1\n[[lane]]\nid = \"a\"\ndirection = \"entry\"\ncamera = \"c\"\nbarrier = \"b\"\n";
    let file = folder.write("site.toml", text, 0o644);
    let output = paifang().args(["check", "--config"]).arg(&file).output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    for mistake in
        ["site.toml:3: site.zone", "site.toml:12: lane.camera", "site.toml:13: lane.barrier"]
    {
        assert!(told.contains(mistake), "{mistake}:\n{told}");
    }
}

#[test]
fn accounts_are_made_beside_a_running_daemon_and_backed_up() {
    let site = Site::new(LANE, SECRETS);
    let mut daemon = site.start();
    let first = daemon.first_line();
    assert!(first.contains("admin") && first.contains("one-time password"), "{first}");
    let added = site.run(&["user", "add", "li"]);
    let told = String::from_utf8(added.stdout).unwrap();
    assert!(told.starts_with("li (booth): one-time password "), "{told}");
    let again = site.run(&["user", "add", "li"]);
    assert!(!again.status.success());
    let listed = String::from_utf8(site.run(&["user", "list"]).stdout).unwrap();
    assert!(listed.contains("admin") && listed.contains("li"), "{listed}");
    let stored = sql(&site, "select password_hash from operator where name = 'li'");
    assert!(stored.starts_with("$argon2id$"), "{stored}");

    let copy = site.folder.path().join("monday");
    let backup = site.run(&["backup", "--to", copy.to_str().unwrap()]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    let again = site.run(&["backup", "--to", copy.to_str().unwrap()]);
    assert!(!again.status.success(), "a back-up is never overwritten");

    let second = site.run(&["run"]);
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && told.contains("in use by another paifang"), "{told}");
    daemon.stop();
    let checked = site.run(&["check", "--journal"]);
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success() && told.contains("chain whole"), "{told}");
}

/// What was sold, owed and signed before the disk died is known to the site made of the back-up.
#[test]
fn a_back_up_becomes_the_site_again() {
    let site = Site::new(LANE, SECRETS);
    let mut daemon = site.start();
    daemon.first_line();
    assert!(site.run(&["user", "add", "li"]).status.success());
    let copy = site.folder.path().join("monday");
    let backup = site.run(&["backup", "--to", copy.to_str().unwrap()]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    let key = std::fs::read(site.folder.path().join("data/site.key")).unwrap();

    let from = copy.to_str().unwrap();
    let over = site.run(&["restore", "--from", from]);
    let told = String::from_utf8(over.stderr).unwrap();
    assert!(!over.status.success() && told.contains("is not empty"), "{told}");
    daemon.stop();
    let data = site.folder.path().join("data");
    std::fs::rename(&data, site.folder.path().join("data-of-the-dead-disk")).unwrap();
    let restored = site.run(&["restore", "--from", from]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(std::fs::read(data.join("site.key")).unwrap(), key);
    let checked = site.run(&["check", "--journal"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let daemon = site.start();
    let listed = String::from_utf8(site.run(&["user", "list"]).stdout).unwrap();
    assert!(listed.contains("admin") && listed.contains("li"), "{listed}");
    daemon.stop();
}

/// A child that goes with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One camera on the broker and one that calls; a site that starts and lets both in.
#[test]
fn init_finds_cameras_and_starts_the_site() {
    let folder = Folder::new();
    let config = folder.path().join("site.toml");
    let (http, mqtt) = (free_port(), free_port());
    let told = folder.path().join("told");
    let init = paifang()
        .args(["init", "--seconds", "12", "--config"])
        .arg(&config)
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(&told).unwrap())
        .stderr(Stdio::null())
        .spawn();
    let mut init = Killed(init.unwrap());
    let mut answers = init.0.stdin.take().unwrap();
    // Language, name, zone, free minutes, a fee that is none, the fee, at most, pages, phones, broker.
    write!(answers, "en\nLake \"park\"\nAsia/Shanghai\n\n5,00\n6.00\n\n{http}\n\n{mqtt}\n")
        .unwrap();
    let port = mqtt.port().to_string();
    let body = "@devices/fixtures/vzenith-http-plate.json";
    let say = || {
        let mut sender = Command::new("mosquitto_pub");
        sender.args(["-h", "127.0.0.1", "-p", &port, "-u", "any", "-P", "any", "-q", "1"]);
        sender.args(["-t", "device/sn-9/message/up/keep_alive", "-m"]);
        sender.arg(r#"{"sn":"sn-9","name":"keep_alive","timestamp":1,"payload":{}}"#);
        let heard = sender.stderr(Stdio::null()).status().unwrap().success();
        let pushed = Command::new("curl")
            .args([
                "-s",
                "-o",
                "/dev/null",
                "--data-binary",
                body,
                "-H",
                "Content-Type: application/json",
            ])
            .arg(format!("http://{http}/device/some-name"))
            .status();
        heard && pushed.unwrap().success()
    };
    wait_for("broker and pages", || say().then_some(()));
    // Each camera: take it, its direction, the lane's id, its own relay; then start.
    answers.write_all("y\nin\n\ny\ny\nout\n\ny\ny\n".as_bytes()).unwrap();
    wait_for("the site", || support::answers(http, "/readyz").then_some(()));
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("camera/vzenith-mqtt") && text.contains("sn = \"sn-9\""), "{text}");
    assert!(text.contains("camera/vzenith-http") && text.contains("hour_minor = 600"), "{text}");
    let secrets = folder.path().join("secrets.toml");
    assert_eq!(std::fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o600);
    let told = std::fs::read_to_string(&told).unwrap();
    assert!(told.contains("✗ 5.00") && told.contains("one-time password"), "{told}");
    assert!(told.contains("user cam-") && told.contains("?key="), "{told}");

    let again = paifang().args(["init", "--config"]).arg(&config).output().unwrap();
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && told.contains("is not touched"), "{told}");
}

#[test]
fn a_damaged_back_up_is_not_restored() {
    let site = Site::new(LANE, SECRETS);
    let mut daemon = site.start();
    daemon.first_line();
    let copy = site.folder.path().join("monday");
    assert!(site.run(&["backup", "--to", copy.to_str().unwrap()]).status.success());
    daemon.stop();
    std::fs::remove_dir_all(site.folder.path().join("data")).unwrap();
    let file = copy.join("paifang.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 4096].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    let restored = site.run(&["restore", "--from", copy.to_str().unwrap()]);
    assert!(!restored.status.success(), "{}", String::from_utf8_lossy(&restored.stdout));
    assert!(!site.folder.path().join("data").exists());
    let nothing = site.run(&["restore", "--from", "/nowhere"]);
    let told = String::from_utf8(nothing.stderr).unwrap();
    assert!(told.contains("no back-up of a site"), "{told}");
}

#[test]
fn migrate_makes_the_database_and_mosquitto_gets_its_rules() {
    let site = Site::new(LANE, SECRETS);
    assert!(site.run(&["migrate"]).status.success());
    assert!(sql(&site, "select count(*) from journal") == "0");
    let rules = String::from_utf8(site.run(&["check", "--mosquitto-acl"]).stdout).unwrap();
    assert!(rules.contains("user cam-1") && rules.contains("device/sn-1/message/up/"), "{rules}");
}
