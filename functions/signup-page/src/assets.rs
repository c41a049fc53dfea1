//! The files that the page loads, which are those of `signup/`, minified by the build script.

/// Name and text of each.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// One file.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) text: String,
    /// Follows from the text, quoted as in the header.
    pub(crate) etag: String,
}

/// The file of this name, with the partner's color before the style sheet.
pub(crate) fn find(name: &str, theme: &str) -> Option<Asset> {
    let (_, extension) = name.rsplit_once('.')?;
    let content_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    let (_, text) = FILES.iter().find(|(file, _)| *file == name)?;
    let text = format!("{}{text}", if name == "style.css" { theme } else { "" });
    let mut digest = exchange::sha256_hex(&text);
    digest.truncate(32);
    Some(Asset { content_type, text, etag: format!("\"{digest}\"") })
}

/// The languages of the page. Each is one file of texts, and no other file is JSON.
pub(crate) fn languages() -> Vec<&'static str> {
    FILES.iter().filter_map(|(name, _)| name.strip_suffix(".json")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::INDEX;

    fn texts(language: &str) -> Value {
        serde_json::from_str(&find(&format!("{language}.json"), "").unwrap().text).unwrap()
    }

    /// `path = {placeholders}` of every text.
    fn shape(texts: &Value, path: &str, into: &mut BTreeSet<String>) {
        match texts {
            Value::Object(members) => {
                members.iter().for_each(|(name, text)| shape(text, &format!("{path}.{name}"), into));
            }
            Value::String(text) => {
                assert!(!text.trim().is_empty(), "{path} is empty");
                let mut holes: Vec<&str> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
                holes.sort_unstable();
                holes.dedup();
                into.insert(format!("{path} = {holes:?}"));
            }
            other => panic!("{path} is {other}"),
        }
    }

    fn shape_of(language: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        shape(&texts(language), "", &mut found);
        found
    }

    #[test]
    fn every_language_of_the_page_has_the_same_texts() {
        let english = shape_of("en");
        for language in languages() {
            let found = shape_of(language);
            let missing: Vec<_> = english.difference(&found).collect();
            let unknown: Vec<_> = found.difference(&english).collect();
            assert!(missing.is_empty() && unknown.is_empty(), "{language}: missing {missing:#?}, unknown {unknown:#?}");
        }
    }

    #[test]
    fn every_language_has_the_name_of_a_browsers_locale() {
        for language in languages() {
            let mut parts = language.split('-');
            let first = parts.next().unwrap();
            let letters = first.bytes().all(|letter| letter.is_ascii_lowercase());
            assert!(letters && matches!(first.len(), 2 | 3), "{language}");
            assert!(parts.all(|part| part.bytes().all(|letter| letter.is_ascii_alphanumeric())), "{language}");
        }
    }

    #[test]
    fn every_text_that_the_html_names_exists() {
        let english = texts("en");
        let names =
            INDEX.split("data-text=").skip(1).filter_map(|rest| rest.split([' ', '>']).next()).collect::<Vec<_>>();
        assert!(names.len() > 40, "{names:?}");
        for name in names {
            let pointer = format!("/{}", name.replace('.', "/"));
            assert!(english.pointer(&pointer).is_some_and(Value::is_string), "{name}");
        }
    }

    #[test]
    fn the_page_weighs_at_most_44_kb_even_if_nothing_compresses_it() {
        let theme = crate::theme::css([0; 3]);
        let weight = |languages: bool| {
            let files = FILES.iter().filter(move |(name, _)| name.strip_suffix(".json").is_some() == languages);
            files.map(|(name, _)| find(name, &theme).unwrap().text.len())
        };
        let total = INDEX.len() + weight(true).max().unwrap() + weight(false).sum::<usize>();
        assert!(total <= 44_000, "{total} bytes");
    }

    #[test]
    fn a_changed_page_file_has_another_etag() {
        let [one, other] = ["a{}", "b{}"].map(|theme| find("style.css", theme).unwrap().etag);
        assert_ne!(one, other);
        assert!(one.starts_with('"') && one.ends_with('"'));
    }
}
