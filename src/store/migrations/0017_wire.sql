-- How a request came over the network (see base/wire.rs), and when a change was checked; duration_us is the time until its
-- commit was on disk.
alter table activity add column wire integer;
alter table activity add column checked_us integer;

-- Most requests are answered with 200: any other status leads to its few rows at once.
create index activity_status on activity (team, status, at) where status <> 200;
create index activity_failed on activity (team, at, status, token) where status >= 500;
