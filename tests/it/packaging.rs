//! What an installer puts on a machine: the package, its unit, and what the daemon tells its supervisor.

use std::{os::unix::net::UnixDatagram, path::Path, process::Command};

use super::{
    cli::{LANE, SECRETS},
    support::{Folder, SOON, Site, paifang},
};

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_package_holds_what_a_site_needs() {
    let folder = Folder::new();
    let mut make = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/deb"));
    make.arg(env!("CARGO_BIN_EXE_paifang")).arg(folder.path());
    let package = done(&mut make);
    let package = Path::new(package.trim());

    let field = |name| done(Command::new("dpkg-deb").arg("-f").arg(package).arg(name));
    assert_eq!(field("Version").trim(), env!("CARGO_PKG_VERSION"));
    let root = folder.path().join("root");
    done(Command::new("dpkg-deb").arg("-x").arg(package).arg(&root));
    let version = done(Command::new(root.join("usr/bin/paifang")).arg("--version"));
    assert_eq!(version.trim(), concat!("paifang ", env!("CARGO_PKG_VERSION")));
    assert!(root.join("usr/share/doc/paifang/site.example.toml").exists());
    assert!(root.join("usr/share/doc/paifang/products.example.toml").exists());

    // The program does not stand in its place here; the rest of the unit is judged as it is.
    let unit = std::fs::read_to_string(root.join("usr/lib/systemd/system/paifang.service"));
    let unit = unit.unwrap().replace("/usr/bin/paifang", env!("CARGO_BIN_EXE_paifang"));
    let unit = folder.write("paifang.service", &unit, 0o644);
    done(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit));
}

#[test]
fn the_supervisor_hears_ready_alive_and_stopping() {
    let site = Site::new(LANE, SECRETS);
    let path = site.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let hear = || {
        let mut bytes = [0; 256];
        let got = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..got]).trim().to_owned()
    };
    let mut command = paifang();
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    let daemon = site.start_by(command);
    assert_eq!(hear(), "READY=1");
    for _ in 0..3 {
        assert_eq!(hear(), "WATCHDOG=1");
    }
    daemon.stop();
    let last = std::iter::repeat_with(hear).find(|said| said != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}
