//! The site a table is about: its settings turned into a site file, with the usual devices on every lane. Opens nothing.

use std::{fmt::Write as _, path::Path};

use paifang::core::rules::Direction;

use super::table::Cell;

/// A lane of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneHead {
    pub id: String,
    pub direction: Direction,
    /// Further lines of its `[[lane]]`.
    pub more: Vec<String>,
}

/// The head of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub lanes: Vec<LaneHead>,
    /// `[[zone]]` sections.
    pub zones: Vec<String>,
    /// `[[pass]]` sections.
    pub passes: Vec<String>,
    /// Tariff files: name, and what stands in it. The first is that of all zones that name none.
    pub tariffs: Vec<(String, String)>,
    /// Lines of the site's calendar.
    pub calendar: Vec<String>,
    /// `section.key = value`, in the site file's own words.
    pub keys: Vec<(String, String, String)>,
}

impl Head {
    /// Reads the settings. A later one of the same name takes the place of the earlier.
    pub fn of(settings: &[Cell]) -> Result<Self, (usize, String)> {
        let mut head = Self::default();
        settings
            .iter()
            .try_for_each(|cell| head.setting(&cell.text).map_err(|e| (cell.line, e)))?;
        Ok(head)
    }

    fn setting(&mut self, text: &str) -> Result<(), String> {
        if let Some(rest) = text.strip_prefix("lane ") {
            return self.lane(rest);
        }
        if let Some(rest) = text.strip_prefix("zone ") {
            return self.zone(rest);
        }
        if let Some(rest) = text.strip_prefix("pass ") {
            return self.pass(rest);
        }
        if let Some(rest) = text.strip_prefix("tariff ") {
            return self.tariff(rest);
        }
        if let Some(rest) = text.strip_prefix("calendar: ") {
            self.calendar = keys(rest);
            return Ok(());
        }
        let fault = || format!("\"{text}\" is no setting such as pay.leave_minutes = 15");
        let (key, value) = text.split_once(" = ").ok_or_else(fault)?;
        let (section, key) = key.rsplit_once('.').ok_or_else(fault)?;
        self.keys.retain(|(s, k, _)| (s.as_str(), k.as_str()) != (section, key));
        self.keys.push((section.to_owned(), key.to_owned(), value.to_owned()));
        Ok(())
    }

    /// `in: entry`, or `b2-in: entry, zone = "b2", only = ["pass"]`.
    fn lane(&mut self, text: &str) -> Result<(), String> {
        let fault = || format!("\"{text}\" is no lane such as in: entry");
        let (id, rest) = text.split_once(": ").ok_or_else(fault)?;
        let (direction, more) = rest.split_once(", ").unwrap_or((rest, ""));
        let direction = match direction {
            "entry" => Direction::Entry,
            "exit" => Direction::Exit,
            _ => return Err(fault()),
        };
        self.lanes.retain(|lane| lane.id != id);
        let more = keys(more);
        self.lanes.push(LaneHead { id: id.to_owned(), direction, more });
        Ok(())
    }

    /// `lot: 50 spaces`, or `b2: 10 spaces, parent = "lot"`.
    fn zone(&mut self, text: &str) -> Result<(), String> {
        let (id, rest) = text.split_once(": ").ok_or("a zone is such as lot: 50 spaces")?;
        let (spaces, more) = rest.split_once(", ").unwrap_or((rest, ""));
        let spaces = spaces.strip_suffix(" spaces").ok_or("a zone is such as lot: 50 spaces")?;
        let mut section = format!("[[zone]]\nid = \"{id}\"\ncapacity = {spaces}\n");
        keys(more).iter().for_each(|key| section.push_str(&format!("{key}\n")));
        self.zones.retain(|zone| !zone.contains(&format!("id = \"{id}\"\n")));
        self.zones.push(section);
        Ok(())
    }

