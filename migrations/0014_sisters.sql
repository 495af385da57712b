-- Why: a site has several daemons, each of which sells tickets and lets in on those of the others; a card is a ticket.
--
-- The other daemons, each person on their tickets, each showing of a ticket of somebody else's cloud, and each card that
-- stands for a ticket are entries of the register.

create trigger journal_sisters_to_register after insert on journal when new.kind in ('sister', 'sister_ask', 'cloud_pass', 'card')
begin
    insert into register (kind, id, body) values (new.kind, new.body ->> 'id', new.body)
    on conflict (kind, id) do update set body = excluded.body;
end;

-- Two daemons may have registered the same code: each knows it by its own ticket. The upper byte of a ticket's number is
-- its daemon's.
drop index ticket_code_unique;
create unique index ticket_code_unique on ticket (digest, (id >> 40));
