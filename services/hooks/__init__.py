"""Hooks: facts as signed webhooks, for internal services that do not speak Kafka.

Owns    endpoints (an address, its chosen facts, its secret) and deliveries (one per endpoint and fact).
Hears   every fact of the vocabulary that is no plan and none of its own.
Says    DeliveryGivenUp, EndpointDisabled. At least once, each delivery by itself and so in no order; a receiver that is
        away holds nobody else up (docs/decisions/0043).
"""

from __future__ import annotations
