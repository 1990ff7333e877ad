-- The log's identity, its heads, and the table of its records. In Postgres mode this is the log; in Kafka mode the
-- archiver copies the log's valid records here. The shape is the same.

-- One row: which log this database belongs to. The topology never changes under a key.
create table log (
    only_row   boolean primary key default true check (only_row),
    id         uuid not null,
    keeper     text not null check (keeper in ('postgres', 'kafka')),
    prefix     text not null,
    topology   jsonb not null,
    created_at timestamptz not null
);

-- Where each shard stands. Postgres mode: the head that an append must extend. Kafka mode: how far the archive has come.
create table log_head (
    family      text not null,
    partition   smallint not null,
    next_offset bigint not null,
    head        bytea not null,
    head_offset bigint,
    session     uuid,
    seq         bigint,
    primary key (family, partition)
);

-- Valid records only, as the bytes that were hashed; what is not bytes is there to be found by.
create table log_record (
    family     text not null,
    partition  smallint not null,
    "offset"   bigint not null,
    scope      text,                 -- the key; null for a writer's own records
    stream     text not null,
    version    bigint not null,
    command    uuid not null,
    event_type text not null,
    recorded   timestamptz not null,
    headers    bytea not null,       -- every header but stoa_prev and stoa_hash, in the canonical encoding
    value      bytea,
    prev       bytea not null,
    hash       bytea not null,
    primary key (family, partition, "offset")
);

create index log_record_stream on log_record (stream, "offset");
create index log_record_scope on log_record (scope, "offset") where scope is not null;
create index log_record_command on log_record (command) where scope is not null;
