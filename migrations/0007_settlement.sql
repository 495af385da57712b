-- Why: what the bank kept and transferred is posted by settlement day, and each morning the bank's statement is held
-- against the ledger.
--
-- A posting of a settlement day is of no payment and no shift, so the ledger's table is made anew with that column.
-- Statements and differences are no part of the journal: they change no money by themselves.

drop view posting_line;
drop trigger journal_to_posting;

create table posting_with_days (
    txn integer primary key,
    body text not null,
    at_ms integer not null
        generated always as (cast(round(unixepoch(body ->> 'at', 'subsec') * 1000) as integer)) stored,
    payment_id integer generated always as (body ->> 'payment') stored,
    refund_id integer generated always as (body ->> 'refund') stored,
    cash_id integer generated always as (body ->> 'cash') stored,
    shift_id integer generated always as (body ->> 'shift') stored,
    pass_id integer generated always as (body ->> 'pass') stored,
    -- A channel and its day, such as icbc/2026-11-23.
    settled_id text generated always as (body ->> 'settled') stored,
    debit text not null generated always as (body ->> 'debit') stored,
    credit text not null generated always as (body ->> 'credit') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    currency text not null generated always as (body ->> '$.amount.currency') stored,
    constraint posting_amount_not_negative check (amount_minor >= 0),
    constraint posting_two_accounts check (debit <> credit),
    constraint posting_of_something check (
        payment_id is not null or cash_id is not null or shift_id is not null or pass_id is not null
        or settled_id is not null
    ),
    constraint posting_cash_in_a_shift check (cash_id is null or shift_id is not null),
    constraint posting_payment_exists foreign key (payment_id) references payment (id),
    constraint posting_refund_exists foreign key (refund_id) references refund (id)
) strict;

insert into posting_with_days (txn, body) select txn, body from posting order by txn;
drop table posting;
alter table posting_with_days rename to posting;

create index posting_by_time on posting (at_ms);
create index posting_of_payment on posting (payment_id) where payment_id is not null;
create index posting_of_shift on posting (shift_id) where shift_id is not null;
create index posting_of_settled on posting (settled_id) where settled_id is not null;
-- Money comes in once per payment, goes back once per refund, and each piece of cash moves once.
create unique index posting_payment_taken_once on posting (payment_id) where debit = 'channel_receivable';
create unique index posting_refund_done_once on posting (refund_id) where refund_id is not null;
create unique index posting_cash_once on posting (cash_id) where cash_id is not null;

create trigger journal_to_posting after insert on journal when new.kind = 'posting'
begin
    insert into posting (txn, body) values (new.body ->> 'txn', new.body);
end;

create trigger posting_keeps_rows before update on posting
begin
    select raise(abort, 'posting_append_only');
end;

create trigger posting_keeps_all_rows before delete on posting
begin
    select raise(abort, 'posting_append_only');
end;

create view posting_line as
select txn, at_ms, payment_id, refund_id, settled_id, debit as account, amount_minor, currency from posting
union all
select txn, at_ms, payment_id, refund_id, settled_id, credit as account, -amount_minor, currency from posting;

-- What is posted of each settlement day, by channel and day.
create trigger journal_settled_to_register after insert on journal when new.kind = 'settled'
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;

-- ---- statements ------------------------------------------------------------------------------------

-- The statement that a settlement day was last reconciled with. A corrected one takes its place.
create table statement_file (
    channel text not null,
    -- The settlement day, such as 2026-11-23.
    day text not null,
    -- SHA-256 of the file.
    digest blob not null,
    rows integer not null,
    -- Rows that could not be read.
    bad integer not null,
    matched integer not null,
    paid_minor integer not null,
    refunded_minor integer not null,
    -- What the bank kept by its own rows, or by the site's rate where these do not say.
    fee_minor integer not null,
    reconciled_at_ms integer not null,
    primary key (channel, day),
    constraint statement_file_is_sha256 check (length(digest) = 32)
) strict, without rowid;

-- Rows of a statement whose payment or refund is of another settlement day here: around the closing hour.
create table statement_stray (
    channel text not null,
    side text not null,
    number text not null,
    statement_day text not null,
    own_day text not null,
    primary key (channel, side, number, statement_day)
) strict, without rowid;

create index statement_stray_by_own_day on statement_stray (channel, own_day);

-- What one run finds, until it is concluded.
create table difference_found (
    channel text not null,
    day text not null,
    key text not null,
    kind text not null,
    side text not null,
    out_trade_no text not null,
    refund_no text not null,
    bank_no text not null,
    ours_minor integer,
    theirs_minor integer,
    detail text not null,
    primary key (channel, day, key)
) strict, without rowid;

-- What does not fit, one row for each thing that does not, for ever.
create table difference (
    id integer primary key,
    channel text not null,
    day text not null,
    -- Kind, side and number: the same again is the same difference.
    key text not null,
    kind text not null,
    side text not null,
    out_trade_no text not null,
    refund_no text not null,
    bank_no text not null,
    ours_minor integer,
    theirs_minor integer,
    detail text not null,
    state text not null,
    -- The core was told of late money.
    told integer not null default 0,
    found_at_ms integer not null,
    -- The last step of its trail.
    changed_at_ms integer not null,
    changed_by text not null,
    note text not null,
    constraint difference_once unique (channel, day, key),
    constraint difference_state_is_known check (state in ('waiting', 'open', 'settled', 'gone'))
) strict;

create index difference_open on difference (day, id) where state in ('waiting', 'open');

-- Every step of every difference. Written by the triggers, so none can be left out.
create table difference_trail (
    id integer primary key,
    difference_id integer not null,
    at_ms integer not null,
    changed_by text not null,
    state text not null,
    note text not null,
    constraint difference_trail_exists foreign key (difference_id) references difference (id)
) strict;

create index difference_trail_of on difference_trail (difference_id);

create trigger difference_begins after insert on difference
begin
    insert into difference_trail (difference_id, at_ms, changed_by, state, note)
    values (new.id, new.changed_at_ms, new.changed_by, new.state, new.note);
end;

create trigger difference_goes_on after update on difference
when old.state <> new.state or old.note <> new.note
begin
    insert into difference_trail (difference_id, at_ms, changed_by, state, note)
    values (new.id, new.changed_at_ms, new.changed_by, new.state, new.note);
end;

create trigger difference_trail_keeps_rows before update on difference_trail
begin
    select raise(abort, 'difference_trail_append_only');
end;

create trigger difference_trail_keeps_all_rows before delete on difference_trail
begin
    select raise(abort, 'difference_trail_append_only');
end;
