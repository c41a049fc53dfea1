//! The partner's color, in shades that can be read.

use std::fmt::Write;

/// The grounds of `style.css` on which text in a color is hardest to read, light and dark.
const LIGHT: [u8; 3] = [0xf3, 0xf4, 0xf6];
const DARK: [u8; 3] = [0x1b, 0x1f, 0x24];
const WHITE: [u8; 3] = [0xff; 3];
const BLACK: [u8; 3] = [0; 3];
/// WCAG 2.2 AA for text.
const READABLE: f64 = 4.5;

/// Custom properties: `--accent` below text in `--on-accent`, and `--accent-text` for text on the page.
pub(crate) fn css(accent: [u8; 3]) -> String {
    let on_accent = if contrast(WHITE, accent) >= contrast(BLACK, accent) { WHITE } else { BLACK };
    let mut css = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        css,
        ":root{{--accent:{};--on-accent:{};--accent-text:{}}}\n\
         @media (prefers-color-scheme:dark){{:root{{--accent-text:{}}}}}\n",
        written(accent),
        written(on_accent),
        written(readable(accent, LIGHT, BLACK)),
        written(readable(accent, DARK, WHITE)),
    );
    css
}

fn written(color: [u8; 3]) -> String {
    format!("#{}", hex::encode(color))
}

/// The color, moved towards `to` until it can be read on `ground`.
fn readable(color: [u8; 3], ground: [u8; 3], to: [u8; 3]) -> [u8; 3] {
    let shades = (0..=20).map(|step| mix(color, to, f64::from(step) / 20.0));
    let mut readable = shades.filter(|shade| contrast(*shade, ground) >= READABLE);
    readable.next().unwrap_or(to)
}

fn mix(from: [u8; 3], to: [u8; 3], part: f64) -> [u8; 3] {
    let mut mixed = from;
    for (channel, to) in mixed.iter_mut().zip(to) {
        let value = f64::from(*channel) * (1.0 - part) + f64::from(to) * part;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two values of u8")]
        {
            *channel = value.round() as u8;
        }
    }
    mixed
}

/// Contrast ratio, 1 to 21 (WCAG 2.2, relative luminance).
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance([red, green, blue]: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_contrast_of_two_colors_is_that_of_wcag() {
        assert!((contrast(BLACK, WHITE) - 21.0).abs() < 1e-9);
        assert!((contrast([0x76; 3], WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn a_readable_partner_color_is_left_alone() {
        assert!(css([0x0b, 0x6e, 0x5f]).contains("--accent:#0b6e5f;--on-accent:#ffffff;--accent-text:#0b6e5f}"));
    }

    proptest! {
        #[test]
        fn text_is_readable_on_any_partner_color(accent: [u8; 3]) {
            let best = contrast(WHITE, accent).max(contrast(BLACK, accent));
            prop_assert!(best >= READABLE, "{accent:?}: {best}");
            for (ground, to) in [(LIGHT, BLACK), (DARK, WHITE)] {
                prop_assert!(contrast(readable(accent, ground, to), ground) >= READABLE);
            }
        }
    }
}
