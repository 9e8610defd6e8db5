"""Stripe and PayPal in a box, so that a school can live through a month of refused payments in seconds.

owns   one process that answers both gateways' HTTP, bills on a virtual clock and sends signed webhooks
hears  the unmodified SDKs under ``/stripe`` and ``/paypal``; the story driver under ``/_sim``
says   the gateways' own webhooks, as late, doubled, disordered or lost as a story wants them

Start: ``python -m ops.simulators --port P --data DIR [--clock FILE [--clock-owner]]`` (loopback only).
"""

from __future__ import annotations
