// The page that a customer opens from a setup link: its flow of events.

import { choose, handOver, look } from "./api.js";
import { launch, loadSdk, sdkReady } from "./embedded-signup.js";
import { comeBack, isInApp, signIn } from "./full-page.js";
import { speak, text } from "./language.js";
import { current, keep, openAddress } from "./link.js";
import { poller } from "./poll.js";
import { element, link, mark, notice, offer, say, show, translate } from "./screens.js";

/** The progress step for each status of the onboarding. */
const STEP = { signed_up: "handover", submitted: "connect", live: "finish" };
/** The text for each error code of the API. Several codes share a text if they mean the same to the customer. */
const REFUSED = {
  code_expired: "code_late",
  code_used: "code_late",
  code_refused: "code_late",
  in_progress: "unavailable",
  meta_refused: "not_proven",
  number_not_in_waba: "not_proven",
  token_not_ours: "not_proven",
  waba_not_granted: "not_proven",
};
/** Our own event: the customer is about to go to Meta. */
const OPENED = { event: "OPENED", data: {} };
/** How long the webhook of a granted permission may take, in milliseconds. */
const HEARSAY = 120000;

const settings = JSON.parse(element("settings").textContent);
const poll = poller(refresh);

/** The onboarding's last view from the API. */
let view;
let screen;
/** True while a signup is being confirmed. Other views that arrive meanwhile are older. */
let busy = false;
/** The button that the customer pressed before it was ready: `popup` or `page`. */
let wanted;
/** The reason for offering the full-page sign-in. */
let trouble;
let offline = false;
let answeredUntil = 0;

begin();

async function begin() {
  const { fresh, broken, query } = openAddress();
  addEventListener("hashchange", () => location.reload());
  const back = current() ? comeBack(query) : undefined;
  // Send Meta's code first, because it expires after 30 seconds.
  const handing = back?.code && handOver(back);
  handing?.catch(() => {});
  await speak(navigator.languages, settings);
  dress();
  const { returned } = settings;
  if (broken) return deadEnd("invalid");
  if (returned && (!current() || (returned.state && returned.state !== current().id))) return thank(returned);
  if (!current()) return deadEnd("missing");
  if (returned && !returned.revoked.length) answeredUntil = Date.now() + HEARSAY;
  if (handing) return confirm(back, handing);

  const { status = "started" } = current();
  if (fresh || status === "started") start(back);
  else if (STEP[status]) wait(STEP[status]);
  if (fresh && !isInApp()) prepare();
  await refresh();
  if (returned?.revoked.length && screen === "permission") notice({ words: text("notice.revoked"), warn: true });
}

/** Shows the partner's branding and the fixed texts. */
function dress() {
  translate();
  const { partner_name: name, logo_url: logo, support_url: support } = settings;
  const [image, words] = [element("logo"), element("partner")];
  words.textContent = name ?? "";
  if (logo) {
    image.addEventListener("load", () => ([image.hidden, words.hidden] = [false, true]));
    Object.assign(image, { alt: name ?? "", src: logo });
  }
  const id = current()?.id;
  link(".support", support?.startsWith("mailto:") && !support.includes("?") && id ? `${support}?subject=${id}` : support);
}

async function refresh() {
  try {
    const seen = await look();
    if (!busy) await render(seen);
  } catch (error) {
    if (!busy) failed(error);
  }
}

function failed({ status }) {
  if (status === 410) return deadEnd("expired");
  if (status === 401 || status === 404) return deadEnd("invalid");
  if (!screen) wait("meta");
  offline = true;
  notice({ words: text("notice.offline"), warn: true });
  poll.start();
}

async function render(seen) {
  const moved = view?.status !== seen.status;
  view = seen;
  keep({ status: view.status });
  if (view.locale && (await speak([view.locale, ...navigator.languages], settings))) translate();
  link(".back", view.return_url);
  for (const place of document.querySelectorAll(".back")) {
    place.textContent = text(settings.partner_name ? "done.back" : "done.back_unnamed");
  }
  if (offline) notice();
  offline = false;
  if (moved) poll.stop();
  switch (view.status) {
    case "started":
      poll.stop();
      return start();
    case "number_choice":
      go("choice");
      return moved && offer(view.numbers);
    case "ready":
      element("done-number").textContent = view.number?.display_phone_number ?? view.number?.id ?? "";
      element("done-name").textContent = view.number?.verified_name ?? text("choice.unnamed");
      poll.stop();
      return go("done");
    case "failed":
      element("problem-what").textContent = text(`problem.${view.problem?.step}`) || view.problem?.detail || "";
      element("reference").textContent = view.id;
      poll.stop();
      return go("problem");
    case "expired":
      return deadEnd("expired");
    case "permission_required":
      poll.start();
      if (Date.now() < answeredUntil) return wait("finish", "progress.answered");
      link("#grant", view.permission_url);
      return go("permission");
    default:
      poll.start();
      return wait(STEP[view.status] ?? "finish");
  }
}

/** Changes the screen and removes the old screen's notice. */
function go(next) {
  if (next !== screen) notice();
  show((screen = next));
}

