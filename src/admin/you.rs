//! One's own sign-in: the password, the second step with its QR code and recovery codes, turning it off. Read-only
//! administrators may change all of this: it is about themselves.

use askama::Template;
use qrcode::{Color, EcLevel, QrCode};

use super::error::Fault;
use super::gate::sender;
use super::kept::Shown;
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Copy, Errors, Fact, Facts, Field, FieldFault, Notice, counted};
use super::resume::{WRONG_CODE, refused};
use super::session::safe_back;
use crate::base::otp;
use crate::http::query::encode;
use crate::http::{Query, Response};
use crate::service::Error;
use crate::service::second_step::new_secret;
use crate::service::sessions::Proof;

/// What was done just before, as the address says, and its words.
const DONE: [(&str, &str, &str); 3] = [
    ("password", "Your password was changed", "Your other sessions were ended."),
    ("off", "The second step is off", "Your password alone signs you in from now on."),
    ("on", "The second step is on", "You are asked for a code at each sign-in."),
];

#[derive(Template)]
#[template(path = "you.html")]
struct YouPage {
    shell: Shell,
    notices: Vec<Notice>,
    facts: Facts,
    on: bool,
    chip: Chip,
    codes: String,
    few: bool,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    shell: Shell,
    errors: Errors,
    current: Field,
    password: Field,
    again: Field,
}

#[derive(Template)]
#[template(path = "second_step.html")]
struct SetUpPage {
    shell: Shell,
    errors: Errors,
    owed: bool,
    side: usize,
    dark: String,
    secret: Copy,
    back: String,
    code: Field,
}

#[derive(Template)]
#[template(path = "second_step_off.html")]
struct OffPage {
    shell: Shell,
    errors: Errors,
    required: bool,
    code: Field,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    shell: Shell,
    codes: Vec<String>,
    back: String,
}

/// The page.
pub fn you(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let service = &page.visit.desk.service;
    let zone = page.visit.zone.clone();
    let on = page.who.standing.on;
    let left = service.recovery_codes_left(page.who.admin.n)?;
    let asked = &page.visit.request.query;
    let done = DONE.iter().filter(|(name, _, _)| asked.get("done") == Some(name));
    let notices = done.map(|(_, title, text)| Notice {
        kind: "ok",
        title: (*title).into(),
        text: (*text).into(),
        alert: true,
        ..Notice::default()
    });
    let admin = &page.who.admin;
    let template = YouPage {
        notices: notices.collect(),
        facts: Facts {
            facts: vec![
                Fact::new("Email", admin.email.as_str()),
                Fact::new("Access", if admin.read_only { "Read only" } else { "Full" }),
                Fact::at("Password set", zone.full(admin.password_set)),
            ],
        },
        on,
        chip: if on { Chip::new("ok", "Authenticator app") } else { Chip::new("warn", "None yet") },
        codes: counted(left, "recovery code"),
        few: left < 3,
        shell: page.shell("Your sign-in", Here::Nowhere),
    };
    html(200, &template)
}

/// The form for another password.
pub fn password_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    show_password(page, 200, Vec::new())
}

