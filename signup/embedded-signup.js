// Meta's Embedded Signup in a popup: loads the SDK, opens the popup, and collects its two signals in any order.

/** How long the SDK may take to load. */
const SDK_WAIT = 10000;
/** How long to wait for the message event after the code. The code expires after 30 seconds. */
const SESSION_WAIT = 3000;
/** How long to wait for the code after the message event. */
const CODE_WAIT = 10000;

let loading;
let ready = false;

/** Tells the page. */
let tell;
/** True from the opening of a popup until its code. */
let listening = false;
let code, session, told, answered, timer;
/** Every code so far. The SDK may repeat an old one, which does not count. */
const codes = new Set();

/** Loads and initializes Meta's SDK, once. The promise fails after 10 seconds; the SDK may still become ready later. */
export function loadSdk({ sdk_url: url, app_id: appId, graph_version: version }, locale) {
  loading ??= new Promise((resolve, reject) => {
    window.fbAsyncInit = () => {
      // The page has no plugins of Meta, and sends no app events.
      window.FB.init({ appId, version, autoLogAppEvents: false, xfbml: false });
      ready = true;
      resolve();
    };
    const script = Object.assign(document.createElement("script"), {
      src: `${url}/${locale}/sdk.js`,
      async: true,
      crossOrigin: "anonymous",
      onerror: reject,
    });
    document.head.append(script);
    setTimeout(reject, SDK_WAIT);
  });
  return loading;
}

/** Whether the SDK can open the popup now. */
export const sdkReady = () => ready;

/**
 * Opens the popup. Call it within the click handler. `heard` gets `{code?, session?, pending?}`; `session` is `{event, data}`. It may
 * be called first without a code and later with one, because a customer who reports an error can still finish. `pending` says that
 * the customer has finished, and that the code should follow. Without code and session, the customer closed the popup. A second
 * press may open a second popup: a code counts from either. Returns false if the browser blocked the popup.
 */
export function launch({ config_id, extras }, heard) {
  if (code) report();
  clearTimeout(timer);
  session = told = undefined;
  [tell, listening, answered] = [heard, true, false];
  return !isBlocked(() =>
    window.FB.login(answer, { config_id, response_type: "code", override_default_response_type: true, extras }),
  );
}

function answer(response) {
  const offered = response?.authResponse?.code;
  const fresh = Boolean(offered) && !codes.has(offered);
  // A popup without a code says nothing after the code of another.
  if (!fresh && (code || !listening)) return;
  if (code) report();
  if (fresh) codes.add((code = offered));
  answered = true;
  if (code ? finished() || !listening : session) report();
  else reportIn(SESSION_WAIT);
}

addEventListener("message", (event) => {
  const received = listening && sessionOf(event);
  // What comes after the end does not undo it.
  if (!received || (finished() && !received.event.startsWith("FINISH"))) return;
  session = received;
  // After a code the timer of the code's callback runs on, unless the session is complete.
  if (code ? finished() : answered) report();
  else if (!code) {
    if (finished()) tell({ session, pending: true });
    reportIn(finished() ? CODE_WAIT : SESSION_WAIT);
  }
});

const finished = () => Boolean(session?.event.startsWith("FINISH"));

function report() {
  clearTimeout(timer);
  if (!code && session && session === told) return;
  told = session;
  const all = { code, session };
  if (code) {
    listening = false;
    code = session = undefined;
  }
  tell(all);
}

function reportIn(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(report, milliseconds);
}

/** Whether the browser blocks the popup that `open` opens. The SDK does not report this and never calls back. */
function isBlocked(open) {
  const original = window.open;
  let blocked = false;
  window.open = (...given) => {
    const popup = original.apply(window, given);
    blocked = !popup || popup.closed;
    return popup;
  };
  try {
    open();
  } finally {
    window.open = original;
  }
  return blocked;
}

/** The session event of a window message, or undefined if the message is not Meta's session event. */
function sessionOf({ origin, data }) {
  if (!isMeta(origin) || typeof data !== "string") return;
  try {
    // Meta sends ids as numbers, too, which the API does not take: beyond 2^53 they would have lost digits.
    const digits = data.replace(/"(?:\\.|[^"\\])*"|[\d.eE+-]+/g, (part) => (/^\d+$/.test(part) ? `"${part}"` : part));
    const { type, event, data: told } = JSON.parse(digits);
    if (type === "WA_EMBEDDED_SIGNUP" && typeof event === "string") return { event, data: isObject(told) ? told : {} };
  } catch {
    // Other Facebook frames send other messages.
  }
}

const isObject = (value) => Boolean(value) && typeof value === "object" && !Array.isArray(value);

function isMeta(origin) {
  try {
    const { protocol, host } = new URL(origin);
    return protocol === "https:" && (host === "facebook.com" || host.endsWith(".facebook.com"));
  } catch {
    return false;
  }
}
