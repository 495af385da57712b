//! Stays of the past, a few thousand at a time, for whoever looks through all of them. Changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Reader, StoreError, load::parse};
use crate::{
    core::{
        stay::Stay,
        tariff::Benefit,
        till::{Validation, ValidationState},
    },
    types::StayId,
};

impl Reader {
    /// Of the stays numbered above `after` and up to `up_to`: those that left from `from` on, before `to`, each with
    /// what merchants gave to it.
    pub async fn stays_left(
        &self,
        after: i64,
        up_to: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Stay, Vec<Benefit>)>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let bodies = sqlx::query_scalar!(
            r#"select body from stay where id > ?1 and id <= ?2 and state = 'left' and entered_at_ms < ?4
                and cast(round(unixepoch(body ->> 'left_at', 'subsec') * 1000) as integer) between ?3 and ?4 - 1
            order by id"#,
            after,
            up_to,
            from_ms,
            to_ms,
        );
        let bodies = bodies.fetch_all(&self.pool).await?;
        let mut gifts = self.benefits_between(after, up_to).await?;
        bodies
            .iter()
            .map(|body| {
                let stay: Stay = parse("stay", body)?;
                let benefits = gifts.remove(&stay.id).unwrap_or_default();
                Ok((stay, benefits))
            })
            .collect()
    }

    /// What was given to these stays and not taken back, in the order of giving.
    async fn benefits_between(
        &self,
        after: i64,
        up_to: i64,
    ) -> Result<BTreeMap<StayId, Vec<Benefit>>, StoreError> {
        let bodies = sqlx::query_scalar!(
            r#"select body from register where stay_id > ?1 and stay_id <= ?2 and kind = 'validation'"#,
            after,
            up_to,
        );
        let mut given: Vec<Validation> = Vec::new();
        for body in bodies.fetch_all(&self.pool).await? {
            given.push(parse("register", &body)?);
        }
        given.sort_by_key(|validation| validation.id);
        let mut gifts: BTreeMap<StayId, Vec<Benefit>> = BTreeMap::new();
        for validation in given {
            if validation.state != ValidationState::Revoked {
                gifts.entry(validation.stay).or_default().push(validation.benefit);
            }
        }
        Ok(gifts)
    }
}
