//! Names of things: numbers the journal hands out, and short texts the site file gives.

use std::{borrow::Borrow, fmt, sync::Arc};

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// A number handed out by the core in the order of creation, from 1.
macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

number_id! {
    /// A vehicle's presence on the site.
    StayId,
    /// What is owed.
    OrderId,
    /// One attempt to collect an order.
    PaymentId,
    /// Money going back.
    RefundId,
    /// One order to an arm or a turnstile; never used twice.
    CommandId,
    /// The right of some persons to come in.
    TicketId,
    /// One person let through a turnstile.
    AdmissionId,
    /// A season pass.
    PassId,
    /// A plate on a list.
    ListedId,
    /// A place kept for a visitor.
    ReservationId,
    /// A shop that pays for its customers' parking.
    MerchantId,
    /// One discount a merchant gave.
    ValidationId,
    /// A fee that was not paid when its vehicle left.
    ArrearsId,
    /// One operator's time at a booth.
    ShiftId,
    /// Cash taken over the counter once.
    CashId,
    /// Something a person has to decide.
    TaskId,
    /// One invoice, or one that takes back another.
    InvoiceId,
    /// One person asked for at a sister daemon; counts at the asker.
    AskId,
    /// One showing of a ticket of somebody else's cloud.
    CloudPassId,
    /// Days a scenic site was closed, with all that goes back for them.
    ClosureId,
}

/// What a text id must look like, for error messages.
pub const TEXT_ID_RULE: &str = "1 to 32 of a-z, 0-9 and '-'";

/// A short name from the site file: see [`TEXT_ID_RULE`].
macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text against [`TEXT_ID_RULE`].
            pub fn parse(text: &str) -> Option<Self> {
                let fits = (1..=32).contains(&text.len())
                    && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
                fits.then(|| Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(format!("\"{text}\" must be {TEXT_ID_RULE}"))
                })
            }
        }
    )+};
}

text_id! {
    /// A way in or out, such as `exit-1`.
    LaneId,
    /// A camera, relay board, display or other hardware, such as `cam-exit-1`.
    DeviceId,
    /// A part of the car park with its own count, such as `lot` or `lot-b2`.
    ZoneId,
    /// Where an operator takes cash, such as `booth-east`.
    BoothId,
    /// Whatever sells through this site besides parking, such as `hotel-desk`.
    CounterId,
    /// One contract with an acquiring bank, such as `icbc` or `swiftpass`.
    ChannelId,
    /// Something a scenic site sells, such as `adult`.
    ProductId,
    /// Whom a part of the takings belongs to, such as `land-owner`.
    PartnerId,
    /// The time slots of a kind of day, such as `day` or `night-show`.
    ScheduleId,
    /// One time slot of one day: see [`SlotId::of`].
    SlotId,
}

impl SlotId {
    /// The slot of a schedule that begins at `from` on `day`, such as `day-20261124-0900`. `None`: the schedule's name
    /// is longer than [`SCHEDULE_CHARS_MAX`].
    pub fn of(schedule: &ScheduleId, day: Date, from: Time) -> Option<Self> {
        Self::parse(&format!(
            "{schedule}-{:04}{:02}{:02}-{:02}{:02}",
            day.year(),
            day.month(),
            day.day(),
            from.hour(),
            from.minute()
        ))
    }
}

/// Longest name of a schedule, in characters, so that day and time fit behind it.
pub const SCHEDULE_CHARS_MAX: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ids_are_checked_where_they_enter() {
        assert!(LaneId::parse("exit-1").is_some());
        for bad in ["", "Exit", "a b", "a/b", "出口", &"x".repeat(33)] {
            assert!(LaneId::parse(bad).is_none(), "{bad}");
        }
        assert!(serde_json::from_str::<LaneId>("\"a+b\"").is_err());
    }
}
