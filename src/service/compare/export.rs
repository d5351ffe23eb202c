//! A provider's own export, read: which column holds what, in every provider's headings, and who stands in it. What the
//! directory has of it is compared next door.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{self, Column, Standing, standing, state, yes};
use crate::scim::fold::fold;
use crate::service::Error;

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
    /// Reads an export: CSV with a heading line, separated by commas, semicolons or tabs, in UTF-8 or UTF-16. Given a group,
    /// its lines are the members of that group: some providers export those without saying whose they are.
    pub fn read(bytes: &[u8], group: Option<&str>) -> Result<Export, Error> {
        let text = decoded(bytes)?;
        let (text, skipped) = without_preamble(&text);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator(text)).flexible(true).from_reader(text.as_bytes());
        let headings = reader.headers().map_err(|error| refused(&error))?.clone();
        let columns = words::columns(headings.iter());
        let by_name = columns.iter().any(|column| matches!(column, Column::UserName | Column::AppUserName));
        let told_apart = by_name || columns.contains(&Column::Email);
        let by_group = columns.contains(&Column::Group);
        let memberships = told_apart && (by_group || group.is_some());
        check(&headings, &columns, told_apart, group)?;
        let mut export = Export { memberships, ..Export::default() };
        if let Some(group) = group {
            export.groups.insert(fold(group), (group.to_owned(), BTreeSet::new()));
        }
        let mut places = Places { text: text.as_bytes(), at: 0, line: skipped + 1 };
        for record in reader.records() {
            let record = record.map_err(|error| refused(&error))?;
            let line = places.line_of(record.position().map_or(0, csv::Position::byte) as usize);
            export.add(&columns, &record, line, by_name, group)?;
        }
        Ok(export)
    }

    fn add(
        &mut self,
        columns: &[Column],
        record: &csv::StringRecord,
        line: u64,
        by_name: bool,
        of: Option<&str>,
    ) -> Result<(), Error> {
        let (person, group) = person(columns, record, line, by_name)?;
        if let Some(group) = group.or_else(|| of.map(str::to_owned)) {
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

/// Refuses a file whose headings do not say what its lines are.
fn check(
    headings: &csv::StringRecord,
    columns: &[Column],
    told_apart: bool,
    group: Option<&str>,
) -> Result<(), Error> {
    let by_group = columns.contains(&Column::Group);
    let words = match group {
        Some(_) if by_group => "the file names groups itself; compare it without naming one".to_owned(),
        Some(_) if told_apart => return Ok(()),
        None if !by_group && columns.contains(&Column::GroupAddress) => {
            "the file tells groups apart by address or id alone; say which group it is of, or add a column \"Group Name\" \
             with the names that the provider sends"
                .to_owned()
        }
        None if told_apart || by_group => return Ok(()),
        _ => format!(
            "the first line names no column that tells users or groups apart: it has {}; one of them must be userName, \
             email or group",
            first_words(headings)
        ),
    };
    Err(Error::Refused(words))
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
            Column::AppUserName => person.name = cell.to_owned(),
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
            Column::State => person.standing = person.standing.max(state(cell)),
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
            Column::UserName
            | Column::Email
            | Column::GroupAddress
            | Column::Locked
            | Column::Name
            | Column::Other => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Export::read(text.as_bytes(), None).expect_err("refused").to_string()
    }

    fn standing_of(heading: &str, cell: &str) -> Option<Standing> {
        let export =
            Export::read(format!("email,{heading}\na@example.com,{cell}\n").as_bytes(), None).expect("read");
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
            ("profile.login", Column::UserName),
            ("user.profile.firstName", Column::Attribute("name.givenName")),
            ("Okta user status", Column::Standing),
            ("Application login", Column::AppUserName),
            ("Company Email", Column::Email),
            ("manager.displayName", Column::Other),
            ("manager.email", Column::Other),
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
            ("state", "NO", None),
            ("State", "Suspended", Some(Standing::Inactive)),
            ("status", "2", Some(Standing::Inactive)),
            ("status", "3", Some(Standing::Locked)),
        ] {
            assert_eq!(standing_of(heading, cell), wanted, "{heading} {cell}");
        }
    }

    #[test]
    fn of_several_columns_the_one_that_says_inactive_counts() {
        for line in ["true,false,ACTIVATED", "false,true,ACTIVATED", "false,false,SUSPENDED"] {
            let text = format!("email,suspended,account_locked,state\na@example.com,{line}\n");
            let export = Export::read(text.as_bytes(), None).expect("read");
            let wanted = if line.starts_with("false,true") { Standing::Locked } else { Standing::Inactive };
            assert_eq!(export.people["a@example.com"].standing, Some(wanted), "{line}");
        }
    }

    #[test]
    fn lists_of_groups_alone_have_them_by_their_bare_names() {
        for text in [
            "type,id,name\nuser_group,1,Engineering\n",
            "displayName,groupType,membershipType,mail,id\nEngineering,Security,Assigned,e@example.com,1\n",
            "id,objectClass,profile.name,profile.description\n1,okta:user_group,Engineering,x\n",
            "Group Name [Required],Group Email [Required]\nEngineering,e@example.com\n",
        ] {
            let export = Export::read(text.as_bytes(), None).expect("read");
            let names: Vec<_> = export.groups.values().map(|(name, _)| name.as_str()).collect();
            assert_eq!((names, export.people.len()), (vec!["Engineering"], 0), "{text}");
        }
        for text in ["name,title\nAda,CTO\n", "displayName,department\nAda,IT\n"] {
            assert!(refusal(text).contains("one of them must be"), "{text}");
        }
    }

    #[test]
    fn the_members_of_one_group_are_read_with_its_name_beside_the_file() {
        // Devices and groups among the members have no name to sign in by.
        let text =
            "id,userPrincipalName,displayName,objectType\n1,ada@example.com,Ada,User\n2,,Printers,Group\n";
        let export = Export::read(text.as_bytes(), Some("Engineering")).expect("read");
        let members = BTreeSet::from(["ada@example.com".to_owned()]);
        assert_eq!(export.groups["engineering"], ("Engineering".to_owned(), members));
        assert!(export.memberships && export.people.len() == 1);
        let google = "Group Email [Required],Member Email\ne@example.com,ada@example.com\n";
        assert!(Export::read(google.as_bytes(), Some("Engineering")).is_ok());
        for text in ["Group Name,Member Email\nA,b@example.com\n", "name\nA\n"] {
            let refused = Export::read(text.as_bytes(), Some("Engineering"));
            assert!(refused.is_err_and(|error| error.to_string().contains("names groups itself")), "{text}");
        }
    }

    #[test]
    fn the_name_in_the_application_wins_over_the_providers_own() {
        let text = "User,Login,Application login\nAda,ada@example.org,ada@example.com\n";
        let export = Export::read(text.as_bytes(), None).expect("read");
        assert_eq!(export.people.keys().collect::<Vec<_>>(), ["ada@example.com"]);
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
            Export::read(b"email\na@example.com\n\xff\n", None).expect_err("refused").to_string(),
            "line 3 is not UTF-8; save the file as CSV in UTF-8"
        );
    }

    #[test]
    fn what_stands_before_the_headings_is_passed_over_and_counted() {
        let text = "#TYPE Selected.Custom\r\n\"email\",\"status\"\r\n\"a@example.com\",\"odd\"\r\n";
        assert!(refusal(text).starts_with("line 3: "), "{}", refusal(text));
        for text in ["sep=;\nemail;title\na@example.com;CTO\n", "\u{feff}email;title\na@example.com;CTO\n"] {
            let export = Export::read(text.as_bytes(), None).expect("read");
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
            let export = Export::read(bytes, None).expect("read");
            assert_eq!(export.people["zoë@example.com"].attributes, [("title", "CTO".to_owned())]);
        }
        assert!(Export::read(b"\xFF\xFE\x00\xD8\x41\x00", None).is_err(), "half a pair");
    }
}
