"""What a story says that happened, made true in a gateway's books and told to the school when the story says."""

from __future__ import annotations

from ops.simulators.paypal import told as paypal
from ops.simulators.store import Json
from ops.simulators.stripe import told as stripe
from ops.simulators.told import AttemptTold, ChallengeTold, MoneyBackTold, StatusTold, Told
from ops.simulators.webhooks.outbox import Telling
from ops.simulators.world import World


def make_happen(world: World, body: AttemptTold | StatusTold | MoneyBackTold | ChallengeTold) -> Json:
    """Let it happen at ``body.at``; its webhooks are planned for ``body.arrivals``."""
    side = stripe if body.gateway == "stripe" else paypal
    bears = side.BEARS.get(_word(body), ("*",))
    telling = Telling(arrivals=body.arrivals, event=body.event, bears=bears)
    with world.clock.at(body.at), world.outbox.telling(telling):
        made: Json = {}
        match body:
            case AttemptTold():
                made = side.attempt_happened(world, body)
            case StatusTold():
                made = side.status_changed(world, body)
            case MoneyBackTold():
                made = side.money_went_back(world, body)
            case ChallengeTold():
                made = side.challenge_ended(world, body)
    return made


def _word(body: Told) -> str:
    match body:
        case AttemptTold():
            return body.outcome
        case StatusTold():
            return "status"
        case MoneyBackTold():
            return body.what
        case ChallengeTold():
            return "passed" if body.state == "passed" else "failed_challenge"
        case _:
            return ""
