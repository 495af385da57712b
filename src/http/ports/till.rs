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
