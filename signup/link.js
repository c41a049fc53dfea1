// The setup link, #{onboarding id}.{setup token}. It is read once, removed from the address bar, and kept for this tab only.

const KEY = "setup";
const LINK = /^#(onb_[0-9a-f]{32})\.([\w-]{20,})$/;

let setup = read();

/** Reads the address: `{fresh, broken, query}`. Afterwards the address contains neither the token nor a code. */
export function openAddress() {
  const { hash, search, pathname } = location;
  // Facebook appends #_=_ to its redirect.
  const fragment = hash === "#_=_" ? "" : hash;
  const [, id, token] = LINK.exec(fragment) ?? [];
  if (id) {
    setup = {};
    keep({ id, token });
  }
  if (hash || search) history.replaceState(null, "", pathname);
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
