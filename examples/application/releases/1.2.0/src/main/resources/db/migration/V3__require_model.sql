-- Contract: every release since 1.1.0 writes the model. Run it when no rollback leads to 1.0.0 any more.
update message set model = 'unknown' where model is null;
alter table message alter column model set not null;
