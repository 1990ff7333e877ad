//! Lists below lists are read together, however many parents they have.

use std::{fmt, sync::Arc};

use domain::{id::UserId, viewer::Role};
use parking_lot::Mutex;
use query_api::{Settings, projection::Projection};
use serde_json::{Value, json};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::installation::Installation;

/// Hears of the statements of whatever runs on this thread, which is all of one test.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// Those so far that read what projections fill. What looks after the log meanwhile is none of them.
    fn take(&self) -> Vec<String> {
        let mut all = std::mem::take(&mut *self.0.lock());
        all.retain(|sql| !Projection::read_by(sql).is_empty());
        all
    }
}

/// The text of a statement: its beginning, or all of it where that is more.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if ["summary", "db.statement"].contains(&field.name()) {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.0.lock().push(text.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn nested_lists_cost_a_statement_for_each_kind_and_not_for_each_parent() {
    let statements = Statements::default();
    let _heard = tracing::subscriber::set_default(statements.clone());
    let stoa = Installation::without_projectors(Settings::default()).await;
    for sql in [
        "insert into store (id, kind, name, verification, state, created_at, updated_at, version, partition, changed)
         select 'sto_' || n, 'market', 'Market', 'verified', '{}', now(), now(), 1, 0, n from generate_series(1, 50) n",
        "insert into chat (id, kind, secret, archived, member_count, last_seq, created_at, updated_at, version, partition,
             changed)
         select 'cht_01890a5d-ac96-774b-bcce-' || lpad(n::text, 12, '0'), 'group', false, false, 2, 3, now(), now(), 1, 0, n
         from generate_series(1, 50) n",
        "insert into message (id, chat, seq, author, status, pinned, body, state, sent_at, updated_at, version, partition,
             changed)
         select 'msg_' || n || '_' || seq, 'cht_01890a5d-ac96-774b-bcce-' || lpad(n::text, 12, '0'), seq, 'usr_1', 'sent',
             false, seq || ' of ' || n, '{}', now(), now(), 1, 0, n
         from generate_series(1, 50) n, generate_series(1, 3) seq",
    ] {
        sqlx::query(sql).execute(&stoa.pool).await.unwrap();
    }
    let auditor = stoa.token(UserId::generate(), &[Role::Auditor]);
    let stores = "{ stores(first: 50) { nodes { id listings(first: 2) { nodes { id store { id } } }
        orders(first: 2) { nodes { id } } statistics { totals { orders } } } } }";
    let chats =
        "{ chats(first: 50) { nodes { id messages(last: 2) { nodes { text } pageInfo { hasPreviousPage } } } } }";
    for (query, field) in [(stores, "stores"), (chats, "chats")] {
        // Other tests' threads hear of nothing, and what they asked first about would stay unheard here.
        tracing::callsite::rebuild_interest_cache();
        statements.take();
        let mut answer = stoa.query_after(Some(&auditor), query, json!({}), None).await;
        let made = statements.take();
        assert!(answer.get("errors").is_none(), "{answer}");
        let nodes: Vec<Value> = serde_json::from_value(answer["data"][field]["nodes"].take()).unwrap();
        assert_eq!(nodes.len(), 50);
        for node in nodes.iter().filter(|_| field == "chats") {
            let number: u64 = node["id"].as_str().unwrap()[28..].parse().unwrap();
            let said = json!([{ "text": format!("2 of {number}") }, { "text": format!("3 of {number}") }]);
            assert_eq!(node["messages"]["nodes"], said);
            assert_eq!(node["messages"]["pageInfo"]["hasPreviousPage"], true);
        }
        // The list, who may look into what, and each of the lists below; a batch may fall in two on a busy machine.
        assert!((2..15).contains(&made.len()), "{field}: {made:#?}");
    }
}
