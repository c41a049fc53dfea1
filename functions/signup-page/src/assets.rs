//! The page's files, as they are sent: without indentation and comments, a quarter of their weight, so that the page is
//! light even where no gateway compresses it.

const SCRIPT: &str = "text/javascript; charset=utf-8";
const DATA: &str = "application/json";

/// The files that need no settings, by the name in their URL. It is one segment of a path, hence without folders.
const FILES: [(&str, &str, &str); 13] = [
    ("icon.svg", "image/svg+xml", include_str!("../../../signup/icon.svg")),
    ("api.js", SCRIPT, include_str!("../../../signup/api.js")),
    ("embedded-signup.js", SCRIPT, include_str!("../../../signup/embedded-signup.js")),
    ("full-page.js", SCRIPT, include_str!("../../../signup/full-page.js")),
    ("language.js", SCRIPT, include_str!("../../../signup/language.js")),
    ("link.js", SCRIPT, include_str!("../../../signup/link.js")),
    ("page.js", SCRIPT, include_str!("../../../signup/page.js")),
    ("poll.js", SCRIPT, include_str!("../../../signup/poll.js")),
    ("screens.js", SCRIPT, include_str!("../../../signup/screens.js")),
    ("de.json", DATA, include_str!("../../../signup/texts/de.json")),
    ("en.json", DATA, include_str!("../../../signup/texts/en.json")),
    ("es.json", DATA, include_str!("../../../signup/texts/es.json")),
    ("pt.json", DATA, include_str!("../../../signup/texts/pt.json")),
];
const STYLE: &str = include_str!("../../../signup/style.css");

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) text: String,
    /// Follows from the text, quoted as in the header.
    pub(crate) etag: String,
}

/// All files.
#[derive(Debug, Clone)]
pub(crate) struct Assets(Vec<Asset>);

impl Assets {
    /// The files, with the partner's colours before the style sheet.
    pub(crate) fn new(theme: &str) -> Self {
        let mut assets: Vec<Asset> =
            FILES.iter().map(|(name, content_type, text)| asset(name, content_type, lean(text))).collect();
        assets.push(asset("style.css", "text/css; charset=utf-8", format!("{theme}{}", lean(STYLE))));
        Self(assets)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.name == name)
    }
}

/// A text without indentation, empty lines and lines of comment. The files hold no text that goes over several lines, nor code
/// after the end of a comment.
pub(crate) fn lean(text: &str) -> String {
    let mut lean = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        in_comment |= line.starts_with("/*");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            lean.push_str(line);
            lean.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    lean
}

fn asset(name: &'static str, content_type: &'static str, text: String) -> Asset {
    let mut digest = exchange::sha256_hex(&text);
    digest.truncate(32);
    Asset { name, content_type, text, etag: format!("\"{digest}\"") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::INDEX;

    const LANGUAGES: [&str; 4] = ["de.json", "en.json", "es.json", "pt.json"];

    fn texts(language: &str) -> Value {
        serde_json::from_str(&Assets::new("").find(language).unwrap().text).unwrap()
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

    #[test]
    fn every_language_of_the_page_has_the_same_texts() {
        let shapes = LANGUAGES.map(|language| {
            let mut found = BTreeSet::new();
            shape(&texts(language), "", &mut found);
            found
        });
        for (language, found) in LANGUAGES.iter().zip(&shapes) {
            let differences: Vec<_> = found.symmetric_difference(&shapes[1]).collect();
            assert!(differences.is_empty(), "{language}: {differences:#?}");
        }
    }

    #[test]
    fn every_text_that_the_html_names_exists() {
        let english = texts("en.json");
        for name in INDEX.split("data-text=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let pointer = format!("/{}", name.replace('.', "/"));
            assert!(english.pointer(&pointer).is_some_and(Value::is_string), "{name}");
        }
    }

    #[test]
    fn the_page_weighs_at_most_40_kb_even_if_nothing_compresses_it() {
        let assets = Assets::new(&crate::theme::css([0; 3]));
        let weight =
            |languages: bool| assets.0.iter().filter(move |asset| LANGUAGES.contains(&asset.name) == languages);
        let language = weight(true).map(|asset| asset.text.len()).max().unwrap();
        let total = lean(INDEX).len() + language + weight(false).map(|asset| asset.text.len()).sum::<usize>();
        assert!(total <= 40_000, "{total} bytes");
    }

    #[test]
    fn minifying_leaves_out_only_comments_and_blanks() {
        let text = "/** What\n * it is. */\nlet a = 1; // b\n\n  // c\n  * { d }\n/* e */\n";
        assert_eq!(lean(text), "let a = 1; // b\n* { d }\n");
        for (name, _, text) in FILES {
            assert_eq!(text.matches('`').count() % 2, 0, "{name}");
            assert!(text.lines().all(|line| line.matches('`').count() % 2 == 0), "{name}: a text over several lines");
        }
    }

    #[test]
    fn a_changed_page_file_has_another_etag() {
        let [one, other] = ["a{}", "b{}"].map(|theme| Assets::new(theme).find("style.css").unwrap().etag.clone());
        assert_ne!(one, other);
        assert!(one.starts_with('"') && one.ends_with('"'));
    }
}
