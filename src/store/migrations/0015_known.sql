-- What the server found out about itself and keeps: when it was last reached from outside, what its file is made of.
create table known (
    name text primary key,
    at integer not null,
    value text not null
) strict, without rowid;

-- How full the disk was on each day of UTC, in bytes.
create table size_day (
    day integer primary key,
    file integer not null,              -- what the file takes
    used integer not null               -- what is used of the whole disk
) strict;
