//! The ledger and the differences as runs, pages and the command line read them, always limited. Changes nothing.

use jiff::{Timestamp, civil::Date};

use super::{Reader, StoreError, settlements::Known};
use crate::{
    core::{
        money::Posting,
        settle::{Difference, DifferenceState, Finding, Kind, Side, StatementFile, Step},
    },
    types::ChannelId,
};

/// What a channel's receivable is made of, since the beginning: debits less credits, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receivable {
    pub payments_minor: i64,
    pub refunds_minor: i64,
    pub fees_minor: i64,
    pub transfers_minor: i64,
    pub written_off_minor: i64,
    pub balance_minor: i64,
}

/// What earnings are summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarnedBy {
    /// What was paid at no lane is of `phone`, `counter` or `account`.
    Lane,
    Way,
    /// Of parking only.
    Zone,
    /// Of what counters sold only.
    Product,
}

impl EarnedBy {
    fn name(self) -> &'static str {
        match self {
            Self::Lane => "lane",
            Self::Way => "way",
            Self::Zone => "zone",
            Self::Product => "product",
        }
    }
}

impl Reader {
    /// The transactions of a span of time: the last before it, and the last in it.
    pub async fn ledger_span(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(i64, i64), StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query!(
            r#"select
                coalesce((select txn from posting where at_ms < ?1 order by at_ms desc, txn desc limit 1), 0)
                    as "before!: i64",
                coalesce((select txn from posting where at_ms < ?2 order by at_ms desc, txn desc limit 1), 0)
                    as "last!: i64""#,
            from_ms,
            to_ms,
        );
        let span = select.fetch_one(&self.pool).await?;
        Ok((span.before, span.last))
    }

