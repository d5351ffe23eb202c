//! A provider's own export, read: which column holds what, in every provider's headings, and who stands in it. What the
//! directory has of it is compared next door.

use std::collections::{BTreeMap, BTreeSet};

use crate::scim::fold::fold;
use crate::service::Error;

/// What a column of the export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    UserName,
    Email,
    Group,
    /// A group by its address or id, which is no name to find it by.
    GroupAddress,
    /// Active, or suspended, in the provider's word for it.
    Standing,
    /// JumpCloud's state; elsewhere a province.
    State,
    /// Suspended: yes or no.
    Suspended,
    /// Locked for a while: yes or no.
    Locked,
    /// An attribute that is compared as text.
    Attribute(&'static str),
    Other,
}

/// The words that providers use in their headings, without blanks and in small letters.
const HEADINGS: [(&[&str], Column); 15] = [
    (&["username", "login", "userprincipalname", "upn", "userlogin"], Column::UserName),
    (
        &["email", "emailaddress", "mail", "primaryemail", "workemail", "memberemail", "useremail", "member"],
        Column::Email,
    ),
    (&["group", "groupname", "groupdisplayname", "usergroup"], Column::Group),
    (&["groupemail", "groupemailaddress", "groupid", "groupkey"], Column::GroupAddress),
    (
        &["active", "status", "userstatus", "userstate", "enabled", "accountenabled", "accountstatus"],
        Column::Standing,
    ),
    (&["state"], Column::State),
    (&["suspended", "disabled", "deactivated", "blockcredential", "blocksignin"], Column::Suspended),
    (&["accountlocked", "passwordexpired"], Column::Locked),
    (&["firstname", "givenname"], Column::Attribute("name.givenName")),
    (&["lastname", "familyname", "surname"], Column::Attribute("name.familyName")),
    (&["displayname"], Column::Attribute("displayName")),
    (&["title", "jobtitle", "employeetitle"], Column::Attribute("title")),
    (&["externalid"], Column::Attribute("externalId")),
    (&["department"], Column::Attribute("department")),
    (&["employeenumber", "employeeid", "employeeidentifier"], Column::Attribute("employeeNumber")),
];

impl Column {
    fn of(heading: &str) -> Column {
        // Google writes "Email Address [Required]" and "Status [READ ONLY]".
        let bare = heading.split('[').next().unwrap_or("");
        let word: String =
            bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        HEADINGS
            .iter()
            .find(|(words, _)| words.contains(&word.as_str()))
            .map_or(Column::Other, |(_, column)| *column)
    }
}

/// How somebody stands with the provider; of several words the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Active,
    /// Locked for a while: here in either state.
    Locked,
    /// Not begun: providers send these later, or have sent them already.
    Before,
    Inactive,
}

/// A person in the export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub line: u64,
    pub name: String,
    /// The e-mail address beside a user name.
    pub email: Option<String>,
    pub standing: Option<Standing>,
    pub attributes: Vec<(&'static str, String)>,
}

impl Person {
    fn stands(&mut self, standing: Standing) {
        self.standing = self.standing.max(Some(standing));
    }
}

/// A provider's export, read.
#[derive(Debug, Default)]
pub struct Export {
    /// By folded name.
    pub(super) people: BTreeMap<String, Person>,
    /// Groups by folded name: the name as written, and the folded names of members.
    pub(super) groups: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Whether each line is a membership, and says nothing of who else there is.
    pub(super) memberships: bool,
}

