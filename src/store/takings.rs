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

impl Reader {
    /// From `from` on, up to but without `to`.
    pub async fn takings(&self, from: Timestamp, to: Timestamp) -> Result<Takings, StoreError> {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let select = sqlx::query_as!(
            Takings,
            r#"select
                coalesce(sum(amount_minor) filter (where credit in ('parking_revenue', 'sales_revenue', 'ticket_revenue', 'pass_revenue') and debit <> 'refunds_payable'), 0) as "revenue_minor!: i64",
                count(*) filter (where credit in ('parking_revenue', 'sales_revenue', 'ticket_revenue', 'pass_revenue') and debit <> 'refunds_payable') as "payments!: i64",
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
                coalesce(sum(amount_minor) filter (where credit in ('parking_revenue', 'sales_revenue', 'ticket_revenue', 'pass_revenue') and debit <> 'refunds_payable'), 0) as "revenue_minor!: i64",
                count(*) filter (where credit in ('parking_revenue', 'sales_revenue', 'ticket_revenue', 'pass_revenue') and debit <> 'refunds_payable') as "payments!: i64",
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
