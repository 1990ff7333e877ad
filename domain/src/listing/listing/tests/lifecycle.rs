//! A listing's life.

use ListingStatus::{Archived, Deleted, Draft, Paused, Pending, Published, Rejected};
use chrono::TimeDelta;

use super::*;

fn reason() -> String {
    "not yours".to_owned()
}

/// The events that lead there from a draft.
fn path(status: ListingStatus) -> Vec<ListingEvent> {
    let published = || ListingEvent::from(ListingPublished {});
    let submitted = || ListingEvent::from(ListingSubmitted {});
    let paused = || ListingEvent::from(ListingPaused {});
    match status {
        Draft => vec![],
        Pending => vec![submitted()],
        Published => vec![published()],
        Paused => vec![published(), paused()],
        Rejected => vec![submitted(), ListingRejected { reason: reason() }.into()],
        Archived => vec![published(), paused(), ListingArchived {}.into()],
        Deleted => vec![ListingDeleted {}.into()],
    }
}

/// A product that lacks nothing and stands there, asked by somebody who may do all.
fn at(status: ListingStatus) -> Scenario<Listing> {
    let market = Market::new();
    let story = market.draft().by(with_role(Role::Administrator));
    path(status).into_iter().fold(story, Scenario::given)
}

fn status(story: &Scenario<Listing>) -> ListingStatus {
    story.state().state.as_ref().expect("it is created").status
}

