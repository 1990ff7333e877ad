//! What a store tells of itself.

use chrono::NaiveTime;

use super::*;
use crate::{
    fault::Fault,
    money::{Currency, Money},
    order::delivery::DeliveryOption,
};

fn brl() -> Currency {
    "BRL".parse().expect("a currency")
}

fn change(profile: Profile) -> ChangeStoreProfile {
    ChangeStoreProfile { profile, contact: None }
}

fn contact(email: Option<&str>, phone: Option<&str>, person: Option<UserId>) -> ChangeStoreProfile {
    ChangeStoreProfile {
        profile: profile(),
        contact: Some(NewContact {
            person,
            email: email.map(str::to_owned),
            phone: phone.map(str::to_owned),
        }),
    }
}

fn period(day: Weekday, opens: (u32, u32), closes: (u32, u32)) -> OpeningPeriod {
    let time = |(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).expect("a time of day");
    OpeningPeriod {
        day,
        opens: time(opens),
        closes: time(closes),
    }
}

fn hours(periods: Vec<OpeningPeriod>) -> SetBusinessHours {
    SetBusinessHours {
        business_hours: BusinessHours {
            time_zone: "America/Sao_Paulo".to_owned(),
            periods,
        },
    }
}

fn offer(option: DeliveryOption, fee: i64) -> DeliveryOffer {
    DeliveryOffer {
        option,
        name: "In town".to_owned(),
        fee: Money::new(fee, brl()),
        minimum_order: Some(Money::new(50_00, brl())),
        radius_metres: Some(5_000),
        lead_time_minutes: Some(90),
    }
}

/// The field at fault when an admin asks for this.
fn at_fault(command: impl Into<StoreCommand>) -> String {
    Shop::new().open().when(command).refused_field()
}

#[test]
fn an_admin_changes_the_profile() {
    let renamed = Profile {
        name: "Mercado Novo".to_owned(),
        ..profile()
    };
    Shop::new()
        .open()
        .when(change(renamed.clone()))
        .then_one(StoreProfileChanged {
            profile: renamed.clone(),
            contact: None,
        })
        .when(change(renamed))
        .then_refused(StoreRefusal::NothingToChange);
}

#[test]
fn a_contact_belongs_to_a_member() {
    let shop = Shop::new();
    let open = |email: &str| {
        let email = Some(email.to_owned());
        Some(Personal::open(shop.owner, Contact { email, phone: None }))
    };
    let stranger = UserId::generate();
    shop.open()
        .when(contact(Some("ana@mercado.example"), None, None))
        .then_one(StoreProfileChanged {
            profile: profile(),
            contact: open("ana@mercado.example"),
        })
        .when(contact(Some("bia@mercado.example"), None, Some(shop.owner)))
        .then_one(StoreProfileChanged {
            profile: profile(),
            contact: open("bia@mercado.example"),
        })
        .when(contact(Some("eva@mercado.example"), None, Some(stranger)))
        .then_refused(StoreRefusal::NotMember {
            user: stranger,
            field: "/contact/person",
        });
}

#[test]
fn the_contact_of_a_new_store_is_its_owners() {
    let owner = UserId::generate();
    let phone = Some("+55 19 3231-0000".to_owned());
    let command = RegisterStore {
        contact: Some(NewContact {
            person: None,
            email: None,
            phone: phone.clone(),
        }),
        owner: Some(owner),
        ..register()
    };
    let expected = StoreRegistered {
        contact: Some(Personal::open(owner, Contact { email: None, phone })),
        ..registered(owner)
    };
    Scenario::<Store>::new()
        .by(with_role(Role::Importer))
        .when(command)
        .then_one(expected);
}

#[test]
fn a_profile_is_bounded_and_well_formed() {
    let named = |name: &str| {
        change(Profile {
            name: name.to_owned(),
            ..profile()
        })
    };
    let with = |description: Option<String>, website: &str| {
        change(Profile {
            name: "Mercado".to_owned(),
            description,
            website: Some(website.to_owned()),
        })
    };
    assert_eq!(at_fault(named(" ")), "/profile/name");
    assert_eq!(at_fault(named(&"x".repeat(121))), "/profile/name");
    assert_eq!(at_fault(named("a\0b")), "/profile/name");
    assert_eq!(
        at_fault(with(Some("x".repeat(5_001)), "https://a.example")),
        "/profile/description"
    );
    for website in ["mercado.example", "ftp://mercado.example", "https://", "https://a b"] {
        assert_eq!(at_fault(with(None, website)), "/profile/website", "{website}");
    }
}

#[test]
fn a_contact_is_well_formed() {
    for email in ["ana", "@mercado.example", "ana@", "an a@mercado.example"] {
        assert_eq!(at_fault(contact(Some(email), None, None)), "/contact/email", "{email}");
    }
    for phone in ["12", "+", "call 12345", "123+456", "12345678901234567"] {
        assert_eq!(at_fault(contact(None, Some(phone), None)), "/contact/phone", "{phone}");
    }
    assert_eq!(at_fault(contact(None, None, None)), "/contact");
}

#[test]
fn an_admin_says_where_the_store_is() {
    let moved = Location {
        street: Some("Rua Barão de Jaguara, 1000".to_owned()),
        ..location()
    };
    Shop::new()
        .open()
        .when(SetLocation {
            location: moved.clone(),
        })
        .then_one(LocationSet {
            location: moved.clone(),
        })
        .when(SetLocation { location: moved })
        .then_refused(StoreRefusal::NothingToChange);
}

