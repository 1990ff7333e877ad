-- What many orders come to: no sum of amounts that events can hold is too large. Every row tells what changed it last.

alter table store_day
    alter column revenue type numeric,
    alter column units type numeric;

alter table store_sale
    alter column revenue type numeric,
    add column changed bigint not null default 0;

alter table order_line
    alter column quantity type bigint;
