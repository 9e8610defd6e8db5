"""The story driver's door: ``/_sim``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import TypeAdapter, ValidationError

from ops.simulators.clock import exact
from ops.simulators.control import models
from ops.simulators.control.acts import ACTS, CannotAct
from ops.simulators.control.bodies import body_of
from ops.simulators.control.happenings import make_happen
from ops.simulators.control.letters import LetterControls
from ops.simulators.control.setups import make_plan, set_up_paypal, set_up_stripe
from ops.simulators.engine import Engine
from ops.simulators.faults import Fault
from ops.simulators.http import Reply, Request, Routes, json_reply
from ops.simulators.paypal.errors import PayPalError
from ops.simulators.paypal.pki import Authority
from ops.simulators.store import Json
from ops.simulators.stripe.errors import StripeError
from ops.simulators.told import AttemptTold, ChallengeTold, Happening, MoneyBackTold, StatusTold
from ops.simulators.world import World

_SETUP: TypeAdapter[models.StripeSetup | models.PayPalSetup] = TypeAdapter(models.Setup)
_HAPPENING: TypeAdapter[AttemptTold | StatusTold | MoneyBackTold | ChallengeTold] = TypeAdapter(Happening)
Control = Callable[[Request], Awaitable[Reply]]


class ControlApi:
    """Answers ``/_sim/...``; errors are 400 with ``{"error": why}``."""

    def __init__(self, world: World, engine: Engine, authority: Authority) -> None:
        self._world = world
        self._engine = engine
        self._authority = authority
        self._letters = LetterControls(world, engine)
        self._routes: Routes[Control] = Routes(
            {
                "GET /health": self.health,
                "GET /next": self.next,
                "POST /run": self.run,
                "POST /advance": self.advance,
                "POST /reset": self.reset,
                "POST /settings": self.settings,
                "POST /setup": self.setup,
                "POST /plan": self.plan,
                "GET /learners": self.learners,
                "POST /script": self.script,
                "GET /script": self.scripts,
                "DELETE /script": self.unscript,
                "POST /act": self.act,
                "POST /happen": self.happen,
                "POST /fault": self.fault,
                "GET /fault": self.faults,
                "DELETE /fault": self.unfault,
                "POST /webhooks": self._letters.listen,
                "GET /webhooks": self._letters.listeners,
                "POST /webhooks/rotate": self._letters.rotate,
                "POST /webhooks/rules": self._letters.rule,
                "GET /webhooks/rules": self._letters.rules,
                "DELETE /webhooks/rules": self._letters.unrule,
                "POST /webhooks/hold": self._letters.hold,
                "POST /webhooks/release": self._letters.release,
                "GET /webhooks/outstanding": self._letters.outstanding,
                "POST /redeliver": self._letters.redeliver,
                "GET /deliveries": self._letters.deliveries,
                "GET /charges": self.charges,
                "GET /journal": self.journal,
                "GET /paypal/root.pem": self.root,
                "GET /paypal/intermediate.pem": self.intermediate,
            }
        )

    async def answer(self, request: Request) -> Reply:
        """One control call."""
        found = self._routes.find(request.method, request.path)
        if found is None:
            return json_reply({"error": f"no control at {request.method} {request.path}"}, 404)
        try:
            return await found[1](request)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False, include_context=False)
            return json_reply({"error": "the body cannot be read", "problems": problems}, 400)
        except (CannotAct, ValueError, StripeError, PayPalError) as error:
            return json_reply({"error": str(error)}, 400)

    async def health(self, request: Request) -> Reply:
        """GET /_sim/health."""
        del request
        clock = self._world.clock
        return json_reply({"ok": True, "now": exact(clock.now()), "reading": exact(clock.reading())})

    async def next(self, request: Request) -> Reply:
        """GET /_sim/next?kind=stripe. : the next due item, of a kind or of all, and calls that still wait."""
        return json_reply(self._ahead(request.args().get("kind", "")))

    def _ahead(self, kind: str = "") -> Json:
        due = self._world.agenda.next(prefix=kind)
        shown = {"at": exact(due.at), "kind": due.kind, "ref": due.ref, **due.facts} if due else None
        waiting = [exact(at) for at in sorted(self._world.waiting)]
        return {"now": exact(self._world.clock.now()), "next": shown, "waiting": waiting}

    async def run(self, request: Request) -> Reply:
        """POST /_sim/run: all that is due now, webhooks included."""
        del request
        return self._done(await self._engine.run())

    async def advance(self, request: Request) -> Reply:
        """POST /_sim/advance {"to"}: all that falls due on the way."""
        body = body_of(request, models.Advance)
        return self._done(await self._engine.advance(body.to))

    def _done(self, done: list[Json]) -> Reply:
        lines = self._world.journal.count
        told = {"done": done, "outstanding": self._world.outbox.outstanding(), "lines": lines}
        return json_reply({**self._ahead(), **told})

    async def reset(self, request: Request) -> Reply:
        """POST /_sim/reset: empty accounts; certificates stay."""
        del request
        self._world.forget()
        self._engine.set_side_by_side(1)
        return json_reply({"ok": True})

    async def settings(self, request: Request) -> Reply:
        """POST /_sim/settings."""
        body = body_of(request, models.SettingsBody)
        store = self._world.store
        if body.paypal is not None:
            wanted = body.paypal.model_dump(exclude_none=True)
            store.put("meta", "paypal_defaults", {**(store.get("meta", "paypal_defaults") or {}), **wanted})
        if body.only_told is not None:
            store.put("meta", "only_told", {"value": body.only_told})
        self._engine.set_side_by_side(body.side_by_side)
        return json_reply({"ok": True})

    async def setup(self, request: Request) -> Reply:
        """POST /_sim/setup: a learner with a running subscription."""
        body = _SETUP.validate_json(request.body)
        made = (
            set_up_stripe(self._world, body)
            if isinstance(body, models.StripeSetup)
            else set_up_paypal(self._world, body)
        )
        return json_reply(made, 201)

    async def plan(self, request: Request) -> Reply:
        """POST /_sim/plan: a price or plan under a given id."""
        return json_reply(make_plan(self._world, body_of(request, models.PlanBody)), 201)

    async def learners(self, request: Request) -> Reply:
        """GET /_sim/learners."""
        del request
        return json_reply({"learners": list(self._world.store.table("learner").values())})

    async def script(self, request: Request) -> Reply:
        """POST /_sim/script."""
        body = body_of(request, models.Script)
        key = body.id or self._key_of(body.learner)
        row = self._world.scripts.write(
            key, body.outcomes, default=body.default, purpose=body.purpose, first=body.first
        )
        if body.last is not None:
            self._world.scripts.said([key], body.last)
        return json_reply(row, 201)

    def _key_of(self, learner: str | None) -> str:
        known = self._world.store.get("learner", learner or "")
        if known is None:
            raise CannotAct("name an id, or a learner that was set up")
        return str(known["customer"] if known["gateway"] == "stripe" else known["subscription"])

    async def scripts(self, request: Request) -> Reply:
        """GET /_sim/script."""
        del request
        return json_reply({"scripts": self._world.scripts.written()})

    async def unscript(self, request: Request) -> Reply:
        """DELETE /_sim/script?id= : one key's outcomes, or all."""
        self._world.scripts.erase(request.args().get("id"))
        return json_reply({"ok": True})

    async def act(self, request: Request) -> Reply:
        """POST /_sim/act."""
        body = body_of(request, models.Act)
        if body.action not in ACTS:
            raise CannotAct(f"unknown action {body.action!r}; there are {', '.join(ACTS)}")
        self._world.journal.note("act", action=body.action, about=body.id or body.learner)
        with self._world.ids.given(body.ids):
            return json_reply(ACTS[body.action](self._world, body))

    async def happen(self, request: Request) -> Reply:
        """POST /_sim/happen: it happened at a gateway exactly as told, and the books say so too."""
        body = _HAPPENING.validate_json(request.body)
        self._world.journal.note("happening", what=body.what, about=body.subscription)
        return json_reply(make_happen(self._world, body))

    async def fault(self, request: Request) -> Reply:
        """POST /_sim/fault."""
        return json_reply(self._world.faults.add(body_of(request, Fault)), 201)

    async def faults(self, request: Request) -> Reply:
        """GET /_sim/fault: faults not used up."""
        del request
        return json_reply({"faults": self._world.faults.waiting()})

    async def unfault(self, request: Request) -> Reply:
        """DELETE /_sim/fault?gateway= : of one gateway, or all."""
        self._world.faults.clear(request.args().get("gateway"))
        return json_reply({"ok": True})

    async def charges(self, request: Request) -> Reply:
        """GET /_sim/charges?subscription=&all=true : money taken (or every attempt), and double charges."""
        args = request.args()
        ledger = self._world.ledger
        rows = ledger.attempts(
            subscription=args.get("subscription"), succeeded_only=args.get("all", "false") != "true"
        )
        return json_reply({"charges": rows, "doubles": ledger.doubles()})

    async def journal(self, request: Request) -> Reply:
        """GET /_sim/journal?since=&kind= ."""
        args = request.args()
        lines = self._world.journal.lines(since=int(args.get("since", "0")), kind=args.get("kind", ""))
        return json_reply({"journal": lines})

    async def root(self, request: Request) -> Reply:
        """GET /_sim/paypal/root.pem: the anchor to trust."""
        del request
        return Reply(body=self._authority.root_pem(), headers={"content-type": "application/x-pem-file"})

    async def intermediate(self, request: Request) -> Reply:
        """GET /_sim/paypal/intermediate.pem: what PayPal never serves and a service bundles."""
        del request
        pem = self._authority.intermediate_pem()
        return Reply(body=pem, headers={"content-type": "application/x-pem-file"})
