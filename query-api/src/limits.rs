//! What a document may ask for: how large it may be, and what it may cost. All is refused before anything is executed.
//!
//! A field costs 1; a page, what one item costs times its items; a field that looks at every row of a list ([`SCAN`]),
//! as much as some hundred fields. async-graphql adds up what the fields below one cost without telling them apart, so a
//! scan is counted as [`SCAN`], far above anything else, until the page that it belongs to takes it out of the sum: it
//! is paid once, not once for each item.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Name, Request, ServerError, ServerResult, async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest},
    parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet},
};

use crate::page::{MOST, USUAL};

/// How deep a document may go. Introspection by GraphiQL goes 13 deep.
pub const DEPTH: usize = 20;
/// What a document may cost. The dearest that a client should need, a hundred orders with their lines, listings and
/// stores, is about 4,000.
pub const COMPLEXITY: usize = 20_000;
/// What a field that looks at every row of a list is counted as.
pub const SCAN: usize = 1 << 32;
/// What such a field costs.
const SCAN_COST: usize = 400;
/// Where sums are cut off, so that those of a whole document ([`FIELDS`]) stay below a scan.
const TOO_MUCH: usize = 1 << 18;
/// How many fields a document may have, each fragment counted wherever it is spread.
const FIELDS: usize = 5_000;
/// How many fields an operation may begin with.
const ROOTS: usize = 20;
/// How deep fragments may lie in each other.
const NESTED: usize = 40;

const _: () = assert!(COMPLEXITY < TOO_MUCH && TOO_MUCH * FIELDS < SCAN);

/// What a page costs: its items, and the scans beside them.
pub fn page(first: Option<i32>, last: Option<i32>, below: usize) -> usize {
    let items = first.or(last).unwrap_or(USUAL).clamp(1, MOST);
    each(
        usize::try_from(items).expect("it was clamped to lie between 1 and 100"),
        below,
    )
}

/// What so many items cost.
pub fn each(items: usize, below: usize) -> usize {
    let (scans, item) = (below / SCAN, below % SCAN);
    let cost = scans
        .saturating_mul(SCAN_COST)
        .saturating_add(item.saturating_mul(items));
    cost.saturating_add(1).min(TOO_MUCH)
}

/// What a field costs that looks at every row and finds so many values: as many scans as pay for both.
pub fn scan_of(values: usize, below: usize) -> usize {
    SCAN * (1 + each(values, below).div_ceil(SCAN_COST))
}

/// Refuses documents that are too large to be looked at more closely. What async-graphql checks, it checks anew wherever
/// a fragment is spread: a few lines of fragments that spread each other would keep it busy for ever.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

impl ExtensionFactory for Limits {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Limits {
    async fn prepare_request(
        &self,
        context: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(context, request).await?;
        admit(request.parsed_query()?)?;
        Ok(request)
    }
}

/// Refuses a document that is too large.
fn admit(document: &ExecutableDocument) -> ServerResult<()> {
    let refused = |message: String| Err(ServerError::new(message, None));
    let mut sizes = Sizes {
        document,
        known: HashMap::new(),
    };
    let mut fields: usize = 0;
    for (_, operation) in document.operations.iter() {
        let size = sizes.of(&operation.node.selection_set.node, 0)?;
        let (most, what) = match operation.node.ty {
            OperationType::Subscription => (1, "a subscription"),
            OperationType::Query | OperationType::Mutation => (ROOTS, "an operation"),
        };
        if size.here > most {
            return refused(format!("{what} may begin with {most} fields, not {}", size.here));
        }
        fields = fields.saturating_add(size.all);
    }
    if fields > FIELDS {
        return refused(format!("a document may have {FIELDS} fields, not {fields}"));
    }
    Ok(())
}

/// How many fields a selection has: at its own level, and in all.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    here: usize,
    all: usize,
}

struct Sizes<'d> {
    document: &'d ExecutableDocument,
    /// Of the fragments that were counted already; that is what keeps the count itself cheap.
    known: HashMap<&'d Name, Size>,
}

impl<'d> Sizes<'d> {
    fn of(&mut self, set: &'d SelectionSet, nested: usize) -> ServerResult<Size> {
        if nested > NESTED {
            return Err(ServerError::new(
                format!("selections may lie {NESTED} deep in each other"),
                None,
            ));
        }
        let mut size = Size::default();
        for selection in &set.items {
            let found = match &selection.node {
                Selection::Field(field) => {
                    let below = self.of(&field.node.selection_set.node, nested + 1)?;
                    Size {
                        here: 1,
                        all: below.all.saturating_add(1),
                    }
                }
                Selection::InlineFragment(fragment) => self.of(&fragment.node.selection_set.node, nested + 1)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, nested + 1)?,
            };
            size.here = size.here.saturating_add(found.here);
            size.all = size.all.saturating_add(found.all);
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'d Name, nested: usize) -> ServerResult<Size> {
        if let Some(size) = self.known.get(name) {
            return Ok(*size);
        }
        // One that is not there is told by the validation.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        let size = self.of(&fragment.node.selection_set.node, nested)?;
        self.known.insert(name, size);
        Ok(size)
    }
}
