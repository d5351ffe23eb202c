-- The directory: teams, tokens, users and groups, memberships, events, activity, audit, administrators.
-- Instants are milliseconds since 1970-01-01T00:00:00Z. kind is 1 for a user, 2 for a group.
-- (auto_vacuum is set to incremental, and application_id to scimd's mark, before this runs.)

create table team (
    n integer primary key autoincrement,
    slug text not null unique,          -- the name in addresses; never given to another team
    name text not null,
    folded text not null,               -- the name as it is compared
    created integer not null,
    removed integer                     -- its tokens stopped then
) strict;

create unique index team_name on team (folded) where removed is null;

-- What is counted, kept as rows so that nobody has to count. Row 0 is for requests that belong to no team.
create table total (
    team integer primary key,
    users integer not null default 0,
    active integer not null default 0,          -- users that are not inactive
    groups integer not null default 0,
    events integer not null default 0,          -- the number of the last event
    forgotten integer not null default 0,       -- the number of the last event that was pruned
    activity_bytes integer not null default 0   -- rows and bodies of requests, as far as they are still kept
) strict;

insert into total (team) values (0);

-- Goes up with every change to what a running server caches: teams, schemas, settings.
create table generation (
    one integer primary key check (one = 1),
    n integer not null
) strict;

insert into generation (one, n) values (1, 1);

create table setting (
    name text primary key,
    value text not null,
    changed integer not null
) strict, without rowid;

create table token (
    n integer primary key autoincrement,
    team integer not null references team (n),
    hash blob not null unique,          -- SHA-256 of the text
    name text not null,
    source text not null,               -- whose resources it owns; rotation keeps it
    last4 text not null,
    region text,
    strict integer not null,            -- exactly the RFCs, no leniency
    read_only integer not null,
    created integer not null,
    created_by text not null,
    expires integer,
    revoked integer,
    revoked_by text,
    used integer,                       -- the last use, and from where
    used_address text,
    used_user_agent text,
    provider text,                      -- the identity provider it seems to be used by
    user text                         -- the id of the user it speaks for at /Me
) strict;

create unique index token_name on token (team, name) where revoked is null;

-- Users and groups. n joins tables, orders lists and is never used twice; id is public and never joins.
create table resource (
    n integer primary key autoincrement,
    team integer not null references team (n),
    kind integer not null check (kind in (1, 2)),
    id text not null,
    version integer not null,
    created integer not null,
    modified integer not null,
    active integer,                     -- the user's active as it is assigned; null where it is not
    members integer not null default 0, -- how many members a group has
    source text not null,               -- the source that made or adopted it
    token integer not null,             -- the token that last wrote it; 0 for none
    display text not null,              -- the name to show
    doc text not null                   -- the canonical document, without id, meta and edges
) strict;

create unique index resource_id on resource (team, id);
create index resource_list on resource (team, kind);
create index resource_created on resource (team, kind, created);
create index resource_modified on resource (team, kind, modified);
create index resource_inactive on resource (team) where active = 0;

-- How many resources there are in each run of 1,024 numbers: a deep page finds its beginning by adding these up.
create table run (
    team integer not null,
    kind integer not null,
    run integer not null,               -- n / 1024
    resources integer not null,
    primary key (team, kind, run)
) strict, without rowid;

-- Indexed paths by small numbers; those of unique attributes in a team's own schemas are added when first used.
create table path (
    n integer primary key,
    name text not null unique           -- in canonical spelling
) strict;

insert into path (n, name) values
    (1, 'userName'),
    (2, 'displayName'),
    (3, 'externalId'),
    (4, 'emails.value'),
    (5, 'name.familyName'),
    (6, 'name.givenName'),
    (7, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber');

-- The values at indexed paths, folded unless the attribute is caseExact.
create table attribute (
    team integer not null,
    kind integer not null,
    path integer not null references path (n),
    value text not null,
    resource integer not null references resource (n),
    primary key (team, kind, path, value, resource)
) strict, without rowid;

create index attribute_resource on attribute (resource, path);

-- Memberships, one row per edge. The member's id, kind and name stand here too, so that a long list is one walk.
create table member (
    holder integer not null references resource (n),  -- the group
    member integer not null references resource (n),
    id text not null,
    kind integer not null,
    display text not null,
    since integer not null,
    event integer not null,             -- the first event of the change that made it
    primary key (holder, member)
) strict, without rowid;

create index member_of on member (member, holder);

-- Which groups hold a group, over any number of steps. Empty as long as no group is in a group.
create table above (
    inner_group integer not null references resource (n),
    outer_group integer not null references resource (n),
    primary key (inner_group, outer_group)
) strict, without rowid;

create index above_below on above (outer_group, inner_group);

-- Memberships that ended. Group and member are numbers of resources that live or have a tombstone.
create table member_past (
    member integer not null,
    holder integer not null,
    until integer not null,
    team integer not null,
    since integer not null,
    began integer not null,             -- the first event of the change that made it
    ended integer not null,             -- and of the change that ended it
    primary key (member, holder, until, ended)
) strict, without rowid;

create index member_past_group on member_past (holder, until);

-- What was deleted, for history and re-hire. n is the number that the resource had.
create table tombstone (
    n integer primary key,
    team integer not null references team (n),
    kind integer not null,
    id text not null,
    source text not null,
    external_id text,
    name text not null,                 -- userName, or displayName of a group
    display text not null,
    version integer not null,
    created integer not null,
    deleted integer not null,
    token integer                       -- the token that deleted it; null for an administrator
) strict;

create index tombstone_id on tombstone (team, id);
create index tombstone_external_id on tombstone (team, source, external_id) where external_id is not null;

-- What changed, numbered 1, 2, 3 … within the team without a gap.
create table event (
    n integer primary key,
    team integer not null references team (n),
    number integer not null,
    id text not null,                   -- evt_…
    at integer not null,
    name text not null,                 -- user.created, membership.added …
    kind integer not null,
    resource text not null,             -- the public id of what it tells of
    body text not null
) strict;

create unique index event_number on event (team, number);
create index event_resource on event (team, resource, number);

-- Every provisioning request. team 0 is for requests that belong to no team.
create table activity (
    n integer primary key,
    at integer not null,
    team integer not null,
    token integer,
    request text not null,              -- req_…
    address text not null,
    user_agent text not null,
    method text not null,
    path text not null,
    query text not null,
    status integer not null,
    duration_us integer not null,
    change integer not null,            -- it changed something, or meant to
    folded integer not null,            -- how many like it the row stands for
    subject text,                       -- the public id of what it was about
    subject_kind integer,
    subject_name text,
    sentence text not null,
    note text not null,                 -- what stands under it with less weight
    cause text,                         -- why it was refused
    leniencies text,                    -- JSON list of names
    dropped text,                       -- JSON list of names
    diff text,                          -- JSON
    first_event integer,
    last_event integer,
    bytes integer not null              -- what the row and its bodies count for
) strict;

create index activity_at on activity (team, at);
create index activity_request on activity (request);
create index activity_subject on activity (team, subject, at) where subject is not null;
create index activity_change on activity (team, at) where change = 1;
create index activity_error on activity (team, at) where status >= 400;

-- The bodies, deflated.
create table activity_body (
    activity integer primary key references activity (n),
    team integer not null,
    request blob,
    answer blob
) strict;

create index activity_body_team on activity_body (team);

-- Requests by hour of UTC; hour is its beginning, team 0 for requests that belong to no team.
create table hour (
    team integer not null,
    hour integer not null,
    reads integer not null,
    changes integer not null,
    errors integer not null,
    primary key (team, hour)
) strict, without rowid;

-- Totals at the end of each day of UTC on which they changed; day is its beginning.
create table day (
    team integer not null,
    day integer not null,
    users integer not null,
    active integer not null,
    groups integer not null,
    primary key (team, day)
) strict, without rowid;

-- Changes by administrators and the command line, each bound to the one before by its hash.
create table audit (
    n integer primary key autoincrement,
    at integer not null,
    team integer references team (n),
    who text not null,
    what text not null,
    subject text not null,
    detail text not null,               -- JSON
    previous blob not null,             -- the hash of the row before; 32 zero bytes before the first
    hash blob not null                  -- SHA-256 over previous and all of the above
) strict;

create index audit_team on audit (team, n);

create table admin (
    n integer primary key autoincrement,
    email text not null,
    folded text not null unique,        -- the address as it is compared
    name text not null,
    read_only integer not null,
    created integer not null,
    password_set integer not null,
    password_hash text not null         -- argon2 in PHC form
) strict;

create table session (
    hash blob primary key,              -- SHA-256 of the secret in the cookie
    admin integer not null references admin (n) on delete cascade,
    created integer not null,
    seen integer not null,
    address text not null,
    user_agent text not null
) strict, without rowid;

create index session_admin on session (admin);
