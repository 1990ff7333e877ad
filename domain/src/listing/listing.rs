//! A listing: something offered. A product of a store, or a showcase of its makers.
//!
//! The listing is a scope, and its stock lives in it: a reservation checks price and state of the listing right here.
//! It is changed by the members of its store, or by its owner while it has no store.
//!
//! draft → published ⇄ paused → archived → deleted; with moderation draft → pending → published | rejected → draft. A
//! draft was never shown, so it may be deleted at once. Who was rejected goes through a moderator the next time.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    decision::{ScopeView, Services},
    entity::Entity,
    family::Family,
    id::{CategoryId, StoreId, UserId},
    money::Money,
    viewer::StoreRole,
};

mod commands;
mod content;
mod details;
mod events;
mod lifecycle;
mod refusal;
mod tags;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use details::*;
pub use events::*;
pub use refusal::ListingRefusal;

/// A listing, once it is created.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Listing {
    /// Absent before it is created.
    pub state: Option<ListingState>,
}

/// How a created listing stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListingState {
    /// Where it is in its life.
    pub status: ListingStatus,
    /// It was rejected, and publishing it takes a moderator.
    pub needs_approval: bool,
    /// What people read first.
    pub title: String,
    /// More of it.
    pub description: Option<String>,
    /// Its kind, and what only that kind has.
    pub details: Details,
    /// The store that offers it.
    pub store: Option<StoreId>,
    /// Who created it.
    pub owner: UserId,
    /// What one costs.
    pub price: Option<Money>,
    /// The category.
    pub category: Option<CategoryId>,
    /// The category within that category.
    pub sub_category: Option<CategoryId>,
    /// Tags, in lower case.
    pub tags: BTreeSet<String>,
    /// What it shows, the cover first.
    pub media: Vec<Attachment>,
    /// Whether it is put forward.
    pub featured: Option<Featured>,
}

/// That a listing is put forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Featured {
    /// Until then; until it is unfeatured when absent.
    pub until: Option<DateTime<Utc>>,
}

/// Where a listing is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListingStatus {
    /// Only its makers see it.
    Draft,
    /// A moderator is to decide.
    Pending,
    /// Everybody sees it.
    Published,
    /// It was published and may be again.
    Paused,
    /// A moderator declined.
    Rejected,
    /// It is off for good.
    Archived,
    /// It is gone.
    Deleted,
}

impl ListingStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Pending,
        Self::Published,
        Self::Paused,
        Self::Rejected,
        Self::Archived,
        Self::Deleted,
    ];

    /// As it is written in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Pending => "pending",
            Self::Published => "published",
            Self::Paused => "paused",
            Self::Rejected => "rejected",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for ListingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

type Decision = Result<ListingEvent, ListingRefusal>;

impl Listing {
    fn decide(&self, command: ListingCommand, services: &Services) -> Decision {
        use ListingCommand as C;
        let command = match (command, &self.state) {
            (C::Create(command), None) => return content::create(command, services),
            (command, _) => command,
        };
        let listing = self.state.as_ref().ok_or(ListingRefusal::NotFound)?;
        match command {
            C::Create(command) => {
                content::may_create(&command, services)?;
                Err(ListingRefusal::AlreadyExists)
            }
            C::ChangeDetails(command) => listing.change_details(command, services),
            C::ChangePrice(command) => listing.change_price(command, services),
            C::AssignStore(command) => listing.assign_store(command, services),
            C::Categorise(command) => listing.categorise(command, services),
            C::Tag(command) => listing.tag(command, services),
            C::Untag(command) => listing.untag(command, services),
            C::AttachMedia(command) => listing.attach_media(command, services),
            C::DetachMedia(command) => listing.detach_media(command, services),
            C::ReorderMedia(command) => listing.reorder_media(command, services),
            C::Feature(command) => listing.feature(command, services),
            C::Unfeature(_) => listing.unfeature(services),
            C::Submit(_) => listing.submit(services),
            C::Approve(_) => listing.approve(services),
            C::Reject(command) => listing.reject(command, services),
            C::Redraft(_) => listing.redraft(services),
            C::Publish(_) => listing.publish(services),
            C::Pause(_) => listing.pause(services),
            C::Resume(_) => listing.resume(services),
            C::Archive(_) => listing.archive(services),
            C::Delete(_) => listing.delete(services),
        }
    }
}