#[test]
fn a_listing_goes_its_way_and_no_other() {
    let table: [(ListingCommand, &'static [ListingStatus], ListingStatus, ListingEvent); 9] = [
        (SubmitListing {}.into(), &[Draft], Pending, ListingSubmitted {}.into()),
        (
            ApproveListing {}.into(),
            &[Pending],
            Published,
            ListingApproved {}.into(),
        ),
        (
            RejectListing { reason: reason() }.into(),
            &[Pending],
            Rejected,
            ListingRejected { reason: reason() }.into(),
        ),
        (RedraftListing {}.into(), &[Rejected], Draft, ListingRedrafted {}.into()),
        (
            PublishListing {}.into(),
            &[Draft],
            Published,
            ListingPublished {}.into(),
        ),
        (PauseListing {}.into(), &[Published], Paused, ListingPaused {}.into()),
        (ResumeListing {}.into(), &[Paused], Published, ListingResumed {}.into()),
        (ArchiveListing {}.into(), &[Paused], Archived, ListingArchived {}.into()),
        (
            DeleteListing {}.into(),
            &[Archived, Draft],
            Deleted,
            ListingDeleted {}.into(),
        ),
    ];
    for (command, from, to, event) in table {
        for standing in ListingStatus::ALL {
            let story = at(standing).when(command.clone());
            if from.contains(&standing) {
                let story = story.then_one(event.clone());
                assert_eq!(status(&story), to, "{command:?} from {standing}");
            } else {
                story.then_refused(ListingRefusal::WrongStatus {
                    status: standing,
                    needs: from,
                });
            }
        }
    }
}

#[test]
fn what_a_listing_says_changes_in_a_draft_and_in_public_and_nowhere_else() {
    let changes = || -> Vec<ListingCommand> {
        let category = Some(crate::id::CategoryId::generate());
        let attach = AttachMedia {
            media: MediaId::generate(),
            alternative_text: None,
            position: None,
        };
        let details = ChangeDetails {
            title: "Perfume of roses".to_owned(),
            description: None,
            details: product(),
        };
        let dearer = Money::new(price().amount + 1, price().currency);
        let categorise = Categorise {
            category,
            sub_category: None,
        };
        vec![
            details.into(),
            ChangePrice { price: dearer }.into(),
            categorise.into(),
            TagListing {
                tags: vec!["new".to_owned()],
            }
            .into(),
            UntagListing {
                tags: vec!["rose".to_owned()],
            }
            .into(),
            attach.into(),
        ]
    };
    for standing in ListingStatus::ALL {
        for command in changes() {
            let story = at(standing).when(command);
            if [Draft, Published, Paused].contains(&standing) {
                story.then_accepted();
            } else {
                story.then_refused(ListingRefusal::WrongStatus {
                    status: standing,
                    needs: &[Draft, Published, Paused],
                });
            }
        }
    }
}

#[test]
fn the_rest_of_what_it_says_holds_still_as_well() {
    let media = MediaId::generate();
    let store = StoreId::generate();
    let held: [ListingCommand; 3] = [
        DetachMedia { media }.into(),
        ReorderMedia { order: vec![media] }.into(),
        AssignStore { store }.into(),
    ];
    for command in held {
        at(Pending).when(command).then_refused(ListingRefusal::WrongStatus {
            status: Pending,
            needs: &[Draft, Published, Paused],
        });
    }
}

#[test]
fn a_product_is_published_with_price_and_store() {
    let market = Market::new();
    let owner = market.staff;
    let bare = ListingCreated {
        store: None,
        price: None,
        ..market.created()
    };
    let incomplete = |missing: &[&'static str]| ListingRefusal::Incomplete {
        missing: missing.to_vec(),
    };
    market
        .fresh()
        .by(Viewer::new(owner, []))
        .given(bare)
        .when(PublishListing {})
        .then_refused(incomplete(&["price", "store"]))
        .when(SubmitListing {})
        .then_refused(incomplete(&["price", "store"]))
        .when(ChangePrice { price: price() })
        .then_one(ListingPriceChanged {
            price: price(),
            was: None,
        })
        .when(PublishListing {})
        .then_refused(incomplete(&["store"]))
        .when(AssignStore { store: market.store })
        .then_one(ListingStoreAssigned { store: market.store })
        .when(PublishListing {})
        .then_one(ListingPublished {});
}

#[test]
fn a_showcase_is_published_with_an_address() {
    let owner = UserId::generate();
    of_its_owner(owner, None)
        .when(PublishListing {})
        .then_refused(ListingRefusal::Incomplete { missing: vec!["url"] });
    of_its_owner(owner, Some("https://beans.example"))
        .when(PublishListing {})
        .then_one(ListingPublished {});
}

#[test]
fn what_a_published_listing_needs_is_not_taken_from_it() {
    let change = ChangeDetails {
        title: "Bean counter".to_owned(),
        description: None,
        details: showcase(None),
    };
    of_its_owner(UserId::generate(), Some("https://beans.example"))
        .given(ListingPublished {})
        .when(change)
        .then_refused(ListingRefusal::Incomplete { missing: vec!["url"] });
}

#[test]
fn a_draft_that_was_rejected_goes_through_a_moderator() {
    let market = Market::new();
    market
        .draft()
        .given(ListingSubmitted {})
        .given(ListingRejected { reason: reason() })
        .when(RedraftListing {})
        .then_one(ListingRedrafted {})
        .when(PublishListing {})
        .then_refused(ListingRefusal::NeedsApproval)
        .when(SubmitListing {})
        .then_one(ListingSubmitted {})
        .by(with_role(Role::Moderator))
        .when(ApproveListing {})
        .then_one(ListingApproved {});
}

#[test]
fn a_moderator_pauses_and_archives_what_is_not_theirs() {
    let market = Market::new();
    market
        .draft()
        .given(ListingPublished {})
        .not_member_of(market.store)
        .by(with_role(Role::Moderator))
        .when(PauseListing {})
        .then_one(ListingPaused {})
        .when(ArchiveListing {})
        .then_one(ListingArchived {});
}

#[test]
fn a_rejection_has_a_reason() {
    for reason in ["", &"x".repeat(2_001)] {
        let reason = reason.to_owned();
        assert_eq!(at(Pending).when(RejectListing { reason }).refused_field(), "/reason");
    }
}

#[test]
fn what_is_published_is_featured() {
    let until = Some(NOW + TimeDelta::days(7));
    for standing in ListingStatus::ALL {
        let story = at(standing).when(FeatureListing { until });
        if standing == Published {
            story
                .then_one(ListingFeatured { until })
                .when(FeatureListing { until })
                .then_refused(ListingRefusal::NothingToChange)
                .when(FeatureListing { until: None })
                .then_one(ListingFeatured { until: None })
                .when(UnfeatureListing {})
                .then_one(ListingUnfeatured {})
                .when(UnfeatureListing {})
                .then_refused(ListingRefusal::NothingToChange);
        } else {
            story.then_refused(ListingRefusal::WrongStatus {
                status: standing,
                needs: &[Published],
            });
        }
    }
}

#[test]
fn nothing_is_featured_until_a_time_that_is_over() {
    at(Published)
        .when(FeatureListing { until: Some(NOW) })
        .then_refused(ListingRefusal::UntilNotInFuture { until: NOW, now: NOW });
}
