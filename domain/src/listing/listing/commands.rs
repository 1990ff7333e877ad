//! What can be asked of a listing.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::details::Details;
use crate::{
    commands,
    id::{CategoryId, MediaId, StoreId, UserId},
    money::Money,
};

commands! {
    /// What can be asked of a listing.
    pub enum ListingCommand {
        Create(CreateListing) = "create", "Creates a draft.";
        ChangeDetails(ChangeDetails) = "change-details", "Replaces title, description and the kind's own fields.";
        ChangePrice(ChangePrice) = "change-price", "Sets what it costs.";
        AssignStore(AssignStore) = "assign-store", "Puts a listing without a store into one; for good.";
        Categorise(Categorise) = "categorise", "Puts it into a category and sub-category, or out of both.";
        Tag(TagListing) = "tag", "Adds tags.";
        Untag(UntagListing) = "untag", "Takes tags away.";
        AttachMedia(AttachMedia) = "attach-media", "Adds an uploaded file to show.";
        DetachMedia(DetachMedia) = "detach-media", "Takes a file away.";
        ReorderMedia(ReorderMedia) = "reorder-media", "Shows the files in another order; the first is the cover.";
        Feature(FeatureListing) = "feature", "Puts it forward; a moderator's.";
        Unfeature(UnfeatureListing) = "unfeature", "No longer puts it forward; a moderator's.";
        Submit(SubmitListing) = "submit", "Asks a moderator to publish the draft.";
        Approve(ApproveListing) = "approve", "Publishes what was submitted; a moderator's.";
        Reject(RejectListing) = "reject", "Declines to publish, with the reason; a moderator's.";
        Redraft(RedraftListing) = "redraft", "Makes a rejected listing a draft again, to be mended and submitted.";
        Publish(PublishListing) = "publish", "Publishes a draft that needs no moderator.";
        Pause(PauseListing) = "pause", "Takes it off sale for a while; a moderator may as well.";
        Resume(ResumeListing) = "resume", "Publishes a paused listing again.";
        Archive(ArchiveListing) = "archive", "Takes a paused listing off for good; a moderator may as well.";
        Delete(DeleteListing) = "delete", "Removes an archived listing, or a draft.";
    }
}

/// Creates a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateListing {
    /// What people read first, 1 to 200 characters.
    pub title: String,
    /// More of it, at most 20,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Its kind, and what only that kind has. The kind never changes.
    pub details: Details,
    /// The store that offers it; the viewer must work there. A product needs one to be published.
    #[serde(default)]
    pub store: Option<StoreId>,
    /// Whose it is, when that is not the viewer: an importer's, a process's or an administrator's to say.
    #[serde(default)]
    pub owner: Option<UserId>,
    /// What one costs; not negative. A product needs it to be published.
    #[serde(default)]
    pub price: Option<Money>,
    /// The category. It is not looked up: categories are another scope.
    #[serde(default)]
    pub category: Option<CategoryId>,
    /// The category within that category.
    #[serde(default)]
    pub sub_category: Option<CategoryId>,
    /// At most 50 of 1 to 50 characters; taken in lower case.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Replaces title, description and the kind's own fields: what is left out is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeDetails {
    /// What people read first, 1 to 200 characters.
    pub title: String,
    /// More of it, at most 20,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// What only its kind has; of the kind it was created with.
    pub details: Details,
}

/// Sets what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangePrice {
    /// What one costs; not negative.
    pub price: Money,
}

/// Puts a listing without a store into one; for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AssignStore {
    /// The store; the viewer must work there.
    pub store: StoreId,
}

/// Puts it into a category and sub-category, or out of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Categorise {
    /// The category. It is not looked up: categories are another scope.
    #[serde(default)]
    pub category: Option<CategoryId>,
    /// The category within that category.
    #[serde(default)]
    pub sub_category: Option<CategoryId>,
}

/// Adds tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TagListing {
    /// Each of 1 to 50 characters, taken in lower case; a listing has at most 50. Those it has already are passed over.
    pub tags: Vec<String>,
}

/// Takes tags away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UntagListing {
    /// Those to take away; those it does not have are passed over.
    pub tags: Vec<String>,
}

/// Adds an uploaded file to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AttachMedia {
    /// The file; a listing has at most 100.
    pub media: MediaId,
    /// What it shows, for those who can not see it, at most 500 characters.
    #[serde(default)]
    pub alternative_text: Option<String>,
    /// Its place, from 0, the cover, on; last when left out.
    #[serde(default)]
    pub position: Option<u32>,
}

/// Takes a file away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DetachMedia {
    /// The file.
    pub media: MediaId,
}

/// Shows the files in another order; the first is the cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReorderMedia {
    /// Every attached file, once.
    pub order: Vec<MediaId>,
}

/// Puts it forward; a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FeatureListing {
    /// Until then; until it is unfeatured when left out.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// Declines to publish, with the reason; a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RejectListing {
    /// What is amiss, at most 2,000 characters.
    pub reason: String,
}

/// Commands whose name says all have an empty body.
macro_rules! empty_bodies {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {}
    )*};
}

empty_bodies! {
    /// No longer puts it forward; a moderator's.
    UnfeatureListing;
    /// Asks a moderator to publish the draft.
    SubmitListing;
    /// Publishes what was submitted; a moderator's.
    ApproveListing;
    /// Makes a rejected listing a draft again, to be mended and submitted.
    RedraftListing;
    /// Publishes a draft that needs no moderator.
    PublishListing;
    /// Takes it off sale for a while; a moderator may as well.
    PauseListing;
    /// Publishes a paused listing again.
    ResumeListing;
    /// Takes a paused listing off for good; a moderator may as well.
    ArchiveListing;
    /// Removes an archived listing, or a draft.
    DeleteListing;
}
