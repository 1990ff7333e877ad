//! What happened to a listing.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::details::Details;
use crate::{
    events,
    id::{CategoryId, MediaId, StoreId, UserId},
    money::Money,
};

events! {
    /// What happened to a listing.
    pub enum ListingEvent {
        Created(ListingCreated) = "listing.created.v1";
        DetailsChanged(ListingDetailsChanged) = "listing.details-changed.v1";
        PriceChanged(ListingPriceChanged) = "listing.price-changed.v1";
        StoreAssigned(ListingStoreAssigned) = "listing.store-assigned.v1";
        Categorised(ListingCategorised) = "listing.categorised.v1";
        Tagged(ListingTagged) = "listing.tagged.v1";
        Untagged(ListingUntagged) = "listing.untagged.v1";
        MediaAttached(ListingMediaAttached) = "listing.media-attached.v1";
        MediaDetached(ListingMediaDetached) = "listing.media-detached.v1";
        MediaReordered(ListingMediaReordered) = "listing.media-reordered.v1";
        Featured(ListingFeatured) = "listing.featured.v1";
        Unfeatured(ListingUnfeatured) = "listing.unfeatured.v1";
        Submitted(ListingSubmitted) = "listing.submitted.v1";
        Approved(ListingApproved) = "listing.approved.v1";
        Rejected(ListingRejected) = "listing.rejected.v1";
        Redrafted(ListingRedrafted) = "listing.redrafted.v1";
        Published(ListingPublished) = "listing.published.v1";
        Paused(ListingPaused) = "listing.paused.v1";
        Resumed(ListingResumed) = "listing.resumed.v1";
        Archived(ListingArchived) = "listing.archived.v1";
        Deleted(ListingDeleted) = "listing.deleted.v1";
    }
}

/// The listing exists, as a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingCreated {
    /// What people read first.
    pub title: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its kind, and what only that kind has.
    pub details: Details,
    /// The store that offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
    /// Who created it.
    pub owner: UserId,
    /// What one costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// The category within that category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_category: Option<CategoryId>,
    /// Tags, in lower case.
    pub tags: BTreeSet<String>,
}

/// Title, description or the kind's own fields are others. What is absent is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingDetailsChanged {
    /// The title now.
    pub title: String,
    /// The description now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The kind, which is the same, and its fields now.
    pub details: Details,
}

/// The listing costs something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingPriceChanged {
    /// What one costs now.
    pub price: Money,
    /// What one cost before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Money>,
}

/// The listing is a store's from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingStoreAssigned {
    /// The store.
    pub store: StoreId,
}

/// The listing is in another category. What is absent is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingCategorised {
    /// The category now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// The category within that category now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_category: Option<CategoryId>,
}

/// The listing has more tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingTagged {
    /// Those that it did not have.
    pub added: BTreeSet<String>,
    /// All that it has now.
    pub tags: BTreeSet<String>,
}

/// The listing has fewer tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingUntagged {
    /// Those that it no longer has.
    pub removed: BTreeSet<String>,
    /// All that it has now.
    pub tags: BTreeSet<String>,
}

/// A file that a listing shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The file.
    pub media: MediaId,
    /// What it shows, for those who can not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_text: Option<String>,
}

/// The listing shows one more file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingMediaAttached {
    /// The file.
    pub attached: Attachment,
    /// Its place, from 0, the cover, on; those from there on moved by one.
    pub position: u32,
}

/// The listing shows one file less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingMediaDetached {
    /// The file.
    pub media: MediaId,
}

/// The listing shows its files in another order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingMediaReordered {
    /// Every file, the cover first.
    pub order: Vec<MediaId>,
}

/// The listing is put forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingFeatured {
    /// Until then; until it is unfeatured when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// A moderator declined to publish it: it is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListingRejected {
    /// What is amiss.
    pub reason: String,
}

/// Events whose name says all have an empty value.
macro_rules! empty_values {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {}
    )*};
}

empty_values! {
    /// The listing is no longer put forward.
    ListingUnfeatured;
    /// A moderator was asked to publish it: it is pending.
    ListingSubmitted;
    /// A moderator approved it: it is published.
    ListingApproved;
    /// A rejected listing is a draft again.
    ListingRedrafted;
    /// It is published.
    ListingPublished;
    /// It is paused.
    ListingPaused;
    /// It is published again.
    ListingResumed;
    /// It is archived.
    ListingArchived;
    /// It is deleted.
    ListingDeleted;
}
