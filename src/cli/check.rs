//! `scimd check`: whether the database is sound. What is looked at is the store's.

use crate::config::Place;
use crate::serve::{DATABASE, Failure, become_owner};
use crate::store;

pub(super) fn run(place: &Place) -> Result<String, Failure> {
    let file = place.data_dir.join(DATABASE);
    if !file.exists() {
        return Err(Failure::plain(format!(
            "there is no database at {}; name its directory with --data-dir",
            file.display()
        )));
    }
    become_owner(&place.data_dir)?;
    let report = store::check(&file)?;
    if report.findings.is_empty() {
        let looked_at: Vec<String> = report.looked_at.iter().map(|line| format!("  {line}\n")).collect();
        return Ok(format!("{} is sound\n{}", file.display(), looked_at.concat()));
    }
    let findings: Vec<String> =
        report.findings.iter().map(|finding| format!("{}: {}", finding.place, finding.what)).collect();
    Err(Failure::data(format!("{} is not sound: {}", file.display(), findings.join("; "))))
}
