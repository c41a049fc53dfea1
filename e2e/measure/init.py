"""Tells what a function does during INIT from what it does in its first invocation. Arguments: rounds, folders.

Plays the Lambda runtime API, and stands between the function and MiniStack: so it sees when the function asks for its first
event, and which calls to AWS and new connections come before and after that. Without TLS, since no certificate of ours is
below the roots that are compiled in.
"""

import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import bundle


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def body(self):
        length = self.headers.get("content-length")
        if length is not None:
            return self.rfile.read(int(length))
        parts = []
        while self.headers.get("transfer-encoding") == "chunked":
            size = int(self.rfile.readline().split(b";")[0], 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                break
        return b"".join(parts)

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Aws(Handler):
    """Hands calls on to MiniStack."""

    def setup(self):
        super().setup()
        self.server.run.connections.append(time.perf_counter())
        endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
        self.upstream = http.client.HTTPConnection(endpoint.hostname, endpoint.port)

    def do_POST(self):
        came, body = time.perf_counter(), self.body()
        self.upstream.request("POST", self.path, body, dict(self.headers))
        upstream = self.upstream.getresponse()
        payload = upstream.read()
        target = self.headers.get("x-amz-target", "?").rpartition(".")[2]
        self.server.run.calls.append((came, time.perf_counter(), target))
        self.answer(upstream.status, upstream.getheaders(), payload)


class Runtime(Handler):
    """Gives two events, and then nothing more."""

    def do_GET(self):
        run = self.server.run
        run.asked.append((time.perf_counter(), run.cpu()))
        if len(run.asked) > 2:
            run.ended.set()
            run.over.wait()
            return
        headers = [
            ("lambda-runtime-aws-request-id", f"00000000-0000-0000-0000-00000000000{len(run.asked)}"),
            ("lambda-runtime-deadline-ms", str(int(time.time() * 1000) + 30_000)),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:measure"),
        ]
        self.answer(200, headers, next(run.events))

    def do_POST(self):
        run, body = self.server.run, self.body()
        if self.path.endswith("/error") or not bundle.outcome(body):
            run.failure = body.decode()
            run.ended.set()
        self.answer(202, [], b"{}")


class Run:
    """One start of a function."""

    def __init__(self, path, events, environment, aws, runtime):
        self.events, self.failure = events, None
        # When a connection was made to AWS; when a call came and was answered, and its name; when the function asked for
        # an event, and the CPU it had used by then.
        self.connections, self.calls, self.asked = [], [], []
        self.started, self.ended, self.over = threading.Event(), threading.Event(), threading.Event()
        aws.run = runtime.run = self
        api = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}"}
        self.began = time.perf_counter()
        self.function = subprocess.Popen(
            [path], env={**environment, **api}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self.started.set()
        try:
            if not self.ended.wait(30) or self.failure:
                raise SystemExit(f"{path} failed: {self.failure or 'no answer in 30 seconds'}")
        finally:
            self.function.kill()
            self.function.wait()
            self.over.set()

    def cpu(self):
        """Milliseconds of CPU that the function has used."""
        self.started.wait()
        return bundle.cpu(self.function.pid)

    def phase(self, number):
        """What was done in INIT (0) or an invocation (1, 2): duration, CPU, waiting for AWS, calls, new connections."""
        since, spent = (self.began, 0.0) if number == 0 else self.asked[number - 1]
        until, cpu = self.asked[number]
        calls = sorted(call for call in self.calls if since <= call[0] < until)
        waited, reached = 0.0, since
        for came, left, _ in calls:
            waited += max(0.0, left - max(came, reached))
            reached = max(reached, left)
        opened = sum(since <= at < until for at in self.connections)
        return (until - since) * 1000, cpu - spent, waited * 1000, " ".join(sorted(name for *_, name in calls)), opened


def main(rounds, folders):
    aws, runtime = Server(Aws), Server(Runtime)
    found = bundle.binaries(folders)
    endpoint = f"http://127.0.0.1:{aws.server_port}"
    environments = {label: bundle.environment(endpoint, function) for label, function, _ in found}
    sources = {label: bundle.events(function) for label, function, _ in found}
    runs = {label: [] for label, _, _ in found}
    for number in range(int(rounds)):
        for label, _, path in found:
            runs[label].append(Run(path, sources[label], environments[label], aws, runtime))
        print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    rows = []
    for label, *_ in found:
        init = [run.phase(0) for run in runs[label]]
        first = [run.phase(1) for run in runs[label]]
        following = [run.phase(2) for run in runs[label]]
        median = lambda phases, part: f"{statistics.median(phase[part] for phase in phases):.1f}"
        seen = lambda phases: "; ".join(sorted({f"{phase[3] or '-'}, {phase[4]} new" for phase in phases}))
        rows.append([
            label, bundle.spread([phase[0] for phase in init]), median(init, 1), median(init, 2), seen(init),
            median(first, 0), median(first, 1), median(first, 2), seen(first), median(following, 0),
        ])
    print(f"{rounds} starts of each, in turns, without TLS. Times in ms; of INIT median and least. CPU is the function's own,")
    print("waiting is for MiniStack. Calls to AWS, with the connections that were opened for them.\n")
    head = "function; INIT; CPU; waiting; calls in INIT; first; CPU; waiting; calls in first invocation; next"
    bundle.table(head.split("; "), rows)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
