//! Rows in bulk: a struct that is a row, fetched by key and written by one statement for the whole batch.
//!
//! A projection fetches the rows that a batch touches, folds the events into them, and writes them back: two statements
//! a table, however many events there are. Columns go to Postgres as arrays (`UNNEST`), so the statement is the same, and
//! stays prepared, for any number of rows.

use sqlx::PgConnection;

/// A row of a table. Written by [`table!`].
pub(crate) trait Table: Sized + Send + 'static {
    /// The table.
    const TABLE: &'static str;
    /// The type of the key's first column.
    type Key: Send + Sync;

    /// The rows with these values in the first column of the key.
    fn fetch(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;

    /// Writes these rows, each over the one with the same key. A key must not occur twice.
    fn upsert(connection: &mut PgConnection, rows: Vec<Self>) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Declares a row struct with its table, key and column types, and makes it a [`Table`].
///
/// ```text
/// table! {
///     /// A line of an order.
///     pub struct LineRow in "order_line" keyed by (order_id: String = "text", line: i16 = "smallint") {
///         title: String = "text",
///     }
/// }
/// table! {
///     /// A category.
///     pub struct CategoryRow in "category", an entity {
///         name: String = "text",
///     }
/// }
/// ```
/// An entity's row is keyed by `id` and ends with the columns of [`Kept`](crate::entity::Kept). List columns are `jsonb`:
/// an array of arrays can not be unnested.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub struct $row:ident in $table:literal, an entity { $($column:ident: $type:ty = $pg:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
        #[allow(missing_docs, reason = "a column is documented where the table is made, in migrations/")]
        pub struct $row {
            $(pub $column: $type,)*
            /// What every entity's row keeps.
            #[sqlx(flatten)]
            pub kept: $crate::entity::Kept,
        }

        impl $crate::entity::KeptRow for $row {
            fn kept(self) -> $crate::entity::Kept {
                self.kept
            }
        }

        $crate::table::table!(@table $row in $table, String, (id [kept.id] = "text") {
            $($column [$column] = $pg,)*
            state [kept.state] = "jsonb",
            created_at [kept.created_at] = "timestamptz",
            updated_at [kept.updated_at] = "timestamptz",
            version [kept.version] = "bigint",
            partition [kept.partition] = "smallint",
            changed [kept.changed] = "bigint",
        });
    };
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

        $crate::table::table!(@table $row in $table, $key_type,
            ($key [$key] = $key_pg $(, $more_key [$more_key] = $more_pg)*) { $($column [$column] = $pg,)* });
    };
    (
        @table $row:ident in $table:literal, $key_type:ty,
        ($key:ident [$($key_path:ident).+] = $key_pg:literal
            $(, $more_key:ident [$($more_path:ident).+] = $more_pg:literal)*)
        { $($column:ident [$($path:ident).+] = $pg:literal,)* }
    ) => {
        impl $crate::table::Table for $row {
            const TABLE: &'static str = $table;
            type Key = $key_type;

            async fn fetch(
                connection: &mut sqlx::PgConnection,
                keys: &[$key_type],
            ) -> Result<Vec<Self>, sqlx::Error> {
                const SQL: &str = concat!("select * from ", $table, " where ", stringify!($key), " = any($1)");
                if keys.is_empty() {
                    return Ok(Vec::new());
                }
                sqlx::query_as(SQL).bind(keys).fetch_all(connection).await
            }

            async fn upsert(connection: &mut sqlx::PgConnection, rows: Vec<Self>) -> Result<(), sqlx::Error> {
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
                    $key.push(row.$($key_path).+);
                    $($more_key.push(row.$($more_path).+);)*
                    $($column.push(row.$($path).+);)*
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
