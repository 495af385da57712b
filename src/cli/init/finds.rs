//! What this machine can tell by itself: its address, its time zone, its serial lines, and who speaks to it. Asks nobody.

use std::{
    fmt, fs,
    net::{IpAddr, Ipv4Addr, UdpSocket},
    time::Duration,
};

use paifang_devices::{Capability, Profile};

use crate::{cli::devices, config::Site, io::onvif::Announced};

/// A camera that spoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) profile: String,
    pub(super) sn: Option<String>,
    /// Topic or path.
    pub(super) place: String,
    /// It calls us over HTTP; else it is on the broker.
    pub(super) pushes: bool,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, sn, place, .. } = self;
        write!(f, "{profile} {}（{place}）", sn.as_deref().unwrap_or_default())
    }
}

/// Whether the camera has a relay that can open a barrier.
pub(super) fn own_relay(found: &Found) -> bool {
    Profile::find(&found.profile).is_ok_and(|profile| profile.can(Capability::PulseOpen))
}

/// A camera that announced itself, where its own pages are.
pub(super) fn announced(camera: &Announced) -> String {
    let Announced { from, name, hardware, .. } = camera;
    let words = [name.as_str(), hardware.as_str()];
    let what = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    format!("{from} {what}").trim_end().to_owned()
}

/// The address other machines reach this one by, as far as the routing table tells.
pub(super) fn lan_address() -> IpAddr {
    // Of a network for documentation: no packet leaves.
    let probe = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    probe.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |at| at.ip())
}

/// IANA name of this machine's zone; one without a place is taken for China's.
pub(super) fn time_zone() -> String {
    let zone = jiff::tz::TimeZone::system();
    let name = zone.iana_name().filter(|name| name.contains('/') && !name.starts_with("Etc"));
    name.unwrap_or("Asia/Shanghai").to_owned()
}

/// Serial lines by names that stay the same when cables are moved; else by number.
pub(super) fn serial_ports() -> Vec<String> {
    let in_folder = |folder: &str, begins: &[&str]| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let named = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let fits = begins.iter().any(|begin| name.starts_with(begin));
            fits.then(|| format!("{folder}/{name}"))
        });
        let mut ports: Vec<String> = named.collect();
        ports.sort();
        ports
    };
    let ports = in_folder("/dev/serial/by-id", &[""]);
    if ports.is_empty() { in_folder("/dev", &["ttyUSB", "ttyACM"]) } else { ports }
}

/// Cameras that the running daemon hears and some profile understands, each once.
pub(super) async fn strangers(site: &Site, listen: Duration) -> anyhow::Result<Vec<Found>> {
    let heard = devices::strangers(site, listen).await?;
    let mut found: Vec<Found> = Vec::new();
    for stranger in heard {
        // Best first; one that understands nothing of use is taken for want of a better one.
        let cameras = || stranger.guesses.iter().filter(|g| g.profile.starts_with("camera/"));
        let useful = cameras().find(|guess| !guess.says.is_empty());
        let Some(best) = useful.or_else(|| cameras().next()) else { continue };
        let pushes = stranger.place.starts_with('/');
        let camera = Found {
            profile: best.profile.clone(),
            sn: best.sn.clone(),
            place: stranger.place.clone(),
            pushes,
        };
        // One camera speaks on several topics.
        let again = |known: &Found| {
            known.profile == camera.profile
                && (known.sn.is_some() && known.sn == camera.sn || known.place == camera.place)
        };
        if !found.iter().any(again) {
            found.push(camera);
        }
    }
    Ok(found)
}
