//! What the pages need of the daemon: the writer, the tables, the pictures, the bank's door, behind the traits that
//! `http` names. Decides nothing.

use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{App, banker::Banker, pictures::Pictures, reload::RulesNow};
use crate::{
    bank::{Letter, SignAsk, SignForm},
    core::{
        self, Rules, Waiting,
        cloud::CloudPass,
        money::{Order, Payment},
        stay::Stay,
        task::Task,
        ticket::{Admission, Ticket},
    },
    http::ports::{
        BankDoor, Busy, Desk, Found, Look, Operator, Parking, ParkingHour, Picture,
        Pictures as PicturesPort, Records, RecordsError, Row, Said, Session, StayFile, Takings,
    },
    store::{Accounts, Reader, StoreError},
    types::{
        ChannelId, CodeDigest, Currency, LaneId, OrderId, Plate, StayId, TicketId,
        bank::AgreementWord,
    },
};

/// The one writer, for pages.
#[derive(Debug)]
pub struct AppDesk {
    pub app: App,
    pub rules: RulesNow,
}

impl Desk for AppDesk {
    fn tell(&self, input: core::Input) -> BoxFuture<'_, Result<core::Reply, Busy>> {
        Box::pin(async move { self.app.tell(input).await.map_err(|_| Busy) })
    }

    fn look(&self, look: Look) -> BoxFuture<'_, Result<(), Busy>> {
        Box::pin(async move { self.app.read(look).await.map_err(|_| Busy) })
    }

    fn version(&self) -> watch::Receiver<u64> {
        self.app.version()
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.get()
    }

    fn now(&self) -> Timestamp {
        self.app.now()
    }

    fn waiting(&self) -> Waiting {
        self.app.waiting()
    }
}

/// The tables, for pages.
#[derive(Debug)]
pub struct Tables {
    pub reader: Reader,
    pub accounts: Accounts,
    pub app: App,
    /// Of the site.
    pub currency: Currency,
}

pub(super) fn odd(error: StoreError) -> RecordsError {
    RecordsError(Box::new(error))
}

