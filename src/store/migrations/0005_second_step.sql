-- The second step of signing in: a secret shared with an authenticator app, and codes for the day it is lost.

create table second_step (
    admin integer primary key references admin (n) on delete cascade,
    sealed text not null,               -- the secret, sealed under the key file
    since integer not null,
    counter integer not null            -- the time step of the last code taken; none at or before it is taken again
) strict;

create table recovery_code (
    admin integer not null references admin (n) on delete cascade,
    hash blob not null,                 -- SHA-256; each code works once, and using it removes the row
    primary key (admin, hash)
) strict, without rowid;

-- When the administrator last gave a password or code; 0 asks again before the next sensitive change.
alter table session add column proved integer not null default 0;
