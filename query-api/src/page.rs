//! Relay connections over keyset cursors: a page is found by the sort value and id of the row before it, so that it costs
//! the same at any depth and rows that come in meanwhile shift nothing.

use std::{collections::HashMap, hash::Hash};

use async_graphql::{
    ObjectType, OutputType,
    connection::{Connection, Edge},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sqlx::{FromRow, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use crate::{
    error::{QueryError, Result},
    loaders::PageOf,
    reads::Reads,
    session::Session,
};

/// The most rows of a page.
pub const MOST: i32 = 100;
/// The rows of a page for which no number was asked.
pub const USUAL: i32 = 20;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

/// What a list lies below: a store's orders, a chat's messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Parent {
    /// Below this one.
    One(String),
    /// Below each of those whose lists are read together.
    Each,
}

impl Parent {
    /// Pushes its id.
    pub fn push(&self, query: &mut QueryBuilder<Postgres>) {
        match self {
            Self::One(id) => query.push_bind(id.clone()),
            Self::Each => query.push("parent.key"),
        };
    }
}

/// A list whose rows are served as a connection. Two that are equal are read by one statement, for all their parents.
pub trait Collection: List + Clone + Eq + Hash + 'static {
    /// What is read.
    type Row: for<'r> FromRow<'r, PgRow> + Clone + Send + Sync + Unpin;
    /// What is served.
    type Node: OutputType;
    /// What a row is served as.
    fn node(row: Self::Row) -> Self::Node;
    /// In what order.
    fn sort(&self) -> Sort;
    /// What it lies below, if anything.
    fn parent(&mut self) -> Option<&mut Parent> {
        None
    }
}

/// The rows of a page with their cursors.
#[derive(Debug, Clone)]
pub struct Fetched<R> {
    rows: Vec<(String, R)>,
    has_previous: bool,
    has_next: bool,
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
    session: &Session,
    list: &C,
    page: &Page,
    fields: F,
) -> Result<Connection<String, C::Node, F>> {
    let mut alike = list.clone();
    let parent = alike.parent().map(|parent| std::mem::replace(parent, Parent::Each));
    let fetched = if let Some(Parent::One(parent)) = parent {
        let key = PageOf {
            parent,
            list: alike,
            page: page.clone(),
        };
        session.loaders.load_one(key).await?
    } else {
        Some(fetch(&session.reads, list, page).await?)
    };
    let fetched = match fetched {
        Some(fetched) => fetched,
        None => cut::<C>(list.sort(), page, Vec::new())?,
    };
    let mut connection = Connection::with_additional_fields(fetched.has_previous, fetched.has_next, fields);
    let edges = fetched.rows.into_iter();
    connection.edges = edges.map(|(cursor, row)| Edge::new(cursor, C::node(row))).collect();
    Ok(connection)
}

/// One page.
async fn fetch<C: Collection>(reads: &Reads, list: &C, page: &Page) -> Result<Fetched<C::Row>> {
    let mut query = QueryBuilder::default();
    push_page(&mut query, list, page)?;
    let rows = rows(reads, query, page).await?;
    cut::<C>(list.sort(), page, rows)
}

/// The same page of the lists below each of these.
pub async fn fetch_each<C: Collection>(
    reads: &Reads,
    list: &C,
    page: &Page,
    parents: Vec<String>,
) -> Result<HashMap<String, Fetched<C::Row>>> {
    let sort = list.sort();
    let direction = direction(sort, page)?;
    let mut query = QueryBuilder::new("select list.*, parent.key as parent_key from unnest(");
    query
        .push_bind(parents)
        .push("::text[]) as parent (key) cross join lateral (");
    query.push(format!(
        "select page.*, row_number() over (order by ({}) {direction}, {} {direction}) as place from (",
        sort.by,
        bare(sort.id)
    ));
    push_page(&mut query, list, page)?;
    query.push(") page) list order by list.place");
    let mut below: HashMap<String, Vec<PgRow>> = HashMap::new();
    for row in rows(reads, query, page).await? {
        below.entry(row.try_get("parent_key")?).or_default().push(row);
    }
    let fetched = below
        .into_iter()
        .map(|(parent, rows)| Ok((parent, cut::<C>(sort, page, rows)?)));
    fetched.collect()
}

/// Pushes the statement of a page, with one row more than it has.
fn push_page<C: Collection>(query: &mut QueryBuilder<Postgres>, list: &C, page: &Page) -> Result<()> {
    let sort = list.sort();
    query
        .push("select list.*, (")
        .push(sort.by)
        .push(")::text as cursor_key from (");
    list.select(query);
    query.push(" where true");
    list.conditions(query);
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
    let ((most, _), direction) = (size(page)?, direction(sort, page)?);
    query.push(format!(
        " order by ({}) {direction}, {} {direction} limit {}",
        sort.by,
        sort.id,
        most + 1
    ));
    Ok(())
}

/// In which direction a page is read: from the end against that of the list.
fn direction(sort: Sort, page: &Page) -> Result<&'static str> {
    let (_, backwards) = size(page)?;
    Ok(if sort.descending == backwards { "asc" } else { "desc" })
}

async fn rows(reads: &Reads, mut query: QueryBuilder<Postgres>, page: &Page) -> Result<Vec<PgRow>> {
    let mut lease = reads.of(query.sql().as_str()).await?;
    let rows = query.build().fetch_all(&mut *lease).await;
    rows.map_err(|error| bad_key(error, page))
}

/// The page of these rows, of which one more than it has tells that there are others.
fn cut<C: Collection>(sort: Sort, page: &Page, mut rows: Vec<PgRow>) -> Result<Fetched<C::Row>> {
    let (most, backwards) = size(page)?;
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
    let rows = rows.into_iter().map(|row| {
        let (key, id): (String, String) = (row.try_get("cursor_key")?, row.try_get(bare(sort.id))?);
        Ok((write_cursor(sort.name, &key, &id), C::Row::from_row(&row)?))
    });
    Ok(Fetched {
        rows: rows.collect::<Result<_>>()?,
        has_previous,
        has_next,
    })
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
