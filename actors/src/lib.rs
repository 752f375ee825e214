//! The fleet: one supervised actor per SSH host.

pub mod inventory;
pub mod target;
