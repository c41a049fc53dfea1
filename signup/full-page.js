// Meta's sign-in on a full page, for where the popup does not work: an OAuth redirect there and back.

import { current, keep } from "./link.js";

/** In-app browsers by their own words, and the web views of Android and iOS. */
const IN_APP = /FBA[NV]|FB_IAB|Instagram|LinkedInApp|Line\/|MicroMessenger|Twitter|Snapchat|Pinterest|TikTok|musical_ly|Bytedance|; wv\)|(iPhone|iPad|iPod)(?!.*Safari)/i;

/** Whether this browser is part of another app, where popups seldom come back. */
export const isInApp = () => IN_APP.test(navigator.userAgent);

/** Leaves for Meta. `state` says on the way back that this tab asked, for this very onboarding. */
export function signIn({ app_id, config_id, extras, dialog_url, redirect_uri }) {
  const state = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  keep({ state: { nonce: state, redirect_uri } });
  const url = new URL(dialog_url);
  const query = {
    client_id: app_id,
    config_id,
    redirect_uri,
    response_type: "code",
    override_default_response_type: "true",
    state,
    extras: JSON.stringify(extras),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  location.assign(url);
}

/**
 * What Meta's redirect brought: nothing if this is none, else `{code, redirect_uri}` to hand over, `{denied}` with Meta's words, or
 * `{foreign}` if this tab did not ask. The nonce is good for one return.
 */
export function comeBack(query) {
  const [code, error] = [query.get("code"), query.get("error")];
  if (!code && !error) return;
  const { nonce, redirect_uri } = current()?.state ?? {};
  if (current()) keep({ state: undefined });
  if (!nonce || nonce !== query.get("state")) return { foreign: true };
  if (code) return { code, redirect_uri };
  return { denied: { error_code: error, error_message: query.get("error_description") ?? error } };
}
