//! What stands where on a simulated site, and the files that tell a daemon so. Opens no wire.

use std::{
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use paifang::core::rules::{Closing, Direction, Wired};

use crate::world::LaneSpec;

/// Every device's password and key: the wires end on this machine.
pub const PASSWORD: &str = "of-a-simulated-device";

/// Whose relay moves a lane's arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A relay board on the lane's serial line.
    Board,
    /// The camera's own; of the loops, the camera knows two, of the limits none.
    Camera,
}

/// How a lane's camera speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// At the broker.
    Mqtt,
    /// By calls to the daemon's pages.
    Http,
}

/// A lane and its devices.
#[derive(Clone, Debug)]
pub struct LaneAt {
    /// Such as `entry-1`.
    pub id: String,
    pub direction: Direction,
    pub by: By,
    pub speaks: Speaks,
    /// Of the camera, which is called `cam-` and the lane.
    pub serial_number: String,
    /// The serial line's lasting name.
    pub line: PathBuf,
    /// Further keys of its `[[lane]]`, such as `zone = "b2"`.
    pub keys: Vec<String>,
    /// Between the car park and the zone within it.
    pub inner: bool,
}

/// What is to stand on a site, where it is not the usual entries and exits.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Each with its name, its direction and further keys of its `[[lane]]`.
    pub lanes: Vec<(String, Direction, Vec<String>)>,
    /// Sections of the site file besides devices and lanes; they take the place of the usual ones of the same name.
    pub sections: String,
}

impl LaneAt {
    pub fn camera(&self) -> String {
        format!("cam-{}", self.id)
    }

    /// A name that people read, in the place of the id.
    pub(super) fn christen(&mut self) {
        let (chinese, english) = match self.direction {
            Direction::Entry => ("入口", "In"),
            Direction::Exit => ("出口", "Out"),
        };
        let name = match self.id.rsplit_once('-') {
            Some((_, nth)) if !self.inner => format!("{nth}号{chinese} {english} {nth}"),
            _ => format!("地下一层{chinese} B1 {}", english.to_lowercase()),
        };
        self.keys.push(format!("name = \"{name}\""));
    }

    /// What the world builds for it; an arm takes 1.2 to 2.4 s to rise.
    pub(super) fn spec(&self, nth: usize) -> LaneSpec {
        let limits = self.by == By::Board;
        let wired = Wired {
            arrival: true,
            safety: true,
            open_limit: limits,
            closed_limit: limits,
            ..Wired::default()
        };
        let rise = Duration::from_millis(1_200 + 400 * (nth as u64 % 4));
        LaneSpec {
            direction: self.direction,
            wired,
            closing: Closing::ByItself,
            rise,
            inner: self.inner,
        }
    }
}

/// A site in a folder of its own.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Absolute.
    pub folder: PathBuf,
    pub name: String,
    pub http: SocketAddr,
    /// Where cameras sign in: the daemon's own broker, or the external one.
    pub mqtt: SocketAddr,
    pub external_broker: bool,
    /// Seconds a cashier link lives.
    pub link_life_s: u32,
    /// Seconds a vehicle stands on the arrival loop before the camera is asked to look.
    pub unread_s: u32,
    pub lanes: Vec<LaneAt>,
    /// Sections of the site file that take the place of the usual ones.
    pub sections: String,
}

impl Layout {
    /// Lanes `entry-1..` and `exit-1..`; the last entry's arm is moved by its camera if `camera_arm`, the last exit's
    /// by one that calls over HTTP if `http_exit`.
    pub(super) fn lanes(
        folder: &Path,
        entries: usize,
        exits: usize,
        camera_arm: bool,
        http_exit: bool,
    ) -> Vec<LaneAt> {
        let lane = |direction, word, nth: usize, (by, speaks)| {
            let id = format!("{word}-{nth}");
            let line = folder.join("lines").join(&id);
            let serial_number = format!("sim-{id}");
            let (keys, inner) = (Vec::new(), false);
            LaneAt { id, direction, by, speaks, serial_number, line, keys, inner }
        };
        let entries = (1..=entries).map(|nth| {
            let by = if camera_arm && nth == entries { By::Camera } else { By::Board };
            lane(Direction::Entry, "entry", nth, (by, Speaks::Mqtt))
        });
        let exits = (1..=exits).map(|nth| {
            let calls = http_exit && nth == exits;
            let how = if calls { (By::Camera, Speaks::Http) } else { (By::Board, Speaks::Mqtt) };
            lane(Direction::Exit, "exit", nth, how)
        });
        entries.chain(exits).collect()
    }

    /// Into a zone within the car park, and out of it.
    pub(super) fn inner(folder: &Path, zone: &str) -> Vec<LaneAt> {
        let lane = |word: &str, direction| {
            let id = format!("{zone}-{word}");
            LaneAt {
                serial_number: format!("sim-{id}"),
                direction,
                by: By::Board,
                speaks: Speaks::Mqtt,
                line: folder.join("lines").join(&id),
                keys: vec![format!("zone = \"{zone}\"")],
                inner: true,
                id,
            }
        };
        vec![lane("in", Direction::Entry), lane("out", Direction::Exit)]
    }

