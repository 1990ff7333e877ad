//! What happened to a store.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::profile::{BusinessHours, Contact, DeliveryOffer, Location, Profile, StoreKind};
use crate::{
    events,
    id::{MediaId, UserId},
    order::payment::PaymentMethod,
    personal::Personal,
    viewer::StoreRole,
};

events! {
    /// What happened to a store.
    pub enum StoreEvent {
        Registered(StoreRegistered) = "store.registered.v1";
        ProfileChanged(StoreProfileChanged) = "store.profile-changed.v1";
        BusinessHoursSet(BusinessHoursSet) = "store.business-hours-set.v1";
        DeliveryOptionsSet(DeliveryOptionsSet) = "store.delivery-options-set.v1";
        PaymentMethodsSet(PaymentMethodsSet) = "store.payment-methods-set.v1";
        LocationSet(LocationSet) = "store.location-set.v1";
        VerificationSubmitted(VerificationSubmitted) = "store.verification-submitted.v1";
        Verified(StoreVerified) = "store.verified.v1";
        Rejected(StoreRejected) = "store.rejected.v1";
        Suspended(StoreSuspended) = "store.suspended.v1";
        Expired(StoreExpired) = "store.expired.v1";
        MemberAdded(MemberAdded) = "store.member-added.v1";
        MemberRoleChanged(MemberRoleChanged) = "store.member-role-changed.v1";
        MemberRemoved(MemberRemoved) = "store.member-removed.v1";
    }
}

/// The store exists; its owner is its first member, an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreRegistered {
    /// A market or a firm.
    pub kind: StoreKind,
    /// How it presents itself.
    pub profile: Profile,
    /// How to reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Personal<Contact>>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The first admin.
    pub owner: UserId,
}

/// The store presents itself otherwise. What is absent is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreProfileChanged {
    /// How it presents itself now.
    pub profile: Profile,
    /// How to reach it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Personal<Contact>>,
}

/// The store has other hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BusinessHoursSet {
    /// The hours of a week from now on.
    pub business_hours: BusinessHours,
}

/// The store delivers in other ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryOptionsSet {
    /// All ways from now on.
    pub delivery_options: Vec<DeliveryOffer>,
}

/// The store takes money in other ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentMethodsSet {
    /// All ways from now on.
    pub payment_methods: BTreeSet<PaymentMethod>,
}

/// The store is somewhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationSet {
    /// Where it is now.
    pub location: Location,
}

/// A moderator was asked to verify the store: verification is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationSubmitted {
    /// Under which number the business is registered.
    pub registration_number: String,
    /// What proves it.
    pub documents: Vec<MediaId>,
    /// For the moderator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The store is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreVerified {
    /// When the verification ends; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// The store was not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreRejected {
    /// What is amiss.
    pub reason: String,
}

/// The verification was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreSuspended {
    /// What happened.
    pub reason: String,
}

/// The verification's time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreExpired {}

/// A person works for the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberAdded {
    /// The person.
    pub user: UserId,
    /// As what.
    pub role: StoreRole,
}

/// A member is staff or admin from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberRoleChanged {
    /// The member.
    pub user: UserId,
    /// As what.
    pub role: StoreRole,
}

/// A person no longer works for the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberRemoved {
    /// The former member.
    pub user: UserId,
}
