//! What shares are reckoned of, and what of them the bank relays. Reckons nothing itself.

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{Reader, Settlements, StoreError};
use crate::{
    core::settle::Settled,
    types::{ChannelId, PartnerId},
};

/// Income that came in or went back: one step of one payment, or of one piece of cash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Flow {
    pub txn: i64,
    /// The transaction by which it came in.
    pub first_txn: i64,
    /// What came in or went back of it; below zero: back.
    pub minor: i64,
    /// What was left of it before.
    pub before_minor: i64,
    /// When it came in.
    pub paid_at_ms: i64,
    pub whole_minor: i64,
    pub zone: Option<String>,
    pub product: Option<String>,
    /// Products and how much of each, where it is of several.
    pub products: Option<std::collections::BTreeMap<String, i64>>,
    /// Empty: cash.
    pub out_trade_no: String,
    pub bank_no: String,
}

/// One step that the bank is asked to take.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Relay {
    pub number: String,
    pub channel: ChannelId,
    pub day: Date,
    pub partner: PartnerId,
    pub out_trade_no: String,
    pub bank_no: String,
    pub paid_at_ms: i64,
    /// Ours of what it takes back a part of; empty: it is given.
    pub given_number: String,
    pub minor: i64,
    pub state: String,
    pub asks: i64,
    pub detail: String,
    /// Of what it takes back a part of, what became of that.
    #[serde(default)]
    pub given_state: Option<String>,
}

