#!/usr/bin/env python3
"""Makes a queue that gets all events of the onboarding from EventBridge's default bus, as a partner's system may, and prints its
URL. Needs boto3, which comes with SAM. Argument: the events' source. The deployed test calls it."""

import json
import sys

import boto3

source = sys.argv[1]
name = f"{source}-events"
sqs, events = boto3.client("sqs"), boto3.client("events")

url = sqs.create_queue(QueueName=name)["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
may = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
       "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
policy = {"Version": "2012-10-17", "Statement": [may]}
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
if events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])["FailedEntryCount"]:
    sys.exit("the rule does not take the queue")
print(url)
