//! What a category decides, in given/when/then.

use super::*;
use crate::{
    decision::{Refusal, RefusalKind},
    id::UserId,
    scenario::Scenario,
    viewer::{Role, Viewer},
};

fn moderator() -> Viewer {
    Viewer::new(UserId::generate(), [Role::Moderator])
}

fn created(slug: &str, parent: Option<CategoryId>) -> CategoryCreated {
    CategoryCreated {
        slug: slug.to_owned(),
        name: "Health and beauty".to_owned(),
        icon: Some("heart".to_owned()),
        colour: Some("#1a2b3c".to_owned()),
        parent,
    }
}

fn create(slug: &str, parent: Option<CategoryId>) -> CreateCategory {
    let CategoryCreated {
        slug,
        name,
        icon,
        colour,
        parent,
    } = created(slug, parent);
    CreateCategory {
        slug,
        name,
        icon,
        colour,
        parent,
    }
}

fn change(slug: &str, name: &str) -> ChangeCategory {
    ChangeCategory {
        slug: slug.to_owned(),
        name: name.to_owned(),
        icon: None,
        colour: None,
    }
}

fn category(slug: &str, parent: Option<CategoryId>, then: impl IntoIterator<Item = CategoryEvent>) -> Category {
    let mut category = Category::default();
    category.apply(created(slug, parent).into());
    then.into_iter().for_each(|event| category.apply(event));
    category
}

/// A category that nobody created, asked by a moderator.
fn fresh(own: CategoryId) -> Scenario<Category> {
    Scenario::new().by(moderator()).target("categories", own)
}

/// A category at the top, asked by a moderator.
fn at_the_top(own: CategoryId) -> Scenario<Category> {
    fresh(own).given(created("beauty", None))
}

/// A chain of categories, each below the one before; the first is at the top.
fn chain(mut story: Scenario<Category>, length: usize) -> (Scenario<Category>, Vec<CategoryId>) {
    let ids: Vec<CategoryId> = (0..length).map(|_| CategoryId::generate()).collect();
    for (level, id) in ids.iter().enumerate() {
        let parent = level.checked_sub(1).map(|above| ids[above]);
        story = story.beside(id, category(&format!("level-{level}"), parent, []));
    }
    (story, ids)
}

#[test]
fn a_moderator_creates_a_category_below_another() {
    let parent = CategoryId::generate();
    fresh(CategoryId::generate())
        .beside(parent, category("health", None, []))
        .when(create("beauty", Some(parent)))
        .then_one(created("beauty", Some(parent)))
        .when(create("beauty", Some(parent)))
        .then_refused(CategoryRefusal::AlreadyExists);
}

#[test]
fn a_slug_is_taken_in_lower_case() {
    fresh(CategoryId::generate())
        .when(create("Beauty-2", None))
        .then_one(created("beauty-2", None));
}

#[test]
fn a_slug_is_nobody_elses_whatever_its_case() {
    let holder = CategoryId::generate();
    let taken = CategoryRefusal::SlugTaken {
        slug: "health".to_owned(),
        category: holder,
    };
    fresh(CategoryId::generate())
        .beside(holder, category("health", None, []))
        .when(create("HEALTH", None))
        .then_refused(taken);
    let taken = CategoryRefusal::SlugTaken {
        slug: "health".to_owned(),
        category: holder,
    };
    at_the_top(CategoryId::generate())
        .beside(holder, category("health", None, [CategoryArchived {}.into()]))
        .when(change("health", "Health"))
        .then_refused(taken);
}

#[test]
fn the_slug_of_a_deleted_category_is_free() {
    let gone = category("health", None, [CategoryDeleted {}.into()]);
    fresh(CategoryId::generate())
        .beside(CategoryId::generate(), gone)
        .when(create("health", None))
        .then_one(created("health", None));
}

#[test]
fn a_category_may_keep_its_slug_when_it_changes() {
    let own = CategoryId::generate();
    at_the_top(own)
        .beside(own, category("beauty", None, []))
        .when(change("beauty", "Beauty"))
        .then_one(CategoryChanged {
            slug: "beauty".to_owned(),
            name: "Beauty".to_owned(),
            icon: None,
            colour: None,
        })
        .when(change("beauty", "Beauty"))
        .then_refused(CategoryRefusal::NothingToChange);
}

