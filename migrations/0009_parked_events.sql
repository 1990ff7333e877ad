-- Events that a projection could not apply, and those that wait behind them. A row is written in the transaction that
-- moves the projection's checkpoint past the event, and goes in the one that applies it after all.
create table projection_parked (
    projection text not null,
    version    integer not null,
    family     text not null,
    partition  smallint not null,
    "offset"   bigint not null,
    part       integer not null,           -- the event's number in its commit, from 1
    unit       text not null,              -- what waits: the stream, or the scope where rows depend on several streams
    stream     text not null,
    event_type text not null,
    reason     text not null,
    since      timestamptz not null default now(),
    primary key (projection, version, family, partition, "offset", part)
);
create index projection_parked_unit on projection_parked (projection, version, unit, "offset");
create index projection_parked_stream on projection_parked (stream);
