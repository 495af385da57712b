//! Where drivers tell that a device lives or talks nonsense. Decides nothing and keeps nothing.

use crate::types::DeviceId;

/// Who watches over devices.
pub trait Heard: Send + Sync {
    /// It said something that makes sense.
    fn heard(&self, device: &DeviceId);

    /// It said something that makes none. `why` holds no code and no plate.
    fn nonsense(&self, device: &DeviceId, why: &str);
}

/// Nobody watches: the log has it.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Heard for Unwatched {
    fn heard(&self, _: &DeviceId) {}

    fn nonsense(&self, device: &DeviceId, why: &str) {
        tracing::warn!(%device, why, "it said something that makes no sense; ignored");
    }
}
