//! CSV files, gzipped or not.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;

/// Opens a file, and unpacks it when its name ends in `.gz`.
pub fn open(path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let file = BufReader::new(File::open(path).with_context(|| format!("can not open {}", path.display()))?);
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    Ok(if packed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

/// Every row of the first of these files that exists.
pub fn rows<T: DeserializeOwned>(directory: &Path, names: &[&str]) -> anyhow::Result<Vec<T>> {
    let path = names
        .iter()
        .map(|name| directory.join(name))
        .find(|path| path.exists())
        .with_context(|| format!("{} holds none of {}", directory.display(), names.join(", ")))?;
    let mut text = Vec::new();
    open(&path)?.read_to_end(&mut text)?;
    // A byte order mark would become part of the first column's name.
    let text = text.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&text);
    let rows = csv::Reader::from_reader(text)
        .into_deserialize()
        .collect::<Result<Vec<T>, _>>();
    rows.with_context(|| format!("can not read {}", path.display()))
}
