//! Drivers who show the code on their phone to the lane's scanner instead of opening the cashier. Knows no bank.

use paifang::{
    core::{Answer, Input, input::At},
    types::PayerCode,
};

use super::{check::Broken, run::Run};
use crate::world::LaneIx;

/// So many of those who look at what they owe pay by a code.
const SHOWS_CODE: f64 = 0.15;

impl Run {
    /// Whether the driver has shown a code, and an attempt was made by it.
    pub(super) fn shows_code(&mut self, lane: LaneIx) -> Result<bool, Broken> {
        if !self.codes.chance(SHOWS_CODE) {
            return Ok(false);
        }
        let digits = format!("13{:016}", self.codes.between(0, 9_999_999_999_999_999));
        let code = PayerCode::parse(&digits).expect("18 digits");
        let at = At::Lane(self.spec.lane_ids[lane].clone());
        let told = self.step(Input::PayerCodeScanned { at, code })?;
        Ok(matches!(told, Some(Ok(Answer::Payment(_)))))
    }
}
