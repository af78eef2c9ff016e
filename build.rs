//! Generates the C header and names the shared library.
//!
//! The header is generated into OUT_DIR and copied over the committed `include/nacos_auth.h` when the two differ, but only
//! inside a git checkout: packaged or vendored sources are never written to. With NACOS_AUTH_CHECK_HEADER set, a
//! difference fails the build instead.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=src/ffi");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=include/nacos_auth.h");
    println!("cargo::rerun-if-env-changed=NACOS_AUTH_CHECK_HEADER");

    // The number is that of the ABI. The library stays loaded once it is: its thread and its fork handler live in it.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libnacos_auth.so.1");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }

    let root = env::var("CARGO_MANIFEST_DIR").unwrap();
    let root = Path::new(&root);
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let version = env::var("CARGO_PKG_VERSION").unwrap();
    config.after_includes = config.after_includes.map(|text| text.replace("@VERSION@", &version));

    let mut builder = cbindgen::Builder::new().with_config(config);
    // The order of the header.
    for room in ["status", "error", "cancel", "callback", "options", "auth", "token", "request"] {
        builder = builder.with_src(root.join("src/ffi").join(room).with_extension("rs"));
    }
    let generated = Path::new(&env::var("OUT_DIR").unwrap()).join("nacos_auth.h");
    builder.generate().expect("cbindgen").write_to_file(&generated);

    // What Rust calls safety is what C calls the contract.
    let text = fs::read_to_string(&generated).unwrap().replace(" * # Safety\n * ", " * Requires: ");
    let committed = root.join("include/nacos_auth.h");
    if fs::read_to_string(&committed).is_ok_and(|old| old == text) {
        return;
    }
    if env::var_os("NACOS_AUTH_CHECK_HEADER").is_some() {
        panic!("include/nacos_auth.h is not what src/ffi says; run `cargo build` and commit it");
    }
    if root.join(".git").exists() {
        fs::write(&committed, text).expect("include/nacos_auth.h");
    }
}
