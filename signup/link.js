// The setup link, #{onboarding id}.{setup token}: read once, taken out of the address bar, kept for this tab only.

const KEY = "setup";
const LINK = /^#(onb_[0-9a-f]{32})\.([\w-]{20,})$/;

let setup = read();

/** What the address said: `{fresh, broken, query}`. Afterwards it holds neither token nor code. */
export function openAddress() {
  const { hash, search, pathname } = location;
  // Facebook's redirect ends in #_=_.
  const fragment = hash === "#_=_" ? "" : hash;
  const [, id, token] = LINK.exec(fragment) ?? [];
  if (id) {
    setup = {};
    keep({ id, token });
  }
  if (hash || search) history.replaceState(null, "", pathname);
  return { fresh: Boolean(id), broken: Boolean(fragment) && !id, query: new URLSearchParams(search) };
}

/** `{id, token, …}` of the link that was opened in this tab, or nothing. */
export const current = () => setup;

/** Keeps more about this setup. */
export function keep(more) {
  setup = { ...setup, ...more };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(setup));
  } catch {
    // Storage is switched off: memory will do, for as long as this page stays.
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}
