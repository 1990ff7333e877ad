//! What can be asked of a store.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::profile::{BusinessHours, DeliveryOffer, Location, Profile, StoreKind};
use crate::{
    commands,
    id::{MediaId, UserId},
    order::payment::PaymentMethod,
    viewer::StoreRole,
};

commands! {
    /// What can be asked of a store.
    pub enum StoreCommand {
        Register(RegisterStore) = "register", "Registers a store; whoever does becomes its first admin.";
        ChangeProfile(ChangeStoreProfile) = "change-profile", "Replaces the store's profile and contact.";
        SetBusinessHours(SetBusinessHours) = "set-business-hours", "Replaces the hours in which the store is open.";
        SetDeliveryOptions(SetDeliveryOptions) = "set-delivery-options", "Replaces the ways in which orders reach customers.";
        SetPaymentMethods(SetPaymentMethods) = "set-payment-methods", "Replaces the ways in which customers may pay.";
        SetLocation(SetLocation) = "set-location", "Says where the store is.";
        SubmitVerification(SubmitVerification) = "submit-verification", "Asks a moderator to verify the store.";
        Verify(VerifyStore) = "verify", "Grants what was asked for; a moderator's.";
        Reject(RejectStore) = "reject", "Declines to verify, with the reason; a moderator's.";
        Suspend(SuspendStore) = "suspend", "Takes a verification back, with the reason; a moderator's.";
        Expire(ExpireStore) = "expire", "Ends a verification whose time is over; the system's or a moderator's.";
        AddMember(AddMember) = "add-member", "Makes a person staff or admin.";
        ChangeMemberRole(ChangeMemberRole) = "change-member-role", "Makes a member staff or admin.";
        RemoveMember(RemoveMember) = "remove-member", "Ends a membership; a member may end their own.";
    }
}

/// Registers a store; whoever does becomes its first admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RegisterStore {
    /// A market or a firm.
    pub kind: StoreKind,
    /// How it presents itself.
    pub profile: Profile,
    /// Whom to ask; the first admin unless it says otherwise.
    #[serde(default)]
    pub contact: Option<NewContact>,
    /// Where it is.
    #[serde(default)]
    pub location: Option<Location>,
    /// The first admin, when it is not whoever registers: an importer's, a process's or an administrator's to say.
    #[serde(default)]
    pub owner: Option<UserId>,
}

/// Replaces the store's profile and contact: what is left out is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeStoreProfile {
    /// How it presents itself.
    pub profile: Profile,
    /// Whom to ask; the viewer unless it says otherwise.
    #[serde(default)]
    pub contact: Option<NewContact>,
}

/// Whom to ask, and how to reach them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewContact {
    /// A member of the store.
    #[serde(default)]
    pub person: Option<UserId>,
    /// E-mail address, at most 254 characters.
    #[serde(default)]
    pub email: Option<String>,
    /// Telephone number, 3 to 15 digits.
    #[serde(default)]
    pub phone: Option<String>,
}

/// Replaces the hours in which the store is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetBusinessHours {
    /// The hours of a week.
    pub business_hours: BusinessHours,
}

/// Replaces the ways in which orders reach customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetDeliveryOptions {
    /// At most one of each way.
    pub delivery_options: Vec<DeliveryOffer>,
}

/// Replaces the ways in which customers may pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetPaymentMethods {
    /// The ways.
    pub payment_methods: BTreeSet<PaymentMethod>,
}

/// Says where the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetLocation {
    /// Where it is.
    pub location: Location,
}

/// Asks a moderator to verify the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SubmitVerification {
    /// Under which number the business is registered, at most 100 characters.
    pub registration_number: String,
    /// What proves it: uploaded files, at most 20.
    #[serde(default)]
    pub documents: Vec<MediaId>,
    /// For the moderator, at most 2,000 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// Grants what was asked for; a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VerifyStore {
    /// When the verification ends; never when it is left out.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

/// Declines to verify, with the reason; a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RejectStore {
    /// What is amiss, at most 2,000 characters.
    pub reason: String,
}

/// Takes a verification back, with the reason; a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SuspendStore {
    /// What happened, at most 2,000 characters.
    pub reason: String,
}

/// Ends a verification whose time is over; the system's or a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpireStore {}

/// Makes a person staff or admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddMember {
    /// The person.
    pub user: UserId,
    /// As what.
    pub role: StoreRole,
}

/// Makes a member staff or admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeMemberRole {
    /// The member.
    pub user: UserId,
    /// As what.
    pub role: StoreRole,
}

/// Ends a membership; a member may end their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveMember {
    /// The member.
    pub user: UserId,
}
