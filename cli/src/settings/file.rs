//! The file with profiles.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Value as Toml;

use super::layers::{Layer, NAMES, Value};
use crate::exit::{Failure, Result};

/// What a file may not hold: it would be read by whoever reads the file.
const SECRETS: [&str; 2] = ["password", "token"];
/// The profile of those who name none.
const DEFAULT: &str = "default";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The profile to use when none is named.
    profile: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, BTreeMap<String, Toml>>,
}

/// The settings of the profile, from `path` or where the file usually is.
pub(super) fn find(path: Option<&Path>, profile: Option<&str>) -> Result<Layer> {
    let is_named = path.is_some();
    let Some(path) = path.map(Path::to_owned).or_else(usual) else {
        return match profile {
            Some(name) => Err(Failure::setting(format!("profile: there is no file with \"{name}\"; give --config"))),
            None => Ok(Layer::new()),
        };
    };
    let shown = path.display();
    match fs::read_to_string(&path) {
        Ok(text) => read(&text, &path, profile),
        Err(e) if e.kind() == io::ErrorKind::NotFound && !is_named && profile.is_none() => Ok(Layer::new()),
        Err(e) => Err(Failure::setting(format!("config: cannot read {shown}: {e}; it holds the profiles, as TOML"))),
    }
}

fn usual() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("nacos-auth/config.toml"))
}

fn read(text: &str, path: &Path, profile: Option<&str>) -> Result<Layer> {
    let shown = path.display();
    let file: File = toml::from_str(text).map_err(|e| {
        // Without the line itself, which the error shows too: it may hold a secret.
        let line = e.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        let why = e.message().lines().next().unwrap_or_default().to_owned();
        Failure::setting(format!(
            "config: {shown}, line {line}: {why}; write [profiles.NAME] with settings below it, and profile = \"NAME\" at the \
             top"
        ))
    })?;
    let named = profile.or(file.profile.as_deref());
    let name = named.unwrap_or(DEFAULT);
    let Some(settings) = file.profiles.get(name) else {
        let Some(name) = named else { return Ok(Layer::new()) };
        let there: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
        let there = if there.is_empty() { "no profiles".into() } else { there.join(", ") };
        return Err(Failure::setting(format!("profile: {shown} has no [profiles.{name}]; there is: {there}")));
    };
    let mut layer = Layer::new();
    for (key, value) in settings {
        let origin = format!("{shown}, profile {name}");
        let wrong = |why: String| Err(Failure::setting(format!("{key}: {why}")).set_by(&origin));
        if SECRETS.contains(&key.as_str()) {
            return wrong(format!(
                "does not belong into this file; write password_file, or set NACOS_{}",
                key.to_uppercase()
            ));
        }
        let Some(known) = NAMES.into_iter().find(|known| known == key) else {
            let known: Vec<_> = NAMES.into_iter().filter(|name| !SECRETS.contains(name)).collect();
            return wrong(format!("there is no such setting; there are: {}", known.join(", ")));
        };
        let Toml::String(text) = value else {
            return wrong("is no text; put it into quotation marks".into());
        };
        let text = if known.ends_with("_file") { beside(path, text) } else { text.clone() };
        layer.insert(known, Value { text, origin });
    }
    Ok(layer)
}

/// Files are named relative to the one that names them.
fn beside(path: &Path, name: &str) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    folder.join(name).to_str().map_or_else(|| name.to_owned(), str::to_owned)
}