impl Reader {
    /// What a channel, or `cash`, earned and gave back in the transactions after `after`, up to `last`.
    pub async fn share_flows(
        &self,
        channel: &ChannelId,
        after: i64,
        last: i64,
        limit: u32,
    ) -> Result<Vec<Flow>, StoreError> {
        let channel = channel.as_str();
        let select = sqlx::query_scalar!(
            r#"with step as (
                select posting.txn, posting.at_ms, posting.refund_id, posting.body,
                    iif(posting.credit in (select name from income), posting.amount_minor, -posting.amount_minor)
                        as minor,
                    posting.payment_id,
                    coalesce((select register.body ->> 'refund_of' from register
                        where kind = 'cash' and id = cast(posting.cash_id as text)), posting.cash_id) as first_cash
                from posting left join payment on payment.id = posting.payment_id
                where posting.txn > ?2 and posting.txn <= ?3
                    and (posting.credit in (select name from income) or posting.debit in (select name from income))
                    and iif(?1 = 'cash', posting.cash_id is not null, payment.channel = ?1)
                order by posting.txn limit ?4),
            first as (
                select step.*, (select min(txn) from posting as taken where taken.payment_id = step.payment_id) as first_txn
                from step where step.payment_id is not null
                union all
                select step.*, (select txn from posting as taken where taken.cash_id = step.first_cash) as first_txn
                from step where step.payment_id is null)
            select json_object('txn', first.txn, 'first_txn', first.first_txn, 'minor', first.minor, 'paid_at_ms', taken.at_ms,
                'whole_minor', taken.amount_minor, 'zone', taken.body ->> 'zone', 'product', taken.body ->> 'product',
                'products', json(taken.body -> 'products'), 'out_trade_no', coalesce(payment.out_trade_no, ''),
                'bank_no', coalesce(payment.body ->> 'bank_no', ''),
                'before_minor', coalesce(iif(first.payment_id is not null,
                    (select sum(iif(credit in (select name from income), amount_minor, -amount_minor))
                    from posting as former where former.payment_id = first.payment_id and former.txn < first.txn
                        and (credit in (select name from income) or debit in (select name from income))),
                    (select sum(iif(credit in (select name from income), amount_minor, -amount_minor))
                    from posting as former where former.txn < first.txn and former.cash_id in (
                        select first.first_cash union all
                        select cast(id as integer) from register
                        where kind = 'cash' and body ->> 'refund_of' is not null
                            and body ->> 'refund_of' = first.first_cash)
                        and (credit in (select name from income) or debit in (select name from income)))), 0)
                ) as "body!: String"
            from first join posting as taken on taken.txn = first.first_txn
                left join payment on payment.id = first.payment_id
            order by first.txn"#,
            channel,
            after,
            last,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|body| super::load::parse("posting", body)).collect()
    }

    /// What was done about a settlement day, oldest first: when, and the day as it was then.
    pub async fn settled_trail(
        &self,
        id: &str,
        limit: u32,
    ) -> Result<Vec<(Timestamp, Settled)>, StoreError> {
        let select = sqlx::query!(
            "select at_ms, body from journal where kind = 'settled' and body ->> 'id' = ?1 order by seq limit ?2",
            id,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            let at = Timestamp::from_millisecond(row.at_ms);
            let at = at.map_err(|_| StoreError::Corrupt(format!("journal row of {id}")))?;
            Ok((at, super::load::parse("settled", &row.body)?))
        })
        .collect()
    }

    /// What the bank is to relay of a day, or of all days that wait; those first that were asked least.
    pub async fn share_relays(
        &self,
        channel: &ChannelId,
        day: Option<Date>,
        limit: u32,
    ) -> Result<Vec<Relay>, StoreError> {
        let (channel, day) = (channel.as_str(), day.map(|day| day.to_string()));
        let select = sqlx::query_scalar!(
            r#"select json_object('number', number, 'channel', channel, 'day', day, 'partner', partner,
                'out_trade_no', out_trade_no, 'bank_no', bank_no, 'paid_at_ms', paid_at_ms,
                'given_number', given_number, 'minor', minor, 'state', state, 'asks', asks, 'detail', detail,
                'given_state', (select given.state from share_relay as given
                    where given.number = share_relay.given_number))
                as "body!: String"
            from share_relay
            where channel = ?1 and iif(?2 is null, state = 'waiting', day = ?2)
            order by asks, day, given_number <> '', number limit ?3"#,
            channel,
            day,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|body| super::load::parse("share_relay", body)).collect()
    }

    /// What banks are yet to relay, by partner; what is given less what is taken back, in minor units.
    pub async fn share_waiting(&self) -> Result<Vec<(PartnerId, i64)>, StoreError> {
        let select = sqlx::query!(
            r#"select partner as "partner!: String",
                sum(iif(given_number = '', minor, -minor)) as "minor!: i64"
            from share_relay where state = 'waiting' group by partner"#,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            let odd = || StoreError::Corrupt("share_relay names no partner".to_owned());
            Ok((PartnerId::parse(&row.partner).ok_or_else(odd)?, row.minor))
        })
        .collect()
    }

    /// What the bank has taken on of a day, by partner; what it gave less what it took back, in minor units.
    pub async fn share_relayed(
        &self,
        channel: &ChannelId,
        day: Date,
    ) -> Result<Vec<(PartnerId, i64)>, StoreError> {
        let (channel, day) = (channel.as_str(), day.to_string());
        let select = sqlx::query!(
            r#"select partner as "partner!: String",
                sum(iif(given_number = '', minor, -minor)) as "minor!: i64"
            from share_relay where channel = ?1 and day = ?2 and state = 'done' group by partner"#,
            channel,
            day,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            let odd = || StoreError::Corrupt(format!("share_relay of {day}"));
            Ok((PartnerId::parse(&row.partner).ok_or_else(odd)?, row.minor))
        })
        .collect()
    }
}

impl Settlements {
    /// Puts down what the bank is to relay, before it is asked. A number that is known stays as it is.
    pub async fn put_relays(&self, relays: &[Relay], now: Timestamp) -> Result<(), StoreError> {
        if relays.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_string(relays).map_err(StoreError::Unwritable)?;
        let now_ms = now.as_millisecond();
        let insert = sqlx::query!(
            "insert into share_relay
                 (number, channel, day, partner, out_trade_no, bank_no, paid_at_ms, given_number, minor, changed_at_ms)
             select value ->> 'number', value ->> 'channel', value ->> 'day', value ->> 'partner',
                 value ->> 'out_trade_no', value ->> 'bank_no', value ->> 'paid_at_ms', value ->> 'given_number',
                 value ->> 'minor', ?2
             from json_each(?1) where true on conflict (number) do nothing",
            json,
            now_ms,
        );
        insert.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }

    /// The bank was asked; `state` is what became of it, or still `waiting`.
    pub async fn relay_said(
        &self,
        number: &str,
        (state, detail): (&str, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now_ms = now.as_millisecond();
        let update = sqlx::query!(
            "update share_relay set state = ?2, detail = ?3, asks = asks + 1, changed_at_ms = ?4
             where number = ?1 and state = 'waiting'",
            number,
            state,
            detail,
            now_ms,
        );
        update.execute(&mut *self.pen.conn.lock().await).await?;
        Ok(())
    }
}
