-- Whose hand it was, where an administrator made a change of the directory; when each administrator signed in; and what the
-- changes of an hour came to.

alter table event add column who text;          -- the administrator; null where a request or scimd itself made it
alter table activity add column who text;
alter table tombstone add column who text;

alter table admin add column signed_in integer;         -- the last time
alter table admin add column signed_in_from text;
alter table session add column before integer;          -- when the administrator had signed in the time before this one

update admin set signed_in = latest.at, signed_in_from = latest.address
from (select max(at) as at, subject, json_extract(detail, '$.address') as address from audit
      where what = 'session.began' group by subject) latest
where latest.subject = admin.email;

alter table hour add column added integer not null default 0;
alter table hour add column changed integer not null default 0;
alter table hour add column deactivated integer not null default 0;
alter table hour add column deleted integer not null default 0;

-- Days before are not shown so; of the last two the events know enough.
update hour set added = known.added, changed = known.changed, deactivated = known.deactivated, deleted = known.deleted
from (select team, at / 3600000 * 3600000 as hour,
             sum(name like '%.created' or name like '%.restored') as added,
             sum(name like '%.updated' or name like '%.reactivated') as changed,
             sum(name like '%.deactivated') as deactivated,
             sum(name like '%.deleted') as deleted
      from event where at >= (select max(hour) from hour) - 172800000 group by 1, 2) known
where known.team = hour.team and known.hour = hour.hour;

-- What administrators changed before an instant.
create index audit_at on audit (at);
