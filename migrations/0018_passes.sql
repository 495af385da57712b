-- Passes are sold: what they earn counts as takings.
drop view income;
create view income (name) as values ('parking_revenue'), ('sales_revenue'), ('ticket_revenue'), ('pass_revenue');
