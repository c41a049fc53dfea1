// Receives events: PORT=8080 WEBHOOK_SECRET=whsec_… node node.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");
if (key.length < 24) throw new Error("WEBHOOK_SECRET is not whsec_ and base64 of 24 bytes or more");
const limit = 64 * 1024;
// A real receiver needs a table: it survives a restart, and all servers share it.
const seen = new Set();

function isAuthentic(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!id || !signatures || !/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - timestamp) > 300) return false;
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`, "latin1").update(body).digest("base64");
  const right = Buffer.from(`v1,${hmac}`);
  const given = signatures.split(" ").map((signature) => Buffer.from(signature));
  return given.some((signature) => signature.length === right.length && timingSafeEqual(signature, right));
}

function receive(headers, body) {
  if (!isAuthentic(headers, body)) return 401;
  let event;
  try { event = JSON.parse(body); } catch { return 400; }
  if (typeof event?.type !== "string") return 400;
  if (!seen.has(headers["webhook-id"])) console.log(headers["webhook-id"], event.type);
  seen.add(headers["webhook-id"]);
  return 204;
}

createServer(async (request, response) => {
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of request) if ((size += chunk.length) <= limit) chunks.push(chunk);
  } catch { return; } // The sender hung up.
  response.writeHead(size > limit ? 413 : receive(request.headers, Buffer.concat(chunks))).end();
}).listen(Number(process.env.PORT), "127.0.0.1");
