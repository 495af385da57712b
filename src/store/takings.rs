//! Sums over the ledger. Knows no page and no currency sign.

use jiff::Timestamp;

use super::{Reader, StoreError};

/// What came in and went back in a span of time, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    /// Earned, before anything goes back of it.
    pub revenue_minor: i64,
    /// Payments that earned it.
    pub payments: i64,
    /// Given back through the bank.
    pub refunded_minor: i64,
    pub refunds: i64,
}

/// The takings of one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourTakings {
    pub from: Timestamp,
    pub takings: Takings,
}

/// The balance of an account since the beginning: debits less credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSum {
    pub account: String,
    pub currency: String,
    pub minor: i64,
}

/// One line of a merchant's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    pub at: Timestamp,
    /// What it owes more; below zero: it paid.
    pub minor: i64,
    /// The site bore it, so it owes nothing of it.
    pub on_site: bool,
    /// `None`: it paid.
    pub validation: Option<i64>,
    pub offer: String,
    pub by: String,
}

impl Reader {
    /// From `from` on, up to but without `to`.
    pub async fn takings(&self, from: Timestamp, to: Timestamp) -> Result<Takings, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query_as!(
            Takings,
            r#"select
                coalesce(sum(amount_minor) filter (where credit in (select name from income) and debit <> 'refunds_payable'), 0) as "revenue_minor!: i64",
                count(*) filter (where credit in (select name from income) and debit <> 'refunds_payable') as "payments!: i64",
                coalesce(sum(amount_minor) filter (where debit = 'refunds_payable' and credit = 'channel_receivable'), 0) as "refunded_minor!: i64",
                count(*) filter (where debit = 'refunds_payable' and credit = 'channel_receivable') as "refunds!: i64"
            from posting where at_ms >= ?1 and at_ms < ?2"#,
            from_ms,
            to_ms,
        );
        Ok(select.fetch_one(&self.pool).await?)
    }

    /// Hour by hour counted from `from`; an hour in which nothing happened is left out.
    pub async fn takings_by_hour(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<HourTakings>, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let rows = sqlx::query!(
            r#"select
                (at_ms - ?1) / 3600000 as "hour!: i64",
                coalesce(sum(amount_minor) filter (where credit in (select name from income) and debit <> 'refunds_payable'), 0) as "revenue_minor!: i64",
                count(*) filter (where credit in (select name from income) and debit <> 'refunds_payable') as "payments!: i64",
                coalesce(sum(amount_minor) filter (where debit = 'refunds_payable' and credit = 'channel_receivable'), 0) as "refunded_minor!: i64",
                count(*) filter (where debit = 'refunds_payable' and credit = 'channel_receivable') as "refunds!: i64"
            from posting where at_ms >= ?1 and at_ms < ?2 group by 1 order by 1"#,
            from_ms,
            to_ms,
        );
        let hours = rows.fetch_all(&self.pool).await?.into_iter().map(|row| HourTakings {
            from: from + jiff::SignedDuration::from_hours(row.hour),
            takings: Takings {
                revenue_minor: row.revenue_minor,
                payments: row.payments,
                refunded_minor: row.refunded_minor,
                refunds: row.refunds,
            },
        });
        Ok(hours.collect())
    }

    /// What a merchant owed when `from` began, in minor units, and what came to it until `to`, oldest first.
    pub async fn merchant_bill(
        &self,
        merchant: crate::types::MerchantId,
        (from, to): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<(i64, Vec<BillLine>), StoreError> {
        let (id, from_ms, to_ms) = (merchant.0, from.as_millisecond(), to.as_millisecond());
        let before = sqlx::query_scalar!(
            r#"select coalesce(sum(iif(debit = 'merchant_receivable', amount_minor, -amount_minor)), 0) as "minor!: i64"
            from posting where merchant_id = ?1 and at_ms < ?2
                and (debit = 'merchant_receivable' or credit = 'merchant_receivable')"#,
            id,
            from_ms,
        );
        let before = before.fetch_one(&self.pool).await?;
        let select = sqlx::query!(
            r#"select posting.at_ms as "at_ms!: i64", posting.debit as "debit!: String",
                posting.credit as "credit!: String", posting.amount_minor as "minor!: i64",
                posting.body ->> 'validation' as "validation?: i64",
                register.body ->> 'offer' as "offer?: String", register.body ->> 'by' as "by?: String"
            from posting left join register on register.kind = 'validation'
                and register.id = cast(posting.body ->> 'validation' as text)
            where posting.merchant_id = ?1 and posting.at_ms >= ?2 and posting.at_ms < ?3
            order by posting.txn limit ?4"#,
            id,
            from_ms,
            to_ms,
            limit,
        );
        let rows = select.fetch_all(&self.pool).await?.into_iter();
        let line = |at_ms: i64| Timestamp::from_millisecond(at_ms).unwrap_or(from);
        let lines = rows.map(|row| BillLine {
            at: line(row.at_ms),
            minor: if row.credit == "merchant_receivable" { -row.minor } else { row.minor },
            on_site: row.debit == "discounts" || row.credit == "discounts",
            validation: row.validation,
            offer: row.offer.unwrap_or_default(),
            by: row.by.unwrap_or_default(),
        });
        Ok((before, lines.collect()))
    }

    /// The balance of every account. Over all accounts of a currency they sum to zero.
    /// Reads the whole ledger.
    pub async fn ledger_sums(&self) -> Result<Vec<AccountSum>, StoreError> {
        let select = sqlx::query_as!(
            AccountSum,
            r#"select account as "account!: String", currency as "currency!: String",
                sum(amount_minor) as "minor!: i64"
            from posting_line group by account, currency order by account, currency"#,
        );
        Ok(select.fetch_all(&self.pool).await?)
    }
}
