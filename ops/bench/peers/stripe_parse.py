"""How long Stripe's own SDK takes to check and read one event. Prints microseconds of CPU, one per round.

A script, not a module of ours: only services/payments/gateways/stripe imports the SDK.

    python stripe_parse.py FILE SIGNATURE SECRET ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import stripe

_body, _signature, _secret, _rounds = (
    Path(sys.argv[1]).read_bytes(),
    sys.argv[2],
    sys.argv[3],
    int(sys.argv[4]),
)
_taken = []
for _ in range(_rounds):
    _at = time.process_time()
    for _ in range(200):
        stripe.Webhook.construct_event(_body, _signature, _secret)
    _taken.append((time.process_time() - _at) / 200 * 1e6)
print(json.dumps(_taken))
