"""The bundle around the measured functions: settings, events, and on MiniStack the table, the secret and the queues."""

import copy
import hashlib
import hmac
import json
import os
import statistics
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HELLO_WORLD = "hello-world"
NAME = "measure"
# The table of the dispatcher, which would else work off what the other functions leave due, and more with each start.
OF_DISPATCHER = "measure-dispatcher"
# The local stack's credentials, which the sample events are made with.
SECRET = {
    "backend_token": "local-backend-token",
    "platform_secret": "local-platform-secret",
    "meta_verify_token": "local-verify-token",
    "hub_api_key": "made-up-hub-key",
    "hub_token_key": "made-up-token-key",
    "meta_app_secret": "made-up-app-secret",
}
QUEUES = [name for name in json.loads((ROOT / "env.json").read_text())["Parameters"] if name.endswith("_QUEUE_URL")]


def environment(endpoint, function):
    """What a function finds in its environment. Nobody listens where the Hub and Meta would be."""
    ours = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
        "AWS_LAMBDA_FUNCTION_NAME": NAME,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "TABLE_NAME": OF_DISPATCHER if function == "dispatcher" else NAME,
        "BUNDLE_SECRET_ID": NAME,
        "WORKER_SECRET_ID": NAME,
        "SEALING_KEY_ID": NAME,
        "VAULT_PREFIX": NAME,
        "HUB_PARTNER_ID": "Kq7wZePA",
        "SOLUTION_ID": "1093388274650217",
        "META_APP_ID": "1482000011112222",
        "META_CONFIG_ID": "1482093377610245",
        "HUB_BASE_URL": "http://127.0.0.1:9/hub",
        "META_GRAPH_URL": "http://127.0.0.1:9/graph",
        **{queue: f"{endpoint}/000000000000/{queue}" for queue in QUEUES},
    }
    return {**os.environ, **ours}


def events(function):
    """One event after the other that the function answers as it should: the sample, made new where it is to be."""
    file = ROOT / "events" / f"{function}.json"
    sample = json.loads(file.read_text()) if file.exists() else {}
    while True:
        event = copy.deepcopy(sample)
        if function == "webhook-receipt":
            # A webhook that has not come before, so that it is kept.
            event["body"] = event["body"].replace("evt_05e1", f"evt_{uuid.uuid4().hex[:8]}")
            key, name = SECRET["platform_secret"], "x-360dialog-signature"
            signature = hmac.new(key.encode(), event["body"].encode(), hashlib.sha256).hexdigest()
            event["headers"][name], event["multiValueHeaders"][name] = signature, [signature]
        yield json.dumps(event).encode()


def outcome(answer):
    """What the answer says, in a word. None if the function could not do its work: that is not worth measuring."""
    answer = json.loads(answer)
    if not isinstance(answer, dict):
        return "done"
    failed = "errorType" in answer or answer.get("batchItemFailures") or answer.get("statusCode", 200) >= 500
    return None if failed else str(answer.get("statusCode", "done"))


def cpu(process):
    """Milliseconds of CPU that a process has used, in all of its threads."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


def binaries(folders):
    """What there is to measure: label, function, path. Hello world of each folder first."""
    found = []
    for folder in map(Path, folders):
        for path in sorted(folder.glob("*/bootstrap")):
            function = path.parent.name
            found.append((f"{folder.name}/{function}" if len(folders) > 1 else function, function, path))
    found.sort(key=lambda binary: binary[1] != HELLO_WORLD)
    if not found or found[0][1] != HELLO_WORLD:
        raise SystemExit(f"no {HELLO_WORLD}/bootstrap in {', '.join(map(str, folders))}")
    return found


def spread(times):
    """Median and least, for people."""
    return f"{statistics.median(times):.1f}, {min(times):.1f}"


def table(head, rows):
    """Prints a table in Markdown, laid out to be read as it is."""
    rows = [head, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def put_up():
    """Puts table, secret and queues up on the MiniStack that `AWS_ENDPOINT_URL` names."""
    import boto3
    from samcli.yamlhelper import yaml_parse

    template = yaml_parse((ROOT / "template.yaml").read_text())
    declared = template["Resources"]["Table"]["Properties"]
    keys = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    for table in NAME, OF_DISPATCHER:
        boto3.client("dynamodb").create_table(TableName=table, **{key: declared[key] for key in keys})
    boto3.client("secretsmanager").create_secret(Name=NAME, SecretString=json.dumps(SECRET))
    for queue in QUEUES:
        boto3.client("sqs").create_queue(QueueName=queue)


if __name__ == "__main__":
    put_up()
