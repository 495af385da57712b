//! A device that we call: its orders one by one, between them the question where its arm stands. An order is sent once;
//! its answer says that it was taken, never that anything moved. Decides nothing.

use std::{sync::Arc, time::Duration};

use paifang_devices::{ArmPosition, DeviceEvent, http_push::Call};
use rand::{TryRng, rngs::SysRng};
use reqwest::{Client, Method, header, redirect};
use tokio::{sync::mpsc, time::Instant};
use tracing::{info, warn};

use super::{
    Intake,
    health::clock,
    mailbox::Letter,
    push::{CallJob, PushDevice, report},
};
use crate::{
    core::input::ArmOutcome,
    http::ports::Fault,
    io::digest::{Challenge, Login},
};

/// Questions without an answer after which nothing is known of the arm.
const LOST_AFTER: u32 = 3;
/// Refused passwords in a row after which nothing more is asked: devices lock the account.
const REFUSED_MAX: u32 = 2;
/// A longer answer is none of a device's.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why a call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    #[error("it did not answer in time; whether it acted is not known")]
    TimedOut,
    #[error("it cannot be reached ({0}); check its address and cable")]
    Unreachable(String),
    #[error("its answer broke off ({0}); whether it acted is not known")]
    BrokeOff(String),
    #[error("it refuses our user and password; correct them in the secrets file")]
    Login,
    #[error(
        "it refused our password twice, so nothing is asked of it; test it once that is mended"
    )]
    LockedOut,
    #[error("the order expired before it could be sent")]
    Expired,
}

impl CallError {
    fn fault(&self) -> Fault {
        match self {
            Self::TimedOut | Self::BrokeOff(_) => Fault::TimedOut,
            Self::Unreachable(_) => Fault::Unreachable,
            Self::Login | Self::LockedOut => Fault::Login,
            Self::Expired => Fault::Expired,
        }
    }

    /// What the core is told: silence where the device may have acted.
    fn outcome(&self) -> ArmOutcome {
        match self {
            Self::TimedOut | Self::BrokeOff(_) => ArmOutcome::Silent(self.to_string()),
            _ => ArmOutcome::Refused(self.to_string()),
        }
    }
}

/// How to reach a device.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Scheme, host and port: `http://192.168.1.64`.
    pub url: String,
    pub login: Option<Login>,
    pub patience: Duration,
    /// Between two questions where the arm stands.
    pub poll: Duration,
}

pub struct Caller {
    device: Arc<PushDevice>,
    intake: Intake,
    reach: Reach,
    client: Client,
    /// The last one; good for many calls.
    challenge: Option<Challenge>,
    /// Passwords refused in a row.
    refused: u32,
    position: Option<ArmPosition>,
    missed: u32,
    poll_at: Instant,
}

