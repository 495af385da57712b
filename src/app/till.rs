//! What the counter's and the merchants' pages ask of the tables. Decides nothing.

use jiff::Timestamp;

use super::pages::{Tables, odd};
use crate::{
    core::till::{Cash, Shift, Validation},
    http::ports::{BillLine, Found, MerchantAccount, MerchantUser, TillRecords},
    store,
    types::{CashId, MerchantId, ShiftId},
};

fn user(found: Option<(String, MerchantId)>) -> Option<MerchantUser> {
    found.map(|(name, merchant)| MerchantUser { name, merchant })
}

impl TillRecords for Tables {
    fn shifts(&self, limit: u32) -> Found<'_, Vec<Shift>> {
        Box::pin(async move { self.reader.shifts(limit).await.map_err(odd) })
    }

    fn cash(&self, id: CashId) -> Found<'_, Option<Cash>> {
        Box::pin(async move { self.reader.cash(id).await.map_err(odd) })
    }

    fn cash_of_shift(&self, shift: ShiftId, limit: u32) -> Found<'_, Vec<Cash>> {
        Box::pin(async move { self.reader.cash_of_shift(shift, limit).await.map_err(odd) })
    }

    fn validations_of(&self, merchant: MerchantId, limit: u32) -> Found<'_, Vec<Validation>> {
        Box::pin(async move { self.reader.validations_of(merchant, limit).await.map_err(odd) })
    }

    fn merchant_bill(
        &self,
        merchant: MerchantId,
        span: (Timestamp, Timestamp),
        limit: u32,
    ) -> Found<'_, (i64, Vec<BillLine>)> {
        Box::pin(async move {
            let found = self.reader.merchant_bill(merchant, span, limit).await;
            let (before, lines) = found.map_err(odd)?;
            let line = |line: store::BillLine| BillLine {
                at: line.at,
                minor: line.minor,
                on_site: line.on_site,
                validation: line.validation,
                offer: line.offer,
                by: line.by,
            };
            Ok((before, lines.into_iter().map(line).collect()))
        })
    }

    fn merchant_account(&self, name: String) -> Found<'_, Option<MerchantAccount>> {
        Box::pin(async move {
            let found = self.accounts.merchant_account(&name).await.map_err(odd)?;
            Ok(found.map(|account| MerchantAccount {
                name: account.name,
                merchant: account.merchant,
                password_hash: account.password_hash,
            }))
        })
    }

    fn put_merchant_account(&self, account: MerchantAccount, token: [u8; 32]) -> Found<'_, bool> {
        Box::pin(async move {
            let MerchantAccount { name, merchant, password_hash } = account;
            let account = store::MerchantAccount { name, merchant, password_hash };
            let now = self.app.now();
            self.accounts.put_merchant_account(&account, &token, now).await.map_err(odd)
        })
    }

    fn set_merchant_password(&self, name: String, password_hash: String) -> Found<'_, ()> {
        Box::pin(async move {
            self.accounts.set_merchant_password(&name, &password_hash).await.map_err(odd)
        })
    }

    fn merchant_accounts(&self) -> Found<'_, Vec<(MerchantId, String)>> {
        Box::pin(async move { self.accounts.merchant_accounts().await.map_err(odd) })
    }

    fn merchant_of_token(&self, token: [u8; 32]) -> Found<'_, Option<MerchantUser>> {
        Box::pin(
            async move { self.accounts.merchant_of_token(&token).await.map(user).map_err(odd) },
        )
    }

    fn put_merchant_session(
        &self,
        digest: [u8; 32],
        name: String,
        until: Timestamp,
    ) -> Found<'_, ()> {
        Box::pin(async move {
            let now = self.app.now();
            self.accounts.put_merchant_session(&digest, &name, until, now).await.map_err(odd)
        })
    }

    fn merchant_session(&self, digest: [u8; 32]) -> Found<'_, Option<MerchantUser>> {
        Box::pin(async move {
            let now = self.app.now();
            self.accounts.merchant_session(&digest, now).await.map(user).map_err(odd)
        })
    }

    fn drop_merchant_session(&self, digest: [u8; 32]) -> Found<'_, ()> {
        Box::pin(async move { self.accounts.drop_merchant_session(&digest).await.map_err(odd) })
    }
}
