-- Orders of tickets whose cash has to go back, to be listed for the window without looking through all orders.
create index orders_cash_owed on orders (id) where body ->> '$.basket.cash_owed_minor' > 0;
