//! What a listing says and shows: creating it and changing its content. Content changes while the listing is a draft,
//! published or paused: what a moderator looks at holds still, and what is archived stays as it was.

use std::collections::BTreeSet;

use super::{
    AssignStore, AttachMedia, Attachment, Categorise, ChangeDetails, ChangePrice, CreateListing, Decision, DetachMedia,
    ListingCategorised, ListingCreated, ListingDetailsChanged, ListingMediaAttached, ListingMediaDetached,
    ListingMediaReordered, ListingPriceChanged, ListingRefusal, ListingState, ListingStatus, ListingStoreAssigned,
    ListingTagged, ListingUntagged, ReorderMedia, TagListing, UntagListing,
    tags::{MOST_TAGS, normalised},
};
use crate::{
    decision::Services,
    fault,
    id::{CategoryId, MediaId, UserId},
    money::Money,
    viewer::StoreRole,
};

/// How many files a listing may show.
const MOST_MEDIA: usize = 100;

/// In which states content changes.
const EDITABLE: &[ListingStatus] = &[ListingStatus::Draft, ListingStatus::Published, ListingStatus::Paused];

/// Who the owner will be, if the viewer may create this.
pub(super) fn may_create(command: &CreateListing, services: &Services) -> Result<UserId, ListingRefusal> {
    let viewer = &services.viewer;
    let owner = match command.owner {
        Some(owner) if viewer.is(owner) || viewer.is_trusted() => owner,
        Some(_) => {
            return Err(ListingRefusal::Forbidden {
                needs: "an importer, a process or an administrator, for another person,",
            });
        }
        None => viewer.user.ok_or(ListingRefusal::Forbidden {
            needs: "a signed-in user",
        })?,
    };
    match command.store {
        Some(store) if !services.may_act_for(store, StoreRole::Staff) => Err(ListingRefusal::Forbidden {
            needs: "a member of the store",
        }),
        _ => Ok(owner),
    }
}

pub(super) fn create(command: CreateListing, services: &Services) -> Decision {
    let owner = may_create(&command, services)?;
    check_texts(&command.title, command.description.as_ref())?;
    command.details.check()?;
    command.price.map_or(Ok(()), check_price)?;
    check_categories(command.category, command.sub_category)?;
    let tags = normalised(&command.tags)?;
    fault::count("/tags", tags.len(), MOST_TAGS)?;
    Ok(ListingCreated {
        title: command.title,
        description: command.description,
        details: command.details,
        store: command.store,
        owner,
        price: command.price,
        category: command.category,
        sub_category: command.sub_category,
        tags,
    }
    .into())
}

fn check_texts(title: &str, description: Option<&String>) -> Result<(), ListingRefusal> {
    fault::text("/title", title, 200)?;
    Ok(fault::optional_text("/description", description, 20_000)?)
}

fn check_price(price: Money) -> Result<(), ListingRefusal> {
    Ok(fault::range("/price/amount", price.amount, 0, i64::MAX)?)
}

fn check_categories(category: Option<CategoryId>, sub_category: Option<CategoryId>) -> Result<(), ListingRefusal> {
    if sub_category.is_some() && (category.is_none() || category == sub_category) {
        return Err(ListingRefusal::SubCategoryAlone);
    }
    Ok(())
}

pub(super) fn changed(is_so: bool) -> Result<(), ListingRefusal> {
    if is_so {
        Ok(())
    } else {
        Err(ListingRefusal::NothingToChange)
    }
}

impl ListingState {
    pub(super) fn change_details(&self, command: ChangeDetails, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        check_texts(&command.title, command.description.as_ref())?;
        command.details.check()?;
        self.status_is(EDITABLE)?;
        if command.details.kind() != self.details.kind() {
            return Err(ListingRefusal::KindIsFixed {
                kind: self.details.kind(),
            });
        }
        let same =
            self.title == command.title && self.description == command.description && self.details == command.details;
        changed(!same)?;
        if self.status != ListingStatus::Draft {
            self.complete_with(&command.details)?;
        }
        Ok(ListingDetailsChanged {
            title: command.title,
            description: command.description,
            details: command.details,
        }
        .into())
    }

    pub(super) fn change_price(&self, ChangePrice { price }: ChangePrice, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        check_price(price)?;
        self.status_is(EDITABLE)?;
        changed(self.price != Some(price))?;
        Ok(ListingPriceChanged { price, was: self.price }.into())
    }

