-- Why: people come in by tickets, through turnstiles that count them.
--
-- As in 0001: `body` is the thing as JSON and the only thing that is read back; a trigger carries each journal row into
-- its table; the other columns are computed.

create table gate (
    id text primary key,
    body text not null
) strict, without rowid;

create trigger journal_to_gate after insert on journal when new.kind = 'gate'
begin
    insert into gate (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

create table ticket (
    id integer primary key,
    body text not null,
    -- SHA-256 of the code, in hex; the code itself is kept nowhere.
    digest text not null generated always as (body ->> 'digest') stored,
    persons integer not null generated always as (body ->> 'persons') stored,
    used integer not null generated always as (body ->> 'used') stored,
    held integer not null generated always as (body ->> 'held') stored,
    -- In memory: it can still let somebody in, or has somebody on the way.
    is_alive integer not null generated always as (
        body ->> 'held' > 0
        or (body ->> 'revoked' = 0 and body ->> 'expired' = 0 and body ->> 'used' < body ->> 'persons')
    ) stored,
    constraint ticket_digest_is_sha256 check (length(digest) = 64),
    constraint ticket_not_overused check (used >= 0 and held >= 0 and used + held <= persons)
) strict;

create unique index ticket_code_unique on ticket (digest);
create index ticket_alive on ticket (id) where is_alive = 1;

create trigger journal_to_ticket after insert on journal when new.kind = 'ticket'
begin
    insert into ticket (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

create table admission (
    id integer primary key,
    body text not null,
    ticket_id integer generated always as (body ->> 'ticket') stored,
    state text not null generated always as (body ->> 'state') stored,
    at_ms integer not null
        generated always as (cast(round(unixepoch(body ->> 'at', 'subsec') * 1000) as integer)) stored,
    constraint admission_ticket_exists foreign key (ticket_id) references ticket (id)
) strict;

create index admission_by_time on admission (at_ms);
create index admission_of_ticket on admission (ticket_id) where ticket_id is not null;
create index admission_open on admission (id) where state in ('granted', 'unsure');

create trigger journal_to_admission after insert on journal when new.kind = 'admission'
begin
    insert into admission (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;
