//! The database's schema: every migration of the workspace, embedded in one place, and what the log does with an error
//! of the database. A crate that needs a table adds a file to `migrations/`.

use sqlx::{PgPool, migrate::Migrator};

use crate::port::LogError;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Brings the database's tables up to date. Several nodes may do so at once: one migrates, the others wait.
pub async fn migrate(pool: &PgPool) -> Result<(), LogError> {
    MIGRATIONS.run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => error.into(),
        error => LogError::Unusable(format!("the database can not be migrated: {error}")),
    })
}

/// SQLSTATE `undefined_table`.
const UNDEFINED_TABLE: &str = "42P01";

impl From<sqlx::Error> for LogError {
    fn from(error: sqlx::Error) -> Self {
        let missing = |error: &dyn sqlx::error::DatabaseError| error.code().as_deref() == Some(UNDEFINED_TABLE);
        match &error {
            sqlx::Error::Database(database) if missing(database.as_ref()) => {
                Self::Unusable(format!("the database is not migrated (`stoa migrate`): {database}"))
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Self::Unusable(format!("the database's tables are not this version's: {error}"))
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
