-- How many members each group had at the end of each day of UTC on which that changed, and how many came and went then.

create table member_day (
    team integer not null,
    holder integer not null,            -- the group's number
    day integer not null,
    members integer not null,
    joined integer not null,
    gone integer not null,
    primary key (holder, day)
) strict, without rowid;

create index member_day_team on member_day (team);

-- A group's members have stayed since its last change.
insert into member_day (team, holder, day, members, joined, gone)
select team, n, modified / 86400000 * 86400000, members, 0, 0 from resource where kind = 2;

-- Groups without members, which are few.
create index resource_empty on resource (team) where kind = 2 and members = 0;

-- When each administrator signed in.
create index audit_session_began on audit (subject, n) where what = 'session.began';
