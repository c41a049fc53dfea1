// Meta's full-page sign-in, for browsers in which the popup does not work: an OAuth redirect to Meta and back.

import { current, keep } from "./link.js";

/** User agents of in-app browsers, and of the web views of Android and iOS. */
const IN_APP = /FBA[NV]|FB_IAB|Instagram|LinkedInApp|Line\/|MicroMessenger|Twitter|Snapchat|Pinterest|TikTok|musical_ly|Bytedance|; wv\)|(iPhone|iPad|iPod)(?!.*Safari)/i;

/** Whether this browser is part of another app. Popups rarely work there. */
export const isInApp = () => IN_APP.test(navigator.userAgent);

/** Redirects to Meta. On the return, `state` proves that this tab started the sign-in, for this onboarding. */
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
 * The result of Meta's redirect: undefined without a redirect, `{code, redirect_uri}` on success, `{denied}` with Meta's message, or
 * `{foreign}` if another tab started the sign-in. The nonce is valid for one return. Facebook reports some failures by a number alone:
 * `error_code` and `error_message`, without `error`.
 */
export function comeBack(query) {
  const [code, error, number] = ["code", "error", "error_code"].map((name) => query.get(name));
  const message = query.get("error_message") ?? query.get("error_description");
  if (!code && !error && !number && !message) return;
  const { nonce, redirect_uri } = current()?.state ?? {};
  if (current()) keep({ state: undefined });
  if (!nonce || nonce !== query.get("state")) return { foreign: true };
  if (code) return { code, redirect_uri };
  return { denied: { error_code: number ?? error ?? undefined, error_message: message ?? error ?? number } };
}
