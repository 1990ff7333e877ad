//! `schemas/schema.graphql` is what the software serves. `UPDATE_SCHEMAS=1 cargo test` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use query_api::projection::Projection;

#[test]
fn the_published_schema_is_current() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/schema.graphql");
    let served = query_api::sdl();
    if env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, served).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == served,
        "schemas/schema.graphql is out of date: run `UPDATE_SCHEMAS=1 cargo test -p query-api --test schema`"
    );
}

/// Waiting for a projection that does not exist would wait for ever; one that is not known would not be waited for.
#[test]
fn the_projections_that_queries_wait_for_are_those_that_run() {
    let known: BTreeSet<_> = Projection::ALL
        .iter()
        .map(|projection| (projection.family(), projection.name()))
        .collect();
    let running: BTreeSet<_> = projectors::registry::projections()
        .iter()
        .flat_map(|projection| projection.families().iter().map(|family| (*family, projection.name())))
        .collect();
    assert_eq!(known, running);
}
