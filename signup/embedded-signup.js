// Meta's Embedded Signup: load the SDK, open the popup, collect its two signals, in whatever order they come.

/** How long to wait for the message event once the code is there. The code lives 30 seconds. */
const SESSION_WAIT = 3000;

/** Loads Meta's SDK and initialises it. */
export function loadSdk(sdkUrl, { app_id: appId, graph_version: version }) {
  return new Promise((resolve, reject) => {
    window.fbAsyncInit = () => {
      window.FB.init({ appId, autoLogAppEvents: true, xfbml: true, version });
      resolve();
    };
    const script = Object.assign(document.createElement("script"), {
      src: `${sdkUrl}/en_US/sdk.js`,
      async: true,
      crossOrigin: "anonymous",
      onerror: () => reject(new Error("Meta’s script could not be loaded. Is it blocked?")),
    });
    document.head.append(script);
  });
}

/** Opens the popup. Must be called in the click itself. `done` gets {code?, session?} once. */
export function launch({ config_id, extras }, done) {
  let code, session, timer;

  const finish = () => {
    clearTimeout(timer);
    removeEventListener("message", onMessage);
    if (code || session) done({ code, session });
  };
  const onMessage = (event) => {
    session = sessionOf(event) ?? session;
    if (session && code) finish();
  };
  addEventListener("message", onMessage);

  window.FB.login(
    (response) => {
      code = response.authResponse?.code;
      if (!code || session) return finish();
      timer = setTimeout(finish, SESSION_WAIT);
    },
    { config_id, response_type: "code", override_default_response_type: true, extras },
  );
}

/** The session event in a window message, if it is one and Meta sent it. */
function sessionOf({ origin, data }) {
  const { protocol, hostname } = new URL(origin);
  if (protocol !== "https:" || !(hostname === "facebook.com" || hostname.endsWith(".facebook.com"))) return;
  try {
    const message = JSON.parse(data);
    if (message.type === "WA_EMBEDDED_SIGNUP") return { event: message.event, data: message.data };
  } catch {
    // Other frames of Facebook send other things.
  }
}
