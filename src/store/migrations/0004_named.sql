-- Whether the name to show is the resource's own displayName: only that is told to SCIM clients.

alter table resource add column named integer not null default 0;
alter table member add column named integer not null default 0;

update resource set named = 1 where json_extract(doc, '$.displayName') = display;
update member set named = 1 where member in (select n from resource where named = 1);
