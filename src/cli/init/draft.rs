//! The site file and the secrets file as `paifang init` writes them. Knows no terminal.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use rand::{TryRng, rngs::SysRng};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::finds::Found;
use crate::{
    core::rules::Direction,
    types::{DeviceId, LaneId, TEXT_ID_RULE},
};

#[derive(Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) zone: String,
    pub(super) free_minutes: u32,
    pub(super) hour_minor: i64,
    pub(super) cap_minor: i64,
    pub(super) http: SocketAddr,
    pub(super) public_url: String,
    pub(super) mqtt: SocketAddr,
    pub(super) data_dir: String,
    pub(super) lanes: Vec<Lane>,
}

#[derive(Clone)]
pub(super) struct Lane {
    pub(super) id: String,
    pub(super) direction: Direction,
    pub(super) camera: Camera,
    pub(super) barrier: Barrier,
}

#[derive(Clone)]
pub(super) struct Camera {
    pub(super) id: String,
    pub(super) profile: String,
    pub(super) sn: Option<String>,
    pub(super) door: Door,
    /// Its password at the broker, or its key in the address it calls.
    pub(super) secret: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Mqtt,
    Push,
}

#[derive(Clone)]
pub(super) enum Barrier {
    /// The camera's own relay.
    Camera,
    Board(Board),
}

#[derive(Clone)]
pub(super) struct Board {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) address: u8,
}

impl Camera {
    /// What to type into it.
    pub(super) fn settings(&self, here: &IpAddr, draft: &Draft) -> String {
        let Self { id, secret, .. } = self;
        match self.door {
            Door::Mqtt => {
                format!("  {id}: MQTT {here}:{}  user {id}  password {secret}", draft.mqtt.port())
            }
            Door::Push => {
                format!("  {id}: HTTP http://{here}:{}/device/{id}?key={secret}", draft.http.port())
            }
        }
    }
}

impl Draft {
    /// As the next lane that leads so may be called.
    pub(super) fn next_id(&self, direction: Direction) -> String {
        let word = if direction == Direction::Entry { "entry" } else { "exit" };
        let number = self.lanes.iter().filter(|lane| lane.direction == direction).count() + 1;
        format!("{word}-{number}")
    }

    /// A lane may be called so.
    pub(super) fn fresh_id(&self, id: &str) -> Result<String, String> {
        match LaneId::parse(id) {
            None => Err(TEXT_ID_RULE.to_owned()),
            Some(_) if self.lanes.iter().any(|lane| lane.id == id) => {
                Err(format!("{id}: 已使用 / taken"))
            }
            Some(_) => Ok(id.to_owned()),
        }
    }

    pub(super) fn site_file(&self) -> String {
        let mut text = String::new();
        let _ = write!(
            text,
            "# Made by `paifang init`. The example file beside the program's documents explains every setting;\n\
             # `paifang check` tells each mistake with its line.\n\n\
             [site]\nname = {}\nzone = {}\ndata_dir = {}\n\n\
             [http]\nlisten = \"{}\"\npublic_url = {}\n\n\
             [mqtt]\nlisten = \"{}\"\n\n\
             [tariff]                         # amounts in minor units: fen\n\
             free_minutes = {}\nhour_minor = {}\nday_cap_minor = {}\n",
            quoted(&self.name),
            quoted(&self.zone),
            quoted(&self.data_dir),
            self.http,
            quoted(&self.public_url),
            self.mqtt,
            self.free_minutes,
            self.hour_minor,
            self.cap_minor,
        );
        self.lines(&mut text);
        self.lanes.iter().for_each(|lane| lane.write(&mut text));
        text
    }

    /// Each serial line once, however many boards are on it.
    fn lines(&self, text: &mut String) {
        let mut seen: Vec<&str> = Vec::new();
        for board in self.boards() {
            if !seen.contains(&board.path.as_str()) {
                seen.push(&board.path);
                let (number, path) = (seen.len(), quoted(&board.path));
                let _ = write!(text, "\n[[bus]]\nid = \"line-{number}\"\npath = {path}\n");
            }
        }
        for board in self.boards() {
            let number = seen.iter().position(|path| *path == board.path).map_or(1, |at| at + 1);
            let _ = write!(
                text,
                "\n[[device]]\nid = {}\nprofile = \"barrier/waveshare-modbus\"\nbus = \"line-{number}\"\naddress = {}\n",
                quoted(&board.id),
                board.address,
            );
        }
    }

