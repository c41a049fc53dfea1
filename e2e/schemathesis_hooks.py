"""What schemathesis has to know of the API that no schema can say, and what it needs to get behind the first check of a route.

A case that breaks its schema is left as it is, but for ids and tokens that it does not break.
"""

import hashlib
import hmac
import itertools
import json
import os

import requests
import schemathesis

API, SIMULATOR = os.environ["API"], os.environ["SIMULATOR"]
# As the local stack prints them.
BACK_END_TOKEN, VERIFY_TOKEN = "local-backend-token", "local-verify-token"
SIGNATURES = {
    "POST /webhooks/partner-hub": ("x-360dialog-signature", b"local-platform-secret"),
    "POST /webhooks/meta": ("X-Hub-Signature-256", b"made-up-app-secret"),
}
TO_BE_SIGNED = "to be signed"
FILTERS = ("status", "overdue", "reference", "client_id", "waba_id", "phone_number_id", "channel_id", "updated_after")
# The accounts of simulator/README.md whose signup is played before. None: the link was not opened.
ACCOUNTS = (None, "several_numbers", "one_number", None, "no_number")


def post(url, body, token=BACK_END_TOKEN):
    return requests.post(url, json=body, headers={"authorization": f"Bearer {token}"}, timeout=30)


class Onboardings:
    """Onboardings in several statuses. Each serves for a few calls, since some of these end it."""

    def __init__(self):
        self.accounts, self.left = itertools.cycle(ACCOUNTS), 0

    def next(self):
        """The id and the setup token."""
        if self.left == 0:
            account, self.left = next(self.accounts), 5
            customer = {"name": "Nordlicht Fahrrad GmbH", "email": "lena@nordlicht.example", "user_name": "Lena Voss"}
            started = post(f"{API}/onboardings", {"reference": "schemathesis", "client": customer}).json()
            self.id, self.token = started["id"], started["setup_url"].rpartition(".")[2]
            if account:
                popup = post(f"{SIMULATOR}/popup", {"account": f"{account}:{self.id[-6:]}"}).json()
                post(f"{API}/onboardings/{self.id}/es-callback", popup, self.token)
        self.left -= 1
        return self.id, self.token


onboardings = Onboardings()


class Signature(requests.auth.AuthBase):
    """Signs a webhook as its sender does."""

    def __init__(self, header, secret):
        self.header, self.secret = header, secret

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        request.headers[self.header] = "sha256=" + hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        return request


@schemathesis.auth(refresh_interval=None)
class Tokens:
    """The token of the back end, or of the customer on the page's routes."""

    def get(self, case, context):
        return onboardings.next() if "/onboardings/{id}" in case.operation.path else (None, None)

    def set(self, case, data, context):
        onboarding, setup_token = data
        if onboarding and is_right(case, "path"):
            case.path_parameters["id"] = onboarding
        header, _ = SIGNATURES.get(f"{case.method} {case.operation.path}", (None, None))
        if header:
            if is_right(case, "header"):
                case.headers[header] = TO_BE_SIGNED
            return
        on_page = case.operation.path.endswith(("/es-callback", "/number"))
        case.headers["Authorization"] = f"Bearer {setup_token if on_page else BACK_END_TOKEN}"


def is_right(case, location):
    """Whether this part of the case fits its schema."""
    return not any(at == location and part.mode.is_negative for at, part in case.meta.components.items())


@schemathesis.hook
def before_call(context, case, kwargs):
    path, query, body = case.operation.path, case.query, case.body
    header, secret = SIGNATURES.get(f"{case.method} {path}", (None, None))
    if header and case.headers.get(header) == TO_BE_SIGNED:
        kwargs["auth"] = Signature(header, secret)
    if query and is_right(case, "query"):
        # Only of an earlier page.
        query.pop("cursor", None)
        # One filter at most.
        if path == "/onboardings":
            for name in [name for name in FILTERS if name in query][1:]:
                del query[name]
        if path == "/webhooks/meta":
            query["hub.verify_token"] = VERIFY_TOKEN
    if isinstance(body, dict):
        case.body = body = without_nulls(body)
    if isinstance(body, dict) and is_right(case, "body"):
        complete(path, body)


def without_nulls(value):
    """Null counts as absent."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value


def complete(path, body):
    """Makes the body one that the bundle takes, where the document's words say more than its schema."""
    # A setting has the origins, and an address of messages has rules of its own.
    for name in ("return_url", "success_url", "renew_url"):
        if name in body:
            body[name] = "https://partner.example/back"
    if "message_webhook" in body:
        body["message_webhook"]["url"] = "https://inbox.example/whatsapp"
    # No number that loses its digits.
    if "prefill" in body:
        body["prefill"] = json.loads(json.dumps(body["prefill"]), parse_int=lambda _: 1, parse_float=lambda _: 0.5)
    # The page's own URL or none.
    body.pop("redirect_uri", None)
    # No channel twice.
    if path == "/imports" and "channels" in body:
        body["channels"] = list({channel["channel_id"]: channel for channel in body["channels"]}.values())
