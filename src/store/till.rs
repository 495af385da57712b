//! What is looked up of cash, shifts, validations and earlier visits, always limited. Changes nothing.

use jiff::Timestamp;

use super::{Reader, StoreError, load::parse};
use crate::{
    core::{
        money::Posting,
        stay::{Stay, StayState},
        tariff::Earlier,
        till::{Cash, Shift, Validation},
    },
    types::{CashId, MerchantId, Plate, ShiftId, StayId},
};

/// How many stays before a new one are looked through for earlier visits: some days of the busiest site, some 10 ms of
/// reading. An index by plate would cost every passage a page write, and few tariffs ask.
const VISITS_ROWS: i64 = 20_000;

impl Reader {
    /// Cash taken for a stay or given back, oldest first.
    pub async fn cash_of(&self, stay: StayId) -> Result<Vec<Cash>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where stay_id = ?1 and kind = 'cash' order by cast(id as integer)",
            stay.0,
        );
        all("cash", &select.fetch_all(&self.pool).await?)
    }

    pub async fn cash(&self, id: CashId) -> Result<Option<Cash>, StoreError> {
        let id = id.to_string();
        let select =
            sqlx::query_scalar!("select body from register where kind = 'cash' and id = ?1", id);
        let body = select.fetch_optional(&self.pool).await?;
        body.map(|body| parse("cash", &body)).transpose()
    }

    /// The ledger's transactions about the cash of a stay, oldest first.
    pub async fn cash_postings_of(&self, stay: StayId) -> Result<Vec<Posting>, StoreError> {
        let select = sqlx::query_scalar!(
            "select posting.body from register join posting on posting.cash_id = cast(register.id as integer)
             where register.stay_id = ?1 and register.kind = 'cash' order by txn",
            stay.0,
        );
        all("posting", &select.fetch_all(&self.pool).await?)
    }

    /// What a shift took and gave back, latest first.
    pub async fn cash_of_shift(&self, shift: ShiftId, limit: u32) -> Result<Vec<Cash>, StoreError> {
        let select = sqlx::query_scalar!(
            "select register.body from posting
             join register on register.kind = 'cash' and register.id = cast(posting.cash_id as text)
             where posting.shift_id = ?1 and posting.cash_id is not null order by txn desc limit ?2",
            shift.0,
            limit,
        );
        all("cash", &select.fetch_all(&self.pool).await?)
    }

    /// Shifts, latest first.
    pub async fn shifts(&self, limit: u32) -> Result<Vec<Shift>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'shift' order by cast(id as integer) desc limit ?1",
            limit,
        );
        all("shift", &select.fetch_all(&self.pool).await?)
    }

    /// What a merchant gave, latest first.
    pub async fn validations_of(
        &self,
        merchant: MerchantId,
        limit: u32,
    ) -> Result<Vec<Validation>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'validation' and body ->> 'merchant' = ?1
             order by cast(id as integer) desc limit ?2",
            merchant.0,
            limit,
        );
        all("validation", &select.fetch_all(&self.pool).await?)
    }

    /// What merchants gave to a stay, in the order of giving.
    pub async fn validations_of_stay(&self, stay: StayId) -> Result<Vec<Validation>, StoreError> {
        let select = sqlx::query_scalar!(
            "select body from register where kind = 'validation' and stay_id = ?1
             order by cast(id as integer)",
            stay.0,
        );
        all("validation", &select.fetch_all(&self.pool).await?)
    }

    /// Visits of a plate before a stay that ended at `since` or later, oldest first.
    pub async fn visits_before(
        &self,
        stay: StayId,
        plate: &Plate,
        since: Timestamp,
    ) -> Result<Vec<Earlier>, StoreError> {
        let plate = plate.full();
        let select = sqlx::query_scalar!(
            "select body from stay where id < ?1 and id >= ?1 - ?3 and +plate = ?2 order by id",
            stay.0,
            plate,
            VISITS_ROWS,
        );
        let stays: Vec<Stay> = all("stay", &select.fetch_all(&self.pool).await?)?;
        let visit = |stay: Stay| {
            let to = stay.left_at.filter(|_| stay.state == StayState::Left)?;
            (to >= since).then_some(Earlier {
                from: stay.entered_at,
                to,
                charged_minor: stay.paid_minor,
            })
        };
        Ok(stays.into_iter().filter_map(visit).collect())
    }
}

fn all<T: serde::de::DeserializeOwned>(
    table: &'static str,
    bodies: &[String],
) -> Result<Vec<T>, StoreError> {
    bodies.iter().map(|body| parse(table, body)).collect()
}