    /// The lanes of a plan, each with a camera at the broker and a relay board.
    pub(super) fn planned(folder: &Path, plan: &Plan) -> Vec<LaneAt> {
        let lane = |(id, direction, keys): &(String, Direction, Vec<String>)| LaneAt {
            id: id.clone(),
            direction: *direction,
            by: By::Board,
            speaks: Speaks::Mqtt,
            serial_number: format!("sim-{id}"),
            line: folder.join("lines").join(id),
            keys: keys.clone(),
            inner: false,
        };
        plan.lanes.iter().map(lane).collect()
    }

    pub fn site_file(&self) -> PathBuf {
        self.folder.join("site.toml")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What drivers' links and codes begin with.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.http)
    }

    pub(super) fn notify_url(&self, channel: &str) -> String {
        format!("{}/bank/{channel}", self.public_url())
    }

    /// Writes `site.toml`, and `secrets.toml` for its owner only. `banks` is the section `[bank]` with its channels.
    pub(super) fn write(&self, banks: toml::Table) -> io::Result<()> {
        fs::write(self.site_file(), self.site_toml(banks))?;
        let secrets = self.folder.join("secrets.toml");
        let mut text = format!("[mqtt]\ndaemon = \"{PASSWORD}\"\n");
        for lane in self.lanes.iter().filter(|lane| lane.speaks == Speaks::Mqtt) {
            let _ = writeln!(text, "{} = \"{PASSWORD}\"", lane.camera());
        }
        text.push_str("[push]\n");
        for lane in self.lanes.iter().filter(|lane| lane.speaks == Speaks::Http) {
            let _ = writeln!(text, "{} = \"{PASSWORD}\"", lane.camera());
        }
        fs::write(&secrets, text)?;
        fs::set_permissions(secrets, fs::Permissions::from_mode(0o600))
    }

    fn site_toml(&self, banks: toml::Table) -> String {
        let banks = toml::Table::from_iter([("bank".to_owned(), banks.into())]);
        let Self { name, http, mqtt, link_life_s, .. } = self;
        let broker = if self.external_broker {
            format!("url = \"mqtt://{mqtt}\"")
        } else {
            format!("listen = \"{mqtt}\"")
        };
        let mut text = format!(
            "# A simulated site: every wire ends on this machine. Written anew at each start.\n\n\
             [site]\nname = \"{name}\"\nzone = \"Asia/Shanghai\"\ndata_dir = \"data\"\n\n\
             [http]\nlisten = \"{http}\"\n\n[mqtt]\n{broker}\n\n{banks}\n"
        );
        let pay = format!("trade_prefix = \"SIM\"\nlink_life_s = {link_life_s}");
        let tariff = "free_minutes = 0\nhour_minor = 500\nday_cap_minor = 4000";
        for (section, usual) in [("tariff", tariff), ("pay", pay.as_str())] {
            let own = [format!("[{section}]"), format!("[{section}s]")];
            if !self.sections.lines().any(|line| own.iter().any(|own| own == line)) {
                let _ = write!(text, "[{section}]\n{usual}\n\n");
            }
        }
        text.push_str(&self.sections);
        for lane in &self.lanes {
            lane.write(&mut text, self.unread_s);
        }
        text
    }
}

impl LaneAt {
    fn write(&self, text: &mut String, unread_s: u32) {
        let (id, camera) = (&self.id, self.camera());
        let (line, sn) = (self.line.display(), &self.serial_number);
        let direction = match self.direction {
            Direction::Entry => "entry",
            Direction::Exit => "exit",
        };
        let profile = match self.speaks {
            Speaks::Mqtt => "camera/vzenith-mqtt",
            Speaks::Http => "camera/vzenith-http",
        };
        let _ = write!(
            text,
            "\n[[bus]]\nid = \"line-{id}\"\npath = \"{line}\"\n\n\
             [[device]]\nid = \"{camera}\"\nprofile = \"{profile}\"\nsn = \"{sn}\"\n\n\
             [[device]]\nid = \"led-{id}\"\nprofile = \"display/olm-led\"\nbus = \"line-{id}\"\n"
        );
        let barrier = match self.by {
            By::Camera => camera.clone(),
            By::Board => {
                let _ = write!(
                    text,
                    "\n[[device]]\nid = \"board-{id}\"\nprofile = \"barrier/waveshare-modbus\"\n\
                     bus = \"line-{id}\"\naddress = 1\n"
                );
                format!("board-{id}")
            }
        };
        let _ = write!(
            text,
            "\n[[lane]]\nid = \"{id}\"\ndirection = \"{direction}\"\ncamera = \"{camera}\"\n\
             barrier = \"{barrier}\"\ndisplay = \"led-{id}\"\n{}\n",
            self.keys.join("\n")
        );
        if !self.keys.iter().any(|key| key.starts_with("times")) {
            let _ = writeln!(text, "times = {{ unread_s = {unread_s} }}");
        }
    }
}
