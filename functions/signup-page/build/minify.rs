//! Blanks and comments are a third of the page's weight. Without them it is light even where no gateway compresses it.

/// Characters of JavaScript next to which a blank means nothing.
const PUNCTUATION: &str = "{}()[],;:?=<>&|!*";
/// What a regular expression may follow. After anything else, `/` divides.
const BEFORE_REGEX: &str = "(,=:!&|?{};[\n";

/// A file of this name, minified. The files hold no text that goes over several lines, nor code after the end of a comment.
pub(crate) fn minify(name: &str, text: &str) -> String {
    let lines = lines(text);
    match name.rsplit_once('.') {
        Some((_, "js")) => script(&lines),
        Some((_, "css")) => style(&lines),
        Some((_, "html")) => document(&lines),
        // Its lines begin with a name or end an object, and no text has a line of its own.
        Some((_, "json")) => lines.replace("\": ", "\":").replace('\n', ""),
        _ => lines,
    }
}

/// A text without indentation, empty lines and lines of comment.
fn lines(text: &str) -> String {
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

/// JavaScript without the blanks around punctuation and the line ends that are none of a statement's.
fn script(text: &str) -> String {
    let mut minified = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let before = minified.chars().last().unwrap_or('\n');
        let after = rest.chars().nth(1).unwrap_or('\n');
        let length = match next {
            '"' | '\'' | '`' => literal(rest, next),
            '/' if BEFORE_REGEX.contains(before) => literal(rest, next),
            _ => next.len_utf8(),
        };
        let (part, others) = rest.split_at(length);
        rest = others;
        let blank = match part {
            " " => PUNCTUATION.contains(before) || PUNCTUATION.contains(after),
            "\n" => "{(,;[".contains(before) || "})].?:".contains(after),
            _ => false,
        };
        if part == "}" && before == ';' {
            minified.pop();
        }
        if !blank {
            minified.push_str(part);
        }
    }
    minified
}

/// The length of the string, template or regular expression with which a text begins.
fn literal(text: &str, quote: char) -> usize {
    let (mut escaped, mut in_class, mut depth) = (false, false, 0_u32);
    let mut before = quote;
    for (at, next) in text.char_indices().skip(1) {
        match next {
            _ if escaped => {}
            '{' if quote == '`' && (depth > 0 || before == '$') => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '[' if quote == '/' => in_class = true,
            ']' => in_class = false,
            _ if next == quote && depth == 0 && !in_class => return at + next.len_utf8(),
            _ => {}
        }
        escaped = next == '\\' && !escaped;
        before = next;
    }
    text.len()
}

/// A style sheet without the blanks around punctuation. Those before `:` and around combinators other than `>` mean something.
fn style(text: &str) -> String {
    let mut minified = text.replace('\n', "");
    for mark in ["{", "}", ";", ",", ">"] {
        for blank in [format!(" {mark}"), format!("{mark} ")] {
            minified = minified.replace(&blank, mark);
        }
    }
    minified.replace(": ", ":").replace(";}", "}")
}

/// HTML without the line ends between elements, and without the quotes around values that are words.
fn document(text: &str) -> String {
    let mut parts = text.replace(">\n<", "><");
    let mut minified = String::with_capacity(parts.len());
    while let Some((start, end)) = parts.split_once("=\"") {
        let (value, rest) = end.split_once('"').unwrap_or((end, ""));
        let word = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let quote = if word && !rest.starts_with('/') { "" } else { "\"" };
        minified.extend([start, "=", quote, value, quote]);
        parts = rest.to_owned();
    }
    minified + &parts
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_comments_and_blanks_are_left_out() {
        let text = "/** What\n * it is. */\nlet a = 1;\n\n  // c\n  * { d }\n/* e */\n";
        assert_eq!(lines(text), "let a = 1;\n* { d }\n");
    }

    #[test]
    fn the_blanks_of_texts_in_scripts_are_kept() {
        for (text, minified) in [
            (
                "say(\" a ; } \", `( ${ b } ` + `${c({ d: ` ; ` })} ; }`);\n",
                "say(\" a ; } \",`( ${ b } ` + `${c({ d: ` ; ` })} ; }`);",
            ),
            ("const a = /[/ ;] ( \\/ )/i;\nreturn b / c / d;\n", "const a=/[/ ;] ( \\/ )/i;return b / c / d;"),
            ("a\n  .b()\n  .c;\nd = e\nf = g + +h\n", "a.b().c;d=e\nf=g + +h\n"),
            ("if (a) {\n  b;\n}\nelse if (c) return d in e;\n", "if(a){b}\nelse if(c)return d in e;"),
            ("let a = \"\\\" ; \";\n", "let a=\"\\\" ; \";"),
        ] {
            assert_eq!(script(&lines(text)), minified);
        }
    }

    #[test]
    fn styles_and_documents_mean_the_same_when_minified() {
        let css = "main:has(a > b) + p :hover,\nq { margin: 0 1px; }\n";
        assert_eq!(style(css), "main:has(a>b) + p :hover,q{margin:0 1px}");
        let html = "<p id=\"a-b\" class=\"c d\">\n<i x=\"\"/>e = \"f\"</p>\n<path d=\"g\"/>\n";
        assert_eq!(document(html), "<p id=a-b class=\"c d\"><i x=\"\"/>e = \"f\"</p><path d=\"g\"/>\n");
        assert_eq!(minify("a.json", "{\n  \"a\": \"b: c\",\n  \"d\": 1\n}\n"), "{\"a\":\"b: c\",\"d\":1}");
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
