//! Error pages. Those of the servlet world: Spring's JSON, its Whitelabel page and Tomcat's own page; and a gateway's.

use std::time::SystemTime;

use hyper::StatusCode;
use serde_json::json;

use crate::dialect::Dialect;
use crate::http::{Accept, Answer, HTML_UTF8, JSON, JSON_UTF8, Request, TEXT_UTF8};

/// Spring can write its answer in no form that the caller accepts.
pub(crate) const NOT_ACCEPTABLE: &str = "caused: Could not find acceptable representation;";

/// What `sendError(status, message)` becomes, by what the caller accepts.
pub(crate) fn error(dialect: &Dialect, request: &Request, status: u16, message: &str) -> Answer {
    // Nacos's filter for this path sets a content type that outlives the error.
    let preset = request.path.starts_with("/nacos/v1/cs/").then_some(JSON_UTF8);
    match request.accept() {
        Accept::Neither if dialect.is_spring_2_1 => text(request, 500, NOT_ACCEPTABLE),
        Accept::Html if dialect.is_spring_2_1 => {
            Answer::new(status, preset.unwrap_or(HTML_UTF8), whitelabel(status, message))
        }
        Accept::Html => Answer::new(status, HTML_UTF8, whitelabel(status, message)),
        Accept::Neither if !(dialect.writes_preset_type && preset.is_some()) => Answer::new(status, preset, ""),
        _ => Answer::new(status, preset.unwrap_or(JSON), json_page(dialect, &request.path, status, message)),
    }
}

/// A rejection.
pub(crate) fn forbidden(dialect: &Dialect, request: &Request, message: &str) -> Answer {
    error(dialect, request, 403, message)
}

/// Spring's JSON for an error.
pub(crate) fn json_page(dialect: &Dialect, path: &str, status: u16, message: &str) -> String {
    let zone = if dialect.is_spring_2_1 { "+0000" } else { "+00:00" };
    let timestamp = humantime::format_rfc3339_millis(SystemTime::now()).to_string().replace('Z', zone);
    // Built by hand because Spring keeps this order.
    format!(
        r#"{{"timestamp":"{timestamp}","status":{status},"error":"{}","message":{},"path":{}}}"#,
        reason(status),
        json!(message),
        json!(path)
    )
}

fn whitelabel(status: u16, message: &str) -> String {
    format!(
        "<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit mapping for /error, so you \
         are seeing this as a fallback.</p><div id='created'>{}</div><div>There was an unexpected error (type={}, \
         status={status}).</div><div>{}</div></body></html>",
        java_date(),
        reason(status),
        escape(message)
    )
}

/// Text inside HTML.
pub(crate) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// Tomcat's page for a path outside the application.
pub(crate) fn tomcat_not_found() -> Answer {
    let page = "<!doctype html><html lang=\"en\"><head><title>HTTP Status 404 – Not Found</title><style \
                type=\"text/css\">body {font-family:Tahoma,Arial,sans-serif;} h1, h2, h3, b \
                {color:white;background-color:#525D76;} h1 {font-size:22px;} h2 {font-size:16px;} h3 \
                {font-size:14px;} p {font-size:12px;} a {color:black;} .line \
                {height:1px;background-color:#525D76;border:none;}</style></head><body><h1>HTTP Status 404 – Not \
                Found</h1></body></html>";
    Answer::new(404, "text/html;charset=utf-8", page)
}

/// A plain text as Spring sends it: as HTML to who asks for HTML alone.
pub(crate) fn text(request: &Request, status: u16, text: impl Into<Vec<u8>>) -> Answer {
    let kind = if request.accept() == Accept::Html { HTML_UTF8 } else { TEXT_UTF8 };
    Answer::new(status, kind, text)
}

/// A service by its name alone, where its group has to be in it.
pub(crate) fn illegal_service_name(request: &Request) -> Answer {
    let message = "caused: Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName';";
    text(request, 400, message)
}

/// A page of a gateway's own, as nginx writes it.
pub(crate) fn gateway(status: u16) -> Answer {
    let line = format!("{status} {}", reason(status));
    let page = format!(
        "<html>\r\n<head><title>{line}</title></head>\r\n<body>\r\n<center><h1>{line}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    Answer::new(status, "text/html", page).with_header("Server", "nginx")
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// `Mon Nov 23 11:39:49 UTC 2026`, from `Mon, 23 Nov 2026 11:39:49 GMT`.
fn java_date() -> String {
    let date = httpdate::fmt_http_date(SystemTime::now());
    let word = |index| date.split([' ', ',']).filter(|word| !word.is_empty()).nth(index).unwrap_or_default();
    format!("{} {} {} {} UTC {}", word(0), word(2), word(1), word(4), word(3))
}
