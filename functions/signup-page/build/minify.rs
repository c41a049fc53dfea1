//! A quarter of the page's weight is indentation and comments. Without them it is light even where no gateway compresses
//! it.

/// A text without indentation, empty lines and lines of comment. The files hold no text that goes over several lines, nor
/// code after the end of a comment.
pub(crate) fn minify(text: &str) -> String {
    let mut minified = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        in_comment |= line.starts_with("/*");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            minified.push_str(line);
            minified.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    minified
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_comments_and_blanks_are_left_out() {
        let text = "/** What\n * it is. */\nlet a = 1; // b\n\n  // c\n  * { d }\n/* e */\n";
        assert_eq!(minify(text), "let a = 1; // b\n* { d }\n");
    }

    #[test]
    fn no_file_of_the_page_has_a_text_over_several_lines() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../signup");
        let texts = format!("{page}/texts");
        for file in fs::read_dir(page).unwrap().chain(fs::read_dir(texts).unwrap()) {
            let path = file.unwrap().path();
            if path.is_file() {
                let text = fs::read_to_string(&path).unwrap();
                let even = text.lines().all(|line| line.matches('`').count() % 2 == 0);
                assert!(even, "{}: a text over several lines", path.display());
            }
        }
    }
}
