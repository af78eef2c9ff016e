//! Structs that C fills in: every size, every field anything, pointers to text or NULL.

use std::{
    ffi::{CString, c_void},
    ptr,
};

use crate::{
    abi::{self, CLOSED, OK, WORDS},
    call::{Input, checked},
    planted, spells,
};

/// The words of nacos_auth_options that are text, and those of them that name files.
const TEXTS: [usize; 15] = [1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 19, 20, 21];
const FILES: [usize; 4] = [5, 13, 14, 15];
const PASSWORD: usize = 4;
const TOKEN: usize = 6;
/// The words that are functions, one of them for each, and what lies behind the texts.
const FUNCTIONS: std::ops::RangeInclusive<usize> = 7..=10;
const DROP: usize = 12;
const NUMBERS: std::ops::RangeInclusive<usize> = 22..=30;

unsafe extern "C" fn callback(_: *mut c_void, _: *mut c_void) -> i32 {
    1
}

/// The size, then for each field what it is: NULL or a line of text, a number.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let mut options = [0u64; WORDS + 1];
    options[0] = size(&mut input);
    let mut texts = Vec::new();
    for at in TEXTS {
        options[at] = input.pointer(&mut texts);
        // Nothing that a message says anyway.
        if [PASSWORD, TOKEN].contains(&at) && options[at] != 0 {
            let text = [b"s3cr3tW0rd".as_slice(), texts.last().expect("one").as_bytes()].concat();
            texts.push(CString::new(text).expect("no NUL"));
            options[at] = texts.last().expect("one").as_ptr() as u64;
        }
        // No fuzzer opens what it likes.
        if FILES.contains(&at) && options[at] != 0 {
            texts.push(c"/nowhere".to_owned());
            options[at] = texts.last().expect("one").as_ptr() as u64;
        }
    }
    for at in FUNCTIONS.chain([DROP]) {
        options[at] = if input.byte() % 4 == 1 { callback as *const () as u64 } else { 0 };
    }
    for at in NUMBERS {
        options[at] = input.number();
    }
    let find = |word: usize| texts.iter().find(|text| text.as_ptr() as u64 == options[word]);
    let others = |secret: &CString| texts.iter().filter(|text| contains(text, secret)).count();
    // What stands elsewhere too may be told from there.
    let secrets: Vec<_> = [PASSWORD, TOKEN].into_iter().filter_map(find).filter(|secret| others(secret) == 1).collect();
    let mut auth = ptr::dangling_mut::<u64>().cast::<c_void>();
    let status = checked(&secrets, |error| unsafe { abi::nacos_auth_init(options.as_ptr(), &mut auth, error) });
    let status = planted(status, OK, || find(1).is_some_and(|address| spells(address.as_bytes(), b"zqzq")));
    assert_eq!(status == OK, !auth.is_null(), "{status}");
    if status == OK {
        check_token(&mut input, auth);
    }
}

fn contains(text: &CString, part: &CString) -> bool {
    text.as_bytes().windows(part.as_bytes().len()).any(|window| window == part.as_bytes())
}

/// A size that is one half of the time.
fn size(input: &mut Input<'_>) -> u64 {
    match input.byte() {
        0 => input.number(),
        byte => u64::from(byte % 64) * 8,
    }
}

/// Options and outputs of a call of every size; nothing is written beyond the size.
fn check_token(input: &mut Input<'_>, auth: *mut c_void) {
    const MARK: u64 = 0x5a5a_5a5a_5a5a_5a5a;
    let (mut options, mut info) = ([0u64; WORDS + 1], [MARK; WORDS + 1]);
    (options[0], info[0]) = (size(input), size(input));
    // Without a signal, as a pointer to one cannot be made up; nothing is waited for.
    options[2] = input.number();
    options[3] = input.number();
    let mut buffer = [0x5a_u8; 64];
    let capacity = usize::from(input.byte()).min(buffer.len());
    unsafe { abi::nacos_auth_close(auth, 10, ptr::null_mut()) };
    let status = checked(&[], |error| unsafe {
        let buffer = buffer.as_mut_ptr().cast();
        abi::nacos_get_token(auth, options.as_ptr(), buffer, capacity, info.as_mut_ptr(), error)
    });
    assert!(status == CLOSED || (100..200).contains(&status), "{status}");
    assert!(buffer[capacity..].iter().all(|byte| *byte == 0x5a));
    let words = usize::try_from(info[0] / 8).unwrap_or(WORDS).clamp(1, WORDS);
    assert!(info[words..].iter().all(|word| *word == MARK), "beyond {}", info[0]);
    unsafe { abi::nacos_auth_free(auth) };
}
