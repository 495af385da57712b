//! Carries questions about tickets of clouds to their channels, and their words back. Codes are sealed before they come
//! near the journal. Decides nothing.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use metrics::counter;
use tracing::warn;

use super::{App, banker::Channels};
use crate::{
    bank::CloudShape,
    core::{
        Input,
        cloud::{CloudPass, CloudState},
    },
    store::Reader,
    tickets::{Seal, TicketKeys, is_signed},
    types::{ChannelId, CloudAsk, CloudPassId, CloudWord, Code, CodeDigest},
};

/// Which codes are whose, and the seal they are kept under. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CloudCodes {
    shapes: Arc<Vec<(ChannelId, CloudShape)>>,
    keys: TicketKeys,
}

impl CloudCodes {
    pub fn new(shapes: Vec<(ChannelId, CloudShape)>, keys: TicketKeys) -> Self {
        Self { shapes: Arc::new(shapes), keys }
    }

    /// It looks like a cloud's, and is not signed here.
    pub fn is_one(&self, text: &str) -> bool {
        !is_signed(text.trim()) && self.shapes.iter().any(|(_, shape)| shape.fits(text))
    }

    /// The cloud a code looks like one of, its digest, and itself under seal.
    pub fn sealed(&self, text: &str) -> Option<(ChannelId, CodeDigest, String)> {
        let text = text.trim();
        let (cloud, _) = self.shapes.iter().find(|(_, shape)| shape.fits(text))?;
        let digest = Code::parse(text).ok()?.digest();
        let sealed = Seal::new(&self.keys).seal(&digest, "cloud", text).ok()?;
        Some((cloud.clone(), digest, STANDARD.encode(sealed)))
    }

    fn open(&self, pass: &CloudPass) -> Option<String> {
        let sealed = STANDARD.decode(&pass.sealed).ok()?;
        Seal::new(&self.keys).open(&pass.digest, &sealed).map(|(_, code)| code)
    }
}

/// The way to the clouds.
#[derive(Clone, Debug)]
pub struct Clouds {
    pub app: App,
    pub reader: Reader,
    pub channels: Channels,
    pub codes: CloudCodes,
}

impl Clouds {
    /// Never blocks. What cannot be looked up now is not asked about: its visitor scans again.
    pub fn find(&self, pass: CloudPassId, digest: CodeDigest) {
        let clouds = self.clone();
        tokio::spawn(async move {
            match clouds.reader.ticket_of(&digest).await {
                Ok(found) => {
                    let _ = clouds.app.submit(Input::CloudLooked { pass, found }, None).await;
                }
                Err(trouble) => warn!(%trouble, "a code of a cloud could not be looked up"),
            }
        });
    }

    /// Never blocks. One answer comes back as an input.
    pub fn ask(&self, pass: CloudPass) {
        let clouds = self.clone();
        tokio::spawn(async move {
            let word = clouds.word(&pass).await;
            let _ = clouds.app.submit(Input::CloudSaid { pass: pass.id, word }, None).await;
        });
    }

    async fn word(&self, pass: &CloudPass) -> CloudWord {
        let unknown = |why: &str| CloudWord::Unknown { why: why.to_owned() };
        let Some(channel) = self.channels.get(&pass.cloud) else {
            return unknown("this site has no such channel; put its section back");
        };
        let trade_no = pass.trade_no.clone();
        let ask = if pass.state == CloudState::WritingOff {
            let number = pass.slip.as_ref().and_then(|slip| {
                Some((slip.ticket_nos.get(pass.done as usize)?.clone(), slip.clone()))
            });
            let Some((ticket_no, slip)) = number else { return CloudWord::WrittenOff };
            let trade_no = format!("{trade_no}W{}", pass.done);
            CloudAsk::WriteOff { trade_no, ticket_no, slip }
        } else {
            match self.codes.open(pass) {
                Some(code) => CloudAsk::Check { trade_no, code },
                None => return unknown("the ticket keys are not those its code was sealed with"),
            }
        };
        let name = ask.name();
        counter!("paifang_cloud_asks_total", "ask" => name, "channel" => pass.cloud.to_string())
            .increment(1);
        channel.ticket(&ask).await
    }
}
