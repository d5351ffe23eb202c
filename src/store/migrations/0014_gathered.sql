-- Rows that tell of many requests have no method and are no change. By their times a request is found that is only a line
-- in one of them.
create index activity_gathered on activity (team, at) where method = '' and change = 0;
