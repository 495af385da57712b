-- Why: the spine keeps one truth, the journal, and tables that answer questions quickly.
--
-- The journal is append-only. Each of its rows makes one thing true, whole, and a trigger carries it into the table of
-- that thing in the same statement, so a batch of rows is one `insert` and the tables can never lag or lead.
-- In every table `body` is the thing as JSON and the only thing that is read back; the other columns are computed
-- from it, for constraints, look-ups and pages. Times `_at_ms` are milliseconds since 1970 UTC, amounts `_minor` are
-- minor units of their currency.

create table journal (
    seq integer primary key,
    at_ms integer not null,
    kind text not null,
    body text not null,
    -- SHA-256 over the former row's hash and this row; see src/store/chain.rs.
    hash blob not null,
    constraint journal_hash_is_sha256 check (length(hash) = 32)
) strict;

create trigger journal_keeps_rows before update on journal
begin
    select raise(abort, 'journal_append_only');
end;

create trigger journal_keeps_all_rows before delete on journal
begin
    select raise(abort, 'journal_append_only');
end;

-- ---- lanes and alarms ------------------------------------------------------------------------------

create table lane (
    id text primary key,
    body text not null
) strict, without rowid;

create trigger journal_to_lane after insert on journal when new.kind = 'lane'
begin
    insert into lane (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

-- Alarms that last. `kind` is JSON: a word, or `{"lane": word}`.
create table alarm (
    subject text not null,
    kind text not null,
    body text not null,
    primary key (subject, kind)
) strict, without rowid;

create trigger journal_to_alarm after insert on journal when new.kind = 'alarm_raised'
begin
    insert into alarm (subject, kind, body) values (new.body ->> 'subject', new.body -> 'kind', new.body)
    on conflict (subject, kind) do update set body = excluded.body;
end;

create trigger journal_from_alarm after insert on journal when new.kind = 'alarm_cleared'
begin
    delete from alarm where subject = new.body ->> 'subject' and kind = new.body -> 'alarm';
end;

-- ---- stays -----------------------------------------------------------------------------------------

create table stay (
    id integer primary key,
    body text not null,
    plate text not null generated always as (body ->> 'plate') stored,
    state text not null generated always as (body ->> 'state') stored,
    is_open integer not null generated always as (body ->> 'state' in ('entering', 'inside')) stored,
    entered_at_ms integer not null
        generated always as (cast(round(unixepoch(body ->> 'entered_at', 'subsec') * 1000) as integer)) stored,
    paid_minor integer not null generated always as (body ->> 'paid_minor') stored,
    constraint stay_paid_not_negative check (paid_minor >= 0)
) strict;

create unique index stay_one_open_per_plate on stay (plate) where is_open = 1;

create trigger journal_to_stay after insert on journal when new.kind = 'stay'
begin
    insert into stay (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

-- ---- money -----------------------------------------------------------------------------------------

create table orders (
    id integer primary key,
    body text not null,
    stay_id integer not null generated always as (body ->> 'stay') stored,
    state text not null generated always as (body ->> '$.state.is') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    constraint orders_amount_not_negative check (amount_minor >= 0),
    constraint orders_stay_exists foreign key (stay_id) references stay (id)
) strict;

create index orders_of_stay on orders (stay_id);

create trigger journal_to_orders after insert on journal when new.kind = 'order'
begin
    insert into orders (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

create table payment (
    id integer primary key,
    body text not null,
    -- 0 once nobody has to ask the bank about it any more.
    watched integer not null,
    order_id integer not null generated always as (body ->> 'order') stored,
    out_trade_no text not null generated always as (body ->> 'out_trade_no') stored,
    state text not null generated always as (body ->> '$.state.is') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    constraint payment_amount_not_negative check (amount_minor >= 0),
    constraint payment_order_exists foreign key (order_id) references orders (id)
) strict;

create unique index payment_out_trade_no_unique on payment (out_trade_no);
create index payment_of_order on payment (order_id);
create index payment_watched on payment (id) where watched = 1;

create trigger journal_to_payment after insert on journal when new.kind = 'payment'
begin
    insert into payment (id, body, watched) values (new.body ->> 'id', new.body, 1)
    on conflict (id) do update set body = excluded.body, watched = 1;
end;

create trigger journal_files_payment after insert on journal when new.kind = 'payment_filed'
begin
    update payment set watched = 0 where id = new.body ->> 'payment';
end;

create table refund (
    id integer primary key,
    body text not null,
    payment_id integer not null generated always as (body ->> 'payment') stored,
    refund_no text not null generated always as (body ->> 'refund_no') stored,
    state text not null generated always as (body ->> 'state') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    constraint refund_amount_not_negative check (amount_minor >= 0),
    constraint refund_payment_exists foreign key (payment_id) references payment (id)
) strict;

create unique index refund_no_unique on refund (refund_no);
create index refund_of_payment on refund (payment_id);
create index refund_pending on refund (id) where state = 'pending';

create trigger journal_to_refund after insert on journal when new.kind = 'refund'
begin
    insert into refund (id, body) values (new.body ->> 'id', new.body)
    on conflict (id) do update set body = excluded.body;
end;

-- The ledger. A row is a transaction of two lines, so it sums to zero by its shape; it is never changed.
create table posting (
    txn integer primary key,
    body text not null,
    at_ms integer not null
        generated always as (cast(round(unixepoch(body ->> 'at', 'subsec') * 1000) as integer)) stored,
    payment_id integer not null generated always as (body ->> 'payment') stored,
    refund_id integer generated always as (body ->> 'refund') stored,
    debit text not null generated always as (body ->> 'debit') stored,
    credit text not null generated always as (body ->> 'credit') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    currency text not null generated always as (body ->> '$.amount.currency') stored,
    constraint posting_amount_not_negative check (amount_minor >= 0),
    constraint posting_two_accounts check (debit <> credit),
    constraint posting_payment_exists foreign key (payment_id) references payment (id),
    constraint posting_refund_exists foreign key (refund_id) references refund (id)
) strict;

create index posting_by_time on posting (at_ms);
create index posting_of_payment on posting (payment_id);
-- Money comes in once per payment and goes back once per refund.
create unique index posting_payment_taken_once on posting (payment_id) where debit = 'channel_receivable';
create unique index posting_refund_done_once on posting (refund_id) where refund_id is not null;

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

-- The ledger's lines: a debit is positive, a credit negative.
create view posting_line as
select txn, at_ms, payment_id, refund_id, debit as account, amount_minor, currency from posting
union all
select txn, at_ms, payment_id, refund_id, credit as account, -amount_minor, currency from posting;

-- ---- people ----------------------------------------------------------------------------------------

-- Who may sign in. No part of the journal: what they do is.
create table operator (
    name text primary key,
    password_hash text not null,
    must_change integer not null,
    created_at_ms integer not null,
    disabled integer not null default 0,
    constraint operator_must_change_is_bool check (must_change in (0, 1)),
    constraint operator_disabled_is_bool check (disabled in (0, 1))
) strict;

-- A browser that is signed in. The token itself is never kept.
create table web_session (
    token_hash blob primary key,
    operator_name text not null,
    expires_at_ms integer not null,
    constraint web_session_operator_exists foreign key (operator_name) references operator (name) on delete cascade
) strict, without rowid;

create index web_session_by_expiry on web_session (expires_at_ms);