impl Export {
    /// Reads an export: CSV with a heading line, separated by commas, semicolons or tabs, in UTF-8 or UTF-16.
    pub fn read(bytes: &[u8]) -> Result<Export, Error> {
        let text = decoded(bytes)?;
        let (text, skipped) = without_preamble(&text);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator(text)).flexible(true).from_reader(text.as_bytes());
        let headings = reader.headers().map_err(|error| refused(&error))?.clone();
        let columns: Vec<Column> = headings.iter().map(Column::of).collect();
        let (by_name, by_email) = (columns.contains(&Column::UserName), columns.contains(&Column::Email));
        let by_group = columns.contains(&Column::Group);
        if !by_group && columns.contains(&Column::GroupAddress) {
            return Err(Error::Refused(
                "the file tells groups apart by address or id alone; add a column \"Group Name\" with the names that the \
                 provider sends"
                    .into(),
            ));
        }
        if !by_name && !by_email && !by_group {
            return Err(Error::Refused(format!(
                "the first line names no column that tells users or groups apart: it has {}; one of them must be \
                 userName, email or group",
                first_words(&headings)
            )));
        }
        let mut export = Export { memberships: by_group && (by_name || by_email), ..Export::default() };
        let mut places = Places { text: text.as_bytes(), at: 0, line: skipped + 1 };
        for record in reader.records() {
            let record = record.map_err(|error| refused(&error))?;
            let line = places.line_of(record.position().map_or(0, csv::Position::byte) as usize);
            export.add(&columns, &record, line, by_name)?;
        }
        Ok(export)
    }

    fn add(
        &mut self,
        columns: &[Column],
        record: &csv::StringRecord,
        line: u64,
        by_name: bool,
    ) -> Result<(), Error> {
        let (person, group) = person(columns, record, line, by_name)?;
        if let Some(group) = group {
            let members = &mut self.groups.entry(fold(&group)).or_insert_with(|| (group, BTreeSet::new())).1;
            if !person.name.is_empty() {
                members.insert(fold(&person.name));
            }
        } else if person.name.is_empty() && record.iter().any(|cell| !cell.trim().is_empty()) {
            return Err(Error::Refused(format!("line {line} has no user name; complete it or take it out")));
        }
        if person.name.is_empty() {
            return Ok(());
        }
        match self.people.get(&fold(&person.name)) {
            Some(first) if !self.memberships => Err(Error::Refused(format!(
                "\"{}\" stands in line {} and again in line {line}; take one out",
                person.name, first.line
            ))),
            Some(_) => Ok(()),
            None => {
                self.people.insert(fold(&person.name), person);
                Ok(())
            }
        }
    }
}

/// Counts lines on the way: the reader's own count is one behind in files with CRLF.
struct Places<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Places<'_> {
    /// The line of a record that begins at a byte, none of which lies before the last one asked for.
    fn line_of(&mut self, byte: usize) -> u64 {
        let byte = byte.clamp(self.at, self.text.len());
        // A record may begin with the end of the line break before it, or with empty lines.
        let start = self.text[byte..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count() + byte;
        self.line += self.text[self.at..start].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = start;
        self.line
    }
}

/// Who stands in a line, and in which group.
fn person(
    columns: &[Column],
    record: &csv::StringRecord,
    line: u64,
    by_name: bool,
) -> Result<(Person, Option<String>), Error> {
    let (mut person, mut group) = (Person { line, ..Person::default() }, None);
    for (column, cell) in columns.iter().zip(record) {
        let cell = cell.trim();
        match column {
            _ if cell.is_empty() => {}
            Column::UserName if person.name.is_empty() => person.name = cell.to_owned(),
            Column::Email if !by_name && person.name.is_empty() => person.name = cell.to_owned(),
            Column::Email if person.email.is_none() => person.email = Some(cell.to_owned()),
            Column::Group => group = Some(cell.to_owned()),
            Column::Standing => match standing(cell) {
                Some(standing) => person.stands(standing),
                None => {
                    return Err(Error::Refused(format!(
                        "line {line}: \"{cell}\" is no known state; write active or suspended, true or false"
                    )));
                }
            },
            Column::State => person.standing = person.standing.max(standing(cell)),
            Column::Suspended => match yes(cell) {
                Some(true) => person.stands(Standing::Inactive),
                Some(false) => person.stands(Standing::Active),
                None => {
                    return Err(Error::Refused(format!(
                        "line {line}: \"{cell}\" does not say whether somebody is suspended; write true or false"
                    )));
                }
            },
            Column::Locked if yes(cell) == Some(true) => person.stands(Standing::Locked),
            Column::Attribute(path) => person.attributes.push((path, cell.to_owned())),
            Column::UserName | Column::Email | Column::GroupAddress | Column::Locked | Column::Other => {}
        }
    }
    Ok((person, group))
}