#[test]
fn a_location_is_on_the_globe() {
    let set = |change: fn(&mut Location)| {
        let mut location = location();
        change(&mut location);
        at_fault(SetLocation { location })
    };
    assert_eq!(set(|place| place.city = String::new()), "/location/city");
    assert_eq!(set(|place| place.street = Some("x".repeat(201))), "/location/street");
    assert_eq!(set(|place| place.state = Some("x".repeat(121))), "/location/state");
    assert_eq!(set(|place| place.zip = Some("x".repeat(21))), "/location/zip");
    assert_eq!(set(|place| place.country = "Brasil".to_owned()), "/location/country");
    assert_eq!(set(|place| place.country = "br".to_owned()), "/location/country");
    let point = |latitude, longitude| Some(GeoPoint { latitude, longitude });
    let mut north = location();
    north.point = point(90_000_001, 0);
    assert_eq!(at_fault(SetLocation { location: north }), "/location/point/latitude");
    let mut west = location();
    west.point = point(0, -180_000_001);
    assert_eq!(at_fault(SetLocation { location: west }), "/location/point/longitude");
}

#[test]
fn an_admin_sets_the_business_hours() {
    let asked = hours(vec![
        period(Weekday::Monday, (14, 0), (18, 0)),
        period(Weekday::Monday, (8, 0), (12, 0)),
        period(Weekday::Tuesday, (8, 0), (12, 0)),
    ]);
    Shop::new()
        .open()
        .when(asked.clone())
        .then_one(BusinessHoursSet {
            business_hours: asked.business_hours.clone(),
        })
        .when(asked)
        .then_refused(StoreRefusal::NothingToChange);
}

#[test]
fn business_hours_do_not_overlap_nor_end_before_they_begin() {
    let monday = |opens, closes| period(Weekday::Monday, opens, closes);
    let backwards = hours(vec![monday((8, 0), (12, 0)), monday((18, 0), (14, 0))]);
    assert_eq!(at_fault(backwards), "/businessHours/periods/1/closes");
    let overlapping = hours(vec![monday((11, 59), (18, 0)), monday((8, 0), (12, 0))]);
    assert_eq!(at_fault(overlapping), "/businessHours/periods/0/opens");
    let many = hours(vec![monday((8, 0), (12, 0)); 51]);
    assert_eq!(at_fault(many), "/businessHours/periods");
    let mut nowhere = hours(Vec::new());
    nowhere.business_hours.time_zone = "Campinas, SP".to_owned();
    assert_eq!(at_fault(nowhere), "/businessHours/timeZone");
}

#[test]
fn an_admin_sets_the_delivery_options() {
    let delivery_options = vec![
        offer(DeliveryOption::Collection, 0),
        offer(DeliveryOption::Delivery, 9_90),
    ];
    let asked = SetDeliveryOptions {
        delivery_options: delivery_options.clone(),
    };
    Shop::new()
        .open()
        .when(asked.clone())
        .then_one(DeliveryOptionsSet { delivery_options })
        .when(asked)
        .then_refused(StoreRefusal::NothingToChange);
}

#[test]
fn a_delivery_option_costs_nothing_or_more_in_one_currency() {
    let set = |delivery_options| at_fault(SetDeliveryOptions { delivery_options });
    let good = || offer(DeliveryOption::Delivery, 9_90);
    assert_eq!(set(vec![good(), good()]), "/deliveryOptions/1/option");
    assert_eq!(
        set(vec![offer(DeliveryOption::Delivery, -1)]),
        "/deliveryOptions/0/fee/amount"
    );
    let unnamed = DeliveryOffer {
        name: String::new(),
        ..good()
    };
    assert_eq!(set(vec![unnamed]), "/deliveryOptions/0/name");
    let least = |minimum: Money| DeliveryOffer {
        minimum_order: Some(minimum),
        ..good()
    };
    assert_eq!(
        set(vec![least(Money::new(-1, brl()))]),
        "/deliveryOptions/0/minimumOrder/amount"
    );
    let euros = Money::new(1, "EUR".parse().expect("a currency"));
    assert_eq!(set(vec![least(euros)]), "/deliveryOptions/0/minimumOrder/currency");
}

#[test]
fn an_admin_sets_the_payment_methods() {
    let payment_methods = BTreeSet::from([PaymentMethod::Boleto, PaymentMethod::Card]);
    let asked = SetPaymentMethods {
        payment_methods: payment_methods.clone(),
    };
    Shop::new()
        .open()
        .when(asked.clone())
        .then_one(PaymentMethodsSet { payment_methods })
        .when(asked)
        .then_refused(StoreRefusal::NothingToChange);
}

#[test]
fn a_store_is_not_registered_with_a_faulty_profile_or_location() {
    let by_owner = |command: RegisterStore| Scenario::<Store>::new().by(somebody()).when(command);
    let mut nameless = register();
    nameless.profile.name = String::new();
    assert_eq!(by_owner(nameless).refused_field(), "/profile/name");
    let mut nowhere = register();
    nowhere.location = Some(Location {
        country: "??".to_owned(),
        ..location()
    });
    by_owner(nowhere).then_refused(
        Fault::malformed(
            "/location/country",
            "an ISO 3166-1 code of two upper-case letters, such as BR",
        )
        .into(),
    );
}