#[test]
fn what_a_category_says_is_bounded_and_well_formed() {
    let at_fault = |command: CreateCategory| fresh(CategoryId::generate()).when(command).refused_field();
    for slug in [
        "",
        "two words",
        "-beauty",
        "beauty-",
        "be--auty",
        "beleza_saude",
        "saúde",
    ] {
        assert_eq!(at_fault(create(slug, None)), "/slug", "{slug}");
    }
    assert_eq!(at_fault(create(&"a".repeat(81), None)), "/slug");
    let with = |edit: fn(&mut CreateCategory)| {
        let mut command = create("beauty", None);
        edit(&mut command);
        at_fault(command)
    };
    assert_eq!(with(|it| it.name = "x".repeat(121)), "/name");
    assert_eq!(with(|it| it.icon = Some("x".repeat(61))), "/icon");
    for colour in ["1a2b3c", "#1a2b3", "#1a2b3g"] {
        let command = CreateCategory {
            colour: Some(colour.to_owned()),
            ..create("beauty", None)
        };
        assert_eq!(at_fault(command), "/colour", "{colour}");
    }
    let unnamed = at_the_top(CategoryId::generate()).when(change("beauty", " "));
    assert_eq!(unnamed.refused_field(), "/name");
}

#[test]
fn a_category_moves_below_another_and_back_to_the_top() {
    let parent = CategoryId::generate();
    at_the_top(CategoryId::generate())
        .beside(parent, category("health", None, []))
        .when(MoveCategory { parent: Some(parent) })
        .then_one(CategoryMoved { parent: Some(parent) })
        .when(MoveCategory { parent: Some(parent) })
        .then_refused(CategoryRefusal::NothingToChange)
        .when(MoveCategory { parent: None })
        .then_one(CategoryMoved { parent: None });
}

#[test]
fn no_category_is_below_itself() {
    let own = CategoryId::generate();
    let (child, grandchild) = (CategoryId::generate(), CategoryId::generate());
    at_the_top(own)
        .beside(child, category("child", Some(own), []))
        .beside(grandchild, category("grandchild", Some(child), []))
        .when(MoveCategory { parent: Some(own) })
        .then_refused(CategoryRefusal::Cycle { parent: own })
        .when(MoveCategory { parent: Some(child) })
        .then_refused(CategoryRefusal::Cycle { parent: child })
        .when(MoveCategory {
            parent: Some(grandchild),
        })
        .then_refused(CategoryRefusal::Cycle { parent: grandchild });
}

#[test]
fn a_parent_exists_and_is_in_use() {
    let archived = CategoryId::generate();
    let deleted = CategoryId::generate();
    let unknown = CategoryId::generate();
    let story = || {
        fresh(CategoryId::generate())
            .beside(archived, category("old", None, [CategoryArchived {}.into()]))
            .beside(deleted, category("gone", None, [CategoryDeleted {}.into()]))
    };
    for (parent, refusal) in [
        (archived, CategoryRefusal::ParentClosed { parent: archived }),
        (deleted, CategoryRefusal::UnknownParent { parent: deleted }),
        (unknown, CategoryRefusal::UnknownParent { parent: unknown }),
    ] {
        story().when(create("beauty", Some(parent))).then_refused(refusal);
    }
    story()
        .given(created("beauty", None))
        .when(MoveCategory { parent: Some(unknown) })
        .then_refused(CategoryRefusal::UnknownParent { parent: unknown });
}

#[test]
fn the_tree_stays_shallow() {
    let (story, ids) = chain(fresh(CategoryId::generate()), DEEPEST);
    story
        .when(create("deeper", ids.last().copied()))
        .then_refused(CategoryRefusal::TooDeep {
            depth: DEEPEST + 1,
            limit: DEEPEST,
        })
        .when(create("deep", Some(ids[DEEPEST - 2])))
        .then_accepted();
}

#[test]
fn moving_counts_what_hangs_below() {
    let own = CategoryId::generate();
    let child = CategoryId::generate();
    let (story, ids) = chain(at_the_top(own), DEEPEST - 1);
    story
        .beside(child, category("child", Some(own), []))
        .when(MoveCategory {
            parent: ids.last().copied(),
        })
        .then_refused(CategoryRefusal::TooDeep {
            depth: DEEPEST + 1,
            limit: DEEPEST,
        })
        .when(MoveCategory {
            parent: Some(ids[DEEPEST - 3]),
        })
        .then_accepted();
}

#[test]
fn there_are_so_many_categories_and_no_more() {
    let mut story = fresh(CategoryId::generate());
    for number in 0..MOST_CATEGORIES {
        story = story.beside(CategoryId::generate(), category(&format!("slug-{number}"), None, []));
    }
    story
        .when(create("one-more", None))
        .then_refused(CategoryRefusal::Full {
            count: MOST_CATEGORIES,
            limit: MOST_CATEGORIES,
        });
}

