// Runs an onboarding with the types of openapi-typescript: API=… SIMULATOR=… TOKEN=… node onboard.js
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const { API = "", SIMULATOR = "", TOKEN = "" } = process.env;
const clientOf = (token: string) => createClient<paths>({ baseUrl: API, headers: { authorization: `Bearer ${token}` } });
const backEnd = clientOf(TOKEN);

const customer = { name: "Nordlicht Fahrrad GmbH", email: "lena@nordlicht.example", user_name: "Lena Voss" };
const started = await backEnd.POST("/onboardings", { body: { reference: "from-typescript", client: customer } });
if (started.error) throw new Error(`${started.error.code}: ${started.error.detail}`);
const path = { id: started.data.id };

// The customer: the simulator plays Meta's popup, and the page sends what came of it.
const popup = await fetch(`${SIMULATOR}/popup`, { method: "POST", body: JSON.stringify({ account: "one_number" }) });
const body = (await popup.json()) as components["schemas"]["PopupCode"];
const page = clientOf(started.data.setup_url.split(".").at(-1) ?? "");
const view = await page.POST("/onboardings/{id}/es-callback", { params: { path }, body });
if (view.error) throw new Error(`${view.error.code}: ${view.error.detail}`);

let record: components["schemas"]["RecordWithHistory"];
do {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const shown = await backEnd.GET("/onboardings/{id}", { params: { path } });
  if (!shown.data || !("history" in shown.data)) throw new Error(shown.error?.detail ?? "not the back end's token");
  record = shown.data;
} while (record.status !== "ready" && record.status !== "failed");

const list = await backEnd.GET("/onboardings", { params: { query: { reference: "from-typescript" } } });
const listed = list.data?.onboardings.map((onboarding) => onboarding.id);
const history = record.history.map((entry) => entry.event.event);
console.log(JSON.stringify({ id: record.id, status: record.status, view: view.data.status, history, listed }));
