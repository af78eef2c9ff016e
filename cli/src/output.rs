//! What goes to standard output.

use std::io::{self, IsTerminal, Write};

use crate::exit::{Failure, Result};

/// Writes all of it. Somebody who reads no more, as head does, ends the command and is no failure.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|e| Failure::local("cannot write to standard output", e)),
    }
}

/// An answer's body: as it is, but JSON indented and a line end behind it on a terminal.
pub(crate) fn body(bytes: &[u8]) -> Result<()> {
    if !io::stdout().is_terminal() {
        return write(bytes);
    }
    let mut text = indented(bytes).unwrap_or_else(|| bytes.to_vec());
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    write(&text)
}

/// JSON with one member a line, in the order it came in; `None`: it is no JSON document.
fn indented(bytes: &[u8]) -> Option<Vec<u8>> {
    if !matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut out = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::pretty(&mut out)).ok()?;
    reader.end().ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_in_its_own_order() {
        let text = String::from_utf8(indented(br#"{"b":1,"a":[true,null]}"#).unwrap()).unwrap();
        assert_eq!(text, "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null\n  ]\n}");
    }

    #[test]
    fn what_is_no_document_stays_as_it_is() {
        for text in ["hello", "", "true", "{\"a\":", "{} {}", "[1,]"] {
            assert_eq!(indented(text.as_bytes()), None, "{text}");
        }
    }
}
