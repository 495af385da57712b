-- Why: a ticket is good in several areas, for returns, and for going out; it is alive while somebody may use it so.
--
-- The table is made anew: what it computed of persons and of being alive held for one area only. Rows of `admission`
-- point here; they are looked at again when all is back in its place.

pragma defer_foreign_keys = on;

drop trigger journal_to_ticket;
create table ticket_kept as select id, body from ticket;
drop table ticket;

create table ticket (
    id integer primary key,
    body text not null,
    -- SHA-256 of the code, in hex; the code itself is kept nowhere.
    digest text not null generated always as (body ->> 'digest') stored,
    persons integer not null generated always as (body ->> 'persons') stored,
    used integer not null generated always as (body ->> 'used') stored,
    held integer not null generated always as (body ->> 'held') stored,
    -- In memory: somebody may come in, come back or go out on it, or is on the way.
    is_alive integer not null,
    constraint ticket_digest_is_sha256 check (length(digest) = 64),
    constraint ticket_not_overused check (used >= 0 and held >= 0 and used <= persons)
) strict;

create unique index ticket_code_unique on ticket (digest);
create index ticket_alive on ticket (id) where is_alive = 1;

create view ticket_is_alive as
select
    kept.id,
    kept.body,
    kept.body ->> 'held' > 0
    or (
        kept.body ->> 'revoked' = 0 and kept.body ->> 'expired' = 0
        and (
            kept.body ->> 'used' < kept.body ->> 'persons'
            or exists (
                select 1 from json_each(kept.body, '$.areas') as area
                where area.value ->> 'used' < kept.body ->> 'persons'
                    or area.value ->> 'inside' > 0
                    or area.value ->> 'returns' is null
                    or area.value ->> 'returned' < area.value ->> 'returns' * (kept.body ->> 'persons')
            )
        )
    ) as is_alive
from ticket_kept as kept;

insert into ticket (id, body, is_alive) select id, body, is_alive from ticket_is_alive;
drop view ticket_is_alive;
drop table ticket_kept;

-- As above, of the row that comes in.
create trigger journal_to_ticket after insert on journal when new.kind = 'ticket'
begin
    insert into ticket (id, body, is_alive) values (
        new.body ->> 'id',
        new.body,
        new.body ->> 'held' > 0
        or (
            new.body ->> 'revoked' = 0 and new.body ->> 'expired' = 0
            and (
                new.body ->> 'used' < new.body ->> 'persons'
                or exists (
                    select 1 from json_each(new.body, '$.areas') as area
                    where area.value ->> 'used' < new.body ->> 'persons'
                        or area.value ->> 'inside' > 0
                        or area.value ->> 'returns' is null
                        or area.value ->> 'returned' < area.value ->> 'returns' * (new.body ->> 'persons')
                )
            )
        )
    )
    on conflict (id) do update set body = excluded.body, is_alive = excluded.is_alive;
end;

-- Persons inside a zone are an entry of the register.
create trigger journal_crowd_to_register after insert on journal when new.kind = 'crowd'
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;
