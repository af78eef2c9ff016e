//! Where settings come from, in the order in which they count.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::file;
use crate::{
    args::Flags,
    exit::{Failure, Result},
};

/// Every setting: its name in a profile.
pub(super) const NAMES: [&str; 14] = [
    "server_addr",
    "context_path",
    "username",
    "password_file",
    "password",
    "token",
    "ca_file",
    "client_cert_file",
    "client_key_file",
    "tls_server_name",
    "proxy",
    "token_in",
    "connect_timeout",
    "request_timeout",
];

/// A setting as it was written, and where.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) origin: String,
}

/// The settings of one origin.
pub(super) type Layer = BTreeMap<&'static str, Value>;

/// All of them, the first one counts.
pub(super) struct Layers(Vec<Layer>);

impl Layers {
    pub(super) fn read(flags: &Flags) -> Result<Self> {
        let file = file::find(flags.config.as_deref(), flags.profile.as_deref())?;
        Ok(Self(vec![from_flags(flags)?, from_environment()?, file]))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find_map(|layer| layer.get(name))
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Layer> {
        self.0.iter()
    }
}

/// The option for a setting.
pub(super) fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// The environment variable for a setting.
pub(super) fn variable(name: &str) -> String {
    format!("NACOS_{}", name.to_ascii_uppercase())
}

fn from_flags(flags: &Flags) -> Result<Layer> {
    let mut layer = Layer::new();
    let mut put = |name: &'static str, text: Option<&str>| {
        if let Some(text) = text {
            layer.insert(name, Value { text: text.into(), origin: flag(name) });
        }
    };
    let path = |name: &'static str, path: &Option<PathBuf>| {
        let path = path.as_deref().map(Path::as_os_str);
        path.map(|path| unicode(path, name, &flag(name)).map(str::to_owned)).transpose()
    };
    put("server_addr", flags.server_addr.as_deref());
    put("context_path", flags.context_path.as_deref());
    put("username", flags.username.as_deref());
    put("password_file", path("password_file", &flags.password_file)?.as_deref());
    put("password", flags.password.as_deref());
    put("ca_file", path("ca_file", &flags.ca_file)?.as_deref());
    put("client_cert_file", path("client_cert_file", &flags.client_cert_file)?.as_deref());
    put("client_key_file", path("client_key_file", &flags.client_key_file)?.as_deref());
    put("tls_server_name", flags.tls_server_name.as_deref());
    put("proxy", flags.proxy.as_deref());
    put("token_in", flags.token_in.as_deref());
    put("connect_timeout", flags.connect_timeout.as_deref());
    put("request_timeout", flags.request_timeout.as_deref());
    Ok(layer)
}

fn from_environment() -> Result<Layer> {
    let mut layer = Layer::new();
    for name in NAMES {
        let origin = variable(name);
        let Some(value) = env::var_os(&origin) else { continue };
        let text = unicode(&value, name, &origin)?;
        // An empty variable is how a unit or a manifest leaves one out. An empty context path is a context path.
        if !text.is_empty() || name == "context_path" {
            layer.insert(name, Value { text: text.into(), origin });
        }
    }
    Ok(layer)
}

fn unicode<'a>(value: &'a OsStr, name: &str, origin: &str) -> Result<&'a str> {
    value.to_str().ok_or_else(|| Failure::setting(format!("{name}: not UTF-8")).set_by(origin))
}
