-- What operators change of merchants and time slots, and rules read anew, stand in the trail too. The condition stands
-- word for word in src/store/trail.rs, else SQLite does not use the index.
drop index journal_trail;
create index journal_trail on journal (at_ms, seq) where (
    kind in (
        'operator_acted', 'plate_given', 'till_acted', 'ticket_acted', 'task', 'pass', 'listed', 'reservation',
        'validation', 'shift', 'settled', 'closure', 'zone', 'alarm_raised', 'alarm_cleared', 'word_unplaced',
        'office_acted', 'rules_read'
    )
    or (kind = 'admission' and body ->> 'settled' is not null)
);
