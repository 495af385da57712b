//! A camera that calls a web address: posts what it says, looks at each answer, sends again what was
//! not taken. Knows no field of any make.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    Client,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    Sighting,
    body::{Body, CameraEvent},
    station::off,
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// One character string no picture contains.
pub(super) const BOUNDARY: &str = "----PaifangTwin7MA4YWxkTrZu0gW";

/// A request.
#[derive(Clone, Debug, Default)]
pub(super) struct Post {
    /// Behind the camera's base address, with its slash.
    pub(super) path: String,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Post {
    pub(super) fn json(path: &str, body: &serde_json::Value) -> Self {
        let content_type = Some("application/json".to_owned());
        Self { path: path.to_owned(), content_type, body: body.to_string().into_bytes() }
    }

    pub(super) fn multipart(path: &str, parts: &[Part<'_>]) -> Self {
        let mut body = Vec::new();
        for part in parts {
            let file = part.file.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            let kind = part.kind.map(|kind| format!("Content-Type: {kind}\r\n"));
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\n{}\r\n",
                part.name,
                kind.unwrap_or_default()
            );
            body.extend(head.into_bytes());
            body.extend(part.content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let content_type = Some(format!("multipart/form-data; boundary={BOUNDARY}"));
        Self { path: path.to_owned(), content_type, body }
    }
}

/// A part of a form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) file: Option<&'a str>,
    pub(super) kind: Option<&'a str>,
    pub(super) content: &'a [u8],
}

impl<'a> Part<'a> {
    pub(super) fn text(name: &'a str, text: &'a str) -> Self {
        Self { name, file: None, kind: None, content: text.as_bytes() }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Told its length and nothing about pieces or packing: all that a small camera can read.
    pub(super) plain: bool,
}

/// Where a camera calls; clones share connections.
#[derive(Clone)]
pub(super) struct Poster {
    client: Client,
    base: String,
    query: String,
}

/// The query may hold a password.
impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl Poster {
    /// `url` may end with a query, which every request gets.
    pub(super) fn new(url: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap_or_default();
        let (base, query) = url
            .split_once('?')
            .map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
        Self { client, base: base.trim_end_matches('/').to_owned(), query }
    }

    /// Posts, and waits at most `patience`; why it failed.
    pub(super) async fn post(&self, post: Post, patience: Duration) -> Result<Answer, String> {
        let url = format!("{}{}{}", self.base, post.path, self.query);
        let mut request = self.client.post(url).timeout(patience).body(post.body);
        if let Some(kind) = post.content_type {
            request = request.header(CONTENT_TYPE, kind);
        }
        let answer = request.send().await.map_err(|e| e.without_url().to_string())?;
        let (status, head) = (answer.status().as_u16(), answer.headers());
        let plain = head.contains_key(CONTENT_LENGTH)
            && !head.contains_key(TRANSFER_ENCODING)
            && !head.contains_key(CONTENT_ENCODING);
        let body = answer.bytes().await.map_err(|e| e.without_url().to_string())?.to_vec();
        Ok(Answer { status, body, plain })
    }
}

/// What calls.
pub(super) trait Caller: Send + Sync + 'static {
    fn body(&self) -> &Body;
    fn poster(&self) -> &Poster;
    /// A read as a request; a record is one that has an age.
    fn read_post(&self, number: u64, seen: &Sighting) -> Post;
    /// Acts on the answer to a read; an error is why the read is not taken.
    fn answered(&self, number: u64, seen: &Sighting, answer: &Answer) -> Result<(), String>;
    fn beat(&self) -> Option<Post>;
    fn beats_every(&self) -> Duration;
    /// What becomes of reads nobody took: `None` forgets them, else they are sent again, the pause
    /// between two failures being this.
    fn resends_after(&self) -> Option<Duration>;
}

/// What a camera is to say.
#[derive(Debug)]
pub(super) enum Say {
    Read(u64, Sighting),
    /// Nobody minds whether it is taken.
    News(Post),
}

/// Where to say it. The calls end with the last one.
pub(super) type Says = mpsc::UnboundedSender<Say>;

/// Starts calling. Needs a tokio runtime.
pub(super) fn start<C: Caller>(camera: &Arc<C>) -> Says {
    let (says, said) = mpsc::unbounded_channel();
    tokio::spawn(run(camera.clone(), said));
    says
}

async fn run<C: Caller>(camera: Arc<C>, mut said: mpsc::UnboundedReceiver<Say>) {
    let mut power = camera.body().power();
    loop {
        tokio::select! {
            biased;
            _ = power.wait_for(|on| *on) => {}
            () = lose(&*camera, &mut said) => return,
        }
        tokio::select! {
            () = call(&*camera, &mut said) => return,
            () = off(&mut power) => camera.body().went_offline("no power"),
        }
    }
}

/// What is said without power. Ends when nobody can say anything.
async fn lose(camera: &impl Caller, said: &mut mpsc::UnboundedReceiver<Say>) {
    while let Some(say) = said.recv().await {
        if let Say::Read(number, seen) = say {
            keep(camera, number, &seen);
        }
    }
}

fn keep(camera: &impl Caller, number: u64, seen: &Sighting) {
    if camera.resends_after().is_some() {
        camera.body().keep(Body::record(number, seen));
    }
}

/// Live reads first, then heart-beats, then records. Ends when nobody can say anything.
async fn call(camera: &impl Caller, said: &mut mpsc::UnboundedReceiver<Say>) {
    let mut beat = interval(camera.beats_every().max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut again_at = Instant::now();
    loop {
        let record = camera.body().oldest();
        tokio::select! {
            biased;
            say = said.recv() => match say {
                Some(say) => live(camera, say).await,
                None => return,
            },
            _ = beat.tick() => heart_beat(camera).await,
            () = sleep_until(again_at), if record.is_some() => {
                let Some((number, seen)) = record else { continue };
                // A live read breaks in; whether this one arrived is then not known.
                let taken = tokio::select! {
                    biased;
                    say = said.recv() => {
                        let Some(say) = say else { return };
                        live(camera, say).await;
                        continue;
                    }
                    taken = show(camera, number, &seen) => taken,
                };
                if taken {
                    camera.body().forget(number);
                } else {
                    again_at = Instant::now() + camera.resends_after().unwrap_or_default();
                }
            }
        }
    }
}

async fn live(camera: &impl Caller, say: Say) {
    match say {
        Say::News(post) => {
            let _ = send(camera, post).await;
        }
        Say::Read(number, seen) if seen.age.is_some() && camera.resends_after().is_some() => {
            keep(camera, number, &seen);
        }
        Say::Read(number, seen) => {
            if !show(camera, number, &seen).await {
                keep(camera, number, &seen);
            }
        }
    }
}

/// `false`: the read was not taken.
async fn show(camera: &impl Caller, number: u64, seen: &Sighting) -> bool {
    let post = camera.read_post(number, seen);
    let mut is_taken = false;
    for _ in 0..=usize::from(camera.body().faults().duplicates) {
        let answer = send(camera, post.clone()).await;
        let taken = answer.and_then(|answer| match answer.status {
            200 => camera.answered(number, seen, &answer),
            status => Err(format!("status {status}")),
        });
        is_taken = taken.is_ok();
        camera.body().tell(match taken {
            Ok(()) => CameraEvent::Taken { number },
            Err(why) => CameraEvent::NotTaken { number, why },
        });
    }
    is_taken
}

async fn heart_beat(camera: &impl Caller) {
    if camera.body().faults().no_keep_alive {
        return;
    }
    if let Some(post) = camera.beat() {
        let _ = send(camera, post).await;
    }
}

async fn send(camera: &impl Caller, post: Post) -> Result<Answer, String> {
    let answer = camera.poster().post(post, PATIENCE).await;
    match &answer {
        Ok(answer) if answer.status == 200 => camera.body().went_online(),
        Ok(answer) => camera.body().went_offline(format!("status {}", answer.status)),
        Err(why) => camera.body().went_offline(why),
    }
    answer
}

/// Asks again as soon as there is an answer, and gives each to `heard`. Ends with the power.
pub(super) async fn poll<C: Caller>(
    camera: Arc<C>,
    post: impl Fn(&C) -> Post,
    patience: Duration,
    heard: impl Fn(&C, &Answer),
) {
    let pause = camera.resends_after().unwrap_or(PATIENCE);
    let mut power = camera.body().power();
    loop {
        let _ = power.wait_for(|on| *on).await;
        let asked = camera.poster().post(post(&camera), patience);
        let answer = tokio::select! {
            answer = asked => answer,
            () = off(&mut power) => continue,
        };
        match answer {
            Ok(answer) if answer.status == 200 => heard(&camera, &answer),
            _ => sleep(pause).await,
        }
    }
}
