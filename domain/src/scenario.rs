//! Given/when/then for the tests of decisions: real commands against the real aggregate, no I/O.

use std::collections::HashMap;

use cqrs_es::event_sink::EventSink;

use crate::{
    decision::{Refusal, RefusalKind, ScopeView, Services, Target},
    entity::Entity,
    erased::{AnyAggregate, at_once},
    id::StoreId,
    viewer::{StoreRole, Viewer},
};

/// A story of one aggregate: what was given, what was asked, what came of it. It goes on after each answer.
pub struct Scenario<A: Entity> {
    aggregate: A,
    services: Services,
    others: HashMap<String, Box<dyn AnyAggregate>>,
    answer: Option<Result<Vec<A::Event>, A::Error>>,
}

impl<A: Entity> Scenario<A>
where
    A::Event: PartialEq,
    A::Error: PartialEq,
{
    pub fn new() -> Self {
        Self {
            aggregate: A::default(),
            services: Services::default(),
            others: HashMap::new(),
            answer: None,
        }
    }

    pub fn at(mut self, now: chrono::DateTime<chrono::Utc>) -> Self {
        self.services.now = now;
        self
    }

    pub fn by(mut self, viewer: Viewer) -> Self {
        self.services.viewer = viewer;
        self
    }

    pub fn member_of(mut self, store: StoreId, role: StoreRole) -> Self {
        self.services.standing.stores.insert(store, role);
        self
    }

    pub fn not_member_of(mut self, store: StoreId) -> Self {
        self.services.standing.stores.remove(&store);
        self
    }

    pub fn target(mut self, scope: impl ToString, stream: impl ToString) -> Self {
        self.services.target = Target {
            scope: scope.to_string(),
            stream: stream.to_string(),
        };
        self
    }

    /// Another aggregate of the scope, which the decision may read.
    pub fn beside<B: Entity>(mut self, stream: impl ToString, aggregate: B) -> Self {
        self.others.insert(stream.to_string(), Box::new(aggregate));
        self
    }

    pub fn given(mut self, event: impl Into<A::Event>) -> Self {
        self.aggregate.apply(event.into());
        self
    }

    pub fn when(mut self, command: impl Into<A::Command>) -> Self {
        self.services.scope = ScopeView::new(std::mem::take(&mut self.others));
        let sink = EventSink::default();
        let decided = at_once(self.aggregate.handle(command.into(), &self.services, &sink));
        let events = at_once(sink.collect());
        self.others = std::mem::take(&mut self.services.scope).into_streams();
        self.answer = Some(decided.map(|()| events));
        self
    }

    pub fn then(self, expected: Vec<A::Event>) -> Self {
        assert_eq!(self.answer.as_ref().expect("a `when` comes first"), &Ok(expected));
        self
    }

    pub fn then_one(self, expected: impl Into<A::Event>) -> Self {
        self.then(vec![expected.into()])
    }

    /// Whatever the events are.
    pub fn then_accepted(self) -> Self {
        let answer = self.answer.as_ref().expect("a `when` comes first");
        assert!(answer.as_ref().is_ok_and(|events| !events.is_empty()), "{answer:?}");
        self
    }

    pub fn then_refused(self, expected: A::Error) -> Self {
        assert_eq!(self.answer.as_ref().expect("a `when` comes first"), &Err(expected));
        self
    }

    /// The field at fault in what was refused for its content.
    pub fn refused_field(&self) -> String {
        assert_eq!(self.refused_kind(), RefusalKind::Invalid);
        self.refusal().field().expect("a faulty content is one field's")
    }

    /// As what the refusal answers.
    pub fn refused_kind(&self) -> RefusalKind {
        self.refusal().kind()
    }

    fn refusal(&self) -> &A::Error {
        let answer = self.answer.as_ref().expect("a `when` comes first");
        answer.as_ref().expect_err("a refusal")
    }

    /// Whether the last command was.
    pub fn accepted(&self) -> bool {
        self.answer.as_ref().is_some_and(Result::is_ok)
    }

    /// What came of it, for tables and properties.
    pub fn answer(&self) -> &Result<Vec<A::Event>, A::Error> {
        self.answer.as_ref().expect("a `when` comes first")
    }

    /// The aggregate as it stands.
    pub fn state(&self) -> &A {
        &self.aggregate
    }
}
