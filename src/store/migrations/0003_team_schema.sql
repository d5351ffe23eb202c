-- The schema extensions that a team has loaded, beside the standard schemas.

create table team_schema (
    team integer not null references team (n),
    folded text not null,               -- the URN as it is compared
    urn text not null,
    kind integer not null check (kind in (1, 2)),
    position integer not null,          -- the order in which they were added
    added integer not null,
    changed integer not null,
    document text not null,             -- JSON, complete
    primary key (team, folded)
) strict, without rowid;
