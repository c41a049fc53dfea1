// The page that a customer opens from a setup link: its flow of events.

import { choose, handOver, look, reason } from "./api.js";
import { launch, loadSdk, sdkReady } from "./embedded-signup.js";
import { comeBack, isInApp, signIn } from "./full-page.js";
import { speak, text } from "./language.js";
import { current, keep, openAddress } from "./link.js";
import { poller } from "./poll.js";
import { dress, element, fillDeadEnd, fillDone, fillProblem, fillThanks, lead, link, mark, nameAccount } from "./screens.js";
import { notice, offer, say, show, translate } from "./screens.js";

/** The progress step for each status of the onboarding. */
const STEP = { confirming: "meta", signed_up: "handover", submitted: "connect", live: "finish" };
/** Statuses after a finished sign-up. In these the page leads back to `success_url`, if there is one. */
const SIGNED_UP = ["signed_up", "submitted", "live", "permission_required", "ready"];
/** Statuses that are not polled. The page looks again when the customer comes back to its tab. */
const RESTING = ["started", "number_choice", "failed", "cancelled", "disconnected"];
/** The dead end for each of the API's codes of a link that opens nothing. */
const GONE = { link_expired: "expired", link_renewed: "renewed", link_revoked: "revoked" };
/** Our own event: the customer is about to go to Meta. */
const OPENED = { event: "OPENED", data: {} };
/** How long the webhook of a granted permission may take, in milliseconds. */
const HEARSAY = 120000;

const settings = JSON.parse(element("settings").textContent);
const poll = poller(refresh);

/** The onboarding's last view from the API. */
let view;
let screen;
/** True while a signup's code is awaited or sent. Other views that arrive meanwhile are older. */
let busy = false;
/** The button that the customer pressed before it was ready: `popup` or `page`. */
let wanted;
/** The reason for offering the full-page sign-in. */
let trouble;
/** True while the notice is Facebook's reply to a full-page sign-in, which matters more than a missing SDK. */
let replied = false;
let offline = false;
let answeredUntil = 0;

begin();

async function begin() {
  const { fresh, broken, query } = openAddress();
  addEventListener("hashchange", () => location.reload());
  const back = comeBack(query);
  // Send Meta's code first, because it expires after 30 seconds.
  const handing = back?.code && handOver(back);
  handing?.catch(() => {});
  await speak(navigator.languages, settings);
  dress(settings, current()?.id);
  const { returned } = settings;
  if (broken) return deadEnd("invalid");
  if (returned && (!current() || (returned.state && returned.state !== current().id))) {
    fillThanks(returned.revoked.length > 0);
    return go("thanks");
  }
  if (!current()) return deadEnd(back ? "elsewhere" : "missing");
  if (returned && !returned.revoked.length) answeredUntil = Date.now() + HEARSAY;
  // What made the popup impossible before the full page still does.
  if (back) trouble = current().trouble;
  if (handing) return confirm(back, handing);

  const { status = "started" } = current();
  if (fresh || status === "started") start(back);
  else if (STEP[status]) wait(STEP[status]);
  if (fresh && !isInApp()) prepare();
  await refresh();
  if (returned?.revoked.length && screen === "permission") notice({ words: text("notice.revoked"), warn: true });
}

async function refresh() {
  try {
    const seen = await look();
    if (!busy) await render(seen);
  } catch (error) {
    if (!busy) failed(error);
  }
}

function failed({ status, code, renewUrl }) {
  if ([401, 404, 410].includes(status)) link(".back");
  if (status === 410) return deadEnd(GONE[code] ?? "expired", renewUrl);
  if (status === 401 || status === 404) return deadEnd("invalid");
  if (!screen) wait("meta");
  offline = true;
  notice({ words: text("notice.offline"), warn: true });
  poll.start();
}

