//! No password and no token is ever quoted, in whatever shape a server repeats it.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use proptest::{collection::vec, prelude::*};

use crate::protocol::{login, quote::quote};

const HIDDEN: &str = "(not shown, as it may repeat the password)";
/// With something for each escape: of forms, JSON and HTML, in ASCII and outside.
const PASSWORD: &str = r#"P+ä "/&ß7\<q>"#;

fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].into()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

fn all_escaped(text: &str, escape: impl Fn(u32) -> String) -> String {
    text.chars().map(|c| escape(c.into())).collect()
}

#[test]
fn nothing_is_quoted_of_an_answer_that_repeats_the_password() {
    let bytes = PASSWORD.as_bytes();
    let pair = format!("nacos:{PASSWORD}");
    let shapes = [
        ("as it is", PASSWORD.into()),
        ("upper case", PASSWORD.to_uppercase()),
        ("lower case", PASSWORD.to_lowercase()),
        ("a form's", form(PASSWORD)),
        ("a form's with %20", form(PASSWORD).replace('+', "%20")),
        ("a form's in lower case", form(PASSWORD).to_lowercase()),
        ("a form's, twice", form(&form(PASSWORD))),
        ("every byte of a form", bytes.iter().map(|b| format!("%{b:02x}")).collect()),
        ("JSON", json(PASSWORD)),
        ("JSON with \\/", json(PASSWORD).replace('/', "\\/")),
        ("JSON in JSON", json(&json(PASSWORD))),
        ("JSON in ASCII", all_escaped(PASSWORD, |c| format!("\\u{c:04x}"))),
        ("JSON in ASCII, upper case", all_escaped(PASSWORD, |c| format!("\\u{c:04X}"))),
        ("HTML", html(PASSWORD)),
        ("HTML in decimal", all_escaped(PASSWORD, |c| format!("&#{c};"))),
        ("HTML in hexadecimal", all_escaped(PASSWORD, |c| format!("&#x{c:X};"))),
        ("HTML with names", html(PASSWORD).replace('ä', "&auml;").replace('ß', "&szlig;")),
        ("HTML in another case", html(PASSWORD).replace("&quot;", "&quOt;")),
        ("HTML of a form's", html(&form(PASSWORD))),
        ("a form's of JSON", form(&json(PASSWORD))),
        ("C", bytes.iter().map(|b| format!("\\x{b:02x}")).collect()),
        ("octal", bytes.iter().map(|b| format!("\\{b:03o}")).collect()),
        ("hexadecimal", bytes.iter().map(|b| format!("{b:02X}")).collect()),
        ("Base64", BASE64_STANDARD.encode(PASSWORD)),
        ("Base64 for URLs", BASE64_URL_SAFE_NO_PAD.encode(PASSWORD)),
        ("Base64 of user and password", BASE64_STANDARD.encode(&pair)),
        ("Base64 at another place", BASE64_STANDARD.encode(format!("u:{PASSWORD} and so on"))),
        ("Base64 in a form's", form(&BASE64_STANDARD.encode(&pair))),
        ("backwards", PASSWORD.chars().rev().collect()),
        ("cut short", PASSWORD.chars().take(9).collect()),
        ("its end", PASSWORD.chars().skip(4).collect()),
        ("the wrong character set", bytes.iter().map(|b| char::from(*b)).collect()),
        ("wide letters", wide(PASSWORD)),
        ("letters in tags", PASSWORD.chars().map(|c| format!("<b class='x'>{}</b>", html(&c.to_string()))).collect()),
        ("what takes no room between", PASSWORD.chars().flat_map(|c| [c, '\u{200b}']).collect()),
        ("the same of wide letters", wide(PASSWORD).chars().flat_map(|c| ['\u{feff}', c]).collect()),
        ("the same escaped", json(&wide(PASSWORD).chars().flat_map(|c| [c, '\u{2060}']).collect::<String>())),
    ];
    for (name, shape) in shapes {
        for body in [shape.clone(), format!("wrong password: {shape}, try again"), format!(r#"{{"m":"x{shape}y"}}"#)] {
            assert_eq!(quote(body.as_bytes(), PASSWORD), HIDDEN, "{name}: {body}");
        }
    }
    let latin_1: Vec<u8> = PASSWORD.chars().map(|c| c as u8).collect();
    assert_eq!(quote(&latin_1, PASSWORD), HIDDEN);
}

fn wide(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c }).collect()
}

