//! Requests as lines: time, status, token, what happened and why, the request's id. On a terminal the columns stand below
//! each other and long texts go on below their beginning; elsewhere each request is one line.

use std::collections::HashMap;

use serde_json::Value;

use super::Desk;
use super::terminal::{Colour, Screen, padded, printable, width, wrapped};
use crate::service::Cause;
use crate::service::told::Told;
use crate::store::{ActivityRow, Team};

/// Characters of a value that changed.
const LONGEST_VALUE: usize = 200;
/// Columns for the name of a token; a longer one pushes its line.
const WIDEST_TOKEN: usize = 20;
/// Columns that a text must have to be broken into lines of its own.
const NARROWEST_TEXT: usize = 20;

/// Makes lines, knowing the names of tokens.
pub(super) struct Lines<'a> {
    desk: &'a Desk,
    team: &'a Team,
    tokens: HashMap<i64, String>,
    screen: Screen,
}

impl<'a> Lines<'a> {
    pub fn new(desk: &'a Desk, team: &'a Team) -> Lines<'a> {
        Lines { desk, team, tokens: HashMap::new(), screen: Screen::of_output() }
    }

    /// The line of a request.
    pub fn line(&mut self, row: &ActivityRow) -> String {
        let activity = &row.activity;
        let token = match (activity.token, &activity.who) {
            (Some(n), _) => self.token(n),
            (None, Some(who)) => who.clone(),
            (None, None) => "no token".to_owned(),
        };
        laid_out(
            &self.screen,
            [&activity.at.render(), &status(activity.status), &token],
            activity.status < 400,
            &text(row),
            &activity.request,
        )
    }

    /// The line of something in a history, and below it what changed.
    pub fn told(&mut self, told: &Told) -> String {
        let mut text = self.line(&told.row);
        let changes = told.row.activity.diff.as_ref().and_then(Value::as_array);
        for change in changes.into_iter().flatten() {
            let part = |name: &str| match change[name].as_str().unwrap_or_default() {
                "" => "nothing".to_owned(),
                text => clipped(text),
            };
            let line = format!("    {}: {} to {}", part("path"), part("old"), part("new"));
            text.push_str(&(printable(&line) + "\n"));
        }
        text
    }

    fn token(&mut self, n: i64) -> String {
        if !self.tokens.contains_key(&n) {
            let tokens = self.desk.service.tokens(self.team.id).unwrap_or_default();
            self.tokens.extend(tokens.into_iter().map(|token| (token.n, token.name)));
        }
        self.tokens.get(&n).cloned().unwrap_or_else(|| format!("token {n}"))
    }
}

fn status(status: u16) -> String {
    // Of a request that is forgotten only its events are known.
    if status == 0 { "---".to_owned() } else { status.to_string() }
}

/// What happened, and in brackets what more is known of it; of a refusal without words of its own whence it came.
fn text(row: &ActivityRow) -> String {
    let activity = &row.activity;
    let cause = activity.cause.as_deref().and_then(Cause::from_key);
    let note = match cause.filter(|cause| cause.says_nothing(&activity.note)) {
        Some(_) if activity.method.is_empty() => format!("{}, from {}", activity.note, activity.address),
        Some(_) => format!("{} {} from {}", activity.method, activity.path, activity.address),
        None => activity.note.clone(),
    };
    match note.as_str() {
        "" => activity.sentence.clone(),
        note => format!("{} ({note})", activity.sentence),
    }
}

fn laid_out(screen: &Screen, columns: [&str; 3], good: bool, text: &str, request: &str) -> String {
    let [time, status, token] = columns.map(printable);
    let (text, request) = (printable(text), printable(request));
    let token = if screen.width.is_some() { padded(&token, WIDEST_TOKEN) } else { token };
    let indent = time.len() + status.len() + width(&token) + 6;
    let coloured = screen.coloured(if good { Colour::Good } else { Colour::Bad }, &status);
    let head = format!("{time}  {coloured}  {token}  ");
    let faint = |request: &str| screen.coloured(Colour::Faint, request);
    let room = screen.width.and_then(|all| all.checked_sub(indent)).filter(|room| *room >= NARROWEST_TEXT);
    let Some(room) = room else { return format!("{head}{text}  {}\n", faint(&request)) };
    let mut lines = wrapped(&text, room);
    let last = lines.last_mut().expect("a text has a line");
    match width(last) + 2 + width(&request) <= room {
        true => *last = format!("{last}  {}", faint(&request)),
        false => lines.push(faint(&request)),
    }
    let below = format!("\n{}", " ".repeat(indent));
    format!("{head}{}\n", lines.join(&below))
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Activity;

    const COLUMNS: [&str; 3] = ["2026-11-23T16:02:11.304Z", "409", "JumpCloud"];

    #[test]
    fn elsewhere_than_on_a_terminal_a_request_is_one_line_without_colours() {
        let line = laid_out(&Screen::default(), COLUMNS, false, "Refused: a\nnew user (taken)", "req_1");
        assert_eq!(
            line,
            "2026-11-23T16:02:11.304Z  409  JumpCloud  Refused: a\u{fffd}new user (taken)  req_1\n"
        );
    }

    #[test]
    fn on_a_terminal_columns_stand_below_each_other_and_texts_go_on_below_their_beginning() {
        let screen = Screen { width: Some(90), colours: false };
        let said = "Refused: a new user, Front Desk (userName is required and was empty)";
        let line = laid_out(&screen, COLUMNS, false, said, "req_5jF6CNLx6grB134i8BgaJf");
        let indent = " ".repeat(53);
        assert_eq!(
            line,
            format!(
                "2026-11-23T16:02:11.304Z  409  {:20}  Refused: a new user, Front Desk\n\
                 {indent}(userName is required and was empty)\n{indent}req_5jF6CNLx6grB134i8BgaJf\n",
                "JumpCloud"
            )
        );
        assert!(line.lines().all(|line| width(line) <= 90));
        let short = laid_out(&screen, COLUMNS, true, "Read Mei", "req_1");
        assert_eq!(short.lines().count(), 1);
        let narrow = Screen { width: Some(60), colours: true };
        let line = laid_out(&narrow, COLUMNS, true, said, "req_1");
        assert!(line.contains("\u{1b}[32m409\u{1b}[0m") && line.lines().count() == 1, "{line}");
    }

    #[test]
    fn a_refusal_without_words_of_its_own_says_whence_it_came() {
        let activity = Activity {
            method: "GET".into(),
            path: "/scim/Users".into(),
            address: "2001:db8::7".into(),
            sentence: "Refused: wrong token".into(),
            note: "Nothing was changed".into(),
            cause: Some(Cause::TokenUnknown.key().into()),
            ..Activity::default()
        };
        let row = |activity: &Activity| ActivityRow { n: 1, activity: activity.clone() };
        assert_eq!(text(&row(&activity)), "Refused: wrong token (GET /scim/Users from 2001:db8::7)");
        let counted = Activity { method: String::new(), note: "Wrong token".into(), ..activity.clone() };
        assert_eq!(text(&row(&counted)), "Refused: wrong token (Wrong token, from 2001:db8::7)");
        let told = Activity { note: "It expired.".into(), ..activity };
        assert_eq!(text(&row(&told)), "Refused: wrong token (It expired.)");
    }
}
