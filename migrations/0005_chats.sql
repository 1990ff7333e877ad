-- Read models of the chat family. `partition` and `changed` are the position that last changed a row.

create table chat (
    id              text primary key,
    kind            text not null,
    title           text,
    description     text,
    subject         jsonb,              -- what it is tied to: {"listing": "lst_…"}
    secret          boolean not null,
    archived        boolean not null,
    member_count    integer not null,   -- those who are in it now
    last_seq        bigint not null,    -- how many messages were sent in it
    last_message    text,
    last_message_at timestamptz,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    version         bigint not null,
    partition       smallint not null,
    changed         bigint not null
);
create index chat_recent on chat (last_message_at desc nulls last, id desc);

-- Unread is chat.last_seq - read_seq, less what was deleted behind it: no row of a reader changes when somebody writes.
create table chat_member (
    chat       text not null,
    user_id    text not null,
    role       text not null,
    membership text not null,
    read_up_to text,                    -- the message that the member marked last
    read_seq   bigint not null,         -- the last message that counts as read: marked, written, or older than joining
    joined_at  timestamptz,
    primary key (chat, user_id)
);
create index chat_member_user on chat_member (user_id, membership);

create table message (
    id         text primary key,
    chat       text not null,
    seq        bigint not null,         -- its number in the chat, from 1, in the order of the log
    author     text not null,
    status     text not null,
    pinned     boolean not null,
    body       text,                    -- what can be searched: nothing of a secret chat, nothing that was deleted
    state      jsonb not null,
    sent_at    timestamptz not null,
    updated_at timestamptz not null,
    version    bigint not null,
    partition  smallint not null,
    changed    bigint not null,
    search     tsvector generated always as (to_tsvector('simple', coalesce(body, ''))) stored,
    unique (chat, seq)
);
create index message_deleted on message (chat, seq) where status = 'deleted';
create index message_pinned on message (chat, seq) where pinned;
create index message_search on message using gin (search);
