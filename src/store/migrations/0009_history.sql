-- Who made each event, so that a history is told whole when the requests themselves are forgotten; and the names of the
-- deleted, by which they are found.

alter table event add column request text;      -- req_…; null where no request is known
alter table event add column token integer;     -- null where it was no token's

update event set request = done.request, token = done.token
from activity done
where done.team = event.team and event.number between done.first_event and done.last_event;

insert or ignore into former_name (team, kind, name, resource, until)
select team, kind, folded(name), n, deleted from tombstone where name <> ''
union
select team, kind, folded(display), n, deleted from tombstone where display <> '';

-- Requests about somebody that made no event: those refused, and those that changed nothing.
drop index activity_subject;
create index activity_quiet on activity (team, subject) where subject is not null and change = 1 and first_event is null;