/// The text of a file as spreadsheets and shells write it.
fn decoded(bytes: &[u8]) -> Result<String, Error> {
    let pairs =
        |from: fn([u8; 2]) -> u16| bytes[2..].chunks_exact(2).map(move |pair| from([pair[0], pair[1]]));
    let wide = match bytes {
        [0xFF, 0xFE, ..] => {
            Some(char::decode_utf16(pairs(u16::from_le_bytes)).collect::<Result<String, _>>())
        }
        [0xFE, 0xFF, ..] => {
            Some(char::decode_utf16(pairs(u16::from_be_bytes)).collect::<Result<String, _>>())
        }
        _ => None,
    };
    if let Some(wide) = wide {
        return wide.map_err(|_| Error::Refused("the file begins as UTF-16 and does not go on as it".into()));
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(Error::Refused("the file is a spreadsheet; save it as CSV and compare that".into()));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(Error::Refused(format!("line {line} is not UTF-8; save the file as CSV in UTF-8")))
        }
    }
}

/// Lines that stand before the headings: a shell's note of the type, Excel's separator, a template's version.
fn without_preamble(mut text: &str) -> (&str, u64) {
    let mut skipped = 0;
    while ["#TYPE ", "sep=", "version:"].iter().any(|sign| text.starts_with(sign)) {
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
        skipped += 1;
    }
    (text, skipped)
}

/// The headings for a sentence: not more than fit in one.
fn first_words(headings: &csv::StringRecord) -> String {
    let mut words: Vec<String> =
        headings.iter().take(8).map(|word| word.chars().take(40).collect()).collect();
    if headings.len() > words.len() {
        words.push("…".into());
    }
    words.join(", ")
}

fn refused(error: &csv::Error) -> Error {
    Error::Refused(format!("the file cannot be read as CSV: {error}"))
}

/// The sign that stands most often in the heading line.
fn separator(text: &str) -> u8 {
    let heading = text.lines().next().unwrap_or("").as_bytes();
    let count = |sign: u8| heading.iter().filter(|byte| **byte == sign).count();
    [b';', b'\t']
        .into_iter()
        .filter(|sign| count(*sign) > count(b','))
        .max_by_key(|sign| count(*sign))
        .unwrap_or(b',')
}

fn word(cell: &str) -> String {
    cell.to_ascii_lowercase().replace([' ', '-'], "_")
}

/// How somebody stands, in the words of the providers.
fn standing(cell: &str) -> Option<Standing> {
    const WORDS: [(Standing, &[&str]); 4] = [
        (
            Standing::Active,
            &[
                "true",
                "yes",
                "1",
                "active",
                "activated",
                "enabled",
                "provisioned",
                "recovery",
                "password_expired",
                "password_reset",
                "awaiting_password_reset",
                "password_pending",
                "security_questions_required",
            ],
        ),
        (Standing::Locked, &["locked", "locked_out"]),
        (
            Standing::Before,
            &[
                "staged",
                "unactivated",
                "not_activated",
                "pending",
                "pending_activation",
                "pending_user_action",
                "invited",
            ],
        ),
        (
            Standing::Inactive,
            &[
                "false",
                "no",
                "0",
                "inactive",
                "suspended",
                "disabled",
                "deactivated",
                "deprovisioned",
                "archived",
                "deleted",
            ],
        ),
    ];
    let word = word(cell);
    WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(standing, _)| *standing)
}

