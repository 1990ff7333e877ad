//! The commands that are sent, and who sends them. Every request has a token and an `Idempotency-Key`, as a careful
//! client's has; the bare handler gets the same bytes.

use std::{collections::BTreeSet, fmt, io::Write as _};

use auth::Keys;
use chrono::TimeDelta;
use domain::{
    id::{self, ListingId, OrderId, StockId, StoreId, UserId},
    listing::{
        listing::{CreateListing, Details, Product},
        stock::AdjustStock,
        store::{Profile, RegisterStore, StoreKind},
    },
    money::{Currency, Money},
    order::{
        delivery::{Address, DeliveryOption, DeliveryWish},
        order::{Fulfilment, OrderLine, PlaceOrder},
    },
    viewer::Role,
};
use serde::Serialize;

/// How many people there are, each with a store.
pub const PEOPLE: usize = 256;
/// How many listings each store has.
const LISTINGS: usize = 2;

/// What the commands do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// `orders/{new}/place`: each is the first of its scope, so nothing is in memory.
    PlaceOrder,
    /// `listings/{listing}/stock/{stock}/adjust` over 512 streams, which are in memory; the viewer works in the store.
    AdjustStock,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PlaceOrder => "place an order",
            Self::AdjustStock => "adjust a stock",
        })
    }
}

/// A line of `POST /v1/commands`.
#[derive(Serialize)]
struct Line<'a, T> {
    path: String,
    key: String,
    data: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<UserId>,
}

/// Everybody who sends commands.
pub struct People(Vec<Person>);

struct Person {
    user: UserId,
    token: String,
    store: StoreId,
    listings: Vec<(ListingId, StockId)>,
}

impl People {
    /// People with tokens of an installation.
    pub fn new(keys: &Keys) -> Self {
        let person = |_| {
            let user = UserId::generate();
            Person {
                user,
                token: keys.mint(user, &BTreeSet::new(), TimeDelta::hours(24)),
                store: StoreId::generate(),
                listings: (0..LISTINGS)
                    .map(|_| (ListingId::generate(), StockId::generate()))
                    .collect(),
            }
        };
        Self((0..PEOPLE).map(person).collect())
    }

    /// What has to be there before stock can be adjusted, as bulk lines.
    pub fn premises(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut lines = Vec::new();
        for person in &self.0 {
            let actor = Some(person.user);
            write_line(&mut lines, format!("stores/{}/register", person.store), actor, &store())?;
            for (listing, _) in &person.listings {
                write_line(
                    &mut lines,
                    format!("listings/{listing}/create"),
                    actor,
                    &product(person.store),
                )?;
            }
        }
        Ok(lines)
    }

    /// The requests of `connections` clients; each person's are sent by one of them.
    pub fn lanes(&self, workload: Workload, connections: usize) -> Result<Vec<Lane>, serde_json::Error> {
        let body = match workload {
            Workload::PlaceOrder => serde_json::to_vec(&order())?,
            Workload::AdjustStock => serde_json::to_vec(&adjustment())?,
        };
        let lane = |connection: usize| {
            let people = self.0.iter().skip(connection).step_by(connections);
            let senders = people.flat_map(|person| match workload {
                Workload::PlaceOrder => vec![(None, person.token.clone())],
                Workload::AdjustStock => person
                    .listings
                    .iter()
                    .map(|(listing, stock)| {
                        let path = format!("/v1/listings/{listing}/stock/{stock}/adjust");
                        (Some(path), person.token.clone())
                    })
                    .collect(),
            });
            Lane {
                senders: senders.collect(),
                body: body.clone(),
                turn: 0,
            }
        };
        Ok((0..connections).map(lane).collect())
    }
}

/// What one connection sends.
pub struct Lane {
    /// Path and token; without a path, a new order.
    senders: Vec<(Option<String>, String)>,
    body: Vec<u8>,
    turn: usize,
}

impl Lane {
    /// Writes the next request.
    pub fn next(&mut self, request: &mut Vec<u8>) -> std::io::Result<()> {
        let (path, token) = &self.senders[self.turn % self.senders.len()];
        self.turn += 1;
        request.clear();
        match path {
            Some(path) => write!(request, "POST {path}")?,
            None => write!(request, "POST /v1/orders/{}/place", OrderId::generate())?,
        }
        write!(
            request,
            " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             idempotency-key: {}\r\ncontent-length: {}\r\n\r\n",
            id::generate(),
            self.body.len()
        )?;
        request.extend_from_slice(&self.body);
        Ok(())
    }
}

/// Bulk lines that place this many orders.
pub fn orders_in_bulk(count: usize) -> Result<Vec<u8>, serde_json::Error> {
    let (order, mut lines) = (order(), Vec::new());
    for _ in 0..count {
        write_line(
            &mut lines,
            format!("orders/{}/place", OrderId::generate()),
            None,
            &order,
        )?;
    }
    Ok(lines)
}

/// A token that may load history.
pub fn importer(keys: &Keys) -> String {
    keys.mint(
        UserId::generate(),
        &BTreeSet::from([Role::Importer]),
        TimeDelta::hours(24),
    )
}

fn write_line<T: Serialize>(
    lines: &mut Vec<u8>,
    path: String,
    actor: Option<UserId>,
    data: &T,
) -> Result<(), serde_json::Error> {
    let (path, key) = (format!("/v1/{path}"), id::generate().to_string());
    serde_json::to_writer(&mut *lines, &Line { path, key, data, actor })?;
    lines.push(b'\n');
    Ok(())
}

fn reais(amount: i64) -> Money {
    let currency: Currency = "BRL".parse().expect("it is an ISO 4217 code");
    Money::new(amount, currency)
}

fn order() -> PlaceOrder {
    PlaceOrder {
        customer: None,
        fulfilment: Fulfilment::Internal,
        currency: reais(0).currency,
        lines: vec![OrderLine {
            listing: ListingId::generate(),
            store: StoreId::generate(),
            stock: None,
            title: "Coffee beans, 1 kg".to_owned(),
            unit_price: reais(6_490),
            quantity: 2,
        }],
        comment: None,
        delivery: DeliveryWish {
            option: DeliveryOption::Shipping,
            address: Some(Address {
                recipient: None,
                street: Some("Rua das Flores 12".to_owned()),
                city: "São Paulo".to_owned(),
                region: Some("SP".to_owned()),
                postal_code: Some("01001-000".to_owned()),
                country: "BR".to_owned(),
            }),
            slot: None,
            estimated: None,
        },
        subtotal: reais(12_980),
        discount: None,
        tax: None,
        delivery_fee: Some(reais(1_850)),
        total: reais(14_830),
    }
}

fn adjustment() -> AdjustStock {
    AdjustStock {
        by: 1,
        reason: Some("delivery".to_owned()),
    }
}

fn store() -> RegisterStore {
    RegisterStore {
        kind: StoreKind::Market,
        profile: Profile {
            name: "Torrefação do Bairro".to_owned(),
            description: None,
            website: None,
        },
        contact: None,
        location: None,
        owner: None,
    }
}

fn product(store: StoreId) -> CreateListing {
    CreateListing {
        title: "Coffee beans, 1 kg".to_owned(),
        description: None,
        details: Details::Product(Product::default()),
        store: Some(store),
        owner: None,
        price: Some(reais(6_490)),
        category: None,
        sub_category: None,
        tags: Vec::new(),
    }
}
