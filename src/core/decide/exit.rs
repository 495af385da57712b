//! Exits: whose stay ends here. Knows no price.

use super::Desk;
use crate::{
    core::{change::Change, input::Reply, stay::Stay},
    types::LaneId,
};

impl Desk<'_> {
    pub(super) fn leave(&mut self, id: &LaneId, mut stay: Stay, picture: Option<String>) -> Reply {
        let stay_id = stay.id;
        self.bind_visit(id, |visit| visit.stay = Some(stay_id));
        if picture.is_some() {
            stay.exit_picture = picture;
            self.record(Change::Stay(stay));
        }
        self.settle_up(id, stay_id)
    }
}