/// Yes or no, also said by the heading's own word.
fn yes(cell: &str) -> Option<bool> {
    match word(cell).as_str() {
        "true" | "yes" | "1" | "suspended" | "disabled" | "deactivated" | "blocked" | "locked" => Some(true),
        "false" | "no" | "0" | "active" | "enabled" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Export::read(text.as_bytes()).expect_err("refused").to_string()
    }

    fn standing_of(heading: &str, cell: &str) -> Option<Standing> {
        let export =
            Export::read(format!("email,{heading}\na@example.com,{cell}\n").as_bytes()).expect("read");
        export.people["a@example.com"].standing
    }

    #[test]
    fn headings_of_the_providers_are_known() {
        for (heading, column) in [
            ("username", Column::UserName),
            ("User principal name", Column::UserName),
            ("Email Address [Required]", Column::Email),
            ("Status [READ ONLY]", Column::Standing),
            ("suspended", Column::Suspended),
            ("First Name", Column::Attribute("name.givenName")),
            ("Group Name", Column::Group),
            ("Group Email [Required]", Column::GroupAddress),
            ("Shoe size", Column::Other),
        ] {
            assert_eq!(Column::of(heading), column, "{heading}");
        }
    }

    #[test]
    fn states_are_read_in_every_providers_words() {
        for (heading, cell, wanted) in [
            ("status", "ACTIVE", Some(Standing::Active)),
            ("status", "Activated", Some(Standing::Active)),
            ("status", "SUSPENDED", Some(Standing::Inactive)),
            ("status", "Locked out", Some(Standing::Locked)),
            ("status", "STAGED", Some(Standing::Before)),
            ("status", "Unactivated", Some(Standing::Before)),
            ("status", "PASSWORD_EXPIRED", Some(Standing::Active)),
            ("suspended", "true", Some(Standing::Inactive)),
            ("suspended", "FALSE", Some(Standing::Active)),
            ("suspended", "Suspended", Some(Standing::Inactive)),
            ("Block credential", "True", Some(Standing::Inactive)),
            ("account_locked", "true", Some(Standing::Locked)),
            ("account_locked", "false", None),
            ("state", "ACTIVATED", Some(Standing::Active)),
            ("state", "Bavaria", None),
        ] {
            assert_eq!(standing_of(heading, cell), wanted, "{heading} {cell}");
        }
    }

    #[test]
    fn of_several_columns_the_one_that_says_inactive_counts() {
        for line in ["true,false,ACTIVATED", "false,true,ACTIVATED", "false,false,SUSPENDED"] {
            let text = format!("email,suspended,account_locked,state\na@example.com,{line}\n");
            let export = Export::read(text.as_bytes()).expect("read");
            let wanted = if line.starts_with("false,true") { Standing::Locked } else { Standing::Inactive };
            assert_eq!(export.people["a@example.com"].standing, Some(wanted), "{line}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_compared_is_refused_with_its_line() {
        assert!(refusal("a,b\n1,2\n").contains("it has a, b"));
        assert_eq!(
            refusal("email,status\na@example.com,odd\n"),
            "line 2: \"odd\" is no known state; write active or suspended, true or false"
        );
        assert_eq!(
            refusal("email,suspended\na@example.com,perhaps\n"),
            "line 2: \"perhaps\" does not say whether somebody is suspended; write true or false"
        );
        assert_eq!(refusal("email,title\n,CTO\n"), "line 2 has no user name; complete it or take it out");
        assert_eq!(
            refusal("email\na@example.com\nA@example.com\n"),
            "\"A@example.com\" stands in line 2 and again in line 3; take one out"
        );
        assert!(
            refusal("Group Email,Member Email\nx@example.com,a@example.com\n").contains("\"Group Name\"")
        );
        assert!(refusal("PK\u{3}\u{4} and so on").contains("is a spreadsheet"));
        assert_eq!(
            Export::read(b"email\na@example.com\n\xff\n").expect_err("refused").to_string(),
            "line 3 is not UTF-8; save the file as CSV in UTF-8"
        );
    }

    #[test]
    fn what_stands_before_the_headings_is_passed_over_and_counted() {
        let text = "#TYPE Selected.Custom\r\n\"email\",\"status\"\r\n\"a@example.com\",\"odd\"\r\n";
        assert!(refusal(text).starts_with("line 3: "), "{}", refusal(text));
        for text in ["sep=;\nemail;title\na@example.com;CTO\n", "\u{feff}email;title\na@example.com;CTO\n"] {
            let export = Export::read(text.as_bytes()).expect("read");
            assert_eq!(export.people["a@example.com"].attributes, [("title", "CTO".to_owned())]);
        }
    }

    #[test]
    fn tabs_and_both_orders_of_utf_16_are_taken() {
        let text = "email\ttitle\nzoë@example.com\tCTO\n";
        let little: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> =
            [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for bytes in [text.as_bytes(), &little, &big] {
            let export = Export::read(bytes).expect("read");
            assert_eq!(export.people["zoë@example.com"].attributes, [("title", "CTO".to_owned())]);
        }
        assert!(Export::read(b"\xFF\xFE\x00\xD8\x41\x00").is_err(), "half a pair");
    }
}