    /// `month: 300.00, months = 1`.
    fn pass(&mut self, text: &str) -> Result<(), String> {
        let fault = "a pass is such as month: 300.00, months = 1";
        let (id, rest) = text.split_once(": ").ok_or(fault)?;
        let (price, more) = rest.split_once(", ").ok_or(fault)?;
        let price = super::steps::minor(price)?;
        let mut section =
            format!("[[pass]]\nid = \"{id}\"\nname = \"{id}\"\nprice_minor = {price}\n");
        keys(more).iter().for_each(|key| section.push_str(&format!("{key}\n")));
        self.passes.retain(|pass| !pass.contains(&format!("id = \"{id}\"\n")));
        self.passes.push(section);
        Ok(())
    }

    /// `visits: tests/tariffs/visits.toml`, or `lot: free = [..], band = [..]`, in the words of the tariff language.
    fn tariff(&mut self, text: &str) -> Result<(), String> {
        let fault = "a tariff is such as visits: tests/tariffs/visits.toml";
        let (name, rest) = text.split_once(": ").ok_or(fault)?;
        let text = if Path::new(rest).extension().is_some_and(|ext| ext == "toml") {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(rest);
            std::fs::read_to_string(path).map_err(|why| format!("{rest}: {why}"))?
        } else {
            format!("name = \"{name}\"\n{}\n", keys(rest).join("\n"))
        };
        match self.tariffs.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = text,
            None => self.tariffs.push((name.to_owned(), text)),
        }
        Ok(())
    }

    /// The files that stand beside the site file.
    pub fn write_files(&self, folder: &Path) -> std::io::Result<()> {
        let tariffs = folder.join("tariffs");
        std::fs::create_dir_all(&tariffs)?;
        for (name, text) in &self.tariffs {
            std::fs::write(tariffs.join(format!("{name}.toml")), text)?;
        }
        if self.calendar.is_empty() {
            return Ok(());
        }
        std::fs::write(folder.join("calendar.toml"), self.calendar.join("\n"))
    }

    /// The sections that a site file has besides devices and lanes.
    pub fn sections(&self) -> String {
        let mut text = String::new();
        let mut done: Vec<&str> = Vec::new();
        let hourly =
            self.keys.iter().any(|(section, ..)| section == "tariff" || section == "tariffs");
        if let Some((main, _)) = self.tariffs.first().filter(|_| !hourly) {
            let _ = writeln!(text, "[tariffs]\nmain = \"{main}\"");
        }
        for (section, ..) in &self.keys {
            if done.contains(&section.as_str()) {
                continue;
            }
            done.push(section);
            let _ = writeln!(text, "[{section}]");
            for (_, key, value) in self.keys.iter().filter(|(of, ..)| of == section) {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        self.zones.iter().for_each(|zone| text.push_str(zone));
        self.passes.iter().for_each(|pass| text.push_str(pass));
        text
    }

    /// A whole site file: a camera, a relay board and a display for each lane.
    pub fn site_toml(&self) -> String {
        let mut text = String::from(
            "[site]\nname = \"Scenario\"\nzone = \"Asia/Shanghai\"\ndata_dir = \"data\"\n",
        );
        text.push_str(&self.sections());
        for lane in &self.lanes {
            let LaneHead { id, more, .. } = lane;
            let direction = match lane.direction {
                Direction::Entry => "entry",
                Direction::Exit => "exit",
            };
            let _ = write!(
                text,
                "[[bus]]\nid = \"line-{id}\"\npath = \"/dev/line-{id}\"\n\
                 [[device]]\nid = \"cam-{id}\"\nprofile = \"camera/vzenith-http\"\n\
                 [[device]]\nid = \"board-{id}\"\nprofile = \"barrier/waveshare-modbus\"\n\
                 bus = \"line-{id}\"\naddress = 1\n\
                 [[lane]]\nid = \"{id}\"\ndirection = \"{direction}\"\ncamera = \"cam-{id}\"\n\
                 barrier = \"board-{id}\"\n{}\n",
                more.join("\n")
            );
        }
        text
    }

    /// The secrets that go with [`Self::site_toml`].
    pub fn secrets_toml(&self) -> String {
        let keys =
            self.lanes.iter().map(|lane| format!("cam-{} = \"0123456789abcdef\"\n", lane.id));
        format!("[push]\n{}", keys.collect::<String>())
    }
}

/// Splits `a = 1, b = [1, 2]` at its outer commas.
fn keys(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.into_iter().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).collect()
}
