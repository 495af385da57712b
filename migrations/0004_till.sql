-- Why: money also moves without the bank: cash at a booth, floats, what is over or short.
--
-- A posting of cash is of no payment, so the ledger's table is made anew with that column empty. Its rows stay as they
-- are, in their order.

drop view posting_line;
drop trigger journal_to_posting;

create table posting_with_cash (
    txn integer primary key,
    body text not null,
    at_ms integer not null
        generated always as (cast(round(unixepoch(body ->> 'at', 'subsec') * 1000) as integer)) stored,
    payment_id integer generated always as (body ->> 'payment') stored,
    refund_id integer generated always as (body ->> 'refund') stored,
    cash_id integer generated always as (body ->> 'cash') stored,
    shift_id integer generated always as (body ->> 'shift') stored,
    pass_id integer generated always as (body ->> 'pass') stored,
    debit text not null generated always as (body ->> 'debit') stored,
    credit text not null generated always as (body ->> 'credit') stored,
    amount_minor integer not null generated always as (body ->> '$.amount.minor') stored,
    currency text not null generated always as (body ->> '$.amount.currency') stored,
    constraint posting_amount_not_negative check (amount_minor >= 0),
    constraint posting_two_accounts check (debit <> credit),
    constraint posting_of_something check (
        payment_id is not null or cash_id is not null or shift_id is not null or pass_id is not null
    ),
    constraint posting_cash_in_a_shift check (cash_id is null or shift_id is not null),
    constraint posting_payment_exists foreign key (payment_id) references payment (id),
    constraint posting_refund_exists foreign key (refund_id) references refund (id)
) strict;

insert into posting_with_cash (txn, body) select txn, body from posting order by txn;
drop table posting;
alter table posting_with_cash rename to posting;

create index posting_by_time on posting (at_ms);
create index posting_of_payment on posting (payment_id) where payment_id is not null;
create index posting_of_shift on posting (shift_id) where shift_id is not null;
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
select txn, at_ms, payment_id, refund_id, debit as account, amount_minor, currency from posting
union all
select txn, at_ms, payment_id, refund_id, credit as account, -amount_minor, currency from posting;

-- Cash is given back once.
create unique index cash_refunded_once on register (body ->> 'refund_of') where kind = 'cash';

-- What a merchant gave.
create index validation_of_merchant on register (body ->> 'merchant', cast(id as integer)) where kind = 'validation';

-- Who may sign in for a merchant. No part of the journal: what they give is.
create table merchant_account (
    name text primary key,
    merchant_id integer not null,
    password_hash text not null,
    -- SHA-256 of the token its programs use; null: none.
    token_hash blob,
    created_at_ms integer not null,
    constraint merchant_account_token_is_sha256 check (token_hash is null or length(token_hash) = 32)
) strict;

create unique index merchant_account_token on merchant_account (token_hash) where token_hash is not null;
create index merchant_account_of_merchant on merchant_account (merchant_id);

create table merchant_session (
    token_hash blob primary key,
    account_name text not null,
    expires_at_ms integer not null,
    constraint merchant_session_account_exists
        foreign key (account_name) references merchant_account (name) on delete cascade
) strict, without rowid;

create index merchant_session_by_expiry on merchant_session (expires_at_ms);
