//! `paifang init`: asks what nobody but the installer knows, listens for cameras that announce themselves, writes the
//! site file and its secrets, checks them, and says what to type into each device. Overwrites nothing.

mod draft;
mod files;
mod finds;
mod page;
mod talk;

use std::{
    io::{BufRead, Write},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

pub use self::page::first_run;
use self::{
    draft::{Barrier, Board, Draft, Lane},
    files::Files,
    finds::Found,
    talk::Talk,
};
use crate::{config, core::rules::Direction, io::onvif};

/// Cameras answer a probe within this.
const ANNOUNCE: Duration = Duration::from_secs(4);

/// Asks on `input` and `output`; listens for cameras for so long, and asks at `announce` which announce themselves.
/// `true`: the installer wants the site started.
pub async fn init(
    config: &Path,
    listen: Duration,
    announce: SocketAddr,
    input: impl BufRead,
    output: impl Write,
) -> anyhow::Result<bool> {
    let files = Files::new(config)?;
    let mut talk = Talk::new(input, output);
    talk.choose_language()?;
    let mut draft = basics(&mut talk, config)?;
    files.write(&draft)?;

    let (found, first_password) =
        hear_cameras(&mut talk, config, &draft, (listen, announce)).await?;
    let ports = finds::serial_ports();
    for camera in found {
        if let Some(lane) = lane(&mut talk, &draft, &camera, &ports)? {
            draft.lanes.push(lane);
        }
    }
    files.write(&draft)?;
    config::load(config)?;
    farewell(&mut talk, config, &draft, first_password.as_deref())
}

fn basics<I: BufRead, O: Write>(talk: &mut Talk<I, O>, config: &Path) -> anyhow::Result<Draft> {
    let name = talk.ask("场地名称", "Name of the site", "", draft::name)?;
    let zone = talk.ask("时区", "Time zone", &finds::time_zone(), draft::zone)?;
    let free_minutes = talk.ask("免费分钟数", "Free minutes", "15", draft::minutes)?;
    let hour_minor =
        talk.ask("每小时收费（元）", "Fee for each started hour", "5.00", draft::minor)?;
    let cap_minor = talk.ask("24 小时封顶（元）", "At most for 24 hours", "40.00", draft::minor)?;
    let http = talk.ask("网页监听地址", "Pages are served at", "0.0.0.0:8080", draft::socket)?;
    let usual = format!("http://{}:{}", finds::lan_address(), http.port());
    let public_url = talk.ask(
        "手机访问地址（二维码以此开头）",
        "Phones call this site by (QR codes begin with it)",
        &usual,
        draft::url,
    )?;
    let mqtt = talk.ask(
        "摄像机 MQTT 监听地址",
        "Cameras reach the built-in MQTT broker at",
        "0.0.0.0:1883",
        draft::socket,
    )?;
    let data_dir = draft::data_dir(config);
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
    (listen, announce): (Duration, SocketAddr),
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
    let announced = tokio::spawn(onvif::discover(announce, ANNOUNCE));
    let (found, first_password) = files::hear(config, listen).await?;
    for camera in announced.await.ok().and_then(Result::ok).unwrap_or_default() {
        let line = finds::announced(&camera);
        talk.say(
            &format!("  网络上的摄像机（ONVIF）：{line}"),
            &format!("  A camera on the network (ONVIF): {line}"),
        )?;
    }
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
    found: &Found,
    ports: &[String],
) -> anyhow::Result<Option<Lane>> {
    let what = found.to_string();
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
    let usual = draft.next_id(direction);
    let id = talk.ask("车道编号", "The lane's id", &usual, |id| draft.fresh_id(id))?;
    let barrier = barrier(talk, &id, finds::own_relay(found), ports)?;
    Ok(Some(Lane::of(found, id, direction, barrier)?))
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
    let address = talk.ask(zh, en, "1", draft::address)?;
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
