"""Receives events: PORT=8080 WEBHOOK_SECRET=whsec_… python3 python.py"""

import base64
import hmac
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
if len(KEY) < 24:
    sys.exit("WEBHOOK_SECRET is not whsec_ and base64 of 24 bytes or more")
LIMIT = 64 * 1024
# A real receiver needs a table: it survives a restart, and all servers share it.
seen, lock = set(), threading.Lock()


def is_authentic(event_id, timestamp, signatures, body):
    if not event_id or not re.fullmatch(rb"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > 300:
        return False
    right = b"v1," + base64.b64encode(hmac.digest(KEY, b".".join([event_id, timestamp, body]), "sha256"))
    return any(hmac.compare_digest(given, right) for given in signatures.split(b" "))


class Receiver(BaseHTTPRequestHandler):
    timeout = 20

    def do_POST(self):
        self.send_response(self.receive())
        self.end_headers()

    def receive(self):
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length) or int(length) > LIMIT:
            return 413
        body = self.rfile.read(int(length))
        # Bytes: headers may hold characters that a comparison of texts refuses.
        sent = [self.headers.get(f"webhook-{name}", "").encode("latin-1") for name in ("id", "timestamp", "signature")]
        if not is_authentic(*sent, body):
            return 401
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return 400
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            return 400
        with lock:
            if sent[0] not in seen:
                print(sent[0].decode("latin-1"), event["type"], flush=True)
            seen.add(sent[0])
        return 204


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
