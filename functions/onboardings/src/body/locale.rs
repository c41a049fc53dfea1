//! The page's language.

/// The longest language tag, in characters. RFC 5646 asks for at least 35.
const LOCALE: usize = 64;

/// A language tag, as browsers have them: `de`, `pt-BR`, `es-419`, `zh-Hant`. Letters and digits as in a range of RFC 4647:
/// the page looks for the language that fits best, so what the tag means is not checked.
pub(super) fn check_locale(locale: &str) -> Result<(), String> {
    let mut parts = locale.split('-');
    let language = parts
        .next()
        .is_some_and(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let more = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if language && more && locale.len() <= LOCALE {
        Ok(())
    } else {
        Err("must be a language tag such as de, pt-BR or es-419".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_of_any_form_are_accepted() {
        for locale in
            ["de", "DE", "fil", "es-419", "zh-Hant", "pt-br", "sr-Latn-RS", "de-DE-u-co-phonebk", "ca-valencia"]
        {
            assert_eq!(check_locale(locale), Ok(()), "{locale}");
        }
        for locale in ["", "d", "de_DE", "de-", "-de", "../x", "de DE", "*", "4de", "undeterminate", &"de-".repeat(40)]
        {
            assert!(check_locale(locale).is_err(), "{locale}");
        }
    }
}
