-- When a token was first used: requests are forgotten after a while, this is not. Of tokens that were used before, only the
-- last use is known.

alter table token add column first_used integer;

update token set first_used = used;
