//! The banks' door of the tests' site: it keeps what it was told, and where a test has put a channel in, asks that.

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;

use super::site::{NOTIFY_PATH, Site};
use crate::{
    bank::{AgreementAsk, AgreementWord, SignAsk, SignForm},
    http::ports::{BankDoor, Said},
    types::{ChannelId, Plate},
};

impl BankDoor for Site {
    fn notify_paths(&self) -> Vec<String> {
        vec![NOTIFY_PATH.to_owned()]
    }

    fn notified(
        &self,
        raw_path: String,
        _headers: Vec<(String, String)>,
        body: Bytes,
    ) -> BoxFuture<'_, Said> {
        self.world().notified.push((raw_path, body));
        let body = Bytes::from_static(b"{\"return_code\":0}");
        ready(Said { status: StatusCode::OK, content_type: "application/json", body }).boxed()
    }

    fn binds(&self) -> bool {
        self.channel.get().is_some()
    }

    fn sign_forms(&self, ask: &SignAsk) -> Vec<(ChannelId, SignForm)> {
        let forms = self.channel.get().and_then(|channel| channel.sign_form(ask));
        forms.map(|form| (ChannelId::parse("icbc").unwrap(), form)).into_iter().collect()
    }

    fn ends_agreements(&self) -> bool {
        self.channel.get().is_some_and(|channel| channel.ends_agreements())
    }

    fn end_agreement(&self, plate: Plate) -> BoxFuture<'_, Vec<(ChannelId, AgreementWord)>> {
        async move {
            let Some(channel) = self.channel.get() else { return Vec::new() };
            let ask = AgreementAsk {
                plate,
                colour: None,
                stay_no: String::new(),
                entered_at: Timestamp::UNIX_EPOCH,
                amount: None,
                known: None,
            };
            vec![(ChannelId::parse("icbc").unwrap(), channel.end_agreement(&ask).await)]
        }
        .boxed()
    }
}