impl Caller {
    pub fn new(device: Arc<PushDevice>, intake: Intake, reach: Reach) -> Result<Self, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            // A request on a kept connection that the device has just closed would be sent twice by the library.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self {
            device,
            intake,
            reach,
            client,
            challenge: None,
            refused: 0,
            position: None,
            missed: 0,
            poll_at: Instant::now(),
        })
    }

    /// Calls until the daemon stops.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<CallJob>) {
        loop {
            // A question under way is given up for an order.
            let job = tokio::select! {
                biased;
                job = jobs.recv() => job,
                () = self.poll() => continue,
            };
            match job {
                Some(CallJob::Order(letter)) => self.order(letter).await,
                Some(CallJob::Probe(answer)) => {
                    let _ = answer.send(self.probe().await);
                }
                None => return,
            }
        }
    }

    async fn order(&mut self, letter: Letter) {
        let (_, wall) = clock();
        let call = self.device.driver().call(&letter.command, &letter.id, wall.as_millisecond());
        let outcome = match call {
            Err(why) => ArmOutcome::Refused(why.to_string()),
            Ok(call) => match self.exchange(&call, letter.until).await {
                Ok((status, body)) => match self.device.driver().answered(&call, status, &body) {
                    DeviceEvent::CommandReply { accepted: true, .. } => ArmOutcome::Done,
                    DeviceEvent::CommandReply { text, .. } => {
                        self.device.pulse.failed(Fault::Refused);
                        ArmOutcome::Refused(text)
                    }
                    _ => ArmOutcome::Refused("its answer is to another question".into()),
                },
                Err(why) => why.outcome(),
            },
        };
        if !matches!(outcome, ArmOutcome::Done) {
            warn!(device = %self.device.wiring.id, ?outcome, "an order did not get through");
        }
        report(&self.intake.app, letter, outcome);
        // Whether it moves is worth knowing soon.
        self.poll_at = Instant::now();
    }

    /// Asks where the arm stands, when it is time. Given up half-way, it is asked anew.
    async fn poll(&mut self) {
        let call = self.device.driver().position_call();
        let (Some(call), true) = (call, self.refused < REFUSED_MAX) else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(self.poll_at).await;
        let asked = self.exchange(&call, Instant::now() + self.reach.patience).await;
        self.poll_at = Instant::now() + self.reach.poll;
        match asked {
            Ok((status, body)) => {
                let said = self.device.driver().answered(&call, status, &body);
                let DeviceEvent::Position(position) = said else { return };
                self.missed = 0;
                self.stands(position).await;
            }
            Err(why) => {
                self.missed += 1;
                if self.missed == LOST_AFTER {
                    self.device.pulse.is_silent(&why.to_string());
                    self.stands(ArmPosition::Unknown).await;
                }
            }
        }
    }

    async fn stands(&mut self, position: ArmPosition) {
        let Some((lane, _)) = self.device.wiring.moves.clone() else { return };
        if self.position.replace(position) != Some(position) {
            info!(device = %self.device.wiring.id, position = position.name(), "the arm");
            self.device.pulse.said(&DeviceEvent::Position(position));
            let _ = self.intake.position(&lane, position).await;
        }
    }

    /// What an operator's test does: it may sign in again.
    async fn probe(&mut self) -> Result<String, String> {
        if self.refused >= REFUSED_MAX {
            // One try: the second refusal locks it out again.
            self.refused = REFUSED_MAX - 1;
        }
        let call = self.device.driver().position_call();
        let Some(call) = call else {
            return Err("it can be asked nothing that is harmless".into());
        };
        let begun = Instant::now();
        let asked = self.exchange(&call, begun + self.reach.patience).await;
        let (status, body) = asked.map_err(|why| why.to_string())?;
        match self.device.driver().answered(&call, status, &body) {
            DeviceEvent::Position(position) => {
                let ms = begun.elapsed().as_millis();
                Ok(format!("answered in {ms} ms: arm {}", position.name()))
            }
            _ => Err(format!("it answered HTTP {status}")),
        }
    }

    /// One request and its answer. Sent anew only where the device said that it did not look at it: to be signed in.
    async fn exchange(&mut self, call: &Call, until: Instant) -> Result<(u16, Vec<u8>), CallError> {
        let begun = Instant::now();
        let result = self.signed_in(call, until).await;
        let pulse = &self.device.pulse;
        match &result {
            Ok(_) => pulse.answered(begun.elapsed()),
            Err(why) => pulse.failed(why.fault()),
        }
        result
    }

    async fn signed_in(
        &mut self,
        call: &Call,
        until: Instant,
    ) -> Result<(u16, Vec<u8>), CallError> {
        if call.digest && self.refused >= REFUSED_MAX {
            return Err(CallError::LockedOut);
        }
        // Of a challenge that is known from before, a refusal may mean that only it is too old.
        let mut fresh = false;
        loop {
            if until <= Instant::now() {
                return Err(CallError::Expired);
            }
            let authorization = self.authorization(call);
            let signed = authorization.is_some();
            let answer = self.send(call, authorization).await?;
            if answer.status() != 401 || !call.digest {
                if signed {
                    self.refused = 0;
                    self.device.pulse.locked_out(false);
                }
                return read(answer).await;
            }
            let asks = answer.headers().get_all(header::WWW_AUTHENTICATE);
            self.challenge = Challenge::of(asks.iter().filter_map(|asks| asks.to_str().ok()));
            let stale = self.challenge.as_ref().is_some_and(Challenge::is_stale);
            let again = self.challenge.is_some() && self.reach.login.is_some();
            if !again || (signed && fresh && !stale) {
                self.refused += 1;
                self.challenge = None;
                self.device.pulse.locked_out(self.refused >= REFUSED_MAX);
                return Err(CallError::Login);
            }
            if fresh && stale {
                return Err(CallError::Login);
            }
            fresh = true;
        }
    }

    fn authorization(&mut self, call: &Call) -> Option<String> {
        let login = self.reach.login.as_ref().filter(|_| call.digest)?;
        let mut bytes = [0; 8];
        SysRng.try_fill_bytes(&mut bytes).ok()?;
        let cnonce: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.challenge.as_mut()?.answer(login, &call.method, &call.path, &cnonce))
    }

    async fn send(
        &self,
        call: &Call,
        authorization: Option<String>,
    ) -> Result<reqwest::Response, CallError> {
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|e| CallError::Unreachable(e.to_string()))?;
        let url = format!("{}{}", self.reach.url, call.path);
        let mut request = self.client.request(method, url).timeout(self.reach.patience);
        if !call.content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, &call.content_type);
        }
        if !call.body.is_empty() {
            request = request.body(call.body.clone());
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|e| wire(&e))
    }
}

async fn read(mut answer: reqwest::Response) -> Result<(u16, Vec<u8>), CallError> {
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| wire(&e))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::BrokeOff("it is too long".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

/// The library's own words name the address, which may be private, and no password.
fn wire(error: &reqwest::Error) -> CallError {
    if error.is_connect() {
        CallError::Unreachable("no connection".into())
    } else if error.is_timeout() {
        CallError::TimedOut
    } else {
        CallError::BrokeOff("connection lost".into())
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("device", &self.device).finish_non_exhaustive()
    }
}