#[test]
fn a_category_is_archived_and_then_deleted() {
    let archived = || CategoryRefusal::WrongStatus {
        status: CategoryStatus::Archived,
    };
    let deleted = || CategoryRefusal::WrongStatus {
        status: CategoryStatus::Deleted,
    };
    at_the_top(CategoryId::generate())
        .when(ArchiveCategory {})
        .then_one(CategoryArchived {})
        .when(ArchiveCategory {})
        .then_refused(archived())
        .when(change("beauty", "Beauty"))
        .then_refused(archived())
        .when(MoveCategory { parent: None })
        .then_refused(archived())
        .when(DeleteCategory {})
        .then_one(CategoryDeleted {})
        .when(DeleteCategory {})
        .then_refused(deleted())
        .when(ArchiveCategory {})
        .then_refused(deleted())
        .when(create("beauty", None))
        .then_refused(CategoryRefusal::AlreadyExists);
}

#[test]
fn a_category_in_use_may_be_deleted_at_once() {
    at_the_top(CategoryId::generate())
        .when(DeleteCategory {})
        .then_one(CategoryDeleted {});
}

#[test]
fn a_category_with_others_below_stays() {
    let own = CategoryId::generate();
    let archived = category("old", Some(own), [CategoryArchived {}.into()]);
    let deleted = category("gone", Some(own), [CategoryDeleted {}.into()]);
    at_the_top(own)
        .beside(CategoryId::generate(), archived)
        .beside(CategoryId::generate(), deleted)
        .when(DeleteCategory {})
        .then_refused(CategoryRefusal::HasChildren { children: 1 })
        .beside(CategoryId::generate(), category("child", Some(own), []))
        .when(ArchiveCategory {})
        .then_refused(CategoryRefusal::HasChildren { children: 1 })
        .when(DeleteCategory {})
        .then_refused(CategoryRefusal::HasChildren { children: 2 });
}

#[test]
fn a_category_whose_children_are_archived_may_be_archived() {
    let own = CategoryId::generate();
    at_the_top(own)
        .beside(
            CategoryId::generate(),
            category("old", Some(own), [CategoryArchived {}.into()]),
        )
        .when(ArchiveCategory {})
        .then_one(CategoryArchived {});
}

fn one_of_each() -> Vec<CategoryCommand> {
    vec![
        create("beauty", None).into(),
        change("beauty", "Beauty").into(),
        MoveCategory { parent: None }.into(),
        ArchiveCategory {}.into(),
        DeleteCategory {}.into(),
    ]
}

#[test]
fn only_moderators_and_who_acts_for_the_installation_change_categories() {
    let auditor = Viewer::new(UserId::generate(), [Role::Auditor]);
    for command in one_of_each() {
        for viewer in [
            Viewer::anonymous(),
            Viewer::new(UserId::generate(), []),
            auditor.clone(),
        ] {
            fresh(CategoryId::generate())
                .by(viewer)
                .when(command.clone())
                .then_refused(CategoryRefusal::Forbidden);
        }
    }
    for role in [Role::Importer, Role::System, Role::Administrator] {
        fresh(CategoryId::generate())
            .by(Viewer::new(UserId::generate(), [role]))
            .when(create("beauty", None))
            .then_accepted();
    }
}

#[test]
fn before_it_is_created_there_is_no_category() {
    for command in one_of_each().into_iter().skip(1) {
        fresh(CategoryId::generate())
            .when(command)
            .then_refused(CategoryRefusal::NotFound);
    }
}

#[test]
fn each_refusal_answers_as_what_it_is() {
    let parent = CategoryId::generate();
    for (refusal, kind, field) in [
        (CategoryRefusal::NotFound, RefusalKind::NotFound, None),
        (CategoryRefusal::Forbidden, RefusalKind::Forbidden, None),
        (CategoryRefusal::AlreadyExists, RefusalKind::Conflict, None),
        (
            CategoryRefusal::UnknownParent { parent },
            RefusalKind::Conflict,
            Some("/parent"),
        ),
        (
            CategoryRefusal::SlugTaken {
                slug: "beauty".to_owned(),
                category: parent,
            },
            RefusalKind::Conflict,
            Some("/slug"),
        ),
    ] {
        assert_eq!((refusal.kind(), refusal.field().as_deref()), (kind, field), "{refusal}");
    }
}
