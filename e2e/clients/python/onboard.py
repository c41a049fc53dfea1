"""Runs an onboarding with a client of openapi-python-client: API=… SIMULATOR=… TOKEN=… python onboard.py"""

import json
import os
import time

import httpx
from onboarding_client import AuthenticatedClient
from onboarding_client.api.back_end import list_onboardings, show_onboarding, start_onboarding
from onboarding_client.api.page import finish_signup
from onboarding_client.models import (
    ClientByEmail, Page, PopupCode, RecordWithHistory, SetupView, Started, StartRequest, Status,
)

api = os.environ["API"]
back_end = AuthenticatedClient(api, os.environ["TOKEN"])

customer = ClientByEmail(name="Nordlicht Fahrrad GmbH", email="lena@nordlicht.example", user_name="Lena Voss")
started = start_onboarding.sync(client=back_end, body=StartRequest(reference="from-python", client=customer))
assert isinstance(started, Started), started

# The customer: the simulator plays Meta's popup, and the page sends what came of it.
popup = httpx.post(os.environ["SIMULATOR"] + "/popup", json={"account": "one_number"}).json()
page = AuthenticatedClient(api, started.setup_url.rpartition(".")[2])
view = finish_signup.sync(started.id, client=page, body=PopupCode.from_dict(popup))
assert isinstance(view, SetupView), view

while True:
    time.sleep(1)
    record = show_onboarding.sync(started.id, client=back_end)
    assert isinstance(record, RecordWithHistory), record
    if record.status in (Status.READY, Status.FAILED):
        break

listed = list_onboardings.sync(client=back_end, reference="from-python")
assert isinstance(listed, Page), listed
print(json.dumps({
    "id": record.id, "status": record.status, "view": view.status, "history": [entry.event.event for entry in record.history],
    "listed": [onboarding.id for onboarding in listed.onboardings],
}))
