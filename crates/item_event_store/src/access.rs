//! Who may do what: viewer < baker < manager < admin. Deny by default.

use crate::command::Command;
use crate::reason::{Kind, UnknownName};
use std::fmt;
use std::str::FromStr;

/// What an actor may do. Each role may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Creates items with their initial quantity; records batches, bakeoffs, special orders and
    /// what was wasted, damaged, expired or given away.
    Baker,
    /// Overrides, counts, corrects, adjusts, edits and archives items.
    Manager,
    /// Manages tokens, verifies, rebuilds.
    Admin,
}

impl Role {
    /// All four, weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Baker, Self::Manager, Self::Admin];

    /// The name in tokens, SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Baker => "baker",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// The weakest role that may give this command.
    #[must_use]
    pub fn required_for(command: &Command) -> Self {
        match command {
            Command::CreateItem(_) | Command::Record(_) => Self::Baker,
            Command::Adjust(adjust) => Self::required_for_kind(adjust.kind),
            Command::EditItem(_) | Command::SetInventory(_) | Command::Correct(_) => Self::Manager,
        }
    }

    fn required_for_kind(kind: Kind) -> Self {
        match kind {
            Kind::Waste | Kind::Damage | Kind::Expired | Kind::Sample => Self::Baker,
            Kind::Override
            | Kind::Count
            | Kind::Correction
            | Kind::Return
            | Kind::Transfer
            | Kind::Other => Self::Manager,
        }
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownName::new("role", text, &Self::ALL.map(Self::as_str)))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who calls, as the rim has established it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The opaque id that stands in every event the caller causes.
    pub actor: crate::text::Actor,
    /// What the caller may do.
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_name() {
        let names = Role::ALL.map(|role| role.to_string());
        assert_eq!(names, ["viewer", "baker", "manager", "admin"]);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("owner".parse::<Role>().is_err());
    }
}
