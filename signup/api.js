// Calls our API with the setup token.

import { current } from "./link.js";

const ONBOARDINGS = new URL("../onboardings/", import.meta.url);
/** Meta's code expires after 30 seconds. Retries make sense only until then. */
const CODE_LIFE = 30000;
/** The text for each error code of the API. Several codes share a text if they mean the same to the customer. */
const REASON = {
  code_expired: "code_late",
  code_used: "code_late",
  code_refused: "code_late",
  in_progress: "unavailable",
  meta_refused: "not_proven",
  number_not_in_waba: "not_proven",
  token_not_ours: "not_proven",
  waba_not_granted: "not_proven",
};

/**
 * A failed call. `code` is the API's error code, or `offline` if there was no answer. `renewUrl` is where the customer may ask for a
 * new link, if the API names such a place.
 */
export class ApiError extends Error {
  constructor(status, code, renewUrl) {
    super(code);
    Object.assign(this, { status, code, renewUrl });
  }
}

/** The name of the text that says why a call failed. */
export const reason = ({ code }) => `refused.${REASON[code] ?? code}`;

/** Fetches the onboarding's current view. */
export const look = () => call("");

/** Chooses one of the WABA's numbers. */
export const choose = (id) => call("/number", { phone_number_id: id });

/** Sends Meta's result to the API. Retries are safe because the call is idempotent for the same code. */
export async function handOver(returned) {
  const until = Date.now() + CODE_LIFE;
  for (let wait = 1000, earlier; ; wait *= 2) {
    try {
      return await call("/es-callback", returned);
    } catch (error) {
      const { code, session } = returned;
      if (code && session && error.code === "invalid_field") {
        // The API does not accept the session's shape. The code alone is enough.
        returned = { code };
      } else if (!(code || /^(OPENED|FINISH)/.test(session.event)) || !passing(error) || Date.now() + wait > until) {
        // A failed exchange uses the code up. The previous error has the reason.
        throw error.code === "code_used" && earlier?.status ? earlier : error;
      } else {
        earlier = error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }
}

/** Whether a retry may succeed. */
const passing = ({ status, code }) => !status || status === 429 || status >= 500 || code === "in_progress";

async function call(path, body) {
  const { id, token } = current();
  const headers = { authorization: `Bearer ${token}` };
  if (body) headers["content-type"] = "application/json";
  // Safari before 16 and Chrome before 103 have no AbortSignal.timeout.
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), 30000);
  let response, answer;
  try {
    response = await fetch(new URL(id + path, ONBOARDINGS), {
      method: body ? "POST" : "GET",
      headers,
      keepalive: Boolean(body),
      body: body && JSON.stringify(body),
      signal: limit.signal,
    });
    answer = await response.json();
  } catch {
    throw new ApiError(0, "offline");
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw new ApiError(response.status, answer.code ?? "other", answer.renew_url);
  return answer;
}
