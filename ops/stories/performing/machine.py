"""What happens to the machines, and raw requests for whatever has no word of its own."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from ops.stories.engine import Answer, CrashPoint
from ops.stories.model import acts
from ops.stories.stage import CannotPlay, Stage
from shared.events.words import Gateway

SERVICES: Final = ("payments", "dunning", "access", "credits", "notifications")


async def crashes(line: acts.Crashes, stage: Stage) -> Answer | None:
    """A process dies."""
    services = SERVICES if line.service == "all" else (line.service,)
    if line.point in {"after_charge", "before_charge"}:
        services = ("payments",)
    for service in services:
        await stage.engine.crash(service, CrashPoint(line.point))
    return None


async def restarts(line: acts.Restarts, stage: Stage) -> Answer | None:
    """It lives again."""
    for service in SERVICES if line.service == "all" else (line.service,):
        await stage.engine.restart(service)
    return None


async def jumps(line: acts.Jumps, stage: Stage) -> Answer | None:
    """Everything stood still."""
    until = stage.instant(line.to)
    for service in SERVICES:
        await stage.engine.crash(service, CrashPoint.NOW)
    await stage.engine.live_until(until)
    for service in SERVICES:
        await stage.engine.restart(service)
    return None


async def wrong_clock(line: acts.WrongClock, stage: Stage) -> Answer | None:
    """A service's agenda is early or late."""
    by = timedelta(0)
    if line.fast is not None:
        by = line.fast.length
    elif line.slow is not None:
        by = -line.slow.length
    await stage.engine.wrong_clock(line.service, by)
    return None


async def two_workers(line: acts.TwoWorkers, stage: Stage) -> Answer | None:
    """Two at once."""
    await stage.engine.two_workers(line.service, both=True)
    return None


async def one_worker(line: acts.TwoWorkers, stage: Stage) -> Answer | None:
    """One again."""
    await stage.engine.two_workers(line.service, both=False)
    return None


async def replays(line: acts.Replays, stage: Stage) -> Answer | None:
    """Everything again; nothing may change by it."""
    replayed = await stage.engine.replay(line.services, line.times)
    if replayed.new_facts or replayed.new_errands or replayed.changed:
        raise CannotPlay(
            f"the replay of {replayed.messages} messages said {replayed.new_facts} new facts, asked for "
            f"{replayed.new_errands} new errands and changed {', '.join(replayed.changed) or 'no row'}: nothing may change"
        )
    return None


async def mail_provider(line: acts.MailProvider, stage: Stage) -> Answer | None:
    """The mail provider is up or down."""
    await stage.engine.mail_provider(up=line.state == "up")
    return None


async def gateway_api(line: acts.GatewayApi, stage: Stage) -> Answer | None:
    """A gateway's API is up or down."""
    for gateway in [Gateway(line.gateway)] if line.gateway else list(Gateway):
        await stage.engine.gateway_answers(gateway, up=line.state == "up")
    return None


async def mail_provider_back(line: acts.MailProvider, stage: Stage) -> Answer | None:
    """The other way round."""
    await stage.engine.mail_provider(up=line.state != "up")
    return None


async def gateway_api_back(line: acts.GatewayApi, stage: Stage) -> Answer | None:
    """The other way round."""
    for gateway in [Gateway(line.gateway)] if line.gateway else list(Gateway):
        await stage.engine.gateway_answers(gateway, up=line.state != "up")
    return None


async def webhook(line: acts.Webhook, stage: Stage) -> Answer | None:
    """Bytes at a gateway's door that the gateway did not send."""
    body = line.body if line.body is not None else {"id": "evt_forged", "type": "invoice.payment_failed"}
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {"content-type": "application/json", **_signature(line, stage), **line.headers}
    return await stage.engine.call("payments", "POST", f"/webhooks/{line.webhook}", raw=raw, headers=headers)


def _signature(line: acts.Webhook, stage: Stage) -> dict[str, str]:
    """Signature headers that no secret of ours made."""
    if line.signature == "none":
        return {}
    at = int(stage.engine.now().timestamp()) - (86400 if line.signature == "stale" else 0)
    if line.webhook == "stripe":
        return {"stripe-signature": f"t={at},v1={'0' * 64}", "x-twin-signature": line.signature}
    return {
        "paypal-transmission-id": f"forged-{at}",
        "paypal-transmission-time": stage.engine.now().isoformat().replace("+00:00", "Z"),
        "paypal-transmission-sig": "AAAA",
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/none",
        "x-twin-signature": line.signature,
    }


async def call(line: acts.Call, stage: Stage) -> Answer | None:
    """One request as it is written."""
    return await stage.engine.call(line.call, line.method, line.path, line.body)


async def look(line: acts.Look, stage: Stage) -> Answer | None:  # noqa: ARG001 - Perform's shape
    """Nothing but its expectations."""
    return None


PERFORM: Final[dict[type[Any], Any]] = {
    acts.Crashes: crashes,
    acts.Restarts: restarts,
    acts.Jumps: jumps,
    acts.WrongClock: wrong_clock,
    acts.TwoWorkers: two_workers,
    acts.Replays: replays,
    acts.MailProvider: mail_provider,
    acts.GatewayApi: gateway_api,
    acts.Webhook: webhook,
    acts.Call: call,
    acts.Look: look,
}

UNDO: Final[dict[type[Any], Any]] = {
    acts.TwoWorkers: one_worker,
    acts.MailProvider: mail_provider_back,
    acts.GatewayApi: gateway_api_back,
}
"""What happens at the ``until`` of such a line."""
