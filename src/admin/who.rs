//! Who did something, as a page names them: an administrator by name, where they have one and are still here.

use std::collections::HashMap;

use super::error::Fault;
use super::page::Page;
use super::parts::clipped;

/// The administrators' names by their addresses.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The administrators of now.
    pub fn read(page: &Page<'_, '_>) -> Result<Names, Fault> {
        let all = page.visit.desk.service.admins()?.into_iter().filter(|admin| !admin.name.is_empty());
        Ok(Names(all.map(|admin| (admin.email, admin.name)).collect()))
    }

    /// The name behind what is kept of who did something.
    pub fn of(&self, kept: &str) -> String {
        clipped(self.0.get(kept).map_or(kept, String::as_str), 80)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_has_a_name_and_who_left_an_address() {
        let names = Names(HashMap::from([("ada@example.com".to_owned(), "Ada Nowak".to_owned())]));
        assert_eq!(names.of("ada@example.com"), "Ada Nowak");
        assert_eq!(names.of("root at the command line"), "root at the command line");
    }
}
