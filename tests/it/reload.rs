//! Prices read anew while the site runs: by the command, by a signal, and not at all where a file has a mistake.

use std::process::Command;

use super::{
    cli::{LANE, SECRETS},
    support::{Site, get, sql, wait_for},
};

fn priced(site: &Site, hour_minor: &str) {
    let text = std::fs::read_to_string(site.config()).unwrap();
    let line = text.lines().find(|line| line.starts_with("hour_minor")).unwrap().to_owned();
    std::fs::write(site.config(), text.replace(&line, &format!("hour_minor = {hour_minor}")))
        .unwrap();
}

fn sign(site: &Site) -> String {
    get(site.http, "/tariff").unwrap()
}

fn read_rows(site: &Site) -> String {
    sql(site, "select group_concat(body ->> 'who') from journal where kind = 'rules_read'")
}

#[test]
fn prices_are_read_anew_or_stay_as_they_are() {
    let site = Site::new(LANE, SECRETS);
    let daemon = site.start();
    assert!(sign(&site).contains("5.00"), "{}", sign(&site));
    priced(&site, "800");
    assert!(!sign(&site).contains("8.00"), "nobody said so yet");
    let told = site.run(&["reload"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(sign(&site).contains("8.00"), "{}", sign(&site));
    assert_eq!(read_rows(&site), "command line");
    let digest = sql(&site, "select body ->> 'digest' from journal where kind = 'rules_read'");
    assert!(String::from_utf8_lossy(&told.stdout).contains(&digest) && digest.len() == 64);

    // A tariff file with a mistake: everything stays, and the mistake is told with its line.
    let folder = site.folder.path().join("tariffs");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("night.toml");
    std::fs::write(
        &file,
        "name = \"night\"\n[[band]]\nname = \"all\"\nrate = [{ amount = \"x\" }]\n",
    )
    .unwrap();
    priced(&site, "900");
    let told = site.run(&["reload"]);
    let why = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success() && why.contains("night.toml:4"), "{why}");
    assert!(sign(&site).contains("8.00"));
    let hang_up = || {
        let pid = daemon.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    hang_up();
    wait_for("the refusal in the log", || {
        daemon.log().contains("the rules stay as they are").then_some(())
    });
    assert_eq!(read_rows(&site), "command line");

    std::fs::remove_file(&file).unwrap();
    hang_up();
    wait_for("the new price", || sign(&site).contains("9.00").then_some(()));
    assert_eq!(read_rows(&site), "command line,SIGHUP");

    // What the site is made of takes a new start.
    let text = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), format!("{text}[[zone]]\nid = \"yard\"\n")).unwrap();
    let told = site.run(&["reload"]);
    let why = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success() && why.contains("new start"), "{why}");
    daemon.stop();
    let checked = site.run(&["check", "--journal"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
