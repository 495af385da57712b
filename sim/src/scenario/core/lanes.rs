//! The lanes of a table in virtual time: arms that obey, loops, cameras, and what drivers and operators do there. Knows no
//! bank.

use paifang::{
    core::{
        Input,
        lane::{ArmAction, Sensor},
        rules::Closing,
        stay::Read,
    },
    types::{DeviceId, LaneId, Plate, Vehicle},
};

use super::{super::steps::LaneStep, CoreSite, MOMENT};

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arm {
    pub(super) open: bool,
    held: bool,
}

impl CoreSite {
    pub(super) fn move_arm(&mut self, lane: &LaneId, action: ArmAction) {
        let arm = self.arms.entry(lane.clone()).or_default();
        match action {
            ArmAction::Open | ArmAction::Hold => {
                *self.opened.entry(lane.clone()).or_default() += 1;
                arm.held |= action == ArmAction::Hold;
                if !std::mem::replace(&mut arm.open, true) {
                    self.sensor(lane, Sensor::ClosedLimit, false);
                    self.sensor(lane, Sensor::OpenLimit, true);
                }
            }
            ArmAction::Close | ArmAction::Release => {
                arm.held = false;
                self.comes_down(lane);
            }
        }
    }

    fn comes_down(&mut self, lane: &LaneId) {
        let arm = self.arms.entry(lane.clone()).or_default();
        if std::mem::replace(&mut arm.open, false) {
            self.sensor(lane, Sensor::OpenLimit, false);
            self.sensor(lane, Sensor::ClosedLimit, true);
        }
    }

    pub(super) fn sensor(&mut self, lane: &LaneId, sensor: Sensor, on: bool) {
        self.tell(Input::Sensor { lane: lane.clone(), sensor, on });
    }

    fn read(&mut self, lane: &LaneId, raw: &str, confidence: u8, vehicle: Vehicle) {
        self.reads += 1;
        let event = self.reads.to_string();
        let read = Read {
            device: DeviceId::parse(&format!("cam-{lane}")).expect("a lane's name is a name"),
            raw: raw.to_owned(),
            plate: Plate::parse(raw).ok(),
            confidence: Some(confidence),
            vehicle,
            live: true,
            taken_at: Some(self.now),
            picture: Some(format!("{lane}-{event}.jpg")),
            event,
        };
        self.tell(Input::Read { lane: lane.clone(), read });
    }

    pub(super) fn lane_step(&mut self, lane: &LaneId, step: &LaneStep) -> Result<(), String> {
        if !self.rules.lanes.contains_key(lane) {
            return Err(format!("the head names no lane {lane}"));
        }
        match step {
            LaneStep::Arrives(plate) => {
                self.sensor(lane, Sensor::Arrival, true);
                self.read(lane, plate.as_deref().unwrap_or_default(), 98, Vehicle::default());
            }
            LaneStep::ArrivesAs(plate, vehicle) => {
                self.sensor(lane, Sensor::Arrival, true);
                self.read(lane, plate, 98, *vehicle);
            }
            LaneStep::Comes => self.sensor(lane, Sensor::Arrival, true),
            LaneStep::Reads(raw, percent) => self.read(lane, raw, *percent, Vehicle::default()),
            LaneStep::DrivesThrough => return self.drive_through(lane, 1, false),
            LaneStep::TwoDriveThrough => return self.drive_through(lane, 2, false),
            LaneStep::DrivesThroughNextMovesUp => return self.drive_through(lane, 1, true),
            LaneStep::SlipsThrough => {
                self.sensor(lane, Sensor::ClosedLimit, false);
                self.sensor(lane, Sensor::OpenLimit, true);
                self.arms.entry(lane.clone()).or_default().open = true;
                return self.drive_through(lane, 1, false);
            }
            LaneStep::BacksOut => {
                self.sensor(lane, Sensor::Arrival, false);
                self.go_on_to(self.now + std::time::Duration::from_mins(1));
            }
            LaneStep::RollsBack => {
                for on in [true, false] {
                    self.sensor(lane, Sensor::Safety, on);
                    self.go_on_to(self.now + MOMENT);
                }
                self.sensor(lane, Sensor::Arrival, false);
                self.comes_down(lane);
            }
            LaneStep::Pays => {
                self.open_cashier(lane)?;
                return self.pay_at_cashier(lane);
            }
            LaneStep::OpensCashier => return self.open_cashier(lane),
            LaneStep::PaysAtCashier => return self.pay_at_cashier(lane),
            LaneStep::Types(plate) => {
                self.tell(Input::PlateTyped { lane: lane.clone(), plate: plate.clone() });
            }
            LaneStep::HasNoPlate(by) => {
                let (lane, phone, by) = (lane.clone(), None, by.clone());
                self.tell(Input::NoPlate { lane, phone, by });
            }
            LaneStep::OperatorTypes(plate, by) => {
                let (lane, plate, by) = (lane.clone(), plate.clone(), by.clone());
                self.tell(Input::PlateGiven { lane, plate, by });
            }
            LaneStep::Picks(plate, who) => {
                let visit = self.state.lanes.get(lane).and_then(|lane| lane.visit.as_ref());
                let task = visit.and_then(|visit| visit.task).ok_or("there is no task")?;
                let stay = plate.as_ref().and_then(|plate| self.state.stay_of(plate));
                let (stay, who) = (stay.map(|stay| stay.id), who.clone());
                self.tell(Input::MisreadSettled { task, stay, who });
            }
            LaneStep::Operates(act, who, reason) => {
                let (who, reason) = (who.clone(), reason.clone());
                self.tell(Input::Operator { lane: lane.clone(), act: *act, who, reason });
            }
        }
        Ok(())
    }

    fn drive_through(
        &mut self,
        lane: &LaneId,
        vehicles: usize,
        another: bool,
    ) -> Result<(), String> {
        if !self.arms.get(lane).is_some_and(|arm| arm.open) {
            return Err(format!("the arm of {lane} is down"));
        }
        for nth in 0..vehicles {
            self.go_on_to(self.now + MOMENT);
            self.sensor(lane, Sensor::Safety, true);
            if nth == 0 {
                self.sensor(lane, Sensor::Arrival, false);
            }
            self.go_on_to(self.now + MOMENT);
            if another {
                self.sensor(lane, Sensor::Arrival, true);
            }
            self.sensor(lane, Sensor::Safety, false);
        }
        let by_itself = self.rules.lanes.get(lane).is_some_and(|r| r.closing == Closing::ByItself);
        let held = self.arms.get(lane).is_some_and(|arm| arm.held);
        if by_itself && !held && !another {
            self.comes_down(lane);
        }
        Ok(())
    }
}
