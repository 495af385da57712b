//! `paifang init`: asks what nobody but the installer knows, listens for cameras that announce themselves, writes the
//! site file and its secrets, checks them, and says what to type into each device. Overwrites nothing.

mod draft;
mod finds;
mod talk;

use std::{
    fs,
    io::{BufRead, Write},
    net::SocketAddr,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use anyhow::{Context, bail};
use paifang_devices::{Capability, Profile};

use self::{
    draft::{Barrier, Board, Camera, Door, Draft, Lane, secret},
    finds::Found,
    talk::Talk,
};
use crate::{
    app::daemon::Daemon,
    config,
    core::rules::Direction,
    types::{DeviceId, LaneId},
};

/// Asks on `input` and `output`; listens for cameras for so long. `true`: the installer wants the site started.
pub async fn init(
    config: &Path,
    listen: Duration,
    input: impl BufRead,
    output: impl Write,
) -> anyhow::Result<bool> {
    let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let secrets = folder.join("secrets.toml");
    for file in [config, &secrets] {
        if file.exists() {
            bail!("{} is there already and is not touched; move it away first", file.display());
        }
    }
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    not_as_stranger(folder)?;
    let mut talk = Talk::new(input, output);
    talk.choose_language()?;
    let mut draft = basics(&mut talk, config)?;
    write(config, &draft.site_file(), 0o640)?;
    write(&secrets, &draft.secrets_file(), 0o600)?;

    let (found, first_password) = hear_cameras(&mut talk, config, &draft, listen).await?;
    let ports = finds::serial_ports();
    for camera in found {
        if let Some(lane) = lane(&mut talk, &draft, camera, &ports)? {
            draft.lanes.push(lane);
        }
    }
    write(config, &draft.site_file(), 0o640)?;
    write(&secrets, &draft.secrets_file(), 0o600)?;
    config::load(config)?;
    farewell(&mut talk, config, &draft, first_password.as_deref())
}

/// Files that the daemon's user cannot read are no use to it.
fn not_as_stranger(folder: &Path) -> anyhow::Result<()> {
    let me = fs::metadata("/proc/self").map(|me| me.uid()).unwrap_or_default();
    let owner = fs::metadata(folder).with_context(|| format!("{}", folder.display()))?.uid();
    if me == 0 && owner != 0 {
        bail!(
            "{} belongs to the daemon's user, who has to own what is made here: \
             sudo -u paifang paifang init --config {}/site.toml",
            folder.display(),
            folder.display()
        );
    }
    Ok(())
}

fn basics<I: BufRead, O: Write>(talk: &mut Talk<I, O>, config: &Path) -> anyhow::Result<Draft> {
    let text = |text: &str| match text.trim() {
        "" => Err("…".to_owned()),
        name if name.chars().count() > 60 => Err("60".to_owned()),
        name => Ok(name.to_owned()),
    };
    let name = talk.ask("场地名称", "Name of the site", "", text)?;
    let zone = talk.ask("时区", "Time zone", &finds::time_zone(), |zone| {
        jiff::tz::TimeZone::get(zone).map(|_| zone.to_owned()).map_err(|why| why.to_string())
    })?;
    let minutes = |text: &str| text.parse::<u32>().map_err(|_| "0…1440".to_owned());
    let free_minutes = talk.ask("免费分钟数", "Free minutes", "15", minutes)?;
    let hour_minor =
        talk.ask("每小时收费（元）", "Fee for each started hour", "5.00", draft::minor)?;
    let cap_minor = talk.ask("24 小时封顶（元）", "At most for 24 hours", "40.00", draft::minor)?;
    let at = |text: &str| text.parse::<SocketAddr>().map_err(|_| "0.0.0.0:8080".to_owned());
    let http = talk.ask("网页监听地址", "Pages are served at", "0.0.0.0:8080", at)?;
    let usual = format!("http://{}:{}", finds::lan_address(), http.port());
    let public_url = talk.ask(
        "手机访问地址（二维码以此开头）",
        "Phones call this site by (QR codes begin with it)",
        &usual,
        |url| match url.trim_end_matches('/') {
            url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_owned()),
            _ => Err("https://…".to_owned()),
        },
    )?;
    let mqtt = talk.ask(
        "摄像机 MQTT 监听地址",
        "Cameras reach the built-in MQTT broker at",
        "0.0.0.0:1883",
        at,
    )?;
    let data_dir =
        if config.starts_with("/etc/paifang") { "/var/lib/paifang" } else { "site-data" };
    let data_dir = data_dir.to_owned();
    let lanes = Vec::new();
    Ok(Draft {
        name,
        zone,
        free_minutes,
        hour_minor,
        cap_minor,
        http,
        public_url,
        mqtt,
        data_dir,
        lanes,
    })
}

/// Runs the site without lanes for a while, so that whoever speaks is heard. The first account's password comes along.
async fn hear_cameras<I: BufRead, O: Write>(
    talk: &mut Talk<I, O>,
    config: &Path,
    draft: &Draft,
    listen: Duration,
) -> anyhow::Result<(Vec<Found>, Option<String>)> {
    let here = finds::lan_address();
    talk.say(
        &format!(
            "请在摄像机中填写 MQTT 服务器 {here}:{}（用户名、密码暂可随意），或 HTTP 推送地址 http://{here}:{}/device/任意名称，\
             并让每台拍一张车牌。监听 {} 秒……",
            draft.mqtt.port(),
            draft.http.port(),
            listen.as_secs()
        ),
        &format!(
            "Set in each camera the MQTT server {here}:{} (any user and password for now), or push to \
             http://{here}:{}/device/ANY-NAME, and let it read a plate. Listening for {} s…",
            draft.mqtt.port(),
            draft.http.port(),
            listen.as_secs()
        ),
    )?;
    let site = config::load(config)?;
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
    let daemon = Daemon::start(config::load(config)?, metrics).await?;
    let heard = finds::strangers(&site, listen).await;
    let first_password = daemon.first_password.clone();
    daemon.stop().await;
    let found = heard?;
    if found.is_empty() {
        talk.say(
            "没有听到摄像机。稍后可用 paifang device learn 再找，再把它们写进站点文件。",
            "No camera was heard. `paifang device learn` listens again; add what it finds to the site file.",
        )?;
    }
    Ok((found, first_password))
}

