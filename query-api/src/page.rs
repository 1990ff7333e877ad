//! Relay connections over keyset cursors: a page is found by the sort value and id of the row before it, so that it costs
//! the same at any depth and rows that come in meanwhile shift nothing.

use async_graphql::{
    ObjectType, OutputType,
    connection::{Connection, Edge},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sqlx::{FromRow, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use crate::{
    error::{QueryError, Result},
    reads::Reads,
};

/// The most rows of a page.
pub const MOST: i32 = 100;
/// The rows of a page for which no number was asked.
pub const USUAL: i32 = 20;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// So many from the start, or behind `after`: 1 to 100.
    pub first: Option<i32>,
    /// Behind this cursor.
    pub after: Option<String>,
    /// So many from the end, or before `before`: 1 to 100.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

impl Page {
    /// The arguments, as they stand in the schema.
    pub const fn of(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Self {
        Self {
            first,
            after,
            last,
            before,
        }
    }
}

/// What a list is sorted by: an SQL expression without nulls, its type, and the direction. The id breaks ties.
#[derive(Debug, Clone, Copy)]
pub struct Sort {
    /// Told in cursors, so that one of another order is refused.
    pub name: &'static str,
    /// The expression.
    pub by: &'static str,
    /// Its SQL type.
    pub kind: &'static str,
    /// Largest first.
    pub descending: bool,
    /// The column of the id.
    pub id: &'static str,
}

/// A list in SQL: `select … from …` and the conditions that its rows meet.
pub trait List: Send + Sync {
    /// Pushes `select columns from table`, without conditions.
    fn select(&self, query: &mut QueryBuilder<Postgres>);
    /// Pushes `select count(*) from table`, without conditions.
    fn count(&self, query: &mut QueryBuilder<Postgres>);
    /// Pushes ` and …` for each condition, the viewer's rights among them.
    fn conditions(&self, query: &mut QueryBuilder<Postgres>);
}

/// A list whose rows are served as a connection.
pub trait Collection: List + Clone {
    /// What is read.
    type Row: for<'r> FromRow<'r, PgRow> + Send + Unpin;
    /// What is served.
    type Node: OutputType;
    /// What a row is served as.
    fn node(row: Self::Row) -> Self::Node;
    /// In what order.
    fn sort(&self) -> Sort;
}

/// How many rows the whole list has.
pub async fn count(reads: &Reads, list: &impl List) -> Result<i64> {
    let mut query = QueryBuilder::default();
    list.count(&mut query);
    query.push(" where true");
    list.conditions(&mut query);
    let mut lease = reads.of(query.sql().as_str()).await?;
    Ok(query.build_query_scalar().fetch_one(&mut *lease).await?)
}

/// One page of the list, with what else the connection tells of it.
pub async fn connect<C: Collection, F: ObjectType>(
    reads: &Reads,
    list: &C,
    page: &Page,
    fields: F,
) -> Result<Connection<String, C::Node, F>> {
    let sort = list.sort();
    let (most, backwards) = size(page)?;
    let mut query = QueryBuilder::new("select list.*, (");
    query.push(sort.by).push(")::text as cursor_key from (");
    list.select(&mut query);
    query.push(" where true");
    list.conditions(&mut query);
    query.push(") list where true");
    for (cursor, behind) in [(&page.after, true), (&page.before, false)] {
        if let Some(cursor) = cursor {
            let (key, id) = read_cursor(sort.name, cursor)?;
            let comparison = if behind == sort.descending { '<' } else { '>' };
            query.push(format!(" and (({}), {}) {comparison} (", sort.by, sort.id));
            query
                .push_bind(key)
                .push(format!("::text::{}, ", sort.kind))
                .push_bind(id)
                .push(")");
        }
    }
    let direction = if sort.descending == backwards { "asc" } else { "desc" };
    query.push(format!(
        " order by ({}) {direction}, {} {direction} limit {}",
        sort.by,
        sort.id,
        most + 1
    ));
    let mut lease = reads.of(query.sql().as_str()).await?;
    let rows = query.build().fetch_all(&mut *lease).await;
    drop(lease);
    let mut rows = rows.map_err(|error| bad_key(error, page))?;
    let more = rows.len() > most;
    rows.truncate(most);
    if backwards {
        rows.reverse();
    }
    let (has_previous, has_next) = if backwards {
        (more, page.before.is_some())
    } else {
        (page.after.is_some(), more)
    };
    let mut connection = Connection::with_additional_fields(has_previous, has_next, fields);
    for row in rows {
        let (key, id): (String, String) = (row.try_get("cursor_key")?, row.try_get(bare(sort.id))?);
        let cursor = write_cursor(sort.name, &key, &id);
        connection
            .edges
            .push(Edge::new(cursor, C::node(C::Row::from_row(&row)?)));
    }
    Ok(connection)
}

/// The column's name without its table.
fn bare(column: &'static str) -> &'static str {
    column.rsplit('.').next().unwrap_or(column)
}

/// How many rows, and whether from the end.
pub fn size(page: &Page) -> Result<(usize, bool)> {
    let (asked, backwards) = match (page.first, page.last) {
        (Some(_), Some(_)) => return Err(QueryError::BadInput("give first or last, not both".to_owned())),
        (first, None) => (first.unwrap_or(USUAL), false),
        (None, Some(last)) => (last, true),
    };
    if !(1..=MOST).contains(&asked) {
        return Err(QueryError::BadInput(format!(
            "a page has 1 to {MOST} items, not {asked}"
        )));
    }
    Ok((
        usize::try_from(asked).expect("it was checked to lie between 1 and 100"),
        backwards,
    ))
}

/// A cursor: the order's name, the row's sort value and id.
pub fn write_cursor(order: &str, key: &str, id: &str) -> String {
    let text = serde_json::to_vec(&(order, key, id)).expect("three texts serialise");
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// The sort value and id of a cursor of this order.
pub fn read_cursor(order: &str, cursor: &str) -> Result<(String, String)> {
    let bad = || QueryError::BadCursor(cursor.chars().take(80).collect());
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad())?;
    let (name, key, id): (String, String, String) = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    if name == order && !key.contains('\0') && !id.contains('\0') {
        Ok((key, id))
    } else {
        Err(bad())
    }
}

/// A cursor that somebody made up may hold a value that is not of the sort's type: Postgres says so (class 22).
fn bad_key(error: sqlx::Error, page: &Page) -> QueryError {
    let data =
        matches!(&error, sqlx::Error::Database(error) if error.code().is_some_and(|code| code.starts_with("22")));
    match page.after.as_ref().or(page.before.as_ref()) {
        Some(cursor) if data => QueryError::BadCursor(cursor.chars().take(80).collect()),
        _ => error.into(),
    }
}
