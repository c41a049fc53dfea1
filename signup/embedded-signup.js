// Meta's Embedded Signup in a popup: loads the SDK, opens the popup, and collects its two signals in any order.

/** How long the SDK may take to load. */
const SDK_WAIT = 10000;
/** How long to wait for the message event after the code. The code expires after 30 seconds. */
const SESSION_WAIT = 3000;
/** How long to wait for the code after the message event. */
const CODE_WAIT = 10000;

let loading;
let ready = false;
let attempt;

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
 * Opens the popup. Call it within the click handler. `tell` gets `{code?, session?}`; `session` is `{event, data}`. It may be
 * called first without a code and later with one, because a customer who reports an error can still finish. Without both, the
 * customer closed the popup. Returns false if the browser blocked the popup.
 */
export function launch({ config_id, extras }, tell) {
  attempt?.abort();
  const mine = (attempt = new AbortController());
  let code, session, told, answered, timer;

  const report = () => {
    clearTimeout(timer);
    if (mine.signal.aborted || (!code && session && session === told)) return;
    if (code) mine.abort();
    told = session;
    tell({ code, session });
  };
  const reportIn = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(report, milliseconds);
  };
  const finished = () => Boolean(session?.event.startsWith("FINISH"));

  addEventListener(
    "message",
    (event) => {
      const heard = sessionOf(event);
      if (!heard) return;
      session = heard;
      // After a code the timer of the code's callback runs on, unless the session is complete.
      if (code ? finished() : answered) report();
      else if (!code) reportIn(finished() ? CODE_WAIT : SESSION_WAIT);
    },
    { signal: mine.signal },
  );
  return !isBlocked(() =>
    window.FB.login(
      (response) => {
        if (mine.signal.aborted) return;
        answered = true;
        code = response?.authResponse?.code;
        if (code ? finished() : session) report();
        else reportIn(SESSION_WAIT);
      },
      { config_id, response_type: "code", override_default_response_type: true, extras },
    ),
  );
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
    const { type, event, data: told } = JSON.parse(data);
    if (type === "WA_EMBEDDED_SIGNUP" && typeof event === "string") return { event, data: told ?? {} };
  } catch {
    // Other Facebook frames send other messages.
  }
}

function isMeta(origin) {
  try {
    const { protocol, host } = new URL(origin);
    return protocol === "https:" && (host === "facebook.com" || host.endsWith(".facebook.com"));
  } catch {
    return false;
  }
}