fn lane<I: BufRead, O: Write>(
    talk: &mut Talk<I, O>,
    draft: &Draft,
    found: Found,
    ports: &[String],
) -> anyhow::Result<Option<Lane>> {
    let Found { profile, sn, place, pushes } = found;
    let what = format!("{profile} {}（{place}）", sn.as_deref().unwrap_or_default());
    if !talk.yes(&format!("使用这台摄像机？{what}"), &format!("Use this camera? {what}"), true)?
    {
        return Ok(None);
    }
    let (zh, en) = ("它的车道是入口还是出口？[in/out]", "Its lane leads in or out? [in/out]");
    let usual = if draft.lanes.len().is_multiple_of(2) { "in" } else { "out" };
    let direction = talk.ask(zh, en, usual, |answer| match answer {
        "in" | "入" | "入口" => Ok(Direction::Entry),
        "out" | "出" | "出口" => Ok(Direction::Exit),
        _ => Err("in / out".to_owned()),
    })?;
    let word = if direction == Direction::Entry { "entry" } else { "exit" };
    let number = draft.lanes.iter().filter(|lane| lane.direction == direction).count() + 1;
    let taken = |id: &str| draft.lanes.iter().any(|lane| lane.id == id);
    let id = talk.ask("车道编号", "The lane's id", &format!("{word}-{number}"), |id| {
        match LaneId::parse(id) {
            None => Err(crate::types::TEXT_ID_RULE.to_owned()),
            Some(_) if taken(id) => Err(format!("{id}: 已使用 / taken")),
            Some(_) => Ok(id.to_owned()),
        }
    })?;
    let camera_id = DeviceId::parse(&format!("cam-{id}"));
    let camera_id = camera_id.map_or_else(|| format!("cam-{word}-{number}"), |id| id.to_string());
    let door = if pushes { Door::Push } else { Door::Mqtt };
    let own_relay = Profile::find(&profile).is_ok_and(|found| found.can(Capability::PulseOpen));
    let camera = Camera { id: camera_id, profile, sn, door, secret: secret()? };
    let barrier = barrier(talk, &id, own_relay, ports)?;
    Ok(Some(Lane { id, direction, camera, barrier }))
}

/// What moves the arm: the camera's own relay, or a relay board on a serial line.
fn barrier<I: BufRead, O: Write>(
    talk: &mut Talk<I, O>,
    lane: &str,
    own_relay: bool,
    ports: &[String],
) -> anyhow::Result<Barrier> {
    let (zh, en) = ("道闸由摄像机的继电器开？", "Does the camera's own relay open the barrier?");
    if own_relay && (ports.is_empty() || talk.yes(zh, en, true)?) {
        return Ok(Barrier::Camera);
    }
    talk.say("串口：", "Serial lines:")?;
    for (number, port) in ports.iter().enumerate() {
        let line = format!("  {} {port}", number + 1);
        talk.say(&line, &line)?;
    }
    let usual = if ports.is_empty() { "/dev/ttyUSB0" } else { "1" };
    let (zh, en) = (
        "继电器板在哪个串口？（序号或路径）",
        "Which line is its relay board on? (number or path)",
    );
    let path = talk.ask(zh, en, usual, |answer| {
        let numbered = answer.parse().ok().and_then(|n: usize| ports.get(n.checked_sub(1)?));
        match numbered {
            Some(port) => Ok(port.clone()),
            None if answer.starts_with('/') => Ok(answer.to_owned()),
            None => Err("/dev/…".to_owned()),
        }
    })?;
    let (zh, en) = ("板的地址（Modbus）", "The board's address (Modbus)");
    let address = talk.ask(zh, en, "1", |address| match address.parse::<u8>() {
        Ok(address @ 1..=247) => Ok(address),
        _ => Err("1…247".to_owned()),
    })?;
    Ok(Barrier::Board(Board { id: format!("board-{lane}"), path, address }))
}

fn farewell<I: BufRead, O: Write>(
    talk: &mut Talk<I, O>,
    config: &Path,
    draft: &Draft,
    first_password: Option<&str>,
) -> anyhow::Result<bool> {
    let file = config.display();
    talk.say(
        &format!("{file} 已写好，检查无误。"),
        &format!("{file} is written and has no mistakes."),
    )?;
    for lane in &draft.lanes {
        let line = lane.camera.settings(&finds::lan_address(), draft);
        talk.say(&line, &line)?;
    }
    if let Some(password) = first_password {
        let url = &draft.public_url;
        talk.say(
            &format!("登录 {url}/console：用户 admin，一次性密码 {password}"),
            &format!("Sign in at {url}/console as admin, one-time password {password}"),
        )?;
    }
    talk.yes("现在启动？", "Start now?", true)
}

fn write(file: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let about = || format!("{} cannot be written", file.display());
    let mut options = fs::OpenOptions::new();
    let mut open = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(file)
        .with_context(about)?;
    open.write_all(text.as_bytes()).and_then(|()| open.sync_all()).with_context(about)
}
