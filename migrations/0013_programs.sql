-- Why: programs ask and act by tokens of their own, say the same thing twice safely, and are told what happens.
--
-- No part of the journal: what programs do is.

-- A program and what it may do. The token itself is never kept.
create table program (
    name text primary key,
    token_hash blob not null,
    -- JSON: the names of its scopes.
    scopes text not null,
    made_by text not null,
    created_at_ms integer not null,
    -- About a minute exact; null: never.
    used_at_ms integer,
    constraint program_token_is_sha256 check (length(token_hash) = 32)
) strict, without rowid;

create unique index program_token on program (token_hash);

-- What was asked under an Idempotency-Key, for a day: the request's digest and, once it is known, the answer.
create table once (
    caller text not null,
    key text not null,
    digest blob not null,
    at_ms integer not null,
    -- null: begun, and no answer was kept.
    status integer,
    content_type text,
    body blob,
    primary key (caller, key),
    constraint once_digest_is_sha256 check (length(digest) = 32)
) strict, without rowid;

create index once_by_time on once (at_ms);

-- Who is told of what. How far each is, lies in a file beside this one: it changes with every event.
create table webhook (
    id integer primary key autoincrement,
    url text not null,
    -- JSON: the kinds of events.
    kinds text not null,
    -- With whole plates.
    plates integer not null,
    -- The secret is made of this and the site's key.
    salt blob not null,
    made_by text not null,
    created_at_ms integer not null,
    -- The last journal row that is not told.
    after_seq integer not null,
    constraint webhook_plates_is_bool check (plates in (0, 1))
) strict;
