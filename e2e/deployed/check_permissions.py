#!/usr/bin/env python3
"""Compares what each function's role allows with what the function did since MiniStack started: every call must be allowed,
and everything allowed must have been needed, or have its reason below. Prints a table. Needs boto3, which comes with SAM, and
MiniStack with its recording on. Argument: the stack's name. The deployed test calls it when everything has been driven."""

import collections
import fnmatch
import hashlib
import itertools
import json
import sys

import boto3

# What Lambda itself does in the function's name, and what cannot be brought about here.
REASONS = {
    "logs:CreateLogStream": "Lambda, for the log",
    "logs:PutLogEvents": "Lambda, for the log",
    "xray:PutTraceSegments": "Lambda, for traces",
    "xray:PutTelemetryRecords": "Lambda, for traces",
    "sqs:ReceiveMessage": "Lambda, to poll the queue",
    "sqs:DeleteMessage": "Lambda, to poll the queue",
    "sqs:GetQueueAttributes": "Lambda, to poll the queue",
    "dynamodb:DescribeStream": "Lambda, to read the stream",
    "dynamodb:GetShardIterator": "Lambda, to read the stream",
    "dynamodb:GetRecords": "Lambda, to read the stream",
    "dynamodb:ListStreams": "Lambda, to read the stream",
}
# What has no resources.
ON_EVERYTHING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "dynamodb:ListStreams"}
# What only some cases need that MiniStack does not know.
REASONS_OF = {
    ("Dispatcher", "dynamodb:BatchGetItem"): "where the Hub names no phone number id, for the onboardings of a client account; and while the partner's webhook backs off",
    ("Dispatcher", "dynamodb:Query"): "the same, by_client",
    ("NumberSubmission", "dynamodb:BatchGetItem"): "the same, and for the e-mail addresses of the Hub's client accounts",
    ("NumberSubmission", "dynamodb:Query"): "the same, by_client",
    ("KeyCreation", "secretsmanager:RestoreSecret"): "where the channel's secret is being deleted",
    ("Onboardings", "dynamodb:DeleteItem"): "where a chosen number is taken over, and its channel with it; and where a signup is being confirmed that is called off",
    ("Reconciliation", "dynamodb:BatchGetItem"): "where RetentionDays are over, for other onboardings of the client account",
    ("Reconciliation", "dynamodb:Query"): "the same, by_client",
    ("Reconciliation", "dynamodb:DeleteItem"): "where Meta confirms a signup later, a reported one is somebody's meanwhile, or RetentionDays are over",
    ("Reconciliation", "secretsmanager:GetSecretValue"): "the sealing key, where Meta confirms a signup later",
}

# How MiniStack names the one action of a member of a DynamoDB transaction, as IAM does.
MEMBERS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

stack = sys.argv[1]
account = boto3.client("sts").get_caller_identity()["Account"]
region = boto3.session.Session().region_name


def functions():
    """Logical name, configurations of all versions."""
    client = boto3.client("lambda")
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    for resource in resources:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            name = resource["PhysicalResourceId"]
            yield resource["LogicalResourceId"], client.list_versions_by_function(FunctionName=name)["Versions"]


def allowed(role):
    """Pairs of action and resource."""
    iam = boto3.client("iam")
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
                 for name in iam.list_role_policies(RoleName=role)["PolicyNames"]]
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
        documents.append(found["PolicyVersion"]["Document"])
    for document in documents:
        for statement in document["Statement"]:
            yield from itertools.product(listed(statement["Action"]), listed(statement["Resource"]))


def listed(value):
    return [value] if isinstance(value, str) else value


def calls(version):
    """Pairs of action and resource that this version of a function has called."""
    # The key under which MiniStack lets a version of a function call: lambda_runtime.execution_credentials.
    digest = hashlib.sha256(f"{version['FunctionArn']}:{version['Role']}".encode()).hexdigest()
    key = {"AttributeKey": "AccessKeyId", "AttributeValue": f"ASIA{digest[:16].upper()}"}
    trail, seen, limits = boto3.client("cloudtrail"), set(), {}
    while True:
        page = trail.lookup_events(LookupAttributes=[key], **limits)["Events"]
        for event in page:
            if event["EventId"] not in seen:
                yield from meant(event)
        if len(page) < 50:
            return
        # Newest first, at most 50, and only whole seconds can be asked for. Of a second with more, some are not seen: that can
        # make something allowed look needless, never the other way round.
        again = all(event["EventId"] in seen for event in page)
        oldest = int(min(event["EventTime"].timestamp() for event in page))
        limits = {"EndTime": oldest if again else oldest + 1}
        seen.update(event["EventId"] for event in page)


def meant(event):
    """What IAM makes of a call."""
    service = event["EventSource"].split(".")[0]
    parameters = json.loads(event["CloudTrailEvent"])["requestParameters"]
    if service == "dynamodb" and "TransactItems" in parameters:
        for item in parameters["TransactItems"]:
            for member, detail in item.items():
                yield f"dynamodb:{MEMBERS[member]}", arn(service, f"table/{detail['TableName']}")
        return
    if service == "dynamodb" and "RequestItems" in parameters:
        for table in parameters["RequestItems"]:
            yield f"{service}:{event['EventName']}", arn(service, f"table/{table}")
        return
    if service == "dynamodb":
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        resource = arn(service, f"table/{parameters['TableName']}{index}")
    elif service == "events":
        for bus in {entry.get("EventBusName", "default") for entry in parameters["Entries"]}:
            yield f"{service}:{event['EventName']}", arn(service, f"event-bus/{bus}")
        return
    elif service == "sqs":
        resource = arn(service, parameters["QueueUrl"].rsplit("/", 1)[-1])
    elif service == "secretsmanager":
        secret = parameters.get("SecretId") or parameters["Name"]
        resource = secret if secret.startswith("arn:") else arn(service, f"secret:{secret}-abcdef")
    else:
        sys.exit(f"a call of {service}, which nobody expected")
    yield f"{service}:{event['EventName']}", resource


def arn(service, name):
    return f"arn:aws:{service}:{region}:{account}:{name}"


def short(resource):
    return resource.split(":", 5)[-1].replace(f"{stack}-", "") if resource.startswith("arn:") else resource


problems = []
for function, versions in functions():
    role = versions[0]["Role"].rsplit("/", 1)[-1]
    granted = sorted(set(allowed(role)))
    seen = collections.Counter(call for version in versions for call in calls(version))
    if not seen and len(granted) > 4:
        problems.append(f"{function}: no call was seen")
    print(f"         {function}")
    for action, resource in granted:
        count = sum(n for (called, on), n in seen.items() if called == action and fnmatch.fnmatchcase(on, resource))
        reason = f"{count} calls" if count else REASONS.get(action) or REASONS_OF.get((function, action))
        if resource == "*" and action not in ON_EVERYTHING:
            problems.append(f"{function}: {action} is allowed on everything")
        print(f"           {action:32} {short(resource):60.60} {reason or 'NEVER'}")
        if reason is None:
            problems.append(f"{function}: {action} on {short(resource)} is allowed, but was never needed")
    for action, resource in seen:
        if not any(action == may and fnmatch.fnmatchcase(resource, on) for may, on in granted):
            problems.append(f"{function}: {action} on {short(resource)} was called, but is not allowed")
sys.exit("\n".join(problems) or None)
