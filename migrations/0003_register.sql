-- Why: a car park decides by passes, lists, shifts and the like: things an office keeps a register of.
--
-- As in 0001: `body` is the thing as JSON and the only thing that is read back; a trigger carries each journal row into
-- the table; the other columns are computed. All kinds share one table, since all are looked up the same way.

create table register (
    -- The journal's kind: pass, listed, reservation, merchant, validation, arrears, shift, cash, task, zone.
    kind text not null,
    id text not null,
    body text not null,
    -- In memory: not over yet.
    is_open integer not null generated always as (body ->> 'over_at' is null) stored,
    plate text generated always as (body ->> 'plate') stored,
    stay_id integer generated always as (body ->> 'stay') stored,
    over_at_ms integer
        generated always as (cast(round(unixepoch(body ->> 'over_at', 'subsec') * 1000) as integer)) stored,
    primary key (kind, id)
) strict, without rowid;

create index register_open on register (kind) where is_open = 1;
create index register_of_plate on register (plate, kind) where plate is not null;
create index register_of_stay on register (stay_id, kind) where stay_id is not null;
create index register_over on register (kind, over_at_ms) where over_at_ms is not null;
-- A drawer is in one pair of hands.
create unique index shift_one_open_per_booth on register (body ->> 'booth') where kind = 'shift' and is_open = 1;

create trigger journal_to_register after insert on journal
when new.kind in ('pass', 'listed', 'reservation', 'merchant', 'validation', 'arrears', 'shift', 'cash', 'task', 'zone')
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;

create trigger cash_keeps_rows before update on register when old.kind = 'cash'
begin
    select raise(abort, 'cash_append_only');
end;
