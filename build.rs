//! Generates what is written down in several languages, and names the shared library.
//!
//! The C header comes from `src/ffi` by cbindgen, the list of causes from `src/cause.rs`. Each file is copied over the committed
//! one when the two differ, but only inside a git checkout: packaged or vendored sources are never written to. With
//! NACOS_AUTH_CHECK_HEADER set, a difference fails the build instead.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[path = "src/cause.rs"]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod cause;

use cause::Cause;

fn main() {
    for path in ["src/ffi", "src/cause.rs", "cbindgen.toml"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=NACOS_AUTH_CHECK_HEADER");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());

    // The number is that of the ABI. The library stays loaded once it is: its thread and its fork handler live in it.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnacos_auth.so.1");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    let header = header(&root);
    put(&root, "include/nacos_auth.h", &header);
    // A module of Go has it inside, and may have no links in it.
    put(&root, "bindings/go/nacos_auth.h", &header);
    put(&root, "bindings/python/src/nacos_auth/_causes.py", &python());
    put(&root, "bindings/go/causes.go", &go());
    put(&root, "docs/causes.md", &markdown());
}

/// Brings a committed file up to date.
fn put(root: &Path, name: &str, text: &str) {
    println!("cargo::rerun-if-changed={name}");
    let committed = root.join(name);
    if fs::read_to_string(&committed).is_ok_and(|old| old == text) {
        return;
    }
    if env::var_os("NACOS_AUTH_CHECK_HEADER").is_some() {
        panic!("{name} is not what src says; run `cargo build` and commit it");
    }
    if root.join(".git").exists() {
        fs::write(&committed, text).expect(name);
    }
}

fn header(root: &Path) -> String {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION{name}")).unwrap();
    config.after_includes = config.after_includes.map(|text| {
        text.replace("@VERSION@", &part(""))
            .replace("@MAJOR@", &part("_MAJOR"))
            .replace("@MINOR@", &part("_MINOR"))
            .replace("@PATCH@", &part("_PATCH"))
            .replace("@CAUSES@", &c_causes())
    });
    let mut builder = cbindgen::Builder::new().with_config(config);
    // The order of the header.
    for room in [
        "status",
        "error",
        "cancel",
        "callback",
        "options",
        "auth",
        "token",
        "request",
        "queue",
        "operation",
        "health",
        "metrics",
        "diagnose",
        "names",
    ] {
        builder = builder.with_src(root.join("src/ffi").join(room).with_extension("rs"));
    }
    let generated = Path::new(&env::var("OUT_DIR").unwrap()).join("nacos_auth.h");
    builder.generate().expect("cbindgen").write_to_file(&generated);
    // What Rust calls safety is what C calls the contract.
    let text = fs::read_to_string(&generated).unwrap().replace(" * # Safety\n * ", " * Requires: ");
    let (text, guard) = (text.trim_end(), "\n#endif /* NACOS_AUTH_H */\n");
    format!("{text}\n\n{}{guard}", structs(text))
}

/// What goes with the structs: their initialisers, and the promise that they have no padding and can grow.
fn structs(header: &str) -> String {
    let (mut initialisers, mut layouts) = (String::new(), String::new());
    for definition in header.split("\ntypedef struct ").skip(1).filter_map(|text| text.split_once(" {\n")) {
        let (name, rest) = definition;
        let (fields, _) = rest.split_once("\n}").expect("the end of a struct");
        let fields: Vec<_> = fields.lines().filter_map(|line| line.trim().strip_suffix(';')).collect();
        // Asserted where pointers have 8 bytes.
        let size = |field: &&str| match field.split_whitespace().next() {
            Some("int32_t" | "uint32_t" | "nacos_status") => 4,
            _ => 8,
        };
        let sum: usize = fields.iter().map(size).sum();
        assert_eq!(sum % 8, 0, "{name} cannot grow");
        writeln!(layouts, "NACOS_LAYOUT({name}, {sum})").unwrap();
        // What the library fills in is not the caller's to begin.
        if fields[0].ends_with("struct_size") && !["nacos_event", "nacos_log_record"].contains(&name) {
            let short = name.trim_start_matches("nacos_").rsplit('_').next().unwrap();
            writeln!(
                initialisers,
                "/** A {name} with its size set and everything else at its default. */\n\
                 static inline {name} {name}_default(void) {{\n  {name} {short} = NACOS_ZERO;\n  \
                 {short}.struct_size = sizeof({name});\n  return {short};\n}}\n"
            )
            .unwrap();
        }
    }
    format!(
        "/** @cond */\n#ifdef __cplusplus\n#define NACOS_ZERO \\\n  {{}}\n#else\n#define NACOS_ZERO \\\n  {{ 0 }}\n#endif\n\
         /** @endcond */\n\n\
         {initialisers}\
         /* Structs have no padding and sizes that are multiples of 8, so that they can grow. */\n\
         #if UINTPTR_MAX == UINT64_MAX && \\\n    (defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L))\n\
         /** @cond */\n#ifdef __cplusplus\n#define NACOS_LAYOUT(type, size) \\\n  \
         static_assert(sizeof(type) == (size), \"the layout of \" #type);\n\
         #else\n#define NACOS_LAYOUT(type, size) \\\n  \
         _Static_assert(sizeof(type) == (size), \"the layout of \" #type);\n#endif\n\
         {layouts}#undef NACOS_LAYOUT\n/** @endcond */\n#endif\n#undef NACOS_ZERO\n"
    )
}

fn upper(cause: Cause) -> String {
    cause.name().replace('-', "_").to_uppercase()
}

fn c_causes() -> String {
    let mut text = String::from("/* Causes: what nacos_error_cause, events and log records give. More may come. */");
    for cause in Cause::ALL {
        let (meaning, cure, name) = (cause.meaning(), cause.cure(), upper(*cause));
        let slug = cause.name();
        write!(text, "\n/** {meaning} {cure} */\n#define NACOS_CAUSE_{name} \"{slug}\"").unwrap();
    }
    text
}

fn python() -> String {
    let mut text = String::from(
        "\"\"\"Why calls fail. Generated from src/cause.rs by the build. Do not edit.\"\"\"\n\n\
         from __future__ import annotations\n\nfrom enum import Enum\n\n\n\
         class Cause(str, Enum):\n    \"\"\"Why something failed, more closely than its class says it.\"\"\"\n\n    \
         __str__ = str.__str__  # in all versions of Python the word itself\n",
    );
    for cause in Cause::ALL {
        let (name, slug, meaning, cure) = (upper(*cause), cause.name(), cause.meaning(), cause.cure());
        write!(text, "\n    {name} = \"{slug}\"\n    \"\"\"{meaning}\n\n    {cure}\n    \"\"\"\n").unwrap();
    }
    text
}

fn go() -> String {
    let mut text = String::from(
        "// Code generated from src/cause.rs by the build. DO NOT EDIT.\n\npackage nacosauth\n\n\
         // Cause says why something failed, more closely than its Status. More may come.\ntype Cause string\n\n\
         // The causes there are.\nconst (\n",
    );
    for cause in Cause::ALL {
        let (name, slug) = (go_name(cause.name(), '-'), cause.name());
        let (meaning, cure) = (go_names(cause.meaning()), go_names(cause.cure()));
        write!(text, "\t// {meaning} {cure}\n\tCause{name} Cause = \"{slug}\"\n").unwrap();
    }
    text + ")\n"
}

/// A name as Go writes it: `ca_file` is `CAFile`.
fn go_name(name: &str, separator: char) -> String {
    let word = |word: &str| match word {
        "ca" | "http" | "pem" | "san" | "tls" => word.to_uppercase(),
        _ => word[..1].to_uppercase() + &word[1..],
    };
    name.split(separator).map(word).collect()
}

/// A sentence with the names of settings and functions as Go has them.
fn go_names(sentence: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut text = String::new();
    for word in sentence.split_inclusive(|c| !is_part(c)) {
        let name = word.trim_end_matches(|c| !is_part(c) || c == '.');
        let is_name = name.contains('_') && !name.contains('.');
        text += &match name.strip_prefix("nacos_auth_").unwrap_or(name) {
            short if is_name => go_name(short, '_') + &word[name.len()..],
            _ => word.to_owned(),
        };
    }
    text
}

fn markdown() -> String {
    let mut text = String::from(
        "<!-- Generated from src/cause.rs by the build. Do not edit. -->\n# Causes\n\n\
         Every error, and every event that tells of trouble, has a cause: a word that stays the same in every language and \
         every version. C has them as `NACOS_CAUSE_…` (`nacos_error_cause`), Python as `Cause` (`error.cause`), Go as \
         `Cause…` (`err.Cause`), C++ as the strings of C (`error.cause()`), Rust as `Cause`.\n\n\
         | cause | means | what to do |\n|---|---|---|\n",
    );
    for cause in Cause::ALL {
        // What the command prints leads there.
        let name = cause.name();
        writeln!(text, "| <a id=\"{name}\"></a>`{name}` | {} | {} |", cause.meaning(), cause.cure()).unwrap();
    }
    text
}
