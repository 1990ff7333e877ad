//! What a listing decides, in given/when/then.

mod content;
mod lifecycle;
mod media;

use chrono::{DateTime, Utc};

use super::*;
use crate::{
    decision::{Refusal, RefusalKind},
    fault::Fault,
    id::MediaId,
    scenario::Scenario,
    viewer::{Role, Viewer},
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn price() -> Money {
    Money::new(19_900, "BRL".parse().expect("a currency"))
}

fn product() -> Details {
    Details::Product(Product {
        unit: Unit::Piece,
        weight_grams: Some(225),
        dimensions: Some(Dimensions {
            length_mm: 160,
            width_mm: 140,
            height_mm: 100,
        }),
    })
}

fn showcase(url: Option<&str>) -> Details {
    Details::Showcase(Showcase {
        tagline: "Beans, counted".to_owned(),
        url: url.map(str::to_owned),
        makers: Vec::new(),
    })
}

/// A store with a person who works there.
struct Market {
    store: StoreId,
    staff: UserId,
}

impl Market {
    fn new() -> Self {
        Self {
            store: StoreId::generate(),
            staff: UserId::generate(),
        }
    }

    /// Nothing yet; who asks works in the store.
    fn fresh(&self) -> Scenario<Listing> {
        Scenario::new()
            .at(NOW)
            .by(Viewer::new(self.staff, []))
            .member_of(self.store, StoreRole::Staff)
    }

    /// A product that lacks nothing.
    fn created(&self) -> ListingCreated {
        ListingCreated {
            title: "Perfume".to_owned(),
            description: Some("Of roses".to_owned()),
            details: product(),
            store: Some(self.store),
            owner: self.staff,
            price: Some(price()),
            category: None,
            sub_category: None,
            tags: BTreeSet::from(["rose".to_owned()]),
        }
    }

    /// What creates that.
    fn create(&self) -> CreateListing {
        let created = self.created();
        CreateListing {
            title: created.title,
            description: created.description,
            details: created.details,
            store: created.store,
            owner: None,
            price: created.price,
            category: None,
            sub_category: None,
            tags: vec![" #Rose ".to_owned()],
        }
    }

    /// A draft of that, asked by somebody who works in its store.
    fn draft(&self) -> Scenario<Listing> {
        self.fresh().given(self.created())
    }
}

/// A showcase's draft, asked by its owner, who has no store.
fn of_its_owner(owner: UserId, url: Option<&str>) -> Scenario<Listing> {
    let created = ListingCreated {
        title: "Bean counter".to_owned(),
        description: None,
        details: showcase(url),
        store: None,
        owner,
        price: None,
        category: None,
        sub_category: None,
        tags: BTreeSet::new(),
    };
    Scenario::new().at(NOW).by(Viewer::new(owner, [])).given(created)
}

fn somebody() -> Viewer {
    Viewer::new(UserId::generate(), [])
}

fn with_role(role: Role) -> Viewer {
    Viewer::new(UserId::generate(), [role])
}

const NEEDS_MAKER: ListingRefusal = ListingRefusal::Forbidden {
    needs: "a member of the listing's store, or its owner while it has none,",
};

const NEEDS_MODERATOR: ListingRefusal = ListingRefusal::Forbidden { needs: "a moderator" };

/// The commands that are its makers' alone.
fn makers_commands() -> Vec<ListingCommand> {
    let media = MediaId::generate();
    let attach = AttachMedia {
        media,
        alternative_text: None,
        position: None,
    };
    let details = ChangeDetails {
        title: "Perfume".to_owned(),
        description: None,
        details: product(),
    };
    let categorise = Categorise {
        category: None,
        sub_category: None,
    };
    let store = StoreId::generate();
    let tags = || vec!["rose".to_owned()];
    vec![
        details.into(),
        ChangePrice { price: price() }.into(),
        AssignStore { store }.into(),
        categorise.into(),
        TagListing { tags: tags() }.into(),
        UntagListing { tags: tags() }.into(),
        attach.into(),
        DetachMedia { media }.into(),
        ReorderMedia { order: vec![media] }.into(),
        SubmitListing {}.into(),
        RedraftListing {}.into(),
        PublishListing {}.into(),
        ResumeListing {}.into(),
        DeleteListing {}.into(),
    ]
}

/// The commands that a moderator may give as well as its makers.
fn shared_commands() -> Vec<ListingCommand> {
    vec![PauseListing {}.into(), ArchiveListing {}.into()]
}

/// The commands that are a moderator's alone.
fn moderators_commands() -> Vec<ListingCommand> {
    let reason = "not yours".to_owned();
    vec![
        FeatureListing { until: None }.into(),
        UnfeatureListing {}.into(),
        ApproveListing {}.into(),
        RejectListing { reason }.into(),
    ]
}

#[test]
fn before_it_is_created_there_is_no_listing() {
    let all = makers_commands()
        .into_iter()
        .chain(shared_commands())
        .chain(moderators_commands());
    for command in all {
        Scenario::<Listing>::new()
            .by(with_role(Role::Administrator))
            .when(command)
            .then_refused(ListingRefusal::NotFound);
    }
}

#[test]
fn only_members_of_its_store_change_a_listing() {
    let market = Market::new();
    let owner_who_left = Viewer::new(market.staff, []);
    for command in makers_commands().into_iter().chain(shared_commands()) {
        for viewer in [Viewer::anonymous(), somebody(), owner_who_left.clone()] {
            market
                .draft()
                .not_member_of(market.store)
                .by(viewer)
                .when(command.clone())
                .then_refused(match command {
                    ListingCommand::Pause(_) | ListingCommand::Archive(_) => NEEDS_MODERATOR,
                    _ => NEEDS_MAKER,
                });
        }
    }
}

#[test]
fn a_moderator_does_not_change_what_a_listing_says() {
    let market = Market::new();
    for command in makers_commands() {
        market
            .draft()
            .not_member_of(market.store)
            .by(with_role(Role::Moderator))
            .when(command)
            .then_refused(NEEDS_MAKER);
    }
}

#[test]
fn its_makers_do_not_moderate_it() {
    for command in moderators_commands() {
        Market::new().draft().when(command).then_refused(NEEDS_MODERATOR);
    }
}

#[test]
fn a_listing_without_a_store_is_its_owners() {
    let owner = UserId::generate();
    let tags = TagListing {
        tags: vec!["beans".to_owned()],
    };
    of_its_owner(owner, None).when(tags.clone()).then_accepted();
    of_its_owner(owner, None)
        .by(somebody())
        .when(tags)
        .then_refused(NEEDS_MAKER);
}

#[test]
fn who_acts_for_the_installation_passes_checks_of_ownership_and_none_of_state() {
    let market = Market::new();
    for role in [Role::Importer, Role::System, Role::Administrator] {
        market
            .draft()
            .not_member_of(market.store)
            .by(with_role(role))
            .when(PublishListing {})
            .then_one(ListingPublished {})
            .when(PublishListing {})
            .then_refused(ListingRefusal::WrongStatus {
                status: ListingStatus::Published,
                needs: &[ListingStatus::Draft],
            });
    }
}

#[test]
fn the_stores_to_look_up_are_its_own_and_the_one_named() {
    let market = Market::new();
    let named = StoreId::generate();
    let listing =
        |story: &Scenario<Listing>, command: ListingCommand| story.state().stores(&ScopeView::default(), &command);
    let story = market.draft();
    assert_eq!(listing(&story, PublishListing {}.into()), [market.store]);
    assert_eq!(
        listing(&story, AssignStore { store: named }.into()),
        [market.store, named]
    );
    let fresh = market.fresh();
    assert_eq!(listing(&fresh, market.create().into()), [market.store]);
}

#[test]
fn each_refusal_answers_as_what_it_is() {
    let media = MediaId::generate();
    for (refusal, kind, field) in [
        (ListingRefusal::NotFound, RefusalKind::NotFound, None),
        (NEEDS_MAKER, RefusalKind::Forbidden, None),
        (ListingRefusal::NothingToChange, RefusalKind::Conflict, None),
        (
            ListingRefusal::SubCategoryAlone,
            RefusalKind::Invalid,
            Some("/subCategory"),
        ),
        (
            ListingRefusal::NotAttached { media },
            RefusalKind::Conflict,
            Some("/media"),
        ),
        (
            ListingRefusal::OrderIncomplete { attached: 2 },
            RefusalKind::Conflict,
            Some("/order"),
        ),
        (
            ListingRefusal::TooManyTags { tags: 51, limit: 50 },
            RefusalKind::Conflict,
            Some("/tags"),
        ),
        (
            Fault::malformed("/details/url", "an address").into(),
            RefusalKind::Invalid,
            Some("/details/url"),
        ),
    ] {
        assert_eq!((refusal.kind(), refusal.field().as_deref()), (kind, field), "{refusal}");
    }
}

#[test]
fn a_refusal_tells_its_state_in_words() {
    let refusal = ListingRefusal::WrongStatus {
        status: ListingStatus::Archived,
        needs: &[ListingStatus::Draft, ListingStatus::Published, ListingStatus::Paused],
    };
    assert_eq!(
        refusal.to_string(),
        "the listing is archived, this needs it to be draft, published or paused"
    );
    let facts = serde_json::to_value(&refusal).expect("plain data");
    let expected = serde_json::json!({
        "code": "wrong-status", "status": "archived", "needs": ["draft", "published", "paused"]
    });
    assert_eq!(facts, expected);
}
