//! What kind of vehicle stands before a camera, as far as prices and lanes care. Knows no plate's text.

use serde::{Deserialize, Serialize};

/// Size class. Most sites price `Small` and `Large` only.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum VehicleClass {
    Motorcycle,
    /// Cars and what is as small (小型车).
    #[default]
    Small,
    /// Light lorries, minibuses (中型车).
    Medium,
    /// Lorries, coaches (大型车).
    Large,
}

impl VehicleClass {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// The ground colour of a plate.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlateColour {
    Blue,
    /// Small new-energy vehicles (渐变绿).
    Green,
    /// Large new-energy vehicles (黄绿双拼).
    YellowGreen,
    Yellow,
    White,
    Black,
    Other,
}

/// What a tariff may ask about a vehicle.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Vehicle {
    #[serde(default, skip_serializing_if = "VehicleClass::is_usual")]
    pub class: VehicleClass,
    /// `None`: not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<PlateColour>,
    /// Said by the camera or a list. A green plate says it as well: see [`Vehicle::is_new_energy`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub new_energy: bool,
}

impl Vehicle {
    /// A vehicle of this class, of which nothing else is known.
    pub fn of(class: VehicleClass) -> Self {
        Self { class, ..Self::default() }
    }

    /// Nothing more is known of it than of most.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Told so, or by its plate's colour.
    pub fn is_new_energy(self) -> bool {
        self.new_energy
            || matches!(self.colour, Some(PlateColour::Green | PlateColour::YellowGreen))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