    fn boards(&self) -> impl Iterator<Item = &Board> {
        self.lanes.iter().filter_map(|lane| match &lane.barrier {
            Barrier::Board(board) => Some(board),
            Barrier::Camera => None,
        })
    }

    /// Passwords of devices.
    pub(super) fn secrets_file(&self) -> String {
        let mut text = "# Passwords of devices; readable by the daemon's user only.\n".to_owned();
        for (head, door) in [("mqtt", Door::Mqtt), ("push", Door::Push)] {
            let _ = write!(text, "\n[{head}]\n");
            for lane in self.lanes.iter().filter(|lane| lane.camera.door == door) {
                let _ = writeln!(text, "{} = {}", lane.camera.id, quoted(&lane.camera.secret));
            }
        }
        text
    }
}

impl Lane {
    /// With a camera that was heard, and a new secret for it.
    pub(super) fn of(
        found: &Found,
        id: String,
        direction: Direction,
        barrier: Barrier,
    ) -> anyhow::Result<Self> {
        let camera = DeviceId::parse(&format!("cam-{id}"));
        // A lane's id may be as long as an id can be.
        let camera = camera.map_or_else(|| id.clone(), |id| id.to_string());
        let camera = Camera {
            id: camera,
            profile: found.profile.clone(),
            sn: found.sn.clone(),
            door: if found.pushes { Door::Push } else { Door::Mqtt },
            secret: secret()?,
        };
        Ok(Self { id, direction, camera, barrier })
    }

    fn write(&self, text: &mut String) {
        let Camera { id, profile, sn, .. } = &self.camera;
        let _ = write!(text, "\n[[device]]\nid = {}\nprofile = {}\n", quoted(id), quoted(profile));
        if let Some(sn) = sn {
            let _ = writeln!(text, "sn = {}", quoted(sn));
        }
        let direction = match self.direction {
            Direction::Entry => "entry",
            Direction::Exit => "exit",
        };
        let (barrier, inputs) = match &self.barrier {
            // What its inputs are wired to, nobody has said.
            Barrier::Camera => {
                (id, "inputs = {}                      # default: the profile's wiring\n")
            }
            Barrier::Board(board) => (&board.id, ""),
        };
        let _ = write!(
            text,
            "\n[[lane]]\nid = {}\ndirection = \"{direction}\"\ncamera = {}\nbarrier = {}\n{inputs}",
            quoted(&self.id),
            quoted(id),
            quoted(barrier),
        );
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

// ---- what fits: each check says what would --------------------------------------------------------

pub(super) fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("…".to_owned()),
        name if name.chars().count() > 60 => Err("60".to_owned()),
        name => Ok(name.to_owned()),
    }
}

pub(super) fn zone(text: &str) -> Result<String, String> {
    jiff::tz::TimeZone::get(text).map(|_| text.to_owned()).map_err(|why| why.to_string())
}

pub(super) fn minutes(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "0…1440".to_owned())
}

pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "0.0.0.0:8080".to_owned())
}

pub(super) fn url(text: &str) -> Result<String, String> {
    match text.trim_end_matches('/') {
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_owned()),
        _ => Err("https://…".to_owned()),
    }
}

/// Of a board on a serial line.
pub(super) fn address(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(address @ 1..=247) => Ok(address),
        _ => Err("1…247".to_owned()),
    }
}

/// Where the system keeps the data of what is installed in it; else beside the site file.
pub(super) fn data_dir(config: &Path) -> String {
    let installed = config.starts_with("/etc/paifang");
    if installed { "/var/lib/paifang" } else { "site-data" }.to_owned()
}

/// Yuan as typed, in fen.
pub(super) fn minor(text: &str) -> Result<i64, String> {
    let yuan: Decimal = text.parse().map_err(|_| "5.00".to_owned())?;
    let fen = yuan * Decimal::ONE_HUNDRED;
    let whole = fen.is_integer() && !fen.is_sign_negative();
    fen.to_i64().filter(|_| whole).ok_or_else(|| "5.00".to_owned())
}

/// 20 letters and digits that nobody confuses.
pub(super) fn secret() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}
