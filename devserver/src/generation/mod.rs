//! The generations: one table each of what they say and where they differ.

mod rnacos;
mod rnacos_085;
mod v14;
mod v2;
mod v20;
mod v22;
mod v23;
mod v3;
mod v32;
mod v33;

use std::str::FromStr;

use crate::dialect::Dialect;

/// Which server the devserver plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generation {
    /// Nacos 1.4.8.
    V14,
    /// Nacos 2.0.4.
    V20,
    /// Nacos 2.2.3.
    V22,
    /// Nacos 2.3.2.
    V23,
    /// Nacos 2.5.1.
    #[default]
    V2,
    /// Nacos 3.0.3.
    V3,
    /// Nacos 3.2.4, as its sources say.
    V32,
    /// Nacos 3.3.0, as its sources say.
    V33,
    /// r-nacos 0.8.5.
    RNacos085,
    /// r-nacos 0.8.8.
    RNacos,
}

impl Generation {
    /// All of them, oldest first.
    pub const ALL: [Self; 10] = [
        Self::V14,
        Self::V20,
        Self::V22,
        Self::V23,
        Self::V2,
        Self::V3,
        Self::V32,
        Self::V33,
        Self::RNacos085,
        Self::RNacos,
    ];

    /// Its name on the command line: `1.4`, `2.0`, `2.2`, `2.3`, `2.x`, `3.x`, `3.2`, `3.3`, `rnacos-0.8.5` or `rnacos`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V14 => "1.4",
            Self::V20 => "2.0",
            Self::V22 => "2.2",
            Self::V23 => "2.3",
            Self::V2 => "2.x",
            Self::V3 => "3.x",
            Self::V32 => "3.2",
            Self::V33 => "3.3",
            Self::RNacos085 => "rnacos-0.8.5",
            Self::RNacos => "rnacos",
        }
    }

    pub(crate) fn dialect(self) -> &'static Dialect {
        match self {
            Self::V14 => &v14::DIALECT,
            Self::V20 => &v20::DIALECT,
            Self::V22 => &v22::DIALECT,
            Self::V23 => &v23::DIALECT,
            Self::V2 => &v2::DIALECT,
            Self::V3 => &v3::DIALECT,
            Self::V32 => &v32::DIALECT,
            Self::V33 => &v33::DIALECT,
            Self::RNacos085 => &rnacos_085::DIALECT,
            Self::RNacos => &rnacos::DIALECT,
        }
    }
}

impl FromStr for Generation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|generation| generation.name() == name);
        let known = || Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| format!("unknown generation {name:?}: use one of {}", known()))
    }
}
