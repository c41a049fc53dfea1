#!/usr/bin/env python3
"""Prints template.yaml as CloudFormation gets it: the values of the parameters put in, SAM's resources translated. `sam validate
--lint` looks at neither, and both can clash with the rest. Run it with SAM's Python. Arguments: Parameter=value."""

import json
import logging
import sys

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

logging.disable()
with open("template.yaml", encoding="utf-8") as file:
    template = yaml_parse(file.read())
given = dict(argument.split("=", 1) for argument in sys.argv[1:])
parameters = {name: str(given.get(name, parameter.get("Default", "")))
              for name, parameter in template["Parameters"].items()}


def put_in(value):
    """What the language extensions do."""
    if isinstance(value, list):
        return [put_in(member) for member in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"} and value["Ref"] in parameters:
        return parameters[value["Ref"]]
    return {name: put_in(member) for name, member in value.items()}


template["Transform"] = "AWS::Serverless-2016-10-31"
template["Globals"], template["Resources"] = put_in(template["Globals"]), put_in(template["Resources"])
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
print(json.dumps(translator.translate(template, parameters), indent=2, default=str))