/** Shows the start screen. `back` is an unsuccessful result of the full-page sign-in. */
function start(back) {
  go("start");
  const noPopup = trouble === "sdk" || trouble === "in_app";
  element("launch").hidden = noPopup;
  element("full-page").hidden = !trouble;
  element("full-page").classList.toggle("main", noPopup);
  if (back?.denied) {
    notice({ words: text("notice.denied"), quote: back.denied.error_message });
    tell({ event: "CANCEL", data: back.denied });
  } else if (back?.foreign) {
    notice({ words: text("notice.foreign"), warn: true });
  } else if (!trouble && isInApp()) {
    return offerFullPage("in_app");
  }
  if (view && !trouble && !sdkReady()) prepare();
  resume();
}

function prepare() {
  loadSdk(settings, text("sdk_locale")).then(resume, () => (screen === "start" ? offerFullPage("sdk") : (trouble = "sdk")));
}

function offerFullPage(why) {
  trouble = why;
  if (wanted === "popup") wanted = undefined;
  start();
  notice({ words: text(`notice.${why}`), warn: true });
}

/** Carries out the pressed button's action when it is ready. Browsers open a popup only during or shortly after a click. */
function resume() {
  if (!wanted || !view?.launch) return;
  if (wanted === "page") return leave();
  if (!sdkReady()) return;
  wanted = undefined;
  if (navigator.userActivation?.isActive) open();
  else notice({ words: text("notice.prepared") });
}

element("launch").addEventListener("click", () => {
  if (view?.launch && sdkReady()) return open();
  wanted = "popup";
  notice({ words: text("notice.preparing") });
});

element("full-page").addEventListener("click", () => {
  wanted = "page";
  notice({ words: text("notice.leaving") });
  resume();
});

// The customer came back from Meta with the browser's back button; the browser restored the page.
addEventListener("pageshow", ({ persisted }) => persisted && notice());

function leave() {
  wanted = undefined;
  tell(OPENED);
  signIn(view.launch);
}

function open() {
  if (!launch(view.launch, heard)) return offerFullPage("blocked");
  notice({ words: text("notice.waiting") });
  tell(OPENED);
}

/** Handles a result of Meta's popup. Another may follow: a customer who reports an error can still finish. */
function heard({ code, session }) {
  if (code || session?.event.startsWith("FINISH")) return confirm({ code, session });
  const { event, data = {} } = session ?? {};
  const quote = [data.error_message, data.error_code ?? data.error_id].filter(Boolean).join(" – ");
  if (!session) notice({ words: text("notice.closed") });
  else if (event === "ERROR") notice({ words: text("notice.error"), quote, warn: true });
  else if (quote) notice({ words: text("notice.reported"), quote, warn: true });
  else notice({ words: text("left.other"), quote: text(`left.${data.current_step}`) });
  // Meta sends no event if the customer closes the popup before the signup begins. CLOSED is our own event.
  tell(session ?? { event: "CLOSED", data: {} });
}

/** Reports an event, so that the partner sees where customers give up and the signup of a closed tab can be found. Best effort. */
async function tell(session) {
  try {
    const seen = await handOver({ session });
    if (!busy && seen.status !== "started") await render(seen);
  } catch {
    // The customer already sees a notice.
  }
}

/** Sends a signup to the API and waits for Meta's confirmation. */
async function confirm(returned, handing = handOver(returned)) {
  busy = true;
  poll.stop();
  wait("meta", `confirming.${returned.session?.event}`, "confirming.other");
  try {
    const seen = await handing;
    busy = false;
    await render(seen);
  } catch (error) {
    busy = false;
    await refused(error);
  }
}

async function refused(error) {
  if ([401, 404, 410].includes(error.status)) return failed(error);
  await refresh();
  if (view?.status !== "started") return;
  if (error.code === "code_missing") trouble = "code_missing";
  start();
  notice({ words: text(`refused.${REFUSED[error.code] ?? error.code}`, "refused.other"), warn: true });
}

element("numbers").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await render(await choose(new FormData(event.target).get("number")));
  } catch (error) {
    if (error.code === "not_choosable") return refresh();
    notice({ words: text(`refused.${error.code}`, "refused.other"), warn: true });
  }
});

/** Shows the progress screen. It says that the page may be closed, except before the signup is confirmed (step `meta`). */
function wait(step, ...words) {
  go("progress");
  mark(step);
  element("may-close").classList.toggle("away", step === "meta");
  if (words.length) notice({ words: text(...words) });
  else if (!offline) {
    notice();
    say(text(`progress.${step}`));
  }
}

function thank({ revoked }) {
  element("thanks-lead").textContent = text(revoked.length ? "thanks.revoked" : "thanks.lead");
  element("thanks-sign").toggleAttribute("hidden", revoked.length > 0);
  go("thanks");
}

function deadEnd(why) {
  poll.stop();
  for (const part of ["title", "lead", "next"]) element(`dead-end-${part}`).textContent = text(`${why}.${part}`);
  go("dead-end");
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !busy && ["started", "number_choice", "failed"].includes(view?.status)) refresh();
});
