-- How far each projection has come, shard by shard. A batch's rows and this row are committed together, and this row is
-- advanced by compare-and-set, so that of two runners only one can win.
create table projection_checkpoint (
    projection  text not null,
    version     integer not null,
    family      text not null,
    partition   smallint not null,
    next_offset bigint not null,
    head        bytea not null,
    head_offset bigint,
    session     uuid,
    seq         bigint,
    primary key (projection, version, family, partition)
);