async function render(seen) {
  const before = view?.status;
  const moved = before !== seen.status;
  view = seen;
  keep({ status: view.status });
  if (view.locale && (await speak([view.locale, ...navigator.languages], settings))) translate();
  linkBack();
  nameAccount(view.client?.name);
  if (offline) notice();
  offline = false;
  if (moved) poll.stop();
  switch (view.status) {
    case "started":
      poll.stop();
      start();
      return before === "confirming" && !view.one_more_click && notice({ words: text("refused.not_proven"), warn: true });
    case "confirming":
      poll.start();
      return wait("meta", "confirming.waiting");
    case "number_choice":
      go("choice");
      return moved && offer(view.numbers);
    case "ready":
      fillDone(view);
      poll.stop();
      return go("done");
    case "failed":
      fillProblem(view);
      poll.stop();
      return go("problem");
    case "expired":
    case "cancelled":
    case "disconnected":
      return deadEnd(view.status);
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

/** Sets the links back to the partner. The screens between sign-up and end have one only to `success_url`. */
function linkBack() {
  const success = SIGNED_UP.includes(view.status) ? view.success_url : undefined;
  const words = text(settings.partner_name ? "done.back" : "done.back_unnamed");
  link(".back", success ?? view.return_url, words);
  link(".early", success, words);
}

/** Changes the screen and removes the old screen's notice. */
function go(next) {
  if (next !== screen) notice();
  show((screen = next));
}

/** Shows the start screen. `back` is an unsuccessful result of the full-page sign-in. */
function start(back) {
  go("start");
  lead(view?.one_more_click ? "start.one_more" : "start.lead");
  const noPopup = ["sdk", "in_app"].includes(trouble);
  element("launch").hidden = noPopup;
  element("full-page").hidden = !trouble;
  element("full-page").classList.toggle("main", noPopup);
  if (back) replied = true;
  if (back?.denied) {
    notice({ words: text("notice.denied"), quote: back.denied.error_message });
    tell({ event: "CANCEL", data: back.denied });
  } else if (back?.foreign) {
    notice({ words: text("notice.foreign"), warn: true });
  } else if (!trouble && isInApp()) {
    return offerFullPage("in_app");
  }
  if (view && !noPopup && !sdkReady()) prepare();
  resume();
}

function prepare() {
  loadSdk(settings, text("sdk_locale")).then(resume, () => (screen === "start" ? offerFullPage("sdk") : (trouble = "sdk")));
}

function offerFullPage(why) {
  trouble = why;
  if (wanted === "popup") wanted = undefined;
  start();
  if (!replied) notice({ words: text(`notice.${why}`), warn: true });
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
  replied = false;
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
  keep({ trouble });
  signIn(view.launch);
}

function open() {
  if (!launch(view.launch, heard)) return offerFullPage("blocked");
  notice({ words: text("notice.waiting") });
  tell(OPENED);
}

/** Handles a result of Meta's popup. Another may follow: a customer who reports an error can still finish. */
function heard({ code, session, pending }) {
  if (code) return confirm({ code, session });
  // The API hears of the end at once, in case that the page is closed before the code comes.
  if (pending) return hold(session), tell(session);
  if (session?.event.startsWith("FINISH")) return codeMissing();
  // Meta sends no event if the customer closes the popup before the signup begins. CLOSED is our own event.
  const end = session ?? { event: "CLOSED", data: {} };
  // A notice would offer a new start, which this link no longer has.
  if (screen === "dead-end") return tell(end);
  const { event, data = {} } = session ?? {};
  const quote = [data.error_message, data.error_code ?? data.error_id].filter(Boolean).join(" – ");
  if (!session) notice({ words: text("notice.closed") });
  else if (event === "ERROR") notice({ words: text("notice.error"), quote, warn: true });
  else if (quote) notice({ words: text("notice.reported"), quote, warn: true });
  else notice({ words: text("left.other"), quote: text(`left.${data.current_step}`) });
  tell(end);
}

/**
 * Reports an event, so that the partner sees where customers give up and the signup of a closed tab can be found. Best effort, but a
 * link that opens nothing is told of at once, before the customer goes all the way through the popup.
 */
async function tell(session) {
  try {
    const seen = await handOver({ session });
    if (!busy && seen.status !== "started") await render(seen);
  } catch (error) {
    // Of everything else the customer already sees a notice.
    if (!busy && error.status === 410) failed(error);
  }
}

/** Shows that a finished signup is being confirmed. */
function hold(session) {
  busy = true;
  poll.stop();
  wait("meta", `confirming.${session?.event}`, "confirming.other");
}

/** The browser has lost the code of a finished signup. The full page brings one. */
async function codeMissing() {
  busy = false;
  trouble = "code_missing";
  await refresh();
  if (view?.status !== "started") return;
  start();
  notice({ words: text("notice.code_missing"), warn: true });
}

/** Sends a signup to the API and waits for Meta's confirmation. */
async function confirm(returned, handing = handOver(returned)) {
  hold(returned.session);
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
  start();
  notice({ words: text(reason(error), "refused.other"), warn: true });
}

element("numbers").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await render(await choose(new FormData(event.target).get("number")));
  } catch (error) {
    if (error.status === 410 || error.code === "not_choosable") return refresh();
    notice({ words: text(reason(error), "refused.other"), warn: true });
  }
});

/** Shows the progress screen. It says that the page may be closed, except before the API has the signup. */
function wait(step, ...words) {
  go("progress");
  mark(step);
  element("may-close").classList.toggle("away", step === "meta" && (busy || view?.status !== "confirming"));
  if (words.length) notice({ words: text(...words) });
  else if (!offline) {
    notice();
    say(text(`progress.${step}`));
  }
}

function deadEnd(why, renewUrl) {
  poll.stop();
  fillDeadEnd(why, renewUrl);
  go("dead-end");
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !busy && RESTING.includes(view?.status)) refresh();
});
