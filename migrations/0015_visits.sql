-- Why: what was taken for tickets counts what the site kept of those that went back, and persons who went back from a
-- ticket that others stayed on.

alter table ticket_sale add column returned integer not null default 0;
alter table ticket_sale add column kept_minor integer not null default 0;

drop trigger journal_to_ticket_sale;

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
        new.body ->> '$.visitor.digest',
        coalesce(new.body ->> '$.sold.returned', 0),
        coalesce(new.body ->> '$.sold.kept_minor', 0)
    )
    on conflict (ticket_id) do update set
        slot = excluded.slot, from_ms = excluded.from_ms, until_ms = excluded.until_ms,
        persons = excluded.persons, price_minor = excluded.price_minor, revoked = excluded.revoked,
        visitor = excluded.visitor, returned = excluded.returned, kept_minor = excluded.kept_minor
    where (slot, from_ms, until_ms, persons, price_minor, revoked, visitor, returned, kept_minor)
        is not (excluded.slot, excluded.from_ms, excluded.until_ms, excluded.persons, excluded.price_minor,
            excluded.revoked, excluded.visitor, excluded.returned, excluded.kept_minor);
end;
