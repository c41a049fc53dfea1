"""Starts functions under the Lambda runtime emulator, in turns, and times their first answers. Arguments: rounds, folders."""

import http.client
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import bundle

ARCHITECTURE = {"aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
INSIDE_SAM = f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}"
EMULATOR = next((bundle.ROOT / "target/tools/sam").glob(INSIDE_SAM))
CALL = "/2015-03-31/functions/function/invocations"


def free_ports():
    """Two ports, below those that the system gives to others who ask for any."""
    while True:
        ports = random.sample(range(20_000, 30_000), 2)
        try:
            for port in ports:
                socket.create_server(("127.0.0.1", port)).close()
            return ports
        except OSError:
            pass  # taken


def children(parent):
    """Processes started by this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
        except OSError:
            pass  # ended meanwhile
    return found


def start(path, events, environment):
    """One start: milliseconds to the first answer and to the next, CPU to the first, peak memory in MB, the answer."""
    port, api = free_ports()
    addresses = {"--runtime-interface-emulator-address": port, "--runtime-api-address": api}
    options = [part for option, port_of in addresses.items() for part in (option, f"127.0.0.1:{port_of}")]
    emulator = subprocess.Popen(
        [EMULATOR, "--log-level", "error", *options, path],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    function = []
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if emulator.poll() is not None:
                    raise SystemExit("the emulator does not start")
                time.sleep(0.005)
        # The emulator starts the function when the first call comes.
        assert not children(emulator.pid), "the function runs before it is called"
        times, cpu = [], []
        for _ in range(2):
            event = next(events)
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", CALL, event)
            answer = connection.getresponse().read()
            times.append((time.perf_counter() - began) * 1000)
            connection.close()
            function = children(emulator.pid)
            cpu.append(bundle.cpu(function[0]))
            if not bundle.outcome(answer):
                raise SystemExit(f"{path} failed: {answer.decode()}")
        status = Path(f"/proc/{function[0]}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6
        return *times, cpu[0], peak, bundle.outcome(answer)
    finally:
        for process in function or children(emulator.pid):
            os.kill(process, signal.SIGKILL)
        emulator.kill()
        emulator.wait()


def zipped(path):
    """Size of the zip that SAM would upload, in bytes."""
    archive = bundle.ROOT / "target/measure/function.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(path, "bootstrap")
    return archive.stat().st_size


def glibc(path):
    """The newest glibc that the binary asks for."""
    command = ["readelf", "--version-info", "--wide", path]
    needs = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return max(re.findall(r"GLIBC_([\d.]+)", needs), key=lambda version: tuple(map(int, version.split("."))))


def main(rounds, folders):
    found = bundle.binaries(folders)
    environments = {label: bundle.environment(os.environ["AWS_ENDPOINT_URL"], function) for label, function, _ in found}
    sources = {label: bundle.events(function) for label, function, _ in found}
    starts = {label: [] for label, _, _ in found}
    for number in range(int(rounds)):
        for label, _, path in found:
            starts[label].append(start(path, sources[label], environments[label]))
        print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    rows = []
    hello, *_ = zip(*starts[found[0][0]])
    for label, _, path in found:
        first, following, cpu, peak, outcomes = zip(*starts[label])
        ratio = statistics.median(first) / statistics.median(hello), min(first) / min(hello)
        rows.append([
            label, f"{path.stat().st_size / 1e6:.2f}", f"{zipped(path) / 1e6:.2f}", bundle.spread(first),
            f"{ratio[0]:.1f}, {ratio[1]:.1f}", bundle.spread(cpu), bundle.spread(following), f"{max(peak):.1f}",
            glibc(path), outcomes[-1],
        ])
    print(f"{rounds} starts of each, in turns. Times in ms, median and least, and the ratios of these to hello world's. CPU is")
    print("the function's own up to the first answer: what other load on the machine changes least. A MB is a million bytes.\n")
    head = "function; binary, MB; zip, MB; first answer; to hello world; CPU of it; next answer; peak, MB; glibc; answer"
    bundle.table(head.split("; "), rows)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
