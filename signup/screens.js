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
  const again = !box.hidden && element("notice-text").textContent === words;
  box.hidden = !words;
  if (!words) return;
  box.classList.toggle("warn", Boolean(warn));
  element("notice-text").textContent = words;
  element("notice-quote").hidden = !quote;
  element("notice-quote").textContent = quote ?? "";
  element(shown)?.querySelector(".notice-place")?.append(box);
  if (!again) box.scrollIntoView({ block: "nearest" });
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

/** Sets address and text of these links. Hides them if there is no address, or none that a link may lead to. */
export function link(selector, href, words) {
  const safe = isSafe(href);
  for (const place of document.querySelectorAll(selector)) {
    place.hidden = !safe;
    if (words) place.textContent = words;
    if (safe) place.href = href;
  }
}

/** Whether a link may lead there: never to a script, and without TLS to this machine only. The API has checked it before. */
function isSafe(address) {
  try {
    const { protocol, hostname } = new URL(address);
    const local = protocol === "http:" && /^((.+\.)?localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
    return local || ["https:", "mailto:"].includes(protocol);
  } catch {
    return false;
  }
}

/** Shows the partner's branding and the fixed texts. Mail to the partner's support names the onboarding. */
export function dress({ partner_name: name, logo_url: logo, support_url: support }, id) {
  translate();
  const [image, words] = [element("logo"), element("partner")];
  words.textContent = name ?? "";
  if (logo) {
    image.addEventListener("load", () => ([image.hidden, words.hidden] = [false, true]));
    Object.assign(image, { alt: name ?? "", src: logo });
  }
  link(".support", support?.startsWith("mailto:") && !support.includes("?") && id ? `${support}?subject=${id}` : support);
}

/** Changes what the start screen asks for, and tells screen readers of the change. */
export function lead(name) {
  const place = element("start-lead");
  if (place.dataset.text === name) return;
  place.dataset.text = name;
  place.textContent = text(name);
  say(place.textContent);
}

/** Names the account that the number is connected to, so that nobody connects a number to a stranger's account. */
export function nameAccount(name) {
  for (const place of document.querySelectorAll(".account")) {
    // The start screen, which may be read already, keeps the place free so that nothing jumps.
    if (name) place.classList.remove("away");
    place.hidden = !name && !place.classList.contains("away");
    place.querySelector("bdi").textContent = name ?? "";
  }
}

/** Lists the numbers to choose from, with their WhatsApp accounts where there are several. */
export function offer(numbers) {
  const options = numbers.map((number, index) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "number", value: number.id, required: true });
    radio.checked = index === 0 && numbers.length === 1;
    const [words, digits, name, waba] = ["span", "strong", "span", "span"].map((tag) => document.createElement(tag));
    digits.textContent = number.display_phone_number ?? number.id;
    name.textContent = number.verified_name ?? text("choice.unnamed");
    waba.textContent = number.waba_name ?? "";
    words.append(digits, name, waba);
    label.append(radio, words);
    return label;
  });
  element("options").replaceChildren(...options);
}

export function fillDone({ number }) {
  element("done-number").textContent = number?.display_phone_number ?? number?.id ?? "";
  element("done-name").textContent = number?.verified_name ?? text("choice.unnamed");
}

export function fillProblem({ id, problem }) {
  element("problem-what").textContent = text(`problem.${problem?.step}`) || problem?.detail || "";
  element("reference").textContent = id;
}

export function fillThanks(revoked) {
  element("thanks-lead").textContent = text(revoked ? "thanks.revoked" : "thanks.lead");
  element("thanks-sign").toggleAttribute("hidden", revoked);
}

export function fillDeadEnd(why, renewUrl) {
  link(".renew", renewUrl);
  for (const part of ["title", "lead", "next"]) element(`dead-end-${part}`).textContent = text(`${why}.${part}`, `missing.${part}`);
}
