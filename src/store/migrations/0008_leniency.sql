-- How many requests of each token were understood by each leniency, and when last.

create table leniency (
    team integer not null,
    token integer not null,
    name text not null,
    requests integer not null,
    last integer not null,
    primary key (team, token, name)
) strict, without rowid;
