// The setup link, #{onboarding id}.{setup token}. It is read once, removed from the address bar, and kept for this tab only.

const KEY = "setup";
// A mail program may add a slash or a query.
const LINK = /^#(onb_[0-9a-f]{32})\.([\w-]{20,})([/?&].*)?$/;

let setup = read();

/** Reads the address: `{fresh, broken, query}`. Afterwards the address is the page's own, without the token or a code. */
export function openAddress() {
  const { hash, search, pathname } = location;
  // Some mail gateways escape the # of a link, so that what follows it becomes a part of the path.
  const [path, escaped] = pathname.split(/%(?:25)*23/);
  // Facebook appends #_=_ to its redirect.
  const fragment = escaped ? `#${escaped}` : hash === "#_=_" ? "" : hash;
  const [, id, token] = LINK.exec(fragment) ?? [];
  if (id) {
    setup = {};
    keep({ id, token });
  }
  const own = path.endsWith("/signup/return") ? path : new URL("../signup", import.meta.url).pathname;
  // The icon may be loaded later than the address changes, and its own is relative.
  const icon = document.querySelector("[rel=icon]");
  icon.href = icon.href;
  if (hash || search || pathname !== own) history.replaceState(null, "", own);
  return { fresh: Boolean(id), broken: Boolean(fragment) && !id, query: new URLSearchParams(search) };
}

/** `{id, token, …}` of the link that was opened in this tab, or null. */
export const current = () => setup;

/** Adds members to the stored setup. */
export function keep(more) {
  setup = { ...setup, ...more };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(setup));
  } catch {
    // Storage is disabled, so the setup lives only as long as this page.
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}
