//! Why a command for a store was refused.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Verification;
use crate::{
    decision::{Refusal, RefusalKind, either},
    fault::Fault,
    id::UserId,
};

/// Why a command for a store was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StoreRefusal {
    /// Nobody registered it.
    #[error("there is no such store")]
    NotFound,
    /// It is registered.
    #[error("the store is registered already")]
    AlreadyExists,
    /// The viewer may not.
    #[error("only {needs} may do this")]
    Forbidden {
        /// Who may.
        needs: &'static str,
    },
    /// All is as the command wants it.
    #[error("nothing would change")]
    NothingToChange,
    /// Verification does not stand where the command needs it.
    #[error("verification is {verification}, this needs it to be {}", either(needs))]
    WrongVerification {
        /// Where it stands.
        verification: Verification,
        /// Where it must stand.
        needs: &'static [Verification],
    },
    /// A verification can not end before it begins.
    #[error("the verification would end at {until}, which is not after {now}")]
    UntilNotInFuture {
        /// When it would end.
        until: DateTime<Utc>,
        /// When it is asked.
        now: DateTime<Utc>,
    },
    /// The verification's time is not over.
    #[error("the verification holds until {until}, it is {now}")]
    NotYetExpired {
        /// When it ends.
        until: DateTime<Utc>,
        /// When it is asked.
        now: DateTime<Utc>,
    },
    /// The person is a member already.
    #[error("{user} is a member already")]
    AlreadyMember {
        /// The person.
        user: UserId,
    },
    /// The person is no member.
    #[error("{user} is not a member of the store")]
    NotMember {
        /// The person.
        user: UserId,
        /// Where the command names the person.
        #[serde(skip)]
        field: &'static str,
    },
    /// A store has so many members, and no more.
    #[error("a store has at most {limit} members")]
    TooManyMembers {
        /// How many it may have.
        limit: usize,
    },
    /// A store without an admin could never be changed again.
    #[error("{user} is the store's last admin")]
    LastAdmin {
        /// The admin.
        user: UserId,
    },
    /// A field's content is wrong whatever the state.
    #[error(transparent)]
    #[serde(untagged)]
    Content(#[from] Fault),
}

impl Refusal for StoreRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::Forbidden { .. } => RefusalKind::Forbidden,
            Self::UntilNotInFuture { .. } | Self::Content(_) => RefusalKind::Invalid,
            Self::AlreadyExists
            | Self::NothingToChange
            | Self::WrongVerification { .. }
            | Self::NotYetExpired { .. }
            | Self::AlreadyMember { .. }
            | Self::NotMember { .. }
            | Self::TooManyMembers { .. }
            | Self::LastAdmin { .. } => RefusalKind::Conflict,
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::UntilNotInFuture { .. } => Some("/until".to_owned()),
            Self::AlreadyMember { .. } | Self::LastAdmin { .. } => Some("/user".to_owned()),
            Self::NotMember { field, .. } => Some((*field).to_owned()),
            Self::Content(fault) => Some(fault.field().to_owned()),
            _ => None,
        }
    }
}
