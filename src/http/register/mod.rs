//! Passes, lists and reservations for the operator and for other programs. Decides nothing: each form is an
//! [`crate::core::Input::Manage`].

mod words;

pub(super) use self::words::unfit;
