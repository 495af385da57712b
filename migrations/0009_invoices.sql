-- Why: whoever paid may want an invoice, once per order, and money that goes back takes it back in red.
--
-- Invoices are entries of the register, by a trigger of their own. Where an invoice is sent is personal data: it is no
-- part of the journal, so that it can be deleted.

create trigger journal_to_invoice after insert on journal when new.kind = 'invoice'
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;

create index invoice_of_order on register (body ->> 'order', cast(id as integer)) where kind = 'invoice';
-- A refused one makes room for a corrected claim.
create unique index invoice_one_per_order on register (body ->> 'order')
where kind = 'invoice' and body ->> 'red_of' is null and body ->> '$.state.is' <> 'refused';
create unique index invoice_one_red_per_refund on register (body -> 'undoes')
where kind = 'invoice' and body -> 'undoes' is not null and body ->> '$.state.is' not in ('refused', 'void');

create table invoice_contact (
    order_id integer primary key,
    -- E-mail address or telephone number, as JSON.
    contact text not null,
    put_at_ms integer not null
) strict;

create index invoice_contact_by_time on invoice_contact (put_at_ms);
