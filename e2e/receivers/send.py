"""Sends good and bad events to a receiver, and compares its answers and what it prints: `send.py PORT OUTPUT`."""

import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import socket
import sys
import time
import uuid

from standardwebhooks.webhooks import Webhook

PORT, OUTPUT = int(sys.argv[1]), pathlib.Path(sys.argv[2])
SECRET = os.environ["WEBHOOK_SECRET"]
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 32 bytes or so").decode()
MEGABYTE = 1024 * 1024

wrong = []
printed = []
count = 0


def event(event_type="onboarding.ready", **members):
    """An id and a body that no other event has."""
    event_id = str(uuid.uuid4())
    body = {"id": event_id, "type": event_type, "timestamp": "2026-11-28T01:02:03.456Z", "data": members}
    return event_id, json.dumps(body, ensure_ascii=False).encode()


def reference(event_id, body, secret=SECRET, age=0):
    """The three headers, signed by the reference library."""
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
    signature = Webhook(secret).sign(event_id, at, body.decode())
    return {"webhook-id": event_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def by_hand(event_id, body, timestamp=None):
    """The same for what the reference library refuses to sign: any timestamp, any bytes."""
    timestamp = str(int(time.time())) if timestamp is None else timestamp
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode("latin-1") + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def post(headers, body):
    """The status and the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.putrequest("POST", "/", skip_accept_encoding=True)
    for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    try:
        connection.endheaders()
        connection.send(body)
    except (BrokenPipeError, ConnectionResetError):
        # A receiver may answer a large body before it has all of it.
        pass
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def expect(what, status, headers, body, prints=None):
    global count
    count += 1
    try:
        answer = post(headers, body)
    except (OSError, http.client.HTTPException) as error:
        wrong.append(f"{what}: {error!r} instead of {status}")
        return
    if answer != (status, b""):
        wrong.append(f"{what}: {answer} instead of {status} without a body")
    if prints:
        printed.append(prints)


def accept(what, event_type="onboarding.ready", age=0, **members):
    event_id, body = event(event_type, **members)
    expect(what, 204, reference(event_id, body, age=age), body, f"{event_id} {event_type}")
    return event_id, body


def wait_for_the_receiver():
    for _ in range(150):
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("the receiver does not listen")


def good_events():
    accept("a valid event")
    accept("an event of another type", "signup.unclaimed")
    accept("letters outside of ASCII", reference="Zoë Žižek, 北京 🚲")
    accept("a timestamp of four minutes ago", age=240)
    accept("a timestamp of in four minutes", age=-240)
    accept("a body just below the limit", filler="x" * (60 * 1024))
    event_id, body = event()
    headers = reference(event_id, body)
    first = reference(event_id, body, secret=OTHER_SECRET)["webhook-signature"]
    headers["webhook-signature"] = f"{first} {headers['webhook-signature']}"
    expect("two signatures, the second is right", 204, headers, body, f"{event_id} onboarding.ready")
    event_id, body = event()
    headers = reference(event_id, body)
    headers["webhook-signature"] = f"v1a,{'A' * 86}== {headers['webhook-signature']} v1,*"
    expect("a right signature among others", 204, headers, body, f"{event_id} onboarding.ready")


def repetitions():
    event_id, body = accept("an event that will be repeated")
    expect("a repeated id", 204, reference(event_id, body), body)
    expect("a repeated id at another time", 204, reference(event_id, body, age=60), body)
    event_id, body = event("onboarding.live")
    headers = reference(event_id, body)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(expect, "eight at once", 204, headers, body) for _ in range(8)]:
            done.result()
    printed.append(f"{event_id} onboarding.live")
    event_id, body = event()
    expect("a forged id", 401, reference(event_id, body, secret=OTHER_SECRET), body)
    expect("the event of this id", 204, reference(event_id, body), body, f"{event_id} onboarding.ready")


def bad_signatures():
    event_id, body = event()
    right = reference(event_id, body)
    expect("another secret", 401, reference(event_id, body, secret=OTHER_SECRET), body)
    expect("an altered body", 401, right, body.replace(b"ready", b"READY"))
    expect("a longer body", 401, right, body + b" ")
    expect("another id", 401, {**right, "webhook-id": str(uuid.uuid4())}, body)
    expect("another timestamp", 401, {**right, "webhook-timestamp": str(int(right["webhook-timestamp"]) - 1)}, body)
    expect("a timestamp of six minutes ago", 401, reference(event_id, body, age=360), body)
    expect("a timestamp of in six minutes", 401, reference(event_id, body, age=-360), body)
    for missing in right:
        expect(f"no {missing}", 401, {name: value for name, value in right.items() if name != missing}, body)
        expect(f"an empty {missing}", 401, {**right, missing: ""}, body)
    expect("no headers", 401, {}, body)
    expect("an empty id, signed", 401, by_hand("", body), body)
    signature = right["webhook-signature"]
    digest = signature.removeprefix("v1,")
    for garbage in ["v1,***", "v1,", "v1", ",", "v1,=", " ", "v1,Zm9v", digest, f"v2,{digest}", f"v1a,{digest}", signature[:-1],
                    signature + "=", signature.lower(), f"v1, {digest}", b"v1,\xff\xfe\x80", "v1," + "A" * 8000]:
        expect(f"the signature {garbage!r:.40}", 401, {**right, "webhook-signature": garbage}, body)
    for timestamp in ["now", "-1", "0", "1e9", "NaN", "Infinity", "0x7fffffff", "9" * 13, "9" * 20, "9" * 5000,
                      f"{time.time():.3f}", datetime.datetime.now(datetime.timezone.utc).isoformat()]:
        expect(f"the timestamp {timestamp:.40}, signed", 401, by_hand(event_id, body, timestamp), body)
    expect("bytes outside of ASCII as id", 401, {**right, "webhook-id": b"\xc3\xa9\xff"}, body)


def bad_bodies():
    event_id, _ = event()
    expect("an empty body", 401, reference(event_id, b"{}"), b"")
    expect("an empty body without headers", 401, {}, b"")
    for body in [b"", b"{", b"null", b"true", b"[]", b"1", b'"type"', b"{}", b'{"type": 1}', b'{"type": null}', b"[" * 60000, b"\xff\xfe"]:
        expect(f"no event, signed: {body[:20]!r}", 400, by_hand(event_id, body), body)
    event_id, body = event(filler="x" * (2 * MEGABYTE))
    expect("2 MB, signed", 413, reference(event_id, body), body)
    expect("2 MB, unsigned", 413, {}, body)
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: receiver\r\nContent-Length: 100\r\n\r\n{")


wait_for_the_receiver()
for part in [good_events, repetitions, bad_signatures, bad_bodies]:
    part()
accept("a valid event after all these", "test")

lines = OUTPUT.read_text(encoding="utf-8").splitlines()
wrong += [f"printed {lines.count(line)} times: {line}" for line in printed if lines.count(line) != 1]
wrong += [f"printed: {line}" for line in lines if line not in printed]
print("\n".join(wrong), file=sys.stderr) if wrong else None
print(f"{count} requests, {len(lines)} new events, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
