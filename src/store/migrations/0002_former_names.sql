-- Names that users and groups had before: kept when they are renamed, so that an old name still leads to its bearer.

create table former_name (
    team integer not null,
    kind integer not null,
    name text not null,                 -- the userName, or displayName of a group, as it is compared
    resource integer not null,          -- the number of a resource that lives or has a tombstone
    until integer not null,
    primary key (team, kind, name, resource)
) strict, without rowid;

create index former_name_resource on former_name (resource);
