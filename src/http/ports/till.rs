//! What the counter's and the merchants' pages need of the tables. Knows no table.

use jiff::Timestamp;

use super::Found;
use crate::{
    core::till::{Cash, Shift, Validation},
    types::{CashId, MerchantId, ShiftId},
};

/// Somebody who may sign in for a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantAccount {
    pub name: String,
    pub merchant: MerchantId,
    /// PHC string of [`crate::http::hash_password`].
    pub password_hash: String,
}

/// Somebody who is signed in for a merchant, or a program of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantUser {
    pub name: String,
    pub merchant: MerchantId,
}

/// One line of a merchant's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    pub at: Timestamp,
    /// What it owes more, in minor units; below zero: it paid.
    pub minor: i64,
    /// The site bore it, so it owes nothing of it.
    pub on_site: bool,
    /// `None`: it paid.
    pub validation: Option<i64>,
    pub offer: String,
    pub by: String,
}

/// Questions to the tables, and the accounts of merchants. Browsers and programs are known by the SHA-256 of their
/// tokens, which are kept nowhere.
pub trait TillRecords: Send + Sync + 'static {
    /// The latest first.
    fn shifts(&self, limit: u32) -> Found<'_, Vec<Shift>>;

    fn cash(&self, id: CashId) -> Found<'_, Option<Cash>>;

    /// What a shift took and gave back, the latest first.
    fn cash_of_shift(&self, shift: ShiftId, limit: u32) -> Found<'_, Vec<Cash>>;

    /// What a merchant gave, the latest first.
    fn validations_of(&self, merchant: MerchantId, limit: u32) -> Found<'_, Vec<Validation>>;

    /// What a merchant owed when a time began, in minor units, and what came to it until it ended, oldest first.
    fn merchant_bill(
        &self,
        _merchant: MerchantId,
        _span: (Timestamp, Timestamp),
        _limit: u32,
    ) -> Found<'_, (i64, Vec<BillLine>)> {
        Box::pin(async { Ok((0, Vec::new())) })
    }

    fn merchant_account(&self, name: String) -> Found<'_, Option<MerchantAccount>>;

    /// Adds the account or replaces its password and token; `false`: the name is another merchant's.
    fn put_merchant_account(&self, account: MerchantAccount, token: [u8; 32]) -> Found<'_, bool>;

    /// A new password of its own choice: every browser of it is signed out.
    fn set_merchant_password(&self, name: String, password_hash: String) -> Found<'_, ()>;

    fn merchant_accounts(&self) -> Found<'_, Vec<(MerchantId, String)>>;

    fn merchant_of_token(&self, token: [u8; 32]) -> Found<'_, Option<MerchantUser>>;

    fn put_merchant_session(
        &self,
        digest: [u8; 32],
        name: String,
        until: Timestamp,
    ) -> Found<'_, ()>;

    fn merchant_session(&self, digest: [u8; 32]) -> Found<'_, Option<MerchantUser>>;

    fn drop_merchant_session(&self, digest: [u8; 32]) -> Found<'_, ()>;
}
