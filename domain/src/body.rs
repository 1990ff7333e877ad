//! The JSON body of a command, read into its struct; what can't be read is told with the field at fault.

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// A body that is not what the command takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBody {
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    Syntax(String),
    /// It is JSON, and something in it is missing, unknown or of another type.
    #[error("{reason}")]
    Content {
        /// A JSON pointer to the field at fault; empty for the whole body.
        field: String,
        /// What is wrong with it, with line and column.
        reason: String,
    },
}

/// Reads a body. What is good is read once; only what is not is read again, for its path.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, InvalidBody> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => {
            let reason = error.to_string();
            let mut json = serde_json::Deserializer::from_slice(body);
            let field = match serde_path_to_error::deserialize::<_, T>(&mut json) {
                Ok(_) => String::new(),
                Err(error) => pointer(error.path(), &reason),
            };
            InvalidBody::Content { field, reason }
        }
        Category::Syntax | Category::Eof | Category::Io => InvalidBody::Syntax(error.to_string()),
    })
}

/// The path as a JSON pointer (RFC 6901). Serde tells a missing field at the object that lacks it: its name is added.
fn pointer(path: &Path, reason: &str) -> String {
    let mut pointer = String::new();
    let mut push = |segment: &str| {
        pointer.push('/');
        pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
    };
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&index.to_string()),
            Segment::Map { key } => push(key),
            Segment::Enum { variant } => push(variant),
            Segment::Unknown => {}
        }
    }
    if let Some((name, _)) = reason
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split_once('`'))
    {
        push(name);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Basket {
        lines: Vec<Line>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        quantity: u32,
    }

    fn field_at_fault(body: &str) -> String {
        match read::<Basket>(body.as_bytes()) {
            Err(InvalidBody::Content { field, .. }) => field,
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn the_field_at_fault_is_named_whether_wrong_unknown_or_missing() {
        assert_eq!(
            field_at_fault(r#"{"lines":[{"quantity":1},{"quantity":-1}]}"#),
            "/lines/1/quantity"
        );
        assert_eq!(field_at_fault(r#"{"lines":[{"quantity":1,"a/b":2}]}"#), "/lines/0/a~1b");
        assert_eq!(field_at_fault(r#"{"lines":[{}]}"#), "/lines/0/quantity");
        assert_eq!(field_at_fault(r#"{"lines":3}"#), "/lines");
        assert!(matches!(read::<Basket>(b"{\"lines\":"), Err(InvalidBody::Syntax(_))));
    }
}
