//! Settings, from environment variables. Every problem is found at once: [`Env`] collects them, [`Env::finish`] names all.
//!
//! Settings hold no secrets; those are at Secrets Manager (crate `secrets`).

#[macro_use]
mod setting;

mod brand;
#[cfg(feature = "dependencies")]
mod deployment;
#[cfg(feature = "dependencies")]
mod events;
#[cfg(feature = "dependencies")]
mod messaging;
mod page;
mod providers;
#[cfg(feature = "dependencies")]
mod retention;
mod url;
#[cfg(feature = "dependencies")]
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
#[cfg(feature = "dependencies")]
use std::str::FromStr;

pub use brand::Brand;
#[cfg(feature = "dependencies")]
pub use deployment::{DispatcherConfig, SecretsConfig, TableConfig, VaultConfig, WebhookConfig};
#[cfg(feature = "dependencies")]
pub use events::{EventConfig, notify_unclaimed};
#[cfg(feature = "dependencies")]
pub use messaging::MessagingConfig;
pub use page::PageConfig;
pub use providers::{HubConfig, MetaConfig, solution_id};
#[cfg(feature = "dependencies")]
pub use retention::RetentionConfig;
pub use setting::{Setting, Source};
use url::base_url;
#[cfg(feature = "dependencies")]
pub use waits::WaitConfig;

/// Reads settings and remembers what is wrong with them.
#[derive(Debug, Clone)]
pub struct Env {
    variables: BTreeMap<String, String>,
    problems: Vec<ConfigProblem>,
    read: BTreeSet<&'static str>,
}

/// Every setting of the bundle, but for those that libraries read: the only list.
#[cfg(feature = "dependencies")]
pub fn all() -> Vec<Setting> {
    let sections = [
        providers::SETTINGS,
        messaging::SETTINGS,
        events::SETTINGS,
        page::SETTINGS,
        brand::SETTINGS,
        waits::SETTINGS,
        retention::SETTINGS,
        deployment::SETTINGS,
    ];
    let queues = queue::QueueName::all().filter_map(deployment::queue_url);
    sections.concat().into_iter().chain(queues).collect()
}

/// Proof that a problem was recorded: what a section returns in place of itself. Only [`Env`] can make one.
#[derive(Debug, Clone, Copy)]
pub struct Incomplete(());

/// All settings that are missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// One for each variable.
    pub problems: Vec<ConfigProblem>,
}

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The variable.
    pub name: &'static str,
    /// Why; never the value.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings are missing or wrong")?;
        for (n, ConfigProblem { name, reason }) in self.problems.iter().enumerate() {
            write!(f, "{} {name} {reason}", if n == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl Env {
    /// The variables of this process.
    pub fn system() -> Self {
        // Not `vars`, which panics at a variable that is not UTF-8.
        Self::new(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// The variables given. An empty value counts as unset: that is what an unset parameter of a template becomes.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name, value.trim().to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self { variables, problems: Vec::new(), read: BTreeSet::new() }
    }

    /// A text that must be set.
    pub fn required(&mut self, setting: Setting) -> Result<String, Incomplete> {
        self.required_parsed(setting, |text| Ok::<_, String>(text.to_owned()))
    }

    /// The names of the variables that were asked for so far.
    pub fn read(&self) -> &BTreeSet<&'static str> {
        &self.read
    }

    /// A value that must be set and that `parse` must accept. `parse` returns the reason otherwise, such as `is not a number`.
    pub fn required_parsed<T>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Incomplete> {
        match self.optional_parsed(setting, parse)? {
            Some(value) => Ok(value),
            None => Err(self.problem(setting, "is missing")),
        }
    }

    /// A value that may be unset, but if it is set `parse` must accept it.
    pub fn optional_parsed<T>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Incomplete> {
        self.read.insert(setting.name);
        match self.variables.get(setting.name).map(|text| parse(text)) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(reason)) => Err(self.problem(setting, reason)),
        }
    }

    /// A value that `parse` must accept, the setting's default if it is unset.
    pub fn parsed<T>(
        &mut self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Incomplete> {
        self.read.insert(setting.name);
        let text = self.variables.get(setting.name).map_or(setting.default(), String::as_str);
        parse(text).map_err(|reason| self.problem(setting, reason))
    }

    /// Records what is wrong with a variable.
    pub fn problem(&mut self, setting: Setting, reason: impl Into<String>) -> Incomplete {
        let problem = ConfigProblem { name: setting.name, reason: reason.into() };
        // Two sections may read the same variable.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        Incomplete(())
    }

    /// Puts the sections together once all have been read:
    ///
    /// ```
    /// # use runtime::settings::{Env, MetaConfig, PageConfig};
    /// # let mut env = Env::new([]);
    /// let (page, meta) = (PageConfig::read(&mut env), MetaConfig::read(&mut env));
    /// let settings = env.finish(|| Ok((page?, meta?)));
    /// # assert_eq!(settings.unwrap_err().problems.len(), 4);
    /// ```
    ///
    /// # Errors
    /// Names every variable that is missing or malformed.
    pub fn finish<T>(self, settings: impl FnOnce() -> Result<T, Incomplete>) -> Result<T, ConfigError> {
        match settings() {
            Ok(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }
}

/// Reads with the type's own [`FromStr`]; `expected` says what it should be, such as `must be a number`.
#[cfg(feature = "dependencies")]
fn parse<T: FromStr>(expected: &'static str) -> impl FnOnce(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| expected.to_owned())
}

/// Digits, `least` to `most` of them.
fn digits(least: usize, most: usize) -> impl FnOnce(&str) -> Result<String, String> {
    move |text| {
        if (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(text.to_owned())
        } else {
            Err(format!("must be {least} to {most} digits"))
        }
    }
}

/// The members of a list separated by commas.
fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|member| !member.is_empty())
}
