//! A listing's life: draft → published ⇄ paused → archived → deleted, the way through a moderator, and being put
//! forward.

use super::{
    Decision, Details, FeatureListing, ListingApproved, ListingArchived, ListingDeleted, ListingFeatured,
    ListingPaused, ListingPublished, ListingRedrafted, ListingRefusal, ListingRejected, ListingResumed, ListingState,
    ListingStatus::{Archived, Draft, Paused, Pending, Published, Rejected},
    ListingSubmitted, ListingUnfeatured, RejectListing,
    content::changed,
};
use crate::{decision::Services, fault};

impl ListingState {
    pub(super) fn submit(&self, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        self.status_is(&[Draft])?;
        self.complete()?;
        Ok(ListingSubmitted {}.into())
    }

    pub(super) fn approve(&self, services: &Services) -> Decision {
        by_a_moderator(services)?;
        self.status_is(&[Pending])?;
        Ok(ListingApproved {}.into())
    }

    pub(super) fn reject(&self, RejectListing { reason }: RejectListing, services: &Services) -> Decision {
        by_a_moderator(services)?;
        fault::text("/reason", &reason, 2_000)?;
        self.status_is(&[Pending])?;
        Ok(ListingRejected { reason }.into())
    }

    pub(super) fn redraft(&self, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        self.status_is(&[Rejected])?;
        Ok(ListingRedrafted {}.into())
    }

    pub(super) fn publish(&self, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        self.status_is(&[Draft])?;
        if self.needs_approval {
            return Err(ListingRefusal::NeedsApproval);
        }
        self.complete()?;
        Ok(ListingPublished {}.into())
    }

    pub(super) fn pause(&self, services: &Services) -> Decision {
        self.by_its_makers(services).or_else(|_| by_a_moderator(services))?;
        self.status_is(&[Published])?;
        Ok(ListingPaused {}.into())
    }

    pub(super) fn resume(&self, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        self.status_is(&[Paused])?;
        Ok(ListingResumed {}.into())
    }

    pub(super) fn archive(&self, services: &Services) -> Decision {
        self.by_its_makers(services).or_else(|_| by_a_moderator(services))?;
        self.status_is(&[Paused])?;
        Ok(ListingArchived {}.into())
    }

    pub(super) fn delete(&self, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        self.status_is(&[Archived, Draft])?;
        Ok(ListingDeleted {}.into())
    }

    pub(super) fn feature(&self, FeatureListing { until }: FeatureListing, services: &Services) -> Decision {
        by_a_moderator(services)?;
        if let Some(until) = until.filter(|until| *until <= services.now) {
            return Err(ListingRefusal::UntilNotInFuture {
                until,
                now: services.now,
            });
        }
        self.status_is(&[Published])?;
        changed(self.featured.is_none_or(|featured| featured.until != until))?;
        Ok(ListingFeatured { until }.into())
    }

    pub(super) fn unfeature(&self, services: &Services) -> Decision {
        by_a_moderator(services)?;
        changed(self.featured.is_some())?;
        Ok(ListingUnfeatured {}.into())
    }

    /// Whether it has all that a published listing has.
    fn complete(&self) -> Result<(), ListingRefusal> {
        self.complete_with(&self.details)
    }

    /// The same with other details.
    pub(super) fn complete_with(&self, details: &Details) -> Result<(), ListingRefusal> {
        let needed = match details {
            Details::Product(_) => vec![("price", self.price.is_some()), ("store", self.store.is_some())],
            Details::Showcase(showcase) => vec![("url", showcase.url.is_some())],
        };
        let missing: Vec<_> = needed
            .into_iter()
            .filter(|(_, there)| !there)
            .map(|(name, _)| name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(ListingRefusal::Incomplete { missing })
    }
}

fn by_a_moderator(services: &Services) -> Result<(), ListingRefusal> {
    if services.viewer.may_moderate() {
        return Ok(());
    }
    Err(ListingRefusal::Forbidden { needs: "a moderator" })
}
