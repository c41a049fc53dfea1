// The visible page: one screen at a time, its notice, and announcements for screen readers.

import { text } from "./language.js";

const STEPS = ["meta", "handover", "connect", "finish"];

export const element = (id) => document.getElementById(id);

let shown;
let said = "";

/** Fills in all fixed texts. */
export function translate() {
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = text(place.dataset.text);
}

/** Shows a screen. Moves the focus to its heading, for screen readers and keyboards, unless it is the first screen. */
export function show(id) {
  if (shown !== id) {
    const first = !shown;
    shown = id;
    for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
    if (!first) {
      element(`${id}-title`).focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }
  element("late")?.remove();
  document.title = `${element(`${id}-title`).textContent} – ${text("title")}`;
}

/** Announces a text to screen readers, once. */
export function say(words) {
  if (words !== said) element("status").textContent = said = words;
}

/** Shows a notice on the current screen; `quote` is Meta's own text, unchanged. Without `words` it removes the notice. */
export function notice({ words, quote, warn } = {}) {
  const box = element("notice");
  box.hidden = !words;
  if (!words) return;
  box.classList.toggle("warn", Boolean(warn));
  element("notice-text").textContent = words;
  element("notice-quote").hidden = !quote;
  element("notice-quote").textContent = quote ?? "";
  element(shown)?.querySelector(".notice-place")?.append(box);
  box.scrollIntoView({ block: "nearest" });
  say(quote ? `${words} ${quote}` : words);
}

/** Marks the current progress step. */
export function mark(current) {
  const at = STEPS.indexOf(current);
  for (const [index, step] of STEPS.entries()) {
    const item = document.querySelector(`[data-step="${step}"]`);
    const state = index < at ? "done" : index === at ? "current" : "open";
    item.dataset.state = state;
    item.toggleAttribute("aria-current", false);
    if (state === "current") item.setAttribute("aria-current", "step");
    item.querySelector(".unseen").textContent = `(${text(`state.${state}`)})`;
  }
}

/** Lists the numbers to choose from. */
export function offer(numbers) {
  const options = numbers.map((number, index) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "number", value: number.id, required: true });
    radio.checked = index === 0 && numbers.length === 1;
    const [words, digits, name] = ["span", "strong", "span"].map((tag) => document.createElement(tag));
    digits.textContent = number.display_phone_number ?? number.id;
    name.textContent = number.verified_name ?? text("choice.unnamed");
    words.append(digits, name);
    label.append(radio, words);
    return label;
  });
  element("options").replaceChildren(...options);
}

/** Sets the address of these links. Without an address it hides them. */
export function link(selector, href) {
  for (const place of document.querySelectorAll(selector)) {
    place.hidden = !href;
    if (href) place.href = href;
  }
}
