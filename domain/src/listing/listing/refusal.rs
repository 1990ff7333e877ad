//! Why a command for a listing was refused.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{ListingKind, ListingStatus};
use crate::{
    decision::{Refusal, RefusalKind, either},
    fault::Fault,
    id::{MediaId, StoreId},
};

/// Why a command for a listing was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ListingRefusal {
    /// Nobody created it.
    #[error("there is no such listing")]
    NotFound,
    /// It is created.
    #[error("the listing exists already")]
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
    /// The listing does not stand where the command needs it.
    #[error("the listing is {status}, this needs it to be {}", either(needs))]
    WrongStatus {
        /// Where it stands.
        status: ListingStatus,
        /// Where it must stand.
        needs: &'static [ListingStatus],
    },
    /// Something is missing that a published listing has.
    #[error("it can not be published without {}", missing.join(" and "))]
    Incomplete {
        /// What is missing: `price`, `store`, `url`.
        missing: Vec<&'static str>,
    },
    /// A draft that was rejected goes through a moderator.
    #[error("a draft that was rejected must be submitted and approved")]
    NeedsApproval,
    /// A listing keeps its kind.
    #[error("the listing is a {kind}, and stays one", kind = kind.name())]
    KindIsFixed {
        /// What it is.
        kind: ListingKind,
    },
    /// A listing keeps its store.
    #[error("the listing is {store}'s, and stays so")]
    StoreIsFixed {
        /// Whose it is.
        store: StoreId,
    },
    /// A sub-category lies in a category.
    #[error("a sub-category needs a category that it lies in")]
    SubCategoryAlone,
    /// A listing has so many tags, and no more.
    #[error("the listing would have {tags} tags, at most {limit} are allowed")]
    TooManyTags {
        /// How many it would have.
        tags: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A listing shows so many files, and no more.
    #[error("a listing shows at most {limit} files")]
    TooManyMedia {
        /// How many it may show.
        limit: usize,
    },
    /// The file is attached.
    #[error("{media} is attached already")]
    AlreadyAttached {
        /// The file.
        media: MediaId,
    },
    /// The file is not attached.
    #[error("{media} is not attached")]
    NotAttached {
        /// The file.
        media: MediaId,
    },
    /// The order does not name every attached file once.
    #[error("the order must name each of the {attached} attached files once")]
    OrderIncomplete {
        /// How many are attached.
        attached: usize,
    },
    /// It can not be put forward until a time that is over.
    #[error("it would be put forward until {until}, which is not after {now}")]
    UntilNotInFuture {
        /// When it would end.
        until: DateTime<Utc>,
        /// When it is asked.
        now: DateTime<Utc>,
    },
    /// A field's content is wrong whatever the state.
    #[error(transparent)]
    #[serde(untagged)]
    Content(#[from] Fault),
}

impl Refusal for ListingRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::Forbidden { .. } => RefusalKind::Forbidden,
            Self::SubCategoryAlone | Self::UntilNotInFuture { .. } | Self::Content(_) => RefusalKind::Invalid,
            Self::AlreadyExists
            | Self::NothingToChange
            | Self::WrongStatus { .. }
            | Self::Incomplete { .. }
            | Self::NeedsApproval
            | Self::KindIsFixed { .. }
            | Self::StoreIsFixed { .. }
            | Self::TooManyTags { .. }
            | Self::TooManyMedia { .. }
            | Self::AlreadyAttached { .. }
            | Self::NotAttached { .. }
            | Self::OrderIncomplete { .. } => RefusalKind::Conflict,
        }
    }

    fn field(&self) -> Option<String> {
        let field = match self {
            Self::Content(fault) => fault.field(),
            Self::KindIsFixed { .. } => "/details/kind",
            Self::StoreIsFixed { .. } => "/store",
            Self::SubCategoryAlone => "/subCategory",
            Self::TooManyTags { .. } => "/tags",
            Self::TooManyMedia { .. } | Self::AlreadyAttached { .. } | Self::NotAttached { .. } => "/media",
            Self::OrderIncomplete { .. } => "/order",
            Self::UntilNotInFuture { .. } => "/until",
            _ => return None,
        };
        Some(field.to_owned())
    }
}
