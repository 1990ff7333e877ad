//! Who asks: the user and roles that a bearer token proves, and the viewer's standing in stores.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{StoreId, UserId};

/// A role that a token carries. What a person may do in a store is [`StoreRole`], and does not stand in the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Decides what is published and who is verified.
    Moderator,
    /// Reads the log and its proofs.
    Auditor,
    /// Exports and replays.
    Analyst,
    /// Loads history: may set time and actor.
    Importer,
    /// A process of the installation.
    System,
    /// May do all that is not the log's own.
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Moderator,
        Self::Auditor,
        Self::Analyst,
        Self::Importer,
        Self::System,
        Self::Administrator,
    ];
}

/// What a person is in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreRole {
    /// Works there: listings, stock and orders.
    Staff,
    /// Runs it: members and profile too.
    Admin,
}

/// Who asks. Without a token: nobody, with no role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Viewer {
    /// The user, when there is a token.
    pub user: Option<UserId>,
    /// The roles of the token.
    pub roles: BTreeSet<Role>,
}

impl Viewer {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A user with these roles.
    pub fn new(user: UserId, roles: impl IntoIterator<Item = Role>) -> Self {
        Self {
            user: Some(user),
            roles: roles.into_iter().collect(),
        }
    }

    /// Whether the viewer is this user.
    pub fn is(&self, user: UserId) -> bool {
        self.user == Some(user)
    }

    /// Whether the token carries this role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the viewer acts for the installation and not for themselves: an importer, a process, an administrator.
    /// These pass every check of ownership, and no check of state.
    pub fn is_trusted(&self) -> bool {
        [Role::Importer, Role::System, Role::Administrator]
            .iter()
            .any(|role| self.has(*role))
    }

    /// Whether the viewer decides what is published and who is verified.
    pub fn may_moderate(&self) -> bool {
        self.has(Role::Moderator) || self.is_trusted()
    }
}

/// The viewer's roles in the stores that a decision asked about ([`crate::entity::Entity::stores`]). It comes from the
/// archive and may be some milliseconds old; the event notes how old.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Role by store; a store that the viewer is not a member of is absent.
    pub stores: BTreeMap<StoreId, StoreRole>,
}

impl Standing {
    /// The viewer's role in this store.
    pub fn role_in(&self, store: StoreId) -> Option<StoreRole> {
        self.stores.get(&store).copied()
    }
}
