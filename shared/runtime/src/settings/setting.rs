//! Settings as data: what each is called, where it comes from, and what it is for.

/// One setting: an environment variable of the functions. The template and docs/deploy.md are checked against it by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// Where its value comes from.
    pub source: Source,
    /// What it is for, in a sentence, as the console shows it.
    pub description: &'static str,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A parameter of the template. The deployer must answer it.
    Required(&'static str),
    /// A parameter of the template, and its default there and here. An empty default means unset.
    Parameter(&'static str, &'static str),
    /// The template names one of its own resources.
    Resource,
}

impl Setting {
    /// The value if the variable is unset; empty if there is none.
    pub const fn default(&self) -> &'static str {
        match self.source {
            Source::Parameter(_, default) => default,
            Source::Required(_) | Source::Resource => "",
        }
    }
}

/// Declares the settings of a section: a constant for each, and `SETTINGS` with all of them.
macro_rules! settings {
    ($($name:ident: $kind:ident $($parameter:literal)? $(= $default:literal)?, $description:literal;)+) => {
        $(
            const $name: $crate::settings::Setting = $crate::settings::Setting {
                name: stringify!($name),
                source: settings!(@source $kind $($parameter)? $(= $default)?),
                description: $description,
            };
        )+
        /// The settings of this section.
        #[cfg(feature = "dependencies")]
        pub(super) const SETTINGS: &[$crate::settings::Setting] = &[$($name),+];
    };
    (@source required $parameter:literal) => { $crate::settings::Source::Required($parameter) };
    (@source parameter $parameter:literal = $default:literal) => {
        $crate::settings::Source::Parameter($parameter, $default)
    };
    (@source resource) => { $crate::settings::Source::Resource };
}
