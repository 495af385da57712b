-- Why: partners have a part of the takings, merchants owe what they gave, and unpaid fees are owed.
--
-- A posting may be of an order that nobody paid yet, of a validation, of a merchant or of a partner, so the ledger's
-- table is made anew with those columns. Its rows stay as they are, in their order.

drop view posting_line;
drop trigger journal_to_posting;

create table posting_with_partners (
    txn integer primary key,
    body text not null,
    at_ms integer not null
        generated always as (cast(round(unixepoch(body ->> 'at', 'subsec') * 1000) as integer)) stored,
    payment_id integer generated always as (body ->> 'payment') stored,
    refund_id integer generated always as (body ->> 'refund') stored,
    cash_id integer generated always as (body ->> 'cash') stored,
    shift_id integer generated always as (body ->> 'shift') stored,
    pass_id integer generated always as (body ->> 'pass') stored,
    order_id integer generated always as (body ->> 'order') stored,
    merchant_id integer generated always as (body ->> 'merchant') stored,
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
        or settled_id is not null or order_id is not null or merchant_id is not null
    ),
    constraint posting_cash_in_a_shift check (cash_id is null or shift_id is not null),
    constraint posting_payment_exists foreign key (payment_id) references payment (id),
    constraint posting_refund_exists foreign key (refund_id) references refund (id),
    constraint posting_order_exists foreign key (order_id) references orders (id)
) strict;

insert into posting_with_partners (txn, body) select txn, body from posting order by txn;
drop table posting;
alter table posting_with_partners rename to posting;

create index posting_by_time on posting (at_ms);
create index posting_of_payment on posting (payment_id) where payment_id is not null;
create index posting_of_cash on posting (cash_id) where cash_id is not null;
create index posting_of_shift on posting (shift_id) where shift_id is not null;
create index posting_of_settled on posting (settled_id) where settled_id is not null;
create index posting_of_merchant on posting (merchant_id, at_ms) where merchant_id is not null;
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

-- Accounts whose credit is takings, when money or its promise stands on the other side.
create view income (name) as values ('parking_revenue'), ('sales_revenue'), ('ticket_revenue');

-- What was done about a settlement day, step by step.
create index journal_of_settled on journal (body ->> 'id', seq) where kind = 'settled';

-- What of a payment the bank gives to a partner by itself, one row for each step of it. No part of the journal: the sums
-- that the bank has taken on are, and they change the ledger.
create table share_relay (
    -- Ours, the same however often it is asked.
    number text primary key,
    channel text not null,
    -- The settlement day whose share it is of.
    day text not null,
    partner text not null,
    out_trade_no text not null,
    bank_no text not null,
    -- When the payment came in.
    paid_at_ms integer not null,
    -- Of the refund that takes it back; empty: it is given.
    given_number text not null,
    minor integer not null,
    state text not null default 'waiting',
    asks integer not null default 0,
    detail text not null default '',
    changed_at_ms integer not null,
    constraint share_relay_minor_not_negative check (minor >= 0),
    constraint share_relay_state_is_known check (state in ('waiting', 'done', 'refused'))
) strict, without rowid;

create index share_relay_waiting on share_relay (channel, day, number) where state = 'waiting';
create index share_relay_of_day on share_relay (channel, day);
