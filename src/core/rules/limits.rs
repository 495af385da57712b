//! How much may be paid, given back and let go in a day, and how many attempts are too many. Knows no payment.

use std::time::Duration;

/// Minor units a day each, by the site's clock; `None`: no limit. What is counted goes on record with each payment, so
/// a limit that is not set costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRules {
    /// Paid for one plate. Default: none.
    pub plate_day_minor: Option<i64>,
    /// Paid by one payer, whom the bank names once it is paid: what passes the limit is an alarm. Default: none.
    pub payer_day_minor: Option<i64>,
    /// So many payments by one payer in a day are an alarm: somebody pays for others and takes their cash. Default: none.
    pub payer_day_times: Option<u32>,
    /// Paid at one lane. Default: none.
    pub lane_day_minor: Option<i64>,
    /// Paid by one printed code, at a lane or inside the lot: a code that is pasted over is noticed late. Default: none;
    /// the wallets have limits of their own for such codes.
    pub printed_day_minor: Option<i64>,
    /// Cash that one operator gives back. Default 1,000.00: some hours of a small car park.
    pub cash_back_day_minor: Option<i64>,
    /// Fees that one operator lets go. Default: none. A vehicle that was let out is out: what passes the limit then is
    /// an alarm.
    pub waived_day_minor: Option<i64>,
    /// This many attempts to pay at one lane within `attempts_within` are an alarm: somebody tries codes, or a scanner
    /// is stuck. Default 30 in 10 min, three times what a busy lane lets out.
    pub attempts_max: u32,
    pub attempts_within: Duration,
    /// The same for one plate. Default 8: a driver who tries three wallets twice is below.
    pub plate_attempts_max: u32,
    /// The same for what one counter sells. Default 60.
    pub counter_attempts_max: u32,
    /// Cash given back, fees and arrears let go by one operator within `attempts_within`. Default 20.
    pub acts_max: u32,
    /// Giving back more cash than this at once, or letting go of more of a fee or of arrears, needs a second person. Default
    /// 500.00, as a refund through the bank.
    pub second_above_minor: i64,
}

impl Default for LimitRules {
    fn default() -> Self {
        Self {
            plate_day_minor: None,
            payer_day_minor: None,
            payer_day_times: None,
            lane_day_minor: None,
            printed_day_minor: None,
            cash_back_day_minor: Some(100_000),
            waived_day_minor: None,
            attempts_max: 30,
            attempts_within: Duration::from_mins(10),
            plate_attempts_max: 8,
            counter_attempts_max: 60,
            acts_max: 20,
            second_above_minor: 50_000,
        }
    }
}
