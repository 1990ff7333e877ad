//! Why a command for a stock item was refused.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    decision::{Refusal, RefusalKind},
    fault::Fault,
    id::ReservationId,
    listing::listing::ListingStatus,
    money::Money,
};

/// Why a command for a stock item was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StockRefusal {
    /// Nothing was ever put in stock.
    #[error("there is no such stock item")]
    NotFound,
    /// The listing whose stock it would be does not exist.
    #[error("there is no such listing")]
    ListingNotFound,
    /// The viewer may not.
    #[error("only {needs} may do this")]
    Forbidden {
        /// Who may.
        needs: &'static str,
    },
    /// Only goods are stocked.
    #[error("only products have a stock")]
    NotAProduct,
    /// An adjustment or a reservation of nothing.
    #[error("the quantity must not be zero")]
    NothingAsked {
        /// The field at fault.
        #[serde(skip)]
        field: &'static str,
    },
    /// More was asked for than is available.
    #[error("{wanted} wanted, {available} available")]
    OutOfStock {
        /// On hand and not held.
        available: u32,
        /// Asked for.
        wanted: u32,
    },
    /// More than a stock item counts.
    #[error("{by} more than {on_hand} on hand would be over {limit}")]
    TooMuch {
        /// What is there.
        on_hand: u32,
        /// How many more were brought.
        by: u32,
        /// How many there may be.
        limit: u32,
    },
    /// The listing is not published.
    #[error("the listing is {status}, and not for sale")]
    NotForSale {
        /// Where it stands.
        status: ListingStatus,
    },
    /// The listing costs something else than the customer was shown.
    #[error("expected {expected}, the price is {price}")]
    PriceChanged {
        /// What the customer was shown.
        expected: Money,
        /// What it is.
        price: Money,
    },
    /// A reservation can not lapse before it begins.
    #[error("the reservation would lapse at {expires_at}, which is not after {now}")]
    ExpiryNotInFuture {
        /// When it would lapse.
        expires_at: DateTime<Utc>,
        /// When it is asked.
        now: DateTime<Utc>,
    },
    /// The reservation is held.
    #[error("{reservation} is held already")]
    AlreadyReserved {
        /// The reservation.
        reservation: ReservationId,
    },
    /// The reservation is not held: it never was, or was confirmed, released or expired.
    #[error("{reservation} is not held")]
    UnknownReservation {
        /// The reservation.
        reservation: ReservationId,
    },
    /// The reservation's time is not over.
    #[error("{reservation} is held until {expires_at}, it is {now}")]
    NotYetExpired {
        /// The reservation.
        reservation: ReservationId,
        /// When it lapses.
        expires_at: DateTime<Utc>,
        /// When it is asked.
        now: DateTime<Utc>,
    },
    /// Too many reservations are held at a time.
    #[error("{held} reservations are held, at most {limit} are allowed")]
    TooManyReservations {
        /// How many are held.
        held: usize,
        /// How many may be.
        limit: usize,
    },
    /// A field's content is wrong whatever the state.
    #[error(transparent)]
    #[serde(untagged)]
    Content(#[from] Fault),
}

impl Refusal for StockRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound | Self::ListingNotFound | Self::UnknownReservation { .. } => RefusalKind::NotFound,
            Self::Forbidden { .. } => RefusalKind::Forbidden,
            Self::NothingAsked { .. } | Self::ExpiryNotInFuture { .. } | Self::Content(_) => RefusalKind::Invalid,
            Self::NotAProduct
            | Self::OutOfStock { .. }
            | Self::TooMuch { .. }
            | Self::NotForSale { .. }
            | Self::PriceChanged { .. }
            | Self::AlreadyReserved { .. }
            | Self::NotYetExpired { .. }
            | Self::TooManyReservations { .. } => RefusalKind::Conflict,
        }
    }

    fn field(&self) -> Option<String> {
        let field = match self {
            Self::Content(fault) => fault.field(),
            Self::NothingAsked { field } => field,
            Self::TooMuch { .. } => "/by",
            Self::PriceChanged { .. } => "/expectedPrice",
            Self::ExpiryNotInFuture { .. } => "/expiresAt",
            Self::AlreadyReserved { .. } | Self::UnknownReservation { .. } => "/reservation",
            _ => return None,
        };
        Some(field.to_owned())
    }
}
