// Calls of our API with the setup token.

import { current } from "./link.js";

const ONBOARDINGS = new URL("../onboardings/", import.meta.url);
/** Meta's code lives 30 seconds: as long is it worth sending again. */
const CODE_LIFE = 30000;

/** Why a call did not succeed. `code` is the API's word for it; `offline`: there was no answer. */
export class ApiError extends Error {
  constructor(status, code) {
    super(code);
    Object.assign(this, { status, code });
  }
}

/** The onboarding as it is. */
export const look = () => call("");

/** Chooses one of several numbers. */
export const choose = (id) => call("/number", { phone_number_id: id });

/** Hands over what Meta returned. It is safe to send again: the API knows a code that it has seen. */
export async function handOver(returned) {
  const until = Date.now() + CODE_LIFE;
  for (let wait = 1000, earlier; ; wait *= 2) {
    try {
      return await call("/es-callback", returned);
    } catch (error) {
      const { code, session } = returned;
      if (code && session && error.code === "invalid_field") {
        // A session of a shape that nobody knows yet: the code alone tells enough.
        returned = { code };
      } else if (!(code || session.event === "OPENED") || !passing(error) || Date.now() + wait > until) {
        // A code tried in vain counts as used: the answer before says why.
        throw error.code === "code_used" && earlier?.status ? earlier : error;
      } else {
        earlier = error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }
}

/** Whether the same call may succeed in a moment. */
const passing = ({ status, code }) => !status || status === 429 || status >= 500 || code === "in_progress";

async function call(path, body) {
  const { id, token } = current();
  const headers = { authorization: `Bearer ${token}` };
  if (body) headers["content-type"] = "application/json";
  let response, answer;
  try {
    response = await fetch(new URL(id + path, ONBOARDINGS), {
      method: body ? "POST" : "GET",
      headers,
      keepalive: Boolean(body),
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(30000),
    });
    answer = await response.json();
  } catch {
    throw new ApiError(0, "offline");
  }
  if (!response.ok) throw new ApiError(response.status, answer.code ?? "other");
  return answer;
}
