//! Whether a store is verified.

use Verification::{Expired, Pending, Rejected, Suspended, Unsubmitted, Verified};
use chrono::TimeDelta;

use super::*;

fn reason() -> String {
    "no licence".to_owned()
}

fn submit() -> SubmitVerification {
    SubmitVerification {
        registration_number: "12.345.678/0001-95".to_owned(),
        documents: vec![crate::id::MediaId::generate()],
        note: Some("new address".to_owned()),
    }
}

fn submitted() -> StoreEvent {
    VerificationSubmitted {
        registration_number: "12.345.678/0001-95".to_owned(),
        documents: Vec::new(),
        note: None,
    }
    .into()
}

/// A store whose verification stands there, asked by somebody who may do all.
fn at(verification: Verification) -> Scenario<Store> {
    let verified = || StoreEvent::from(StoreVerified { until: None });
    let path = match verification {
        Unsubmitted => vec![],
        Pending => vec![submitted()],
        Verified => vec![submitted(), verified()],
        Rejected => vec![submitted(), StoreRejected { reason: reason() }.into()],
        Suspended => vec![submitted(), verified(), StoreSuspended { reason: reason() }.into()],
        Expired => vec![submitted(), verified(), StoreExpired {}.into()],
    };
    let story = Shop::new().open().by(with_role(Role::System));
    path.into_iter().fold(story, Scenario::given)
}

#[test]
fn verification_goes_its_way_and_no_other() {
    let table: [(StoreCommand, &'static [Verification], Verification); 5] = [
        (submit().into(), &[Unsubmitted, Rejected, Expired], Pending),
        (VerifyStore { until: None }.into(), &[Pending], Verified),
        (RejectStore { reason: reason() }.into(), &[Pending], Rejected),
        (SuspendStore { reason: reason() }.into(), &[Verified], Suspended),
        (ExpireStore {}.into(), &[Verified], Expired),
    ];
    for (command, from, to) in table {
        for verification in [Unsubmitted, Pending, Verified, Rejected, Suspended, Expired] {
            let story = at(verification).when(command.clone());
            if from.contains(&verification) {
                let story = story.then_accepted();
                let state = story.state().state.as_ref().expect("it is registered");
                assert_eq!(state.verification, to, "{command:?} from {verification}");
            } else {
                story.then_refused(StoreRefusal::WrongVerification {
                    verification,
                    needs: from,
                });
            }
        }
    }
}

#[test]
fn each_step_says_what_was_said() {
    let asked = submit();
    Shop::new()
        .open()
        .when(asked.clone())
        .then_one(VerificationSubmitted {
            registration_number: asked.registration_number,
            documents: asked.documents,
            note: asked.note,
        })
        .by(with_role(Role::Moderator))
        .when(RejectStore { reason: reason() })
        .then_one(StoreRejected { reason: reason() })
        .given(submitted())
        .when(VerifyStore { until: None })
        .then_one(StoreVerified { until: None })
        .when(SuspendStore { reason: reason() })
        .then_one(StoreSuspended { reason: reason() });
}

#[test]
fn a_verification_expires_when_its_time_is_over_and_not_before() {
    let until = NOW + TimeDelta::days(365);
    let early = until - TimeDelta::seconds(1);
    at(Pending)
        .when(VerifyStore { until: Some(until) })
        .then_one(StoreVerified { until: Some(until) })
        .at(early)
        .when(ExpireStore {})
        .then_refused(StoreRefusal::NotYetExpired { until, now: early })
        .at(until)
        .when(ExpireStore {})
        .then_one(StoreExpired {});
}

#[test]
fn a_verification_does_not_end_before_it_begins() {
    at(Pending)
        .when(VerifyStore { until: Some(NOW) })
        .then_refused(StoreRefusal::UntilNotInFuture { until: NOW, now: NOW });
}

#[test]
fn what_is_submitted_is_bounded() {
    let media = crate::id::MediaId::generate();
    let at_fault = |command: SubmitVerification| at(Unsubmitted).when(command).refused_field();
    let number = |registration_number: &str| SubmitVerification {
        registration_number: registration_number.to_owned(),
        ..submit()
    };
    let documents = |documents| SubmitVerification { documents, ..submit() };
    assert_eq!(at_fault(number(" ")), "/registrationNumber");
    assert_eq!(at_fault(number(&"1".repeat(101))), "/registrationNumber");
    assert_eq!(at_fault(documents(vec![media, media])), "/documents/1");
    assert_eq!(at_fault(documents(vec![media; 21])), "/documents");
    let note = Some("x".repeat(2_001));
    assert_eq!(at_fault(SubmitVerification { note, ..submit() }), "/note");
}

#[test]
fn a_reason_must_be_given() {
    let reason = String::new();
    let rejected = at(Pending).when(RejectStore { reason: reason.clone() });
    assert_eq!(rejected.refused_field(), "/reason");
    let suspended = at(Verified).when(SuspendStore { reason });
    assert_eq!(suspended.refused_field(), "/reason");
}
