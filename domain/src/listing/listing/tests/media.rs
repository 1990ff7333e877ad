//! What a listing shows.

use super::*;

fn attached(media: MediaId, position: u32) -> ListingMediaAttached {
    ListingMediaAttached {
        attached: Attachment {
            media,
            alternative_text: None,
        },
        position,
    }
}

fn attach(media: MediaId, position: Option<u32>) -> AttachMedia {
    AttachMedia {
        media,
        alternative_text: None,
        position,
    }
}

fn shown(story: &Scenario<Listing>) -> Vec<MediaId> {
    let listing = story.state().state.as_ref().expect("it is created");
    listing.media.iter().map(|attachment| attachment.media).collect()
}

#[test]
fn files_are_attached_where_they_are_asked_for() {
    let (cover, middle, last) = (MediaId::generate(), MediaId::generate(), MediaId::generate());
    let story = Market::new()
        .draft()
        .when(attach(middle, None))
        .then_one(attached(middle, 0))
        .when(attach(last, None))
        .then_one(attached(last, 1))
        .when(attach(cover, Some(0)))
        .then_one(attached(cover, 0))
        .when(attach(cover, None))
        .then_refused(ListingRefusal::AlreadyAttached { media: cover });
    assert_eq!(shown(&story), [cover, middle, last]);
    assert_eq!(
        story.when(attach(MediaId::generate(), Some(4))).refused_field(),
        "/position"
    );
}

#[test]
fn an_alternative_text_is_bounded() {
    let story = Market::new().draft().when(AttachMedia {
        alternative_text: Some("x".repeat(501)),
        ..attach(MediaId::generate(), None)
    });
    assert_eq!(story.refused_field(), "/alternativeText");
}

#[test]
fn a_listing_shows_so_many_files_and_no_more() {
    let story = (0..100).fold(Market::new().draft(), |story, position| {
        story.given(attached(MediaId::generate(), position))
    });
    story
        .when(attach(MediaId::generate(), None))
        .then_refused(ListingRefusal::TooManyMedia { limit: 100 });
}

#[test]
fn a_file_is_detached() {
    let (kept, gone) = (MediaId::generate(), MediaId::generate());
    let story = Market::new()
        .draft()
        .given(attached(kept, 0))
        .given(attached(gone, 1))
        .when(DetachMedia { media: gone })
        .then_one(ListingMediaDetached { media: gone })
        .when(DetachMedia { media: gone })
        .then_refused(ListingRefusal::NotAttached { media: gone });
    assert_eq!(shown(&story), [kept]);
}

#[test]
fn files_are_reordered_when_each_is_named_once() {
    let (one, two, stranger) = (MediaId::generate(), MediaId::generate(), MediaId::generate());
    let order = |order: &[MediaId]| ReorderMedia { order: order.to_vec() };
    let story = Market::new()
        .draft()
        .given(attached(one, 0))
        .given(attached(two, 1))
        .when(order(&[two, one]))
        .then_one(ListingMediaReordered { order: vec![two, one] })
        .when(order(&[two, one]))
        .then_refused(ListingRefusal::NothingToChange)
        .when(order(&[two]))
        .then_refused(ListingRefusal::OrderIncomplete { attached: 2 })
        .when(order(&[two, stranger]))
        .then_refused(ListingRefusal::OrderIncomplete { attached: 2 });
    assert_eq!(shown(&story), [two, one]);
    assert_eq!(story.when(order(&[two, two])).refused_field(), "/order/1");
    let many = Market::new().draft().when(order(&[one; 101]));
    assert_eq!(many.refused_field(), "/order");
}
