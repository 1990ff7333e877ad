//! An appender: a connection and a task of its own, and one statement for all commits that wait. What is enqueued while
//! a statement is under way goes into the next: the slower the disk, the larger the groups.

use std::time::Duration;

use domain::family::Family;
use sqlx::{Connection, Executor, PgConnection, PgPool, Row};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    archive::watch::ArchiveWatch,
    chain::Hash,
    envelope::InvalidEnvelope,
    port::{Appender, LogError, Report},
    record::{HASH_HEADER, PREV_HEADER, Record},
    row::{Columns, partition_of},
    shard::Shard,
};

/// How long a session that was opened keeps the others from appending: it reads what was appended until then, meanwhile.
const HOLD: Duration = Duration::from_secs(2);
/// Commits that may wait. The owner keeps fewer in flight; more is a bad report.
const WAITING: usize = 8192;
/// Records of one statement, unless a single commit has more.
const GROUP: usize = 2048;

/// One statement: the head advances where it is the first record's `prev`, and the records are inserted where it has
/// advanced. Whoever holds another head inserts nothing; two at once queue at the head's row, and the second finds it
/// changed.
const APPEND: &str = r#"
    with turn as (
        select pg_advisory_xact_lock_shared($18, $19)
    ), advanced as (
        update log_head
        set next_offset = next_offset + $4, head = $5, head_offset = next_offset + $4 - 1, session = $6, seq = $7
        from turn
        where family = $1 and partition = $2 and head = $3
        returning next_offset - $4 as first
    ), inserted as (
        insert into log_record (family, partition, "offset", scope, stream, version, command, event_type, recorded,
                                headers, value, prev, hash)
        select $1, $2, advanced.first + record.number - 1, record.scope, record.stream, record.version, record.command,
               record.event_type, record.recorded, record.headers, record.value, record.prev, record.hash
        from advanced cross join unnest($8::text[], $9::text[], $10::bigint[], $11::uuid[], $12::text[],
                 $13::timestamptz[], $14::bytea[], $15::bytea[], $16::bytea[], $17::bytea[]) with ordinality
             as record (scope, stream, version, command, event_type, recorded, headers, value, prev, hash, number)
    )
    select first from advanced"#;

/// Keeps every other session of the shard from appending until this transaction ends. The lock of the head's row would
/// not do: it is handed on with each new version of the row, and not in the order of asking.
const HOLD_OFF: &str = "select pg_advisory_xact_lock($1, $2)";
/// The first key of these locks: `Stoa` in ASCII.
const TURNS: i32 = 0x5374_6f61;

/// The second key: the shard.
fn turn_of(shard: Shard) -> i32 {
    let family = Family::ALL.iter().position(|family| *family == shard.family);
    i32::try_from(family.unwrap_or_default() << 16).unwrap_or_default() | i32::from(shard.partition)
}

struct Waiting {
    records: Vec<Record>,
    report: oneshot::Sender<Report>,
}

/// An open session's appender. A session begins with a barrier, and a barrier that is not chained on the head leaves no
/// trace here: against a busy writer, whoever reads the end and then appends would be too late each time, for good. So a
/// session that opens holds the others off, for a moment, until its first commit.
pub(super) struct PostgresAppender {
    waiting: mpsc::Sender<Waiting>,
}

impl PostgresAppender {
    pub(super) async fn open(
        pool: &PgPool,
        shard: Shard,
        watch: ArchiveWatch,
        report_within: Duration,
    ) -> Result<Self, LogError> {
        let mut connection = connect(pool).await?;
        connection.execute("begin").await?;
        sqlx::query(HOLD_OFF)
            .bind(TURNS)
            .bind(turn_of(shard))
            .execute(&mut connection)
            .await?;
        let (waiting, commits) = mpsc::channel(WAITING);
        let writer = Writer {
            connection: Some(connection),
            holding: true,
            shard,
            watch,
            report_within,
        };
        // It ends by itself when the appender is dropped and what waits has been written.
        tokio::spawn(writer.run(commits));
        Ok(Self { waiting })
    }
}

impl Appender for PostgresAppender {
    fn append(&mut self, records: Vec<Record>) -> oneshot::Receiver<Report> {
        let (report, receiver) = oneshot::channel();
        if let Err(error) = self.waiting.try_send(Waiting { records, report }) {
            let reason = error.to_string();
            let (mpsc::error::TrySendError::Full(refused) | mpsc::error::TrySendError::Closed(refused)) = error;
            // Whoever dropped the receiver does not want to know.
            let _ = refused.report.send(Err(LogError::Unavailable(reason)));
        }
        receiver
    }
}

/// An acknowledged commit must survive a power cut: a server that is set to answer before its disk does is refused.
async fn connect(pool: &PgPool) -> Result<PgConnection, LogError> {
    let options = (*pool.connect_options()).clone().application_name("stoa log").options([
        ("synchronous_commit", "on"),
        ("jit", "off"),
        // A node that is frozen while it holds the others off is cut off itself.
        ("idle_in_transaction_session_timeout", "5s"),
    ]);
    let mut connection = PgConnection::connect_with(&options).await?;
    let setting: String = sqlx::query_scalar("select current_setting('synchronous_commit')")
        .fetch_one(&mut connection)
        .await?;
    let fsync: String = sqlx::query_scalar("select current_setting('fsync')")
        .fetch_one(&mut connection)
        .await?;
    if setting != "on" || fsync != "on" {
        return Err(LogError::Unusable(format!(
            "the database acknowledges what a power cut may take: synchronous_commit is {setting}, fsync is {fsync}"
        )));
    }
    Ok(connection)
}

