-- Why: a scenic site sells tickets for days and time slots, takes them back, and counts who came.
--
-- Time slots and closures are entries of the register. Of a sold ticket, what reports ask for stands in a table of its
-- own, which an admission does not write: it is the same before and after.

create trigger journal_shop_to_register after insert on journal when new.kind in ('slot', 'closure')
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;

create index slot_by_day on register (body ->> 'day', id) where kind = 'slot';

-- An order is found by the code that its paper tickets are collected with: the latest, should two have the same.
create index orders_of_pickup on orders (body ->> '$.basket.pickup', id) where body ->> '$.basket.pickup' is not null;

-- Cash for several tickets may go back in parts; that it is never more than was taken, the core sees to.
drop index cash_refunded_once;
create index cash_refunded on register (body ->> 'refund_of') where kind = 'cash' and body ->> 'refund_of' is not null;

create table ticket_sale (
    ticket_id integer primary key,
    order_id integer not null,
    counter text not null,
    product text not null,
    -- null: of a day.
    slot text,
    made_at_ms integer not null,
    -- The time it lets in.
    from_ms integer not null,
    until_ms integer not null,
    persons integer not null,
    price_minor integer not null,
    -- 1: it went back, or an operator revoked it.
    revoked integer not null,
    -- Of the visitor's number, keyed.
    visitor text
) strict;

create index ticket_sale_by_time on ticket_sale (made_at_ms);
create index ticket_sale_by_visit on ticket_sale (from_ms);
create index ticket_sale_of_order on ticket_sale (order_id);
create index ticket_sale_of_slot on ticket_sale (slot) where slot is not null;
create index ticket_sale_of_visitor on ticket_sale (visitor) where visitor is not null;

create trigger journal_to_ticket_sale after insert on journal
when new.kind = 'ticket' and new.body ->> '$.sold' is not null
begin
    insert into ticket_sale values (
        new.body ->> 'id',
        new.body ->> '$.sold.order',
        new.body ->> 'made_by',
        new.body ->> '$.sold.product',
        new.body ->> '$.sold.slot',
        cast(round(unixepoch(new.body ->> 'made_at', 'subsec') * 1000) as integer),
        cast(round(unixepoch(new.body ->> 'valid_from', 'subsec') * 1000) as integer),
        cast(round(unixepoch(new.body ->> 'valid_until', 'subsec') * 1000) as integer),
        new.body ->> 'persons',
        new.body ->> '$.sold.price.minor',
        new.body ->> 'revoked',
        new.body ->> '$.visitor.digest'
    )
    on conflict (ticket_id) do update set
        slot = excluded.slot, from_ms = excluded.from_ms, until_ms = excluded.until_ms,
        persons = excluded.persons, price_minor = excluded.price_minor, revoked = excluded.revoked,
        visitor = excluded.visitor
    where (slot, from_ms, until_ms, persons, price_minor, revoked, visitor)
        is not (excluded.slot, excluded.from_ms, excluded.until_ms, excluded.persons, excluded.price_minor,
            excluded.revoked, excluded.visitor);
end;

-- What people did with a ticket.
create index journal_of_ticket on journal (body ->> 'ticket', seq) where kind = 'ticket_acted';

-- Names and numbers of visitors, sealed. No part of the journal, which only grows: deleted after `tickets.keep_days`.
create table visitor_sealed (
    -- Of the number, keyed.
    digest text primary key,
    sealed blob not null,
    put_at_ms integer not null,
    constraint visitor_digest_is_sha256 check (length(digest) = 64)
) strict, without rowid;

create index visitor_sealed_by_time on visitor_sealed (put_at_ms);
