"""Receives events, has the reference library verify each, and ends when two were right: `verify.py PORT`."""

import http.server
import json
import os
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
types = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            webhook.verify(body, dict(self.headers))
        except WebhookVerificationError as error:
            sys.exit(f"The reference library refuses an event of the bundle: {error}")
        event = json.loads(body)
        if event["id"] != self.headers["webhook-id"]:
            sys.exit("The id of an event is not that of its message")
        types.append(event["type"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
server.timeout = 60
while len(types) < 2:
    before = len(types)
    server.handle_request()
    if len(types) == before:
        sys.exit("No event came within a minute")
print(f"verified by the reference library: {', '.join(types)}")
