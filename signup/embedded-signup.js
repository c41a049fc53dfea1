// Meta's Embedded Signup in a popup: load the SDK, open the popup, collect its two signals, in whatever order they come.

/** How long the SDK may take to load. */
const SDK_WAIT = 10000;
/** How long to wait for the message event once the code is there, which lives 30 seconds; and the other way round. */
const SESSION_WAIT = 3000;
const CODE_WAIT = 10000;

let loading;
let ready = false;
let attempt;

/** Loads Meta's SDK and initialises it, once. Fails if that takes longer than 10 seconds; it may still succeed later. */
export function loadSdk({ sdk_url: url, app_id: appId, graph_version: version }, locale) {
  loading ??= new Promise((resolve, reject) => {
    window.fbAsyncInit = () => {
      // No plugins of Meta's are on the page, and no app events are wanted.
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

/** Whether the popup can be opened right now. */
export const sdkReady = () => ready;

/**
 * Opens the popup. Must be called in the click itself. `tell` gets `{code?, session?}`, where `session` is `{event, data}`:
 * first perhaps without a code, as a customer who reports an error may still finish. Nothing at all: the popup was closed.
 * Returns false if the browser blocked the popup.
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
      // With a code, its own clock runs, unless nothing is left to wait for.
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

/** Whether a popup that `open` opens is blocked. The SDK does not tell, and its callback never comes. */
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

/** The session event in a window message, if it is one and Meta sent it. */
function sessionOf({ origin, data }) {
  if (!isMeta(origin) || typeof data !== "string") return;
  try {
    const { type, event, data: told } = JSON.parse(data);
    if (type === "WA_EMBEDDED_SIGNUP" && typeof event === "string") return { event, data: told ?? {} };
  } catch {
    // Other frames of Facebook send other things.
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
