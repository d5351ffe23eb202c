-- The words by which requests are found: an index without the texts themselves. The rowid is the request's number; every
-- word begins with the number of its team and a "t" (see store/activity/words.rs).

create virtual table activity_text using fts5 (
    words,
    content = '',
    contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);

insert into activity_text (rowid, words)
select n, team_words(team, concat_ws(' ', sentence, note, request, path, subject, subject_name)) from activity;
