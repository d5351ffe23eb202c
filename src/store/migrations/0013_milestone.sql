-- What each team's provider did for the first time: kept for good, while the requests that showed it are forgotten.

create table milestone (
    team integer not null,
    name text not null,
    at integer not null,
    subject text,                       -- the public id of whom it was about
    address text not null,
    what text not null,                 -- the request in a few words
    primary key (team, name)
) strict, without rowid;
