-- Why: counters sell more than parking, and people look into payments and give money back.
--
-- A sale's order is of no stay, so the table of orders is made anew with that column empty. Payments refer to it, so it
-- is emptied and filled again under its name; both ends of that are one transaction, at whose end every payment must
-- have its order.

pragma defer_foreign_keys = on;

create table orders_kept (id integer primary key, body text not null) strict;
insert into orders_kept (id, body) select id, body from orders order by id;
drop trigger journal_to_orders;
delete from orders;
drop table orders;

create table orders (
    id integer primary key,
    body text not null,
    -- null: a counter sold something.
    stay_id integer generated always as (body ->> 'stay') stored,
    counter text generated always as (body ->> '$.sale.counter') stored,
    sale_key text generated always as (body ->> '$.sale.key') stored,
    -- In memory although it is of no stay: it can be paid, or asked for twice.
    sale_is_open integer not null generated always as (body ->> '$.sale.open_until' is not null) stored,
    state text not null generated always as (body ->> '$.state.is') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    constraint orders_amount_not_negative check (amount_minor >= 0),
    constraint orders_of_something check (stay_id is not null or counter is not null),
    constraint orders_stay_exists foreign key (stay_id) references stay (id)
) strict;

insert into orders (id, body) select id, body from orders_kept order by id;
drop table orders_kept;

create index orders_of_stay on orders (stay_id) where stay_id is not null;
-- A counter's own number is one order.
create unique index orders_sale_once on orders (counter, sale_key) where counter is not null;
create index orders_sale_open on orders (id) where sale_is_open = 1;

create trigger journal_to_orders after insert on journal when new.kind = 'order'
begin
    insert into orders (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

-- What counts against a limit of a day.
create trigger journal_spent_to_register after insert on journal when new.kind = 'spent'
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;

-- The history of a payment: its own rows, its refunds', and what people did about it. Passages without money have no
-- row here.
create index journal_of_payment on journal (coalesce(body ->> 'payment', body ->> 'id'))
where kind in ('payment', 'refund', 'till_acted');


-- Programs of counters. No part of the journal: what they sell is.
create table counter_account (
    name text primary key,
    -- SHA-256 of the token.
    token_hash blob not null,
    made_by text not null,
    created_at_ms integer not null,
    constraint counter_account_token_is_sha256 check (length(token_hash) = 32)
) strict;

create unique index counter_account_token on counter_account (token_hash);
