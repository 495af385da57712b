//! How a driver binds a card to a plate: a form that the phone posts to the bank's own page, where everything secret is
//! typed. Knows no bank and no page of ours.

use std::fmt;

use crate::types::{Plate, PlateColour};

/// Who wants to bind what. No field of it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SignAsk {
    pub plate: Plate,
    pub colour: Option<PlateColour>,
    /// Telephone number registered at the bank; empty where the driver gave none.
    pub mobile: String,
    /// Page of ours to which the bank sends the browser at the end, as an absolute address.
    pub back_url: String,
}

/// Neither plate nor number belongs in a log.
impl fmt::Debug for SignAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignAsk({})", self.plate.masked())
    }
}

/// A form of a page: posted by the browser as UTF-8, `application/x-www-form-urlencoded`. Good for a few minutes, as it
/// is signed with its time.
#[derive(Clone, PartialEq, Eq)]
pub struct SignForm {
    /// Absolute address of the bank's page.
    pub action: String,
    /// Hidden fields, in this order: name and value, neither escaped.
    pub fields: Vec<(String, String)>,
}

impl fmt::Debug for SignForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.action.split('?').next().unwrap_or_default();
        write!(f, "SignForm({host}, {} fields)", self.fields.len())
    }
}
