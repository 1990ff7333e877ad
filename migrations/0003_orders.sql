-- Read models of the order family. `partition` and `changed` are the position that last changed a row.

create table order_summary (
    id           text primary key,
    number       text not null,
    customer     text not null,
    status       text not null,
    fulfilment   text not null,
    currency     text not null,
    subtotal     bigint not null,      -- amounts are minor units of the currency
    discount     bigint not null,
    tax          bigint not null,
    delivery_fee bigint not null,
    total        bigint not null,
    comment      jsonb,                -- Personal<String>
    delivery     jsonb not null,
    reason       text,                 -- why it was refused, cancelled or returned
    carrier      text,
    tracking     text,
    placed_at    timestamptz not null,
    updated_at   timestamptz not null,
    version      bigint not null,
    partition    smallint not null,
    changed      bigint not null
);
create index order_summary_customer on order_summary (customer, placed_at desc, id desc);
create index order_summary_placed on order_summary (placed_at desc, id desc);
create index order_summary_status on order_summary (status, placed_at desc, id desc);
create index order_summary_number on order_summary (number);

create table order_line (
    order_id   text not null,
    line       smallint not null,      -- from 1, as the customer ordered
    listing    text not null,
    store      text not null,
    stock      text,
    title      text not null,          -- as sold
    unit_price bigint not null,        -- as sold
    quantity   integer not null,
    primary key (order_id, line)
);
create index order_line_listing on order_line (listing);

-- The orders of a store, newest first: an order of two stores stands in both lists.
create table order_store (
    store     text not null,
    order_id  text not null,
    placed_at timestamptz not null,
    primary key (store, order_id)
);
create index order_store_placed on order_store (store, placed_at desc, order_id desc);
create index order_store_order on order_store (order_id);

create table payment (
    id           text primary key,
    order_id     text not null,
    status       text not null,
    method       text not null,
    installments smallint,
    currency     text not null,
    requested    bigint not null,
    authorised   bigint not null,
    captured     bigint not null,
    refunded     bigint not null,
    reference    text,
    reason       text,
    updated_at   timestamptz not null,
    version      bigint not null,
    partition    smallint not null,
    changed      bigint not null
);
create index payment_order on payment (order_id);

-- What a store sold, by the day on which it was ordered (UTC). Fed by every order shard, so a row for each: a query sums.
create table store_day (
    store     text not null,
    day       date not null,
    currency  text not null,
    partition smallint not null,
    orders    bigint not null,         -- that name the store, refused and cancelled ones taken off again
    revenue   bigint not null,         -- unit price times quantity of the store's lines
    units     bigint not null,
    changed   bigint not null,
    primary key (store, day, currency, partition)
);

-- What each order added to each store's day, so that it can be taken off when the order is refused or cancelled.
create table store_sale (
    order_id text not null,
    store    text not null,
    day      date not null,
    currency text not null,
    revenue  bigint not null,
    units    bigint not null,
    undone   boolean not null,
    primary key (order_id, store)
);
