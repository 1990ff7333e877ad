//! Rows in bulk: a struct that is a row, fetched by key and written by one statement for the whole batch.
//!
//! A projection fetches the rows that a batch touches, folds the events into them, and writes them back: two statements
//! a table, however many events there are. Columns go to Postgres as arrays (`UNNEST`), so the statement is the same, and
//! stays prepared, for any number of rows.

/// Declares a row struct with its table, key and column types, and gives it `fetch` and `upsert`.
///
/// ```text
/// table! {
///     /// One order.
///     pub struct OrderRow in "order_summary" keyed by (id: String = "text") {
///         customer: String = "text",
///     }
/// }
/// ```
/// `fetch` finds rows by the first column of the key. List columns are `jsonb`: an array of arrays can not be unnested.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub struct $row:ident in $table:literal keyed by ($key:ident: $key_type:ty = $key_pg:literal
            $(, $more_key:ident: $more_type:ty = $more_pg:literal)*)
        { $($column:ident: $type:ty = $pg:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
        #[allow(missing_docs, reason = "a column is documented where the table is made, in migrations/")]
        pub struct $row {
            pub $key: $key_type,
            $(pub $more_key: $more_type,)*
            $(pub $column: $type,)*
        }

        #[allow(dead_code, reason = "some tables are only inserted into")]
        impl $row {
            /// The rows with these keys.
            pub async fn fetch(
                connection: &mut sqlx::PgConnection,
                keys: &[$key_type],
            ) -> Result<Vec<Self>, sqlx::Error> {
                const SQL: &str = concat!("select * from ", $table, " where ", stringify!($key), " = any($1)");
                sqlx::query_as(SQL).bind(keys).fetch_all(connection).await
            }

            /// Writes these rows, each over the one with the same key. A key must not occur twice.
            pub async fn upsert(connection: &mut sqlx::PgConnection, rows: Vec<Self>) -> Result<(), sqlx::Error> {
                static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
                    $crate::table::upsert_statement(
                        $table,
                        &[(stringify!($key), $key_pg) $(, (stringify!($more_key), $more_pg))*],
                        &[$((stringify!($column), $pg)),*],
                    )
                });
                if rows.is_empty() {
                    return Ok(());
                }
                let mut $key = Vec::with_capacity(rows.len());
                $(let mut $more_key = Vec::with_capacity(rows.len());)*
                $(let mut $column = Vec::with_capacity(rows.len());)*
                for row in rows {
                    $key.push(row.$key);
                    $($more_key.push(row.$more_key);)*
                    $($column.push(row.$column);)*
                }
                sqlx::query(SQL.as_str())
                    .bind($key)
                    $(.bind($more_key))*
                    $(.bind($column))*
                    .execute(connection)
                    .await?;
                Ok(())
            }
        }
    };
}

pub(crate) use table;

/// `insert … select from unnest … on conflict do update`, for these key and other columns with their types.
pub(crate) fn upsert_statement(table: &str, key: &[(&str, &str)], columns: &[(&str, &str)]) -> String {
    let all: Vec<_> = key.iter().chain(columns).collect();
    let join = |parts: Vec<String>| parts.join(", ");
    let names = join(all.iter().map(|(name, _)| format!("\"{name}\"")).collect());
    let arrays = join(
        all.iter()
            .enumerate()
            .map(|(index, (_, kind))| format!("${}::{kind}[]", index + 1))
            .collect(),
    );
    let keys = join(key.iter().map(|(name, _)| format!("\"{name}\"")).collect());
    let updates = join(
        columns
            .iter()
            .map(|(name, _)| format!("\"{name}\" = excluded.\"{name}\""))
            .collect(),
    );
    let action = if columns.is_empty() {
        "nothing".to_owned()
    } else {
        format!("update set {updates}")
    };
    format!("insert into {table} ({names}) select * from unnest({arrays}) on conflict ({keys}) do {action}")
}