struct Writer {
    /// Gone after the first bad report: nothing of this session goes out after it.
    connection: Option<PgConnection>,
    /// Whether the others are held off, by an open transaction.
    holding: bool,
    shard: Shard,
    watch: ArchiveWatch,
    report_within: Duration,
}

impl Writer {
    async fn run(mut self, mut commits: mpsc::Receiver<Waiting>) {
        let mut ahead = match timeout(HOLD, commits.recv()).await {
            Ok(Some(commit)) => Group::of(commit),
            Ok(None) => return,
            Err(_) => {
                self.let_go().await;
                None
            }
        };
        loop {
            let mut group = match ahead.take() {
                Some(group) => group,
                None => match commits.recv().await {
                    Some(commit) => match Group::of(commit) {
                        Some(group) => group,
                        None => continue,
                    },
                    None => break,
                },
            };
            while group.columns.len() < GROUP
                && let Ok(commit) = commits.try_recv()
            {
                match Group::of(commit) {
                    Some(next) if next.prev == group.head => group.join(next),
                    Some(next) => {
                        ahead = Some(next);
                        break;
                    }
                    None => {}
                }
            }
            self.write(group).await;
        }
        if let Some(connection) = self.connection {
            // The server ends its side when the socket closes, whatever comes of this.
            let _ = connection.close().await;
        }
    }

    /// Nothing was appended in time: the others go on, and so may this session.
    async fn let_go(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if let Ok(Ok(_)) = timeout(self.report_within, connection.execute("rollback")).await {
            self.connection = Some(connection);
            self.holding = false;
        }
    }

    async fn write(&mut self, group: Group) {
        let records = group.columns.len() as u64;
        // Taken out, so that a statement that did not end well leaves none to go on with.
        let Some(mut connection) = self.connection.take() else {
            return refuse(
                group.reports,
                &LogError::Unavailable("the session has ended".to_owned()),
            );
        };
        let statement = sqlx::query(APPEND)
            .bind(self.shard.family.topic())
            .bind(partition_of(self.shard))
            .bind(group.prev.0)
            .bind(records.cast_signed())
            .bind(group.head.0)
            .bind(group.session)
            .bind(group.seq.cast_signed());
        let statement = group.columns.bind(statement).bind(TURNS).bind(turn_of(self.shard));
        let outcome = timeout(self.report_within, async {
            let row = statement.fetch_optional(&mut connection).await?;
            if self.holding {
                connection.execute("commit").await?;
            }
            row.map(|row| row.try_get::<i64, _>(0)).transpose()
        });
        match outcome.await {
            Ok(Ok(Some(first))) => {
                let first = first.cast_unsigned();
                self.connection = Some(connection);
                self.holding = false;
                self.watch.committed(self.shard, first + records);
                for (index, report) in group.reports {
                    // Whoever dropped the receiver does not want to know.
                    let _ = report.send(Ok(first + index));
                }
            }
            Ok(Ok(None)) => {
                let error = LogError::Unavailable(format!("somebody else wrote to {}", self.shard));
                refuse(group.reports, &error);
            }
            Ok(Err(error)) => refuse(group.reports, &error.into()),
            Err(_) => refuse(group.reports, &LogError::Unavailable("no report in time".to_owned())),
        }
    }
}

fn refuse(reports: Vec<(u64, oneshot::Sender<Report>)>, error: &LogError) {
    for (_, report) in reports {
        let _ = report.send(Err(error.clone()));
    }
}

/// Commits that are chained one on the other, for one statement.
struct Group {
    columns: Columns,
    /// What the first record is chained on.
    prev: Hash,
    /// The last record's hash.
    head: Hash,
    /// The last record's session.
    session: Uuid,
    /// Its number within that session.
    seq: u64,
    /// Each commit's first record, by its index in the group.
    reports: Vec<(u64, oneshot::Sender<Report>)>,
}

impl Group {
    /// One commit. One that is no commit (empty, not chained in itself, without an envelope) gets its bad report here;
    /// what is chained on it will not find its head.
    fn of(Waiting { records, report }: Waiting) -> Option<Self> {
        let mut columns = Columns::default();
        match ends(&records, &mut columns) {
            Ok(([prev, head], (session, seq))) => Some(Self {
                columns,
                prev,
                head,
                session,
                seq,
                reports: vec![(0, report)],
            }),
            Err(error) => {
                let _ = report.send(Err(LogError::Unusable(format!("not a commit: {error}"))));
                None
            }
        }
    }

    fn join(&mut self, mut next: Self) {
        let before = self.columns.len() as u64;
        self.columns.append(&mut next.columns);
        self.reports
            .extend(next.reports.into_iter().map(|(index, report)| (before + index, report)));
        (self.head, self.session, self.seq) = (next.head, next.session, next.seq);
    }
}

/// What the first record is chained on and the last one's hash, and the last one's session and number.
type Ends = ([Hash; 2], (Uuid, u64));

/// Puts a commit's records into columns.
fn ends(records: &[Record], columns: &mut Columns) -> Result<Ends, InvalidEnvelope> {
    let mut chained: Option<[Hash; 2]> = None;
    let mut last = None;
    for record in records {
        let (prev, hash) = record.links().ok_or(InvalidEnvelope(HASH_HEADER))?;
        chained = match chained {
            None => Some([prev, hash]),
            Some([first, head]) if head == prev => Some([first, hash]),
            Some(_) => return Err(InvalidEnvelope(PREV_HEADER)),
        };
        last = Some(columns.push(record)?);
    }
    chained.zip(last).ok_or(InvalidEnvelope(HASH_HEADER))
}
