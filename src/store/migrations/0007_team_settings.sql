-- What each team has chosen, and what forgetting by time and erasing a removed team walk along.
-- A team without a row has the defaults, which the code knows.

create table team_setting (
    team integer primary key references team (n),
    keep_requests integer not null,     -- days
    request_bytes integer not null,     -- how much the requests may take
    keep_history integer,               -- days; null keeps it for ever
    keep_inactive integer,              -- days; null keeps inactive users until they are deleted
    same_group_names integer not null,  -- a second group of a name is taken
    restore_returning integer not null, -- who comes back gets the id of before
    warn_people integer,                -- more people than this deactivated within an hour is told; null never
    warn_percent integer
) strict;

-- When the data of a removed team was gone; the row stays, so that its short name is never given again.
alter table team add column erased integer;

create index tombstone_deleted on tombstone (team, deleted);
create index member_past_until on member_past (team, until);

-- Inactive users by their last change, for those that are kept for a time only.
drop index resource_inactive;
create index resource_inactive on resource (team, modified) where active = 0;

-- People who were deactivated or deleted, for the warning about many at once.
create index event_leaving on event (team, at) where name in ('user.deactivated', 'user.deleted');
