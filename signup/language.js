// Texts in the customer's language, one file for each language, such as en.json.

let texts = {};
let spoken;
let partner;

/** The languages that fit a locale, best first: `sr-Latn-RS` is itself, then `sr-latn`, `sr-rs`, `sr`. */
function fitting(locale) {
  const parts = locale.toLowerCase().split(/[-_]/);
  const [language, ...more] = parts;
  return [parts.join("-"), ...more.map((part) => `${language}-${part}`), language];
}

/** Loads the texts of the first available locale, or English. Returns whether the language changed. */
export async function speak(locales, { languages, partner_name }) {
  partner = partner_name;
  const named = (name) => languages.find((language) => language.toLowerCase() === name);
  const language = locales.flatMap(fitting).map(named).find(Boolean) ?? "en";
  if (language === spoken) return false;
  const response = await fetch(new URL(`${language}.json`, import.meta.url));
  texts = await response.json();
  spoken = document.documentElement.lang = language;
  return true;
}

/** The text with this name, such as `start.title`, or else the text with the second name. */
export function text(name, otherwise) {
  const found = find(name) ?? find(otherwise) ?? "";
  const named = found.replaceAll("{partner}", () => partner ?? texts.partner);
  // The stand-in for a missing partner name gets a capital letter only at the beginning of a sentence.
  return found.startsWith("{") ? named.charAt(0).toLocaleUpperCase(spoken) + named.slice(1) : named;
}

function find(name = "") {
  const found = name.split(".").reduce((within, part) => (Object.keys(within ?? {}).includes(part) ? within[part] : undefined), texts);
  return typeof found === "string" ? found : undefined;
}
