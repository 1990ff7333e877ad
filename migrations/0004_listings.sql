-- Read models of the listing family. `state` is the aggregate as the domain folds it; the other columns are there to be
-- found, sorted and counted by. `partition` and `changed` are the position that last changed a row.

create table listing (
    id             text primary key,
    kind           text not null,
    status         text not null,
    title          text not null,
    description    text,
    store          text,
    owner          text not null,
    price          bigint,             -- minor units
    currency       text,
    category       text,
    sub_category   text,
    tags           jsonb not null,     -- array of text
    featured       boolean not null,
    featured_until timestamptz,
    state          jsonb not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    version        bigint not null,
    partition      smallint not null,
    changed        bigint not null,
    search         tsvector generated always as (
        setweight(to_tsvector('english', title), 'A')
        || setweight(jsonb_to_tsvector('english', tags, '["string"]'), 'B')
        || setweight(to_tsvector('english', coalesce(description, '')), 'C')
    ) stored
);
create index listing_search on listing using gin (search);
create index listing_tags on listing using gin (tags);
create index listing_created on listing (created_at desc, id desc) where status = 'published';
create index listing_price on listing (price, id) where status = 'published';
create index listing_category on listing (category, created_at desc, id desc);
create index listing_store on listing (store, created_at desc, id desc);
create index listing_owner on listing (owner, created_at desc, id desc);

create table stock (
    id         text primary key,
    listing    text not null,
    on_hand    bigint not null,
    held       bigint not null,
    available  bigint not null generated always as (on_hand - held) stored,
    state      jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version    bigint not null,
    partition  smallint not null,
    changed    bigint not null
);
create index stock_listing on stock (listing, id);

create table category (
    id         text primary key,
    slug       text not null,
    name       text not null,
    icon       text,
    colour     text,
    parent     text,
    status     text not null,
    state      jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version    bigint not null,
    partition  smallint not null,
    changed    bigint not null
);
create index category_slug on category (slug);
create index category_parent on category (parent);

create table store (
    id           text primary key,
    kind         text not null,
    name         text not null,
    verification text not null,
    city         text,
    region       text,
    country      text,
    latitude     double precision,
    longitude    double precision,
    state        jsonb not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    version      bigint not null,
    partition    smallint not null,
    changed      bigint not null,
    search       tsvector generated always as (
        setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('simple', coalesce(city, '')), 'B')
    ) stored
);
create index store_created on store (created_at desc, id desc);
create index store_name on store (name, id);
create index store_search on store using gin (search);

create table store_member (
    store   text not null,
    user_id text not null,
    role    text not null,
    primary key (store, user_id)
);
create index store_member_user on store_member (user_id);