    /// What a channel took and gave back in the transactions after `after`, up to `last`: a line each of side, number,
    /// minor units, payment number and bank's number, between tabs. One text for all, since rows cost more than text.
    pub async fn channel_lines(
        &self,
        channel: &ChannelId,
        after: i64,
        last: i64,
    ) -> Result<String, StoreError> {
        let channel = channel.as_str();
        let select = sqlx::query_scalar!(
            r#"select coalesce(group_concat(
                case when posting.refund_id is null
                    then 'P' || char(9) || payment.out_trade_no || char(9) || posting.amount_minor || char(9)
                        || payment.out_trade_no || char(9) || coalesce(payment.body ->> 'bank_no', '')
                    else 'R' || char(9) || refund.refund_no || char(9) || posting.amount_minor || char(9)
                        || payment.out_trade_no || char(9)
                end, char(10)), '') as "lines!: String"
            from posting join payment on payment.id = posting.payment_id
                left join refund on refund.id = posting.refund_id
            where posting.txn > ?2 and posting.txn <= ?3 and payment.channel = ?1
                and ((posting.debit = 'channel_receivable' and posting.refund_id is null)
                    or (posting.credit = 'channel_receivable' and posting.refund_id is not null))"#,
            channel,
            after,
            last,
        );
        Ok(select.fetch_one(&self.pool).await?)
    }

    /// Payments or refunds by their numbers; unknown numbers are left out.
    pub async fn known(&self, side: Side, numbers: &[String]) -> Result<Vec<Known>, StoreError> {
        let json = serde_json::to_string(numbers).map_err(StoreError::Unwritable)?;
        let at = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        match side {
            Side::Paid => {
                let select = sqlx::query!(
                    r#"select payment.out_trade_no as "number!: String", payment.channel as "channel!: String",
                        payment.state as "state!: String", payment.amount_minor as "minor!: i64",
                        coalesce(payment.body ->> 'bank_no', '') as "bank_no!: String",
                        (select at_ms from posting where posting.payment_id = payment.id
                            and posting.debit = 'channel_receivable') as "at_ms?: i64"
                    from json_each(?1) as asked join payment on payment.out_trade_no = asked.value"#,
                    json,
                );
                let rows = select.fetch_all(&self.pool).await?.into_iter();
                Ok(rows
                    .map(|row| Known {
                        out_trade_no: row.number.clone(),
                        number: row.number,
                        channel: row.channel,
                        state: row.state,
                        minor: row.minor,
                        bank_no: row.bank_no,
                        posted_at: at(row.at_ms),
                    })
                    .collect())
            }
            Side::Refunded => {
                let select = sqlx::query!(
                    r#"select refund.refund_no as "number!: String", payment.out_trade_no as "trade!: String",
                        payment.channel as "channel!: String", refund.state as "state!: String",
                        refund.amount_minor as "minor!: i64",
                        (select at_ms from posting where posting.refund_id = refund.id) as "at_ms?: i64"
                    from json_each(?1) as asked join refund on refund.refund_no = asked.value
                        join payment on payment.id = refund.payment_id"#,
                    json,
                );
                let rows = select.fetch_all(&self.pool).await?.into_iter();
                Ok(rows
                    .map(|row| Known {
                        number: row.number,
                        out_trade_no: row.trade,
                        channel: row.channel,
                        state: row.state,
                        minor: row.minor,
                        bank_no: String::new(),
                        posted_at: at(row.at_ms),
                    })
                    .collect())
            }
        }
    }

    /// The statements of these days, or of one day.
    pub async fn statements(&self, from: Date, to: Date) -> Result<Vec<StatementFile>, StoreError> {
        let (from, to) = (from.to_string(), to.to_string());
        let select = sqlx::query!(
            "select channel, day, digest, rows, bad, matched, paid_minor, refunded_minor, fee_minor, reconciled_at_ms
             from statement_file where day >= ?1 and day <= ?2 order by day desc, channel",
            from,
            to,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            Ok(StatementFile {
                channel: channel(&row.channel)?,
                day: date(&row.day)?,
                digest: row.digest.as_slice().try_into().map_err(|_| odd(&row.day))?,
                rows: row.rows,
                bad: row.bad,
                matched: row.matched,
                paid_minor: row.paid_minor,
                refunded_minor: row.refunded_minor,
                fee_minor: row.fee_minor,
                reconciled_at: time(row.reconciled_at_ms)?,
            })
        })
        .collect()
    }

    /// Differences of these days; `open`: only those that wait or are open. Latest day first.
    pub async fn differences(
        &self,
        from: Date,
        to: Date,
        open: bool,
        limit: u32,
    ) -> Result<Vec<Difference>, StoreError> {
        let (from, to) = (from.to_string(), to.to_string());
        let select = sqlx::query_scalar!(
            r#"select json_object('id', id, 'channel', channel, 'day', day, 'key', key, 'kind', kind, 'side', side,
                'out_trade_no', out_trade_no, 'refund_no', refund_no, 'bank_no', bank_no, 'ours_minor', ours_minor,
                'theirs_minor', theirs_minor, 'detail', detail, 'state', state, 'told', told,
                'changed_at_ms', changed_at_ms, 'changed_by', changed_by, 'note', note) as "body!: String"
            from difference
            where day >= ?1 and day <= ?2 and (not ?3 or state in ('waiting', 'open'))
            order by day desc, id limit ?4"#,
            from,
            to,
            open,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|body| difference(body)).collect()
    }

    pub async fn difference(&self, id: i64) -> Result<Option<Difference>, StoreError> {
        let select = sqlx::query_scalar!(
            r#"select json_object('id', id, 'channel', channel, 'day', day, 'key', key, 'kind', kind, 'side', side,
                'out_trade_no', out_trade_no, 'refund_no', refund_no, 'bank_no', bank_no, 'ours_minor', ours_minor,
                'theirs_minor', theirs_minor, 'detail', detail, 'state', state, 'told', told,
                'changed_at_ms', changed_at_ms, 'changed_by', changed_by, 'note', note) as "body!: String"
            from difference where id = ?1"#,
            id,
        );
        let row = select.fetch_optional(&self.pool).await?;
        row.map(|body| difference(&body)).transpose()
    }

    /// The steps of a difference, oldest first.
    pub async fn trail(&self, id: i64) -> Result<Vec<Step>, StoreError> {
        let select = sqlx::query!(
            "select at_ms, changed_by, state, note from difference_trail where difference_id = ?1 order by id",
            id,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            let state = DifferenceState::parse(&row.state).ok_or_else(|| odd(&row.state))?;
            Ok(Step { at: time(row.at_ms)?, by: row.changed_by, state, note: row.note })
        })
        .collect()
    }

    /// How many differences each day had, and how many are still open: day, all, open.
    pub async fn differences_by_day(
        &self,
        from: Date,
        to: Date,
    ) -> Result<Vec<(Date, i64, i64)>, StoreError> {
        let (from, to) = (from.to_string(), to.to_string());
        let select = sqlx::query!(
            r#"select day, count(*) as "all!: i64", count(*) filter (where state in ('open', 'waiting')) as "open!: i64"
            from difference where day >= ?1 and day <= ?2 and state <> 'gone' group by day order by day"#,
            from,
            to,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| Ok((date(&row.day)?, row.all, row.open))).collect()
    }

    /// The postings of a span of time after transaction `after`, oldest first.
    pub async fn postings(
        &self,
        (from, to): (Timestamp, Timestamp),
        after: i64,
        limit: u32,
    ) -> Result<Vec<Posting>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query_scalar!(
            "select body from posting where at_ms >= ?1 and at_ms < ?2 and txn > ?3 order by txn limit ?4",
            from_ms,
            to_ms,
            after,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|body| super::load::parse("posting", body)).collect()
    }

    /// What was earned: its sums by one thing, in minor units, largest first. As [`Reader::takings`], so what goes back
    /// later is not taken off, and a refund that the bank refused is not counted again.
    pub async fn earned(
        &self,
        (from, to): (Timestamp, Timestamp),
        by: EarnedBy,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let by = by.name();
        let select = sqlx::query!(
            r#"select name as "name!: String", sum(minor) as "minor!: i64" from (
                select case ?3
                        when 'lane' then coalesce(orders.body ->> 'lane',
                            iif(posting.order_id is not null, 'account', iif(posting.cash_id is null, 'phone', 'counter')))
                        when 'way' then coalesce(payment.way, iif(posting.order_id is not null, 'account',
                            iif(posting.cash_id is null, 'pass', 'cash')))
                        when 'zone' then posting.body ->> 'zone'
                        else part.key end as name,
                    iif(?3 = 'product', part.value, posting.amount_minor) as minor
                from posting left join payment on payment.id = posting.payment_id
                    left join orders on orders.id = payment.order_id
                    left join json_each(iif(?3 <> 'product', '{}', iif(posting.body -> 'products' is not null,
                        posting.body -> 'products',
                        json_object(coalesce(posting.body ->> 'product', ''), posting.amount_minor)))) as part
                where posting.at_ms >= ?1 and posting.at_ms < ?2
                    and posting.credit in (select name from income) and posting.debit <> 'refunds_payable')
            where name is not null and name <> '' group by 1 order by 2 desc, 1"#,
            from_ms,
            to_ms,
            by,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        Ok(rows.map(|row| (row.name, row.minor)).collect())
    }

    /// What the receivable of a channel is made of. Reads the whole ledger.
    pub async fn receivable(&self, channel: &ChannelId) -> Result<Receivable, StoreError> {
        let name = channel.as_str();
        let select = sqlx::query_as!(
            Receivable,
            r#"with line as (
                select case when debit = 'channel_receivable' then amount_minor else -amount_minor end as minor,
                    case when debit = 'channel_receivable' then credit else debit end as other,
                    refund_id, settled_id, payment_id,
                    coalesce((select channel from payment where payment.id = payment_id),
                        substr(settled_id, 1, instr(settled_id, '/') - 1)) as channel
                from posting where debit = 'channel_receivable' or credit = 'channel_receivable')
            select
                coalesce(sum(minor) filter (where settled_id is null and refund_id is null), 0) as "payments_minor!: i64",
                coalesce(sum(minor) filter (where refund_id is not null), 0) as "refunds_minor!: i64",
                coalesce(sum(minor) filter (where other = 'channel_fees'), 0) as "fees_minor!: i64",
                coalesce(sum(minor) filter (where other = 'bank_account'), 0) as "transfers_minor!: i64",
                coalesce(sum(minor) filter (where other = 'settlement_over_short'), 0) as "written_off_minor!: i64",
                coalesce(sum(minor), 0) as "balance_minor!: i64"
            from line where channel = ?1"#,
            name,
        );
        Ok(select.fetch_one(&self.pool).await?)
    }
}

