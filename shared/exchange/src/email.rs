//! E-mail addresses, as they are compared.

use unicase::UniCase;

/// An e-mail address such that two are the same address exactly if these are equal: without blanks around it, and with
/// Unicode's case folding, since `MÜLLER@` and `müller@` are one customer.
pub fn folded_email(address: &str) -> String {
    UniCase::unicode(address.trim()).to_folded_case()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_differ_in_letter_case_only_are_one() {
        for (one, other) in [("Lena@x.example", " lena@X.EXAMPLE"), ("MÜLLER@x", "müller@x"), ("STRASSE@x", "straße@x")]
        {
            assert_eq!(folded_email(one), folded_email(other), "{one}, {other}");
        }
        assert_ne!(folded_email("muller@x"), folded_email("müller@x"));
    }
}