impl ListingState {
    /// Whether the viewer may change the listing and its stock: a member of its store, or its owner while it has none.
    pub(super) fn may_be_changed_by(&self, services: &Services) -> bool {
        match self.store {
            Some(store) => services.may_act_for(store, StoreRole::Staff),
            None => services.viewer.is_trusted() || services.viewer.is(self.owner),
        }
    }

    fn apply(&mut self, event: ListingEvent) {
        match event {
            ListingEvent::Created(_) => {}
            ListingEvent::DetailsChanged(event) => {
                self.title = event.title;
                self.description = event.description;
                self.details = event.details;
            }
            ListingEvent::PriceChanged(event) => self.price = Some(event.price),
            ListingEvent::StoreAssigned(event) => self.store = Some(event.store),
            ListingEvent::Categorised(event) => {
                self.category = event.category;
                self.sub_category = event.sub_category;
            }
            ListingEvent::Tagged(ListingTagged { tags, .. }) | ListingEvent::Untagged(ListingUntagged { tags, .. }) => {
                self.tags = tags;
            }
            ListingEvent::MediaAttached(event) => {
                let position = usize::try_from(event.position).unwrap_or(usize::MAX);
                self.media.insert(position.min(self.media.len()), event.attached);
            }
            ListingEvent::MediaDetached(event) => self.media.retain(|attachment| attachment.media != event.media),
            ListingEvent::MediaReordered(event) => {
                let place = |attachment: &Attachment| event.order.iter().position(|media| *media == attachment.media);
                self.media.sort_by_key(place);
            }
            ListingEvent::Featured(event) => self.featured = Some(Featured { until: event.until }),
            ListingEvent::Unfeatured(_) => self.featured = None,
            ListingEvent::Submitted(_) => self.status = ListingStatus::Pending,
            ListingEvent::Approved(_) => {
                self.status = ListingStatus::Published;
                self.needs_approval = false;
            }
            ListingEvent::Rejected(_) => {
                self.status = ListingStatus::Rejected;
                self.needs_approval = true;
            }
            ListingEvent::Redrafted(_) => self.status = ListingStatus::Draft,
            ListingEvent::Published(_) | ListingEvent::Resumed(_) => self.status = ListingStatus::Published,
            ListingEvent::Paused(_) => self.status = ListingStatus::Paused,
            ListingEvent::Archived(_) => self.status = ListingStatus::Archived,
            ListingEvent::Deleted(_) => self.status = ListingStatus::Deleted,
        }
    }
}

impl From<ListingCreated> for ListingState {
    fn from(event: ListingCreated) -> Self {
        Self {
            status: ListingStatus::Draft,
            needs_approval: false,
            title: event.title,
            description: event.description,
            details: event.details,
            store: event.store,
            owner: event.owner,
            price: event.price,
            category: event.category,
            sub_category: event.sub_category,
            tags: event.tags,
            media: Vec::new(),
            featured: None,
        }
    }
}

impl Aggregate for Listing {
    const TYPE: &'static str = "listing";
    type Command = ListingCommand;
    type Event = ListingEvent;
    type Error = ListingRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: ListingCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), ListingRefusal> {
        let event = self.decide(command, services)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: ListingEvent) {
        match (&mut self.state, event) {
            (state, ListingEvent::Created(event)) => *state = Some(event.into()),
            (Some(state), event) => state.apply(event),
            (None, _) => {}
        }
    }
}

impl Entity for Listing {
    const FAMILY: Family = Family::Listing;
    const PREFIX: &'static str = "lst";
    const PATH: &'static str = "listings/{listing}";

    fn stores(&self, _scope: &ScopeView, command: &ListingCommand) -> Vec<StoreId> {
        let own = self.state.as_ref().and_then(|listing| listing.store);
        let named = match command {
            ListingCommand::Create(command) => command.store,
            ListingCommand::AssignStore(command) => Some(command.store),
            _ => None,
        };
        own.into_iter().chain(named).collect()
    }
}
