-- Why: who works at a site has a role, and what is done with accounts is on record like everything else.

-- Whoever was there before could do everything, and still can.
alter table operator add column role text not null default 'owner'
    constraint operator_role_known check (role in ('owner', 'manager', 'booth', 'gate', 'accountant', 'installer'));

-- Somebody has to be left who can make accounts.
create trigger operator_keeps_an_owner before update of role, disabled on operator
when old.role = 'owner' and old.disabled = 0 and (new.role <> 'owner' or new.disabled = 1)
    and not exists (select 1 from operator where role = 'owner' and disabled = 0 and name <> old.name)
begin
    select raise(abort, 'operator_last_owner');
end;

-- Sign-ins and what is done with accounts. No part of the journal, as accounts are none.
create table account_event (
    seq integer primary key autoincrement,
    at_ms integer not null,
    did text not null,
    -- Whose account; null: nobody's, the name was wrong.
    operator text,
    -- Who did it; the same, unless somebody else did it to the account.
    by text not null,
    -- The source of a sign-in, or the new role.
    detail text not null
) strict;

create trigger account_event_keeps_rows before update on account_event
begin
    select raise(abort, 'account_event_append_only');
end;

create trigger account_event_keeps_all_rows before delete on account_event
begin
    select raise(abort, 'account_event_append_only');
end;

-- The trail of what people did and what went wrong: some hundred rows a day among many thousands. The condition
-- stands word for word in src/store/trail.rs, else SQLite does not use the index.
create index journal_trail on journal (at_ms, seq) where (
    kind in (
        'operator_acted', 'plate_given', 'till_acted', 'ticket_acted', 'task', 'pass', 'listed', 'reservation',
        'validation', 'shift', 'settled', 'closure', 'zone', 'alarm_raised', 'alarm_cleared', 'word_unplaced'
    )
    or (kind = 'admission' and body ->> 'settled' is not null)
);

-- A payment by the bank's own number, for who has only that.
create index payment_of_bank_no on payment (body ->> 'bank_no') where body ->> 'bank_no' is not null;
