"""Letters on their way to the school: where they go, how they are signed, lost, held and sent again."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ops.simulators.control import models
from ops.simulators.control.bodies import body_of
from ops.simulators.engine import Engine
from ops.simulators.http import Reply, Request, json_reply
from ops.simulators.paypal.signing import rotate
from ops.simulators.webhooks.rules import Rule
from ops.simulators.world import World


class LetterControls:
    """The part of ``/_sim`` that is about webhooks."""

    def __init__(self, world: World, engine: Engine) -> None:
        self._world = world
        self._engine = engine

    async def listen(self, request: Request) -> Reply:
        """POST /_sim/webhooks: where events go."""
        body = body_of(request, models.Listeners)
        if body.stripe is not None:
            facts = body.stripe.model_dump(exclude={"id", "url", "secret"})
            secrets = [body.stripe.secret] if isinstance(body.stripe.secret, str) else body.stripe.secret
            self._world.outbox.listen("stripe", body.stripe.id, body.stripe.url, secrets=secrets, **facts)
        if body.paypal is not None:
            facts = body.paypal.model_dump(exclude={"id", "url"})
            self._world.outbox.listen("paypal", body.paypal.id, body.paypal.url, **facts)
        self._engine.set_side_by_side(body.side_by_side)
        return await self.listeners(request)

    async def listeners(self, request: Request) -> Reply:
        """GET /_sim/webhooks."""
        del request
        return json_reply({"endpoints": list(self._world.store.table("endpoint").values())})

    async def rotate(self, request: Request) -> Reply:
        """POST /_sim/webhooks/rotate: Stripe signs with both secrets while the old one is kept."""
        body = body_of(request, models.Rotate)
        if body.gateway == "paypal":
            rotate(self._world)
            return json_reply({"ok": True})
        for endpoint in self._world.outbox.endpoints("stripe"):
            if body.id in {None, endpoint["id"]}:
                old = endpoint["secrets"][:1] if body.keep_old else []
                secrets = [body.secret, *old] if body.secret else endpoint["secrets"][:1]
                self._world.outbox.listen("stripe", endpoint["id"], endpoint["url"], secrets=secrets)
        return await self.listeners(request)

    async def rule(self, request: Request) -> Reply:
        """POST /_sim/webhooks/rules."""
        return json_reply(self._world.outbox.rules.add(body_of(request, Rule)), 201)

    async def rules(self, request: Request) -> Reply:
        """GET /_sim/webhooks/rules."""
        del request
        return json_reply({"rules": self._world.outbox.rules.standing()})

    async def unrule(self, request: Request) -> Reply:
        """DELETE /_sim/webhooks/rules."""
        del request
        self._world.outbox.rules.clear()
        return json_reply({"ok": True})

    async def hold(self, request: Request) -> Reply:
        """POST /_sim/webhooks/hold: keep events of a gateway or type until released."""
        body = body_of(request, models.Selection)
        return json_reply(
            self._world.outbox.rules.add(Rule(gateway=body.gateway, type=body.type, hold=True)), 201
        )

    async def release(self, request: Request) -> Reply:
        """POST /_sim/webhooks/release: let them go and hold no more; waits for the deliveries."""
        body = body_of(request, models.Release)
        outbox = self._world.outbox
        outbox.rules.end_holding(body.gateway)
        chosen = {
            row["id"]
            for row in outbox.held()
            if body.gateway in {None, row["gateway"]} and fnmatchcase(row["type"], body.type)
        }
        count = outbox.release(order=body.order, only=chosen)
        await self._engine.deliver()
        return json_reply({"released": count, "outstanding": outbox.outstanding()})

    async def outstanding(self, request: Request) -> Reply:
        """GET /_sim/webhooks/outstanding: ``count`` is what is not acknowledged and not given up."""
        del request
        counts = self._world.outbox.outstanding()
        return json_reply({"count": counts["waiting"] + counts["held"], **counts})

    async def redeliver(self, request: Request) -> Reply:
        """POST /_sim/redeliver: now, without waiting for the back-off; waits for the deliveries."""
        body = body_of(request, models.Selection)
        outbox = self._world.outbox
        chosen = [
            row
            for row in outbox.deliveries()
            if body.gateway in {None, row["gateway"]}
            and fnmatchcase(row["type"], body.type)
            and body.event in {None, row["event"]}
            and (row["state"] != "acknowledged" or body.acknowledged)
        ]
        for row in chosen:
            if row["state"] == "acknowledged":
                outbox.resend(row)
            else:
                outbox.again(row, self._world.clock.now())
        await self._engine.deliver()
        return json_reply({"redelivered": len(chosen), "outstanding": outbox.outstanding()})

    async def deliveries(self, request: Request) -> Reply:
        """GET /_sim/deliveries?state=&gateway=&event=&type= ."""
        return json_reply({"deliveries": self._world.outbox.deliveries(**request.args())})
