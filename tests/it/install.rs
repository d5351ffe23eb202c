//! `packaging/install.sh` in a throw-away root: everything in its place, twice without harm, nothing edited lost.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::server::{Ran, command, finish};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/install.sh");

fn install(root: &Path, binary: &str) -> Ran {
    finish(Command::new(SCRIPT).arg("--root").arg(root).args(["--binary", binary]))
}

#[track_caller]
fn mode(path: &Path) -> u32 {
    let found = std::fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.permissions().mode() & 0o777
}

#[test]
fn puts_everything_in_place_and_keeps_what_was_edited() {
    let root = tempfile::tempdir().expect("a temporary directory");
    install(root.path(), env!("CARGO_BIN_EXE_scimd")).well();
    for (path, expected) in [
        ("usr/bin/scimd", 0o755),
        ("usr/lib/systemd/system/scimd.service", 0o644),
        ("usr/lib/systemd/system/scimd.socket", 0o644),
        ("usr/lib/sysusers.d/scimd.conf", 0o644),
        ("etc/scimd/scimd.toml", 0o640),
        ("var/lib/scimd", 0o700),
    ] {
        assert_eq!(mode(&root.path().join(path)), expected, "{path}");
    }
    let version = finish(Command::new(root.path().join("usr/bin/scimd")).arg("--version")).well().stdout;
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");

    let settings = root.path().join("etc/scimd/scimd.toml");
    std::fs::write(&settings, "tls = \"off\"\n").expect("written");
    let data = root.path().join("var/lib/scimd/scimd.db");
    std::fs::write(&data, "precious").expect("written");
    let again = install(root.path(), env!("CARGO_BIN_EXE_scimd")).well();
    assert!(again.stdout.contains("kept"), "{again}");
    assert_eq!(std::fs::read_to_string(&settings).expect("kept"), "tls = \"off\"\n");
    assert_eq!(std::fs::read_to_string(&data).expect("kept"), "precious");
}

#[test]
fn says_what_is_missing_or_wrong() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let why = install(root.path(), "/nonexistent/scimd").refused();
    assert!(why.contains("cargo build --release"), "{why}");
    assert!(std::fs::read_dir(root.path()).expect("there").next().is_none(), "nothing was installed");
    let why = finish(Command::new(SCRIPT).arg("--rot")).refused();
    assert!(why.contains("--rot"), "{why}");
}

#[test]
fn every_setting_in_the_installed_file_exists() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let shipped =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/scimd.toml")).expect("there");
    // The commented examples count too: somebody will take the # away.
    let all = shipped.lines().map(|line| match line.strip_prefix("# ") {
        Some(example) if example.contains(" = \"") => format!("{example}\n"),
        _ => format!("{line}\n"),
    });
    let file = folder.path().join("scimd.toml");
    std::fs::write(&file, all.collect::<String>()).expect("written");
    let read = |extra: &[&str]| {
        let mut check = command();
        check.arg("check").arg("--config").arg(&file).args(extra);
        finish(&mut check).refused()
    };
    let nowhere = folder.path().join("none").to_string_lossy().into_owned();
    let why = read(&["--data-dir", &nowhere]);
    assert!(why.contains("there is no database"), "the settings are fine: {why}");
}

#[test]
fn the_unit_is_understood_and_hardened() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/scimd.service");
    let text = std::fs::read_to_string(unit).expect("there");
    for line in
        ["Type=notify", "User=scimd", "NoNewPrivileges=yes", "MemoryDenyWriteExecute=yes", "WatchdogSec=30"]
    {
        assert!(text.lines().any(|own| own == line), "{line}");
    }
    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20"])
        .arg(unit)
        .output();
    // Without systemd on the machine there is nobody to ask; the lines above hold anyway.
    let Ok(judged) = judged else { return };
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
}
