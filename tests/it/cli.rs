//! The command line as an installer meets it.

use super::support::{Folder, Site, paifang, sql};

pub(crate) const LANE: &str = "[[device]]\nid = \"cam-1\"\nprofile = \"camera/vzenith-mqtt\"\nsn = \"sn-1\"\n\
    [[lane]]\nid = \"entry-1\"\ndirection = \"entry\"\ncamera = \"cam-1\"\nbarrier = \"cam-1\"\ninputs = {}\n";
pub(crate) const SECRETS: &str = "[mqtt]\ncam-1 = \"pw\"\n";

#[test]
fn help_names_every_command() {
    let output = paifang().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for command in ["run", "check", "migrate", "user", "device", "tariff", "backup", "restore"] {
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
    assert!(told.starts_with("li: one-time password "), "{told}");
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