fn odd(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} makes no sense among the settlement days"))
}

fn date(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(|_| odd(text))
}

fn channel(text: &str) -> Result<ChannelId, StoreError> {
    ChannelId::parse(text).ok_or_else(|| odd(text))
}

fn time(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|_| odd(&ms.to_string()))
}

fn difference(body: &str) -> Result<Difference, StoreError> {
    #[derive(serde::Deserialize)]
    struct Body {
        id: i64,
        channel: ChannelId,
        day: Date,
        key: String,
        kind: Kind,
        side: Side,
        out_trade_no: String,
        refund_no: String,
        bank_no: String,
        ours_minor: Option<i64>,
        theirs_minor: Option<i64>,
        detail: String,
        state: DifferenceState,
        told: i64,
        changed_at_ms: i64,
        changed_by: String,
        note: String,
    }
    let body: Body = super::load::parse("difference", body)?;
    Ok(Difference {
        id: body.id,
        channel: body.channel,
        day: body.day,
        finding: Finding {
            kind: body.kind,
            side: body.side,
            number: body.key.splitn(3, ' ').nth(2).unwrap_or_default().to_owned(),
            out_trade_no: body.out_trade_no,
            refund_no: body.refund_no,
            bank_no: body.bank_no,
            ours_minor: body.ours_minor,
            theirs_minor: body.theirs_minor,
            detail: body.detail,
        },
        state: body.state,
        told: body.told != 0,
        changed_at: time(body.changed_at_ms)?,
        changed_by: body.changed_by,
        note: body.note,
    })
}
