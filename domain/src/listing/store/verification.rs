//! Whether a store is verified: unsubmitted → pending → verified | rejected → pending; verified → suspended | expired →
//! pending, for a verification that ran out can be renewed. Its admins ask, moderators decide.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decision, RejectStore, StoreExpired, StoreRefusal, StoreRejected, StoreState, StoreSuspended, StoreVerified,
    SubmitVerification, SuspendStore, VerificationSubmitted, VerifyStore,
};
use crate::{decision::Services, fault};

/// Whether a store is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// It never asked.
    Unsubmitted,
    /// A moderator is to decide.
    Pending,
    /// It is.
    Verified,
    /// It is not, and may ask again.
    Rejected,
    /// It was, until a moderator took it back.
    Suspended,
    /// It was, until its time was over.
    Expired,
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsubmitted => "unsubmitted",
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
        })
    }
}

impl StoreState {
    pub(super) fn submit_verification(&self, command: SubmitVerification, services: &Services) -> Decision {
        self.by_an_admin(services)?;
        fault::text("/registrationNumber", &command.registration_number, 100)?;
        fault::list("/documents", &command.documents, 20)?;
        fault::distinct("/documents", &command.documents)?;
        fault::optional_text("/note", command.note.as_ref(), 2_000)?;
        self.verification_is(&[Verification::Unsubmitted, Verification::Rejected, Verification::Expired])?;
        Ok(vec![
            VerificationSubmitted {
                registration_number: command.registration_number,
                documents: command.documents,
                note: command.note,
            }
            .into(),
        ])
    }

    pub(super) fn verify(&self, VerifyStore { until }: VerifyStore, services: &Services) -> Decision {
        by_a_moderator(services)?;
        if let Some(until) = until.filter(|until| *until <= services.now) {
            return Err(StoreRefusal::UntilNotInFuture {
                until,
                now: services.now,
            });
        }
        self.verification_is(&[Verification::Pending])?;
        Ok(vec![StoreVerified { until }.into()])
    }

    pub(super) fn reject(&self, RejectStore { reason }: RejectStore, services: &Services) -> Decision {
        by_a_moderator(services)?;
        fault::text("/reason", &reason, 2_000)?;
        self.verification_is(&[Verification::Pending])?;
        Ok(vec![StoreRejected { reason }.into()])
    }

    pub(super) fn suspend(&self, SuspendStore { reason }: SuspendStore, services: &Services) -> Decision {
        by_a_moderator(services)?;
        fault::text("/reason", &reason, 2_000)?;
        self.verification_is(&[Verification::Verified])?;
        Ok(vec![StoreSuspended { reason }.into()])
    }

    pub(super) fn expire(&self, services: &Services) -> Decision {
        by_a_moderator(services)?;
        self.verification_is(&[Verification::Verified])?;
        if let Some(until) = self.verified_until.filter(|until| *until > services.now) {
            return Err(StoreRefusal::NotYetExpired {
                until,
                now: services.now,
            });
        }
        Ok(vec![StoreExpired {}.into()])
    }

    fn verification_is(&self, needs: &'static [Verification]) -> Result<(), StoreRefusal> {
        if needs.contains(&self.verification) {
            return Ok(());
        }
        Err(StoreRefusal::WrongVerification {
            verification: self.verification,
            needs,
        })
    }
}

fn by_a_moderator(services: &Services) -> Result<(), StoreRefusal> {
    if services.viewer.may_moderate() {
        return Ok(());
    }
    Err(StoreRefusal::Forbidden { needs: "a moderator" })
}
