-- Indexes that lie as lists are asked for, whoever asks: one in every order, each with the id that breaks ties. Who is
-- signed in sees more listings than the published ones, so none is partial.

drop index listing_created;
create index listing_created on listing (created_at desc, id desc);
drop index listing_price;
create index listing_cheapest on listing (coalesce(price, 9223372036854775807), id);
create index listing_dearest on listing (coalesce(price, -1) desc, id desc);
create index listing_title on listing (title, id);
create index listing_sub_category on listing (sub_category, created_at desc, id desc);

drop index chat_recent;
create index chat_recent on chat (coalesce(last_message_at, created_at) desc, id desc);
