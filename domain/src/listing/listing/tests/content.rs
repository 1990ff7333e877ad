//! What a listing says.

use super::*;
use crate::id::CategoryId;

fn at_fault(edit: impl FnOnce(&mut CreateListing)) -> String {
    let market = Market::new();
    let mut command = market.create();
    edit(&mut command);
    market.fresh().when(command).refused_field()
}

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

fn set(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

#[test]
fn a_member_of_the_store_creates_a_draft() {
    let market = Market::new();
    let story = market.fresh().when(market.create()).then_one(market.created());
    let listing = story.state().state.as_ref().expect("it is created");
    assert_eq!(listing.status, ListingStatus::Draft);
    story.when(market.create()).then_refused(ListingRefusal::AlreadyExists);
}

#[test]
fn a_draft_may_lack_store_and_price() {
    let market = Market::new();
    let command = CreateListing {
        store: None,
        price: None,
        ..market.create()
    };
    let expected = ListingCreated {
        store: None,
        price: None,
        ..market.created()
    };
    market.fresh().when(command).then_one(expected);
}

#[test]
fn nobody_creates_a_listing_for_a_store_that_is_not_theirs() {
    let market = Market::new();
    let refusal = || ListingRefusal::Forbidden {
        needs: "a member of the store",
    };
    let stranger = || market.fresh().not_member_of(market.store);
    stranger().when(market.create()).then_refused(refusal());
    // Nor learns whether one is there.
    stranger()
        .given(market.created())
        .when(market.create())
        .then_refused(refusal());
}

#[test]
fn nobody_creates_a_listing_without_signing_in() {
    let market = Market::new();
    market
        .fresh()
        .by(Viewer::anonymous())
        .when(market.create())
        .then_refused(ListingRefusal::Forbidden {
            needs: "a signed-in user",
        });
}

#[test]
fn an_importer_names_the_owner() {
    let market = Market::new();
    let command = CreateListing {
        owner: Some(market.staff),
        ..market.create()
    };
    market
        .fresh()
        .by(with_role(Role::Importer))
        .not_member_of(market.store)
        .when(command.clone())
        .then_one(market.created());
    market
        .fresh()
        .by(somebody())
        .when(command)
        .then_refused(ListingRefusal::Forbidden {
            needs: "an importer, a process or an administrator, for another person,",
        });
}

#[test]
fn what_a_listing_says_is_bounded() {
    assert_eq!(at_fault(|it| it.title = " ".to_owned()), "/title");
    assert_eq!(at_fault(|it| it.title = "x".repeat(201)), "/title");
    assert_eq!(at_fault(|it| it.title = "a\0".to_owned()), "/title");
    assert_eq!(at_fault(|it| it.description = Some("x".repeat(20_001))), "/description");
    assert_eq!(
        at_fault(|it| it.price = Some(Money::new(-1, price().currency))),
        "/price/amount"
    );
    assert_eq!(
        at_fault(|it| it.tags = (0..51).map(|n| format!("tag{n}")).collect()),
        "/tags"
    );
    assert_eq!(at_fault(|it| it.tags = vec!["a".to_owned(); 101]), "/tags");
}

#[test]
fn a_product_has_a_size_that_exists() {
    let with = |edit: fn(&mut Product)| {
        let mut goods = Product::default();
        edit(&mut goods);
        at_fault(|it| it.details = Details::Product(goods))
    };
    let sides = |length_mm, width_mm, height_mm| {
        Some(Dimensions {
            length_mm,
            width_mm,
            height_mm,
        })
    };
    assert_eq!(with(|it| it.weight_grams = Some(10_000_001)), "/details/weightGrams");
    let goods = |dimensions| {
        let goods = Product {
            dimensions,
            ..Product::default()
        };
        at_fault(|it| it.details = Details::Product(goods))
    };
    assert_eq!(goods(sides(100_001, 1, 1)), "/details/dimensions/lengthMm");
    assert_eq!(goods(sides(1, 100_001, 1)), "/details/dimensions/widthMm");
    assert_eq!(goods(sides(1, 1, 100_001)), "/details/dimensions/heightMm");
}

#[test]
fn a_showcase_is_well_formed() {
    let with = |edit: fn(&mut Showcase)| {
        let mut shown = Showcase {
            tagline: "Beans, counted".to_owned(),
            url: None,
            makers: Vec::new(),
        };
        edit(&mut shown);
        at_fault(|it| it.details = Details::Showcase(shown))
    };
    assert_eq!(with(|it| it.tagline = String::new()), "/details/tagline");
    assert_eq!(with(|it| it.tagline = "x".repeat(161)), "/details/tagline");
    assert_eq!(with(|it| it.url = Some("beans.example".to_owned())), "/details/url");
    assert_eq!(with(|it| it.makers = vec![UserId::generate(); 2]), "/details/makers/1");
    assert_eq!(
        with(|it| it.makers = (0..21).map(|_| UserId::generate()).collect()),
        "/details/makers"
    );
}

#[test]
fn details_are_replaced_and_the_kind_stays() {
    let change = ChangeDetails {
        title: "Perfume of roses".to_owned(),
        description: None,
        details: Details::Product(Product::default()),
    };
    Market::new()
        .draft()
        .when(change.clone())
        .then_one(ListingDetailsChanged {
            title: change.title.clone(),
            description: None,
            details: change.details.clone(),
        })
        .when(change.clone())
        .then_refused(ListingRefusal::NothingToChange)
        .when(ChangeDetails {
            details: showcase(None),
            ..change
        })
        .then_refused(ListingRefusal::KindIsFixed {
            kind: ListingKind::Product,
        });
}

#[test]
fn changed_details_are_checked_too() {
    let change = |title: &str, details| ChangeDetails {
        title: title.to_owned(),
        description: None,
        details,
    };
    let draft = || Market::new().draft();
    assert_eq!(draft().when(change("", product())).refused_field(), "/title");
    let heavy = Details::Product(Product {
        weight_grams: Some(u32::MAX),
        ..Product::default()
    });
    assert_eq!(
        draft().when(change("Lead", heavy)).refused_field(),
        "/details/weightGrams"
    );
}

#[test]
fn a_price_changes_to_another_that_is_not_negative() {
    let cheaper = Money::new(14_900, price().currency);
    let negative = Money::new(-1, price().currency);
    Market::new()
        .draft()
        .when(ChangePrice { price: cheaper })
        .then_one(ListingPriceChanged {
            price: cheaper,
            was: Some(price()),
        })
        .when(ChangePrice { price: cheaper })
        .then_refused(ListingRefusal::NothingToChange)
        .when(ChangePrice { price: negative })
        .then_refused(
            Fault::OutOfRange {
                field: "/price/amount".to_owned(),
                value: -1,
                least: 0,
                most: i64::MAX,
            }
            .into(),
        );
}

#[test]
fn a_listing_is_assigned_to_a_store_once() {
    let market = Market::new();
    let other = StoreId::generate();
    market
        .draft()
        .member_of(other, StoreRole::Staff)
        .when(AssignStore { store: market.store })
        .then_refused(ListingRefusal::NothingToChange)
        .when(AssignStore { store: other })
        .then_refused(ListingRefusal::StoreIsFixed { store: market.store });
}

#[test]
fn an_owner_assigns_a_listing_to_a_store_of_theirs_only() {
    let owner = UserId::generate();
    let store = StoreId::generate();
    of_its_owner(owner, None)
        .when(AssignStore { store })
        .then_refused(ListingRefusal::Forbidden {
            needs: "a member of the store",
        })
        .member_of(store, StoreRole::Staff)
        .when(AssignStore { store })
        .then_one(ListingStoreAssigned { store });
}

#[test]
fn a_listing_is_put_into_a_category_and_a_sub_category() {
    let (category, sub_category) = (Some(CategoryId::generate()), Some(CategoryId::generate()));
    let into = |category, sub_category| Categorise { category, sub_category };
    Market::new()
        .draft()
        .when(into(category, sub_category))
        .then_one(ListingCategorised { category, sub_category })
        .when(into(category, sub_category))
        .then_refused(ListingRefusal::NothingToChange)
        .when(into(None, sub_category))
        .then_refused(ListingRefusal::SubCategoryAlone)
        .when(into(category, category))
        .then_refused(ListingRefusal::SubCategoryAlone)
        .when(into(None, None))
        .then_one(ListingCategorised {
            category: None,
            sub_category: None,
        });
}

#[test]
fn a_new_listing_has_no_sub_category_alone() {
    assert_eq!(
        at_fault(|it| it.sub_category = Some(CategoryId::generate())),
        "/subCategory"
    );
}

#[test]
fn tags_are_added_and_taken_away_in_one_form() {
    Market::new()
        .draft()
        .when(TagListing {
            tags: tags(&["Eau  de Parfum", "#ROSE", "C++"]),
        })
        .then_one(ListingTagged {
            added: set(&["c++", "eau-de-parfum"]),
            tags: set(&["c++", "eau-de-parfum", "rose"]),
        })
        .when(TagListing { tags: tags(&["rose"]) })
        .then_refused(ListingRefusal::NothingToChange)
        .when(UntagListing {
            tags: tags(&["Rose", "lily"]),
        })
        .then_one(ListingUntagged {
            removed: set(&["rose"]),
            tags: set(&["c++", "eau-de-parfum"]),
        })
        .when(UntagListing { tags: tags(&["rose"]) })
        .then_refused(ListingRefusal::NothingToChange);
}

#[test]
fn a_tag_is_short_and_has_no_punctuation() {
    let draft = || Market::new().draft();
    for tag in ["", "#", "a/b", "a,b", &"x".repeat(51)] {
        let story = draft().when(TagListing {
            tags: tags(&["good", tag]),
        });
        assert_eq!(story.refused_field(), "/tags/1", "{tag}");
    }
    let story = draft().when(UntagListing { tags: tags(&["a/b"]) });
    assert_eq!(story.refused_field(), "/tags/0");
}

#[test]
fn a_listing_has_so_many_tags_and_no_more() {
    let fifty: Vec<String> = (0..50).map(|n| format!("tag{n}")).collect();
    Market::new()
        .draft()
        .when(TagListing { tags: fifty })
        .then_refused(ListingRefusal::TooManyTags { tags: 51, limit: 50 });
}
