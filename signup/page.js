// The page that a customer opens from a setup link: #{onboarding id}.{setup token}.

import { launch, loadSdk } from "./embedded-signup.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const element = (id) => document.getElementById(id);

const texts = {
  started: "Press the button and follow Meta’s window. It takes about five minutes.",
  number_choice: "Your account has several numbers.",
  signed_up: "Thank you. Your number is being handed to 360dialog. You may close this page.",
  submitted: "360dialog is connecting your number. This takes a few minutes. You may close this page.",
  live: "Your number is live. The last settings are being made.",
  permission_required: "One permission is missing.",
  ready: "Done. Your number is connected.",
  failed: "Something went wrong. Please contact whoever sent you this link.",
  expired: "This link has expired. Please ask for a new one.",
};

function readLink() {
  const [id, token] = location.hash.slice(1).split(".");
  if (id && token) {
    sessionStorage.setItem("setup", JSON.stringify({ id, token }));
    history.replaceState(null, "", location.pathname);
  }
  return JSON.parse(sessionStorage.getItem("setup") ?? "null");
}

async function call(path, body) {
  const response = await fetch(`onboardings/${setup.id}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${setup.token}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  return answer;
}

let wait = 1000;

function show(view) {
  element("status").textContent = view.problem?.title ?? texts[view.status] ?? view.status;
  element("launch").hidden = view.status !== "started";
  element("numbers").hidden = view.status !== "number_choice";
  link("permission", view.permission_url);
  link("return", view.return_url);
  if (view.status === "number_choice") showChoices(view.numbers);
  if (!["started", "number_choice", "ready", "failed", "expired"].includes(view.status)) {
    setTimeout(poll, wait);
    wait = Math.min(wait * 1.5, 15000);
  }
}

function link(id, href) {
  element(id).hidden = !href;
  if (href) element(id).href = href;
}

function showChoices(numbers) {
  element("choices").replaceChildren(
    ...numbers.map((number) => {
      const label = document.createElement("label");
      const radio = Object.assign(document.createElement("input"), { type: "radio", name: "number", value: number.id, required: true });
      label.append(radio, ` ${number.display_phone_number ?? number.id} ${number.verified_name ?? ""}`);
      return label;
    }),
  );
}

async function poll() {
  try {
    show(await call(""));
  } catch (error) {
    element("status").textContent = error.message;
  }
}

async function post(path, body) {
  try {
    show(await call(path, body));
  } catch (error) {
    element("status").textContent = error.message;
  }
}

const setup = readLink();
if (setup) {
  call("").then(async (view) => {
    show(view);
    if (view.status !== "started") return;
    await loadSdk(settings.sdk_url, view.launch);
    element("launch").addEventListener("click", () => launch(view.launch, (callback) => post("/es-callback", callback)));
  }).catch((error) => {
    element("status").textContent = error.message;
  });
  element("numbers").addEventListener("submit", (event) => {
    event.preventDefault();
    post("/number", { phone_number_id: new FormData(event.target).get("number") });
  });
} else {
  element("status").textContent = "Please open the link that you were sent.";
}
