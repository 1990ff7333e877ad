//! Secrets of the installation: 32 random bytes in a file that only its owner may read. Whoever comes first makes it;
//! of two that start at once, both end up with the same one.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rand::{TryRngCore, rngs::OsRng};

/// 32 random bytes.
pub type Secret = [u8; 32];

/// A secret could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read or written.
    #[error("the secret in {path} can not be read or made: {source}")]
    File {
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold what Stoa wrote there; restore it, for what was made with it is lost without it")]
    Damaged {
        /// Where it lies.
        path: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(String),
}

/// Reads the file, or makes it with what `encode` makes of 32 new random bytes.
pub fn load_or_create(path: &Path, encode: impl Fn(&Secret) -> Vec<u8>) -> Result<Vec<u8>, SecretError> {
    let failed = |source| SecretError::File {
        path: path.to_owned(),
        source,
    };
    match fs::read(path) {
        Ok(content) => return Ok(content),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut random = [0_u8; size_of::<Secret>() + 8];
    OsRng
        .try_fill_bytes(&mut random)
        .map_err(|error| SecretError::NoRandomness(error.to_string()))?;
    let (secret, suffix) = random.split_at(size_of::<Secret>());
    let secret = secret.try_into().expect("it was split at that length");
    let beside = path.with_extension(format!(
        "new-{:016x}",
        suffix.iter().fold(0, |n, b| n << 8 | u64::from(*b))
    ));
    place(path, &beside, &encode(secret)).map_err(failed)?;
    fs::read(path).map_err(failed)
}

/// Writes the whole file beside its place, then links it there: nobody reads half a secret, and the first one stays.
fn place(path: &Path, beside: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    let linked = fs::hard_link(beside, path);
    fs::remove_file(beside)?;
    fs::File::open(directory)?.sync_all()?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