    pub(super) fn assign_store(&self, AssignStore { store }: AssignStore, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        if !services.may_act_for(store, StoreRole::Staff) {
            return Err(ListingRefusal::Forbidden {
                needs: "a member of the store",
            });
        }
        self.status_is(EDITABLE)?;
        match self.store {
            Some(own) if own == store => Err(ListingRefusal::NothingToChange),
            Some(own) => Err(ListingRefusal::StoreIsFixed { store: own }),
            None => Ok(ListingStoreAssigned { store }.into()),
        }
    }

    pub(super) fn categorise(&self, command: Categorise, services: &Services) -> Decision {
        let Categorise { category, sub_category } = command;
        self.by_its_makers(services)?;
        check_categories(category, sub_category)?;
        self.status_is(EDITABLE)?;
        changed((self.category, self.sub_category) != (category, sub_category))?;
        Ok(ListingCategorised { category, sub_category }.into())
    }

    pub(super) fn tag(&self, TagListing { tags }: TagListing, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        let given = normalised(&tags)?;
        self.status_is(EDITABLE)?;
        let added: BTreeSet<String> = given.difference(&self.tags).cloned().collect();
        changed(!added.is_empty())?;
        let tags: BTreeSet<String> = self.tags.union(&given).cloned().collect();
        if tags.len() > MOST_TAGS {
            return Err(ListingRefusal::TooManyTags {
                tags: tags.len(),
                limit: MOST_TAGS,
            });
        }
        Ok(ListingTagged { added, tags }.into())
    }

    pub(super) fn untag(&self, UntagListing { tags }: UntagListing, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        let given = normalised(&tags)?;
        self.status_is(EDITABLE)?;
        let removed: BTreeSet<String> = given.intersection(&self.tags).cloned().collect();
        changed(!removed.is_empty())?;
        let tags = self.tags.difference(&given).cloned().collect();
        Ok(ListingUntagged { removed, tags }.into())
    }

    pub(super) fn attach_media(&self, command: AttachMedia, services: &Services) -> Decision {
        let AttachMedia {
            media,
            alternative_text,
            position,
        } = command;
        self.by_its_makers(services)?;
        fault::optional_text("/alternativeText", alternative_text.as_ref(), 500)?;
        self.status_is(EDITABLE)?;
        if self.shows(media) {
            return Err(ListingRefusal::AlreadyAttached { media });
        }
        if self.media.len() >= MOST_MEDIA {
            return Err(ListingRefusal::TooManyMedia { limit: MOST_MEDIA });
        }
        let last = u32::try_from(self.media.len()).expect("a listing shows at most a hundred files");
        let position = position.unwrap_or(last);
        fault::range("/position", position, 0, last.into())?;
        Ok(ListingMediaAttached {
            attached: Attachment {
                media,
                alternative_text,
            },
            position,
        }
        .into())
    }

    pub(super) fn detach_media(&self, DetachMedia { media }: DetachMedia, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        self.status_is(EDITABLE)?;
        if !self.shows(media) {
            return Err(ListingRefusal::NotAttached { media });
        }
        Ok(ListingMediaDetached { media }.into())
    }

    pub(super) fn reorder_media(&self, ReorderMedia { order }: ReorderMedia, services: &Services) -> Decision {
        self.by_its_makers(services)?;
        fault::list("/order", &order, MOST_MEDIA)?;
        fault::distinct("/order", &order)?;
        self.status_is(EDITABLE)?;
        if order.len() != self.media.len() || !order.iter().all(|media| self.shows(*media)) {
            return Err(ListingRefusal::OrderIncomplete {
                attached: self.media.len(),
            });
        }
        changed(
            self.media
                .iter()
                .map(|attachment| attachment.media)
                .ne(order.iter().copied()),
        )?;
        Ok(ListingMediaReordered { order }.into())
    }

    fn shows(&self, media: MediaId) -> bool {
        self.media.iter().any(|attachment| attachment.media == media)
    }

    pub(super) fn by_its_makers(&self, services: &Services) -> Result<(), ListingRefusal> {
        if self.may_be_changed_by(services) {
            return Ok(());
        }
        Err(ListingRefusal::Forbidden {
            needs: "a member of the listing's store, or its owner while it has none,",
        })
    }

    pub(super) fn status_is(&self, needs: &'static [ListingStatus]) -> Result<(), ListingRefusal> {
        if needs.contains(&self.status) {
            return Ok(());
        }
        Err(ListingRefusal::WrongStatus {
            status: self.status,
            needs,
        })
    }
}