fn show_password(mut page: Page<'_, '_>, status: u16, faults: Vec<FieldFault>) -> Result<Response, Fault> {
    let title = if faults.is_empty() { "Change your password" } else { "Error: Change your password" };
    let template = PasswordPage {
        shell: page.shell(title, Here::Nowhere),
        current: Field::new("code", "", false, &faults),
        password: Field::new("password", "", true, &faults),
        again: Field::new("again", "", false, &faults),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Changes one's own password.
pub async fn password(page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.visit.form().await?;
    let field = |name: &str| form.get(name).unwrap_or_default();
    let faults = super::fields::password_faults(field("password"), field("again"));
    if !faults.is_empty() {
        return show_password(page, 422, faults);
    }
    let (address, _) = sender(page.visit);
    let desk = page.visit.desk;
    match desk.sessions.is_password(&page.who.admin, field("code"), address).await? {
        Proof::Right => {}
        proof => {
            let (status, fault) = refused(false, proof);
            return show_password(page, status, vec![fault]);
        }
    }
    desk.service.change_own_password(&page.who, field("password")).await?;
    Ok(Response::redirect(&format!("{}you?done=password", page.base())))
}

/// Shows the secret as a QR code and as text, and asks for a first code. It is never compressed.
pub fn set_up_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    if page.who.standing.on {
        return Ok(Response::redirect(&format!("{}you", page.base())));
    }
    page.proven_page()?;
    let now = page.visit.zone.now();
    let secret = page.visit.desk.kept.app(page.who.session.hash, now, new_secret);
    let asked = page.visit.request.query.clone();
    show_set_up(page, 200, &secret, &asked, Vec::new())
}

fn show_set_up(
    mut page: Page<'_, '_>,
    status: u16,
    secret: &[u8],
    asked: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let title = if faults.is_empty() { "Set up the second step" } else { "Error: Set up the second step" };
    let shell = page.shell(title, Here::Nowhere);
    let text = otp::text(secret);
    let (side, dark) = squares(&uri(&shell.host, &page.who.admin.email, &text))?;
    let template = SetUpPage {
        owed: page.who.standing.owed,
        side,
        dark,
        secret: Copy { id: "key", label: "Key", text },
        back: asked.get("back").and_then(safe_back).unwrap_or_default().to_owned(),
        code: Field::new("code", "", true, &faults),
        shell,
        errors: Errors { faults },
    };
    Ok(html(status, &template)?.uncompressed())
}

/// The address that authenticator apps read from a QR code.
fn uri(host: &str, email: &str, secret: &str) -> String {
    let issuer = format!("scimd {host}");
    let (issuer, email, secret) = (encode(&issuer), encode(email), secret.replace(' ', ""));
    format!(
        "otpauth://totp/{issuer}:{email}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

/// The side of a QR code with its quiet zone, and its dark squares as the path of a drawing, a run at a time.
fn squares(text: &str) -> Result<(usize, String), Fault> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
        .map_err(|error| Fault::Service(Error::internal(error)))?;
    let width = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    Ok((width + 2 * QUIET, path))
}

/// Sets the second step up when the first code is right, and leads to the recovery codes.
pub async fn set_up(page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.visit.form().await?;
    let (session, now) = (page.who.session.hash, page.visit.zone.now());
    let desk = page.visit.desk;
    if page.who.standing.on {
        return Ok(Response::redirect(&format!("{}you", page.base())));
    }
    let Some(secret) = desk.kept.begun_app(session, now) else {
        return Ok(Response::redirect(&format!("{}you/second-step", page.base())));
    };
    let typed = form.get("code").unwrap_or_default();
    let Some(codes) =
        desk.service.set_up_second_step(&page.who.actor(), &page.who.admin, &secret, typed).await?
    else {
        let words =
            "This code is not right. Check the clock of the phone, and enter the code that the app shows now";
        return show_set_up(page, 422, &secret, &form, vec![FieldFault::new("code", words)]);
    };
    desk.kept.forget_app(session, now);
    desk.kept.put(session, Shown::RecoveryCodes, codes.join("\n"), now);
    let back = form.get("back").and_then(safe_back).map(|back| format!("?back={}", encode(back)));
    Ok(Response::redirect(&format!("{}you/codes{}", page.base(), back.unwrap_or_default())))
}

/// The recovery codes, to the session that made them. The page is never compressed.
pub fn codes_page(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let now = page.visit.zone.now();
    let all = page.visit.desk.kept.text(page.who.session.hash, Shown::RecoveryCodes, now).unwrap_or_default();
    let back = page.visit.request.query.get("back").and_then(safe_back);
    let back = back.map_or_else(|| format!("{}you", page.base()), str::to_owned);
    let template = CodesPage {
        codes: all.lines().map(str::to_owned).collect(),

        back,
        shell: page.shell("Recovery codes", Here::Nowhere),
    };
    Ok(html(200, &template)?.uncompressed())
}

/// Makes new recovery codes, or forgets the shown ones when they were stored.
pub async fn codes(page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.visit.form().await?;
    let (session, now) = (page.who.session.hash, page.visit.zone.now());
    let desk = page.visit.desk;
    if form.get("stored").is_some() {
        desk.kept.forget(session, Shown::RecoveryCodes, now);
        let back = form.get("back").and_then(safe_back);
        return Ok(Response::redirect(&back.map_or_else(|| format!("{}you", page.base()), str::to_owned)));
    }
    page.proven(&form)?;
    let codes = desk.service.new_recovery_codes(&page.who.actor(), &page.who.admin).await?;
    desk.kept.put(session, Shown::RecoveryCodes, codes.join("\n"), now);
    Ok(Response::redirect(&format!("{}you/codes", page.base())))
}

/// Asks for a code before the second step is turned off.
pub fn off_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    show_off(page, 200, Vec::new())
}

fn show_off(mut page: Page<'_, '_>, status: u16, faults: Vec<FieldFault>) -> Result<Response, Fault> {
    if !page.who.standing.on {
        return Ok(Response::redirect(&format!("{}you", page.base())));
    }
    let required = !page.who.admin.read_only && page.visit.desk.service.second_step_required()?;
    let title =
        if faults.is_empty() { "Turn off the second step" } else { "Error: Turn off the second step" };
    let template = OffPage {
        required,
        code: Field::new("code", "", true, &faults),
        shell: page.shell(title, Here::Nowhere),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Turns the second step off when the code is right.
pub async fn off(page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.visit.form().await?;
    if !page.who.standing.on {
        return Ok(Response::redirect(&format!("{}you", page.base())));
    }
    let (address, _) = sender(page.visit);
    let desk = page.visit.desk;
    let typed = form.get("code").unwrap_or_default();
    match desk.sessions.prove(&page.who, typed, address).await? {
        Proof::Right => {}
        Proof::Wrong => return show_off(page, 422, vec![FieldFault::new("code", WRONG_CODE)]),
        proof => {
            let (status, fault) = refused(true, proof);
            return show_off(page, status, vec![fault]);
        }
    }
    desk.service.turn_off_second_step(&page.who.actor(), &page.who.admin).await?;
    Ok(Response::redirect(&format!("{}you?done=off", page.base())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_has_its_three_corners_and_a_quiet_zone() {
        let (side, path) = squares(&uri("scim.example.com", "mei@example.com", "GEZD GNBV")).expect("drawn");
        for corner in [
            "M4 4h7v1h-7z".to_owned(),
            format!("M{} 4h7v1h-7z", side - 11),
            format!("M4 {}h7v1h-7z", side - 11),
        ] {
            assert!(path.contains(&corner), "{corner} in {path}");
        }
        assert!(path.bytes().all(|b| b.is_ascii_digit() || b"M hvz-".contains(&b)));
    }

    #[test]
    fn the_address_in_a_qr_code_is_escaped() {
        assert_eq!(
            uri("h:8443", "a b+c@example.com", "GEZD GNBV"),
            "otpauth://totp/scimd%20h%3A8443:a%20b%2Bc%40example.com?secret=GEZDGNBV&issuer=scimd%20h%3A8443\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
