-- Why: a site may have several contracts with banks, and several ways of paying at each.
--
-- Payments of before had one channel and one way; their bodies do not name them.

alter table payment add column channel text not null
    generated always as (coalesce(body ->> 'channel', 'icbc')) virtual;
alter table payment add column way text not null
    generated always as (coalesce(body ->> 'way', 'cashier')) virtual;
