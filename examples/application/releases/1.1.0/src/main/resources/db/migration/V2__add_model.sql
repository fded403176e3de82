-- Expand: the release before writes no model, and goes on writing during the release and after a rollback.
alter table message add column model text;
