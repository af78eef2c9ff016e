//! An answer as the corpora have it: the status, a line for each header, an empty line, the body.

pub struct Answer<'a> {
    pub status: u16,
    /// What the target makes of it: a number behind the status.
    pub choice: usize,
    pub headers: Vec<&'a [u8]>,
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    pub fn read(data: &'a [u8]) -> Self {
        let (first, mut rest) = line(data);
        let mut numbers = first.split(|byte| *byte == b' ').map(|number| {
            number.iter().take(5).fold(0usize, |value, digit| 10 * value + usize::from(digit.wrapping_sub(b'0') % 10))
        });
        let status = numbers.next().unwrap_or(0) % 1000;
        let choice = numbers.next().unwrap_or(0);
        let mut headers = Vec::new();
        loop {
            let (header, behind) = line(rest);
            rest = behind;
            if header.is_empty() {
                return Self { status: status as u16, choice, headers, body: rest };
            }
            headers.push(header);
        }
    }
}

/// The first line, and what comes behind it.
pub fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    (&text[..end], text.get(end + 1..).unwrap_or_default())
}
