-- The name to show, and the other names and addresses by which somebody is known, as they are compared and a line each:
-- lists are walked along it, and a search looks into it (see store/called.rs).

alter table resource add column called text not null default '';

update resource set called = called(kind, display, doc);

create index resource_called on resource (team, kind, called);

-- With what the log is narrowed by, so that a walk passes what does not match without reading it.
drop index activity_error;
create index activity_error on activity (team, at, status, token) where status >= 400;
drop index activity_change;
create index activity_change on activity (team, at, status, token) where change = 1;