#[test]
fn a_password_of_words_is_found_in_other_spacing_and_at_the_end_of_a_long_answer() {
    for body in ["tried Hunter-2-Hunter", "HUNTER2HUNTER", "hunter2\nhunter", "x=hunter2hun..."] {
        assert_eq!(quote(body.as_bytes(), "hunter2hunter"), HIDDEN, "{body}");
    }
    let items: String = "hunter2hunter".chars().map(|c| format!("<li>{c}</li>\n")).collect();
    assert_eq!(quote(items.as_bytes(), "hunter2hunter"), HIDDEN, "{items}");
    for filler in [700, 790, 795, 60_000] {
        let body = format!("{}hunter2hunter", "a ".repeat(filler / 2));
        assert_eq!(quote(body.as_bytes(), "hunter2hunter"), HIDDEN, "{filler}");
    }
}

#[test]
fn half_of_a_password_or_of_a_token_is_found_wherever_it_was_cut() {
    let bytes = |text: &str| text.bytes().map(|b| (b as i8).to_string()).collect::<Vec<_>>();
    let spelled = |piece: &str| {
        [
            piece.to_owned(),
            piece.to_uppercase(),
            form(piece),
            json(piece),
            html(piece),
            piece.chars().rev().collect(),
            BASE64_STANDARD.encode(piece),
            BASE64_STANDARD.encode(format!("x{piece}")),
            BASE64_STANDARD.encode(format!("xy{piece}")),
            piece.bytes().map(|b| format!("{b:02x}")).collect(),
            piece.bytes().map(|b| format!("{b:02X} ")).collect(),
            piece.bytes().map(|b| format!("{b:#04x} ")).collect(),
            piece.bytes().map(|b| format!("{b:#04X}, ")).collect(),
            format!("[{}]", bytes(piece).join(", ")),
            bytes(piece).join(" "),
            piece.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join("-"),
            piece.bytes().map(|b| format!("{b};")).collect(),
        ]
    };
    let token = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
    for secret in ["Tr0ub4dor&3-Zebra_quiz!", "9 Lives+more", "P+ä \"/&ß7\\<q>zz", token] {
        let chars: Vec<char> = secret.chars().collect();
        let least = chars.len().div_ceil(2).max(8);
        for piece in chars.windows(least).map(String::from_iter) {
            for shape in spelled(&piece) {
                for body in
                    [shape.clone(), format!("got *** {shape} *** from nacos"), format!(r#"{{"m":"x {shape} y"}}"#)]
                {
                    assert_eq!(quote(body.as_bytes(), secret), HIDDEN, "{secret}: {piece}: {body}");
                }
            }
        }
    }
    // Numbers are in most answers, and words of all letters.
    for body in [
        r#"{"timestamp":"2024-05-01T10:20:30.000+0000","status":500,"took":[12, 114, 48]}"#,
        "0x54 is no answer, 0x72 neither",
        "Tr0ub4d, Zebra_q, a dozen lives",
        "84, 114, 48, 117",
    ] {
        assert_eq!(quote(body.as_bytes(), "Tr0ub4dor&3-Zebra_quiz!"), body);
    }
}

#[test]
fn looking_through_a_hostile_answer_takes_no_longer_than_through_another() {
    // What a server knows of a token it can repeat, and nearly repeat, as often as fits.
    let token = format!("{}b{}", "a".repeat(900), "a".repeat(900));
    let hostile = format!("{}c", "a".repeat(800)).repeat(80);
    let began = std::time::Instant::now();
    assert_ne!(quote(hostile.as_bytes(), &token), HIDDEN);
    // Some tenths of a second without optimization, on a busy machine more.
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_password_that_looks_escaped_itself_is_found() {
    for password in ["100%25ok", "a&amp;b", r"x\u0041y", "%41%42%43%44", "++++", "ÄÖÜß"] {
        for body in [password.to_owned(), form(password), json(password), html(password), form(&json(password))] {
            assert_eq!(quote(format!("<{body}>").as_bytes(), password), HIDDEN, "{password}: {body}");
        }
    }
}

#[test]
fn short_passwords_are_not_told_by_what_is_shown() {
    let bodies = ["a bad day", "abc", "Database error", "password a is wrong", "***"];
    for password in ["", "a", "ab", "abc", "ä", "zzz"] {
        for body in bodies {
            assert_eq!(quote(body.as_bytes(), password), HIDDEN, "{password}: {body}");
        }
        // Nacos's own words are the same for every password.
        assert_eq!(quote(b"unknown user!", password), "unknown user!");
        assert_eq!(quote(b"caused: User a not found;", password), "caused: User … not found;");
        assert_eq!(quote(b" \r\n", password), "");
    }
}

#[test]
fn known_words_are_shown_even_if_the_password_is_one_of_them() {
    let page = br#"{"status":500,"message":"No message available","path":"/nacos/v3/auth/user/login"}"#;
    assert_eq!(quote(page, "nacos"), "No message available");
    assert_eq!(quote(b"user not found!", "user not"), "user not found!");
    assert_eq!(quote(b"User not found! Please check user exist or password is right!.", "right"), {
        "User not found! Please check user exist or password is right!"
    });
    assert_eq!(quote(b"caused: User hunter2 not found;", "hunter2"), "caused: User … not found;");
}

#[test]
fn other_answers_are_quoted() {
    for body in ["password is wrong", r#"{"code":401,"message":"locked for 5 min"}"#, "user x, 100% & more"] {
        assert_eq!(quote(body.as_bytes(), "hunter2"), body);
    }
}

#[test]
fn tokens_are_left_out() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9.x";
    let shapes = [token.to_owned(), token.replace('.', "%2E"), "ab/cd+ef".repeat(3).replace('/', "\\/")];
    for shape in shapes {
        let body = format!(r#"{{"accessToken":"{shape}","said":"no"}}"#);
        assert_eq!(quote(body.as_bytes(), "hunter2"), r#"{"accessToken":"…","said":"no"}"#);
    }
    let long = format!("{} {token}", "a ".repeat(390));
    assert!(!quote(long.as_bytes(), "hunter2").contains("eyJ"));
}

#[test]
fn names_of_settings_are_no_tokens() {
    let says = "Please config nacos.core.auth.plugin.nacos.token.secret.key, or nacos.core.auth.enabled=false";
    assert_eq!(quote(says.as_bytes(), "hunter2"), "Please config nacos.core.auth.plugin.nacos.token.secret.key, or …");
    for token in [
        "nacos.eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9",
        "nacos.core.auth.tokenabcdefghijklmnopqrst",
        "nacos.core.auth.0123456789",
        "some.core.auth.plugin.nacos.token",
    ] {
        assert_eq!(quote(format!("no {token} here").as_bytes(), "hunter2"), "no … here");
    }
}

#[test]
fn long_binary_and_controls_become_short_and_printable() {
    let mut body = vec![0u8, 255, b'\r', b'\n', b'a'];
    body.extend(std::iter::repeat_n(b"ab ", 500).flatten());
    let quoted = quote(&body, "hunter2");
    assert!(quoted.chars().count() <= 200 && !quoted.contains(char::is_control), "{quoted}");
}

#[test]
fn a_login_answered_without_a_token_does_not_repeat_the_password() {
    let said =
        |status, body: &str, password: &str| login::read(status, body.as_bytes(), &password.into()).unwrap_err().said;
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        for body in [
            r#"{"code":401,"message":"password hunter2 is wrong"}"#,
            r#"{"code":401,"message":"password h\u0075nter2 is wrong"}"#,
            r#"{"code":401,"message":"wrong","sent":"hunter2"}"#,
            r#"{"code":401,"sent":"hunter2"}"#,
            "hunter2",
            "[hunter2",
        ] {
            let said = said(status, body, "hunter2");
            assert!(!said.contains("unter") && !said.contains("***"), "{status} {body}: {said}");
        }
    }
    assert_eq!(said(200, r#"{"message":"locked"}"#, "hunter2"), "no token in the answer: locked");
    assert_eq!(said(200, r#"{"message":"abc is wrong"}"#, "abc"), format!("no token in the answer: {HIDDEN}"));
}

proptest! {
    #[test]
    fn whatever_the_password_it_is_found(
        password in "\\PC{4,24}",
        escapes in vec(0..6usize, 0..3),
        before in "[ -~]{0,6} ",
        behind in " [ -~]{0,6}",
    ) {
        let escape: [fn(&str) -> String; 6] =
            [form, json, html, |t| BASE64_STANDARD.encode(t), |t| json(t).replace('/', "\\/"), |t| form(t).replace('+', "%20")];
        // In Base64 nothing is looked for that was escaped before.
        let first = escapes.first().copied().filter(|e| *e == 3);
        let rest = escapes.iter().copied().filter(|e| *e != 3);
        let shape = first.into_iter().chain(rest).fold(password.clone(), |text, e| escape[e](&text));
        let body = format!("{before}{shape}{behind}");
        let quoted = quote(body.as_bytes(), &password);
        prop_assert_eq!(&quoted, HIDDEN, "{}", body);
    }
}