impl Records for Tables {
    fn takings(&self, from: Timestamp, to: Timestamp) -> Found<'_, Takings> {
        Box::pin(async move {
            let sum = self.reader.takings(from, to).await.map_err(odd)?;
            Ok(Takings {
                minor: sum.revenue_minor,
                count: sum.payments,
                refunded_minor: sum.refunded_minor,
            })
        })
    }

    fn takings_by_hour(&self, from: Timestamp, hours: usize) -> Found<'_, Vec<i64>> {
        Box::pin(async move {
            let to = from + jiff::SignedDuration::from_hours(hours as i64);
            let mut minors = vec![0; hours];
            for hour in self.reader.takings_by_hour(from, to).await.map_err(odd)? {
                let n = hour.from.duration_since(from).as_hours();
                if let Some(minor) = usize::try_from(n).ok().and_then(|n| minors.get_mut(n)) {
                    *minor = hour.takings.revenue_minor;
                }
            }
            Ok(minors)
        })
    }

    fn parking(&self, from: Timestamp, to: Timestamp) -> Found<'_, Parking> {
        Box::pin(async move {
            let known = self.reader.parking(from, to).await.map_err(odd)?;
            let hour = |hour: crate::store::ParkingHour| ParkingHour {
                hour: usize::try_from(hour.hour).unwrap_or_default(),
                came: hour.came,
                left: hour.left,
                stayed_s: hour.stayed_s,
                stays_minor: hour.stays_minor,
                passes_minor: hour.passes_minor,
            };
            let hours = known.hours.into_iter().map(hour).collect();
            Ok(Parking { inside_before: known.inside_before, hours })
        })
    }

    fn open_stays(&self, search: String, limit: u32) -> Found<'_, Vec<Stay>> {
        Box::pin(async move { self.reader.open_stays(&search, limit).await.map_err(odd) })
    }

    fn stay(&self, id: StayId) -> Found<'_, Option<StayFile>> {
        Box::pin(async move {
            let Some(stay) = self.reader.stay(id).await.map_err(odd)? else { return Ok(None) };
            let orders = self.reader.orders_of(id).await.map_err(odd)?;
            let mut file = StayFile {
                stay,
                orders,
                payments: Vec::new(),
                refunds: Vec::new(),
                postings: self.reader.cash_postings_of(id).await.map_err(odd)?,
                cash: self.reader.cash_of(id).await.map_err(odd)?,
                validations: self.reader.validations_of_stay(id).await.map_err(odd)?,
            };
            for order in &file.orders {
                file.payments.extend(self.reader.payments_of(order.id).await.map_err(odd)?);
            }
            for payment in &file.payments {
                file.refunds.extend(self.reader.refunds_of(payment.id).await.map_err(odd)?);
                file.postings.extend(self.reader.postings_of(payment.id).await.map_err(odd)?);
            }
            Ok(Some(file))
        })
    }

    fn stays_like(&self, plate: String, limit: u32) -> Found<'_, Vec<(u32, Stay)>> {
        Box::pin(async move { self.reader.stays_like(&plate, limit).await.map_err(odd) })
    }

    fn payments_numbered(&self, number: String) -> Found<'_, Vec<Payment>> {
        Box::pin(async move { self.reader.payments_numbered(&number).await.map_err(odd) })
    }

    fn order(&self, id: OrderId) -> Found<'_, Option<(Order, Vec<Payment>)>> {
        Box::pin(async move {
            let Some(order) = self.reader.order(id).await.map_err(odd)? else { return Ok(None) };
            let payments = self.reader.payments_of(id).await.map_err(odd)?;
            Ok(Some((order, payments)))
        })
    }

    fn lane_history(&self, lane: LaneId, limit: u32) -> Found<'_, Vec<Row>> {
        Box::pin(async move {
            let rows = self.reader.lane_history(&lane, limit).await.map_err(odd)?;
            Ok(rows
                .into_iter()
                .map(|past| Row { seq: past.seq, at: past.at, change: past.change })
                .collect())
        })
    }

    fn net_by_quarter(&self, from: Timestamp, quarters: usize) -> Found<'_, Vec<i64>> {
        Box::pin(async move {
            let moves = self.reader.net_by_quarter(from, quarters as i64).await.map_err(odd)?;
            let mut net = vec![0; quarters];
            for (quarter, sum) in moves {
                if let Some(slot) = usize::try_from(quarter).ok().and_then(|n| net.get_mut(n)) {
                    *slot = sum;
                }
            }
            Ok(net)
        })
    }

    fn tasks_over(&self, limit: u32) -> Found<'_, Vec<Task>> {
        Box::pin(async move { self.reader.tasks_over(limit).await.map_err(odd) })
    }

    fn admitted_since(&self, from: Timestamp) -> Found<'_, Vec<(LaneId, i64)>> {
        Box::pin(async move { self.reader.admitted_since(from).await.map_err(odd) })
    }

    fn ticket_of(&self, digest: CodeDigest) -> Found<'_, Option<Ticket>> {
        Box::pin(async move { self.reader.ticket_of(&digest).await.map_err(odd) })
    }

    fn ticket(&self, id: TicketId) -> Found<'_, Option<Ticket>> {
        Box::pin(async move { self.reader.ticket(id).await.map_err(odd) })
    }

    fn cloud_passes(&self, limit: u32) -> Found<'_, Vec<CloudPass>> {
        Box::pin(async move { self.reader.cloud_passes(limit).await.map_err(odd) })
    }

    fn admissions_since(&self, from: Timestamp, limit: u32) -> Found<'_, Vec<Admission>> {
        Box::pin(async move { self.reader.admissions_since(from, limit).await.map_err(odd) })
    }

    fn operator(&self, name: String) -> Found<'_, Option<Operator>> {
        Box::pin(async move {
            let found = self.accounts.operator(&name).await.map_err(odd)?;
            Ok(found.filter(|operator| !operator.disabled).map(|operator| Operator {
                name: operator.name,
                password_hash: operator.password_hash,
                role: operator.role,
                must_change: operator.must_change,
            }))
        })
    }

    fn put_session(&self, session: Session) -> Found<'_, ()> {
        Box::pin(async move {
            let Session { digest, operator, until } = session;
            self.accounts.put_session(&digest, &operator, until).await.map_err(odd)
        })
    }

    fn session(&self, digest: [u8; 32]) -> Found<'_, Option<Session>> {
        Box::pin(async move {
            let found = self.accounts.session(&digest, self.app.now()).await.map_err(odd)?;
            Ok(found.map(|(operator, until)| Session { digest, operator: operator.name, until }))
        })
    }

    fn drop_session(&self, digest: [u8; 32]) -> Found<'_, ()> {
        Box::pin(async move { self.accounts.drop_session(&digest).await.map_err(odd) })
    }

    fn drop_sessions_of(&self, operator: String) -> Found<'_, ()> {
        Box::pin(async move { self.accounts.drop_sessions_of(&operator).await.map_err(odd) })
    }
}

impl PicturesPort for Pictures {
    fn open(&self, name: String) -> BoxFuture<'_, Option<Picture>> {
        let pictures = self.clone();
        Box::pin(async move {
            let bytes = tokio::task::spawn_blocking(move || pictures.read(&name)).await.ok()??;
            Some(Picture { bytes: Bytes::from(bytes), mime: "image/jpeg" })
        })
    }
}

/// The banks' door, at the paths registered there.
#[derive(Debug)]
pub struct Door {
    pub banker: Banker,
}

impl BankDoor for Door {
    fn notify_paths(&self) -> Vec<String> {
        self.banker.notify_paths()
    }

    fn binds(&self) -> bool {
        self.banker.collects_by_plate()
    }

    fn ends_agreements(&self) -> bool {
        self.banker.ends_agreements()
    }

    fn end_agreement(&self, plate: Plate) -> BoxFuture<'_, Vec<(ChannelId, AgreementWord)>> {
        Box::pin(self.banker.end_agreement(plate))
    }

    fn sign_forms(&self, ask: &SignAsk) -> Vec<(ChannelId, SignForm)> {
        self.banker.sign_forms(ask)
    }

    fn notified(
        &self,
        raw_path: String,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> BoxFuture<'_, Said> {
        Box::pin(async move {
            let letter = Letter { path: &raw_path, headers: &headers, body: &body };
            match self.banker.notified(&letter).await {
                Some(reply) => Said {
                    status: StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK),
                    content_type: reply.content_type,
                    body: Bytes::from(reply.body),
                },
                // Not on disk: the bank is not told that it is, and tells again.
                None => Said {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    content_type: "text/plain; charset=utf-8",
                    body: Bytes::from_static(b"busy; tell again"),
                },
            }
        })
    }
}
