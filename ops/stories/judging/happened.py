"""Expectations about what happened: facts, mails, money, and the order they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from ops.stories.cast import Cast
from ops.stories.engine import FactTold, MailLeft, MoneyTried, Seen
from ops.stories.judging.local import local
from ops.stories.judging.matching import Eye, get, shown
from ops.stories.judging.wording import dated, flat, is_called, lists, number_of
from ops.stories.model import expectations as expected
from ops.stories.transitions import transitions_of
from ops.stories.writing import Moment
from shared.calendar.wall import local_date
from shared.events import name_of
from shared.events.dunning import AttemptRequested
from shared.events.words import AttemptKind

Differences = list[str]


class Happened:
    """What was seen of a story, looked at through its own zone."""

    def __init__(self, cast: Cast, seen: Seen, eye: Eye, refusals: Sequence[str] = ()) -> None:
        self.refusals = refusals
        self.cast = cast
        self.seen = seen
        self.eye = eye

    def judge(self, one: Any) -> Differences:
        """What differs; nothing when it came true."""
        return _JUDGES[type(one)](self, one)

    # --- facts ---

    def fact(self, one: expected.FactExpected) -> Differences:
        """A fact was said."""
        named = [told for told in self.seen.facts if is_called(told, one.fact)]
        told_at = self._instant(one.told) if one.told else None
        about = [
            told
            for told in named
            if self._is_about(told.envelope.fact, one)
            and all(self.eye.same(value, get(told.envelope.fact, key)) for key, value in one.where.items())
            and (told_at is None or self.eye.same_instant(told.at, told_at))
        ]
        found = self._counted(one, about, lambda told: told.envelope.fact.occurred_at)
        return self._enough(
            one,
            f"the fact {one.fact}{self._with(one)}",
            found,
            [
                f"{local(told.envelope.fact.occurred_at, self.eye.zone)}{self._parts(told, one)}"
                for told in named
            ],
        )

    def _with(self, one: expected.FactExpected) -> str:
        parts = [f"{key}: {value}" for key, value in one.where.items()]
        return f" with {{{', '.join(parts)}}}" if parts else ""

    def _parts(self, told: FactTold, one: expected.FactExpected) -> str:
        fact = told.envelope.fact
        parts = [f"{key}: {shown(get(fact, key))}" for key in one.where]
        owner = getattr(fact, "case_id", None) or getattr(fact, "subscription_id", "")
        return f" of {owner}" + (f" with {{{', '.join(parts)}}}" if parts else "")

    def _is_about(self, fact: Any, one: Any) -> bool:
        return (
            (one.subscription is None or getattr(fact, "subscription_id", None) == one.subscription)
            and (one.learner is None or getattr(fact, "learner_id", None) == one.learner)
            and (one.case is None or getattr(fact, "case_id", None) == one.case)
        )

    def retries(self, one: expected.RetriesExpected) -> Differences:
        """Automatic attempts at exactly these instants."""
        found = [
            told.envelope.fact.occurred_at
            for told in self.seen.facts
            if isinstance(told.envelope.fact, AttemptRequested)
            and told.envelope.fact.kind is AttemptKind.RENEWAL
            and self._is_about(told.envelope.fact, one)
        ]
        wanted = self._instants(one.retries)
        return self._same_instants("we were to try again", wanted, found)

    def order(self, one: expected.OrderExpected) -> Differences:
        """One after the other."""
        left = list(self.seen.facts)
        for place, step in enumerate(one.order, 1):
            wanted = step.fact or "notifications.MailSent"
            where = {"template": step.mail, **step.where} if step.mail else step.where
            for index, told in enumerate(left):
                fact = told.envelope.fact
                if (
                    is_called(told, wanted)
                    and self._is_about(fact, one)
                    and all(self.eye.same(value, get(fact, key)) for key, value in where.items())
                ):
                    left = left[index + 1 :]
                    break
            else:
                before = (
                    f" after {one.order[place - 2].fact or one.order[place - 2].mail}" if place > 1 else ""
                )
                return [f"step {place} of the order, {step.mail or step.fact}, did not come{before}"]
        return []

    def transitions(self, one: expected.TransitionsExpected) -> Differences:
        """Transitions that were taken."""
        taken = transitions_of([told.envelope.fact for told in self.seen.facts], self.refusals)
        missing = [name for name in one.transitions if name not in taken]
        if not missing:
            return []
        return [
            f"the transitions {', '.join(missing)} were not taken; taken were {', '.join(sorted(taken, key=number_of))}"
        ]

    # --- mails ---

    def mail(self, one: expected.MailExpected) -> Differences:
        """A mail left."""
        named = [mail for mail in self.seen.mails if mail.template == one.mail]
        matching = [mail for mail in named if self._mail_fits(mail, one)]
        found = self._counted(one, matching, lambda mail: mail.at)
        differences = self._enough(
            one,
            f"the mail {one.mail}{f' to {one.to}' if one.to else ''}",
            found,
            [f"{local(mail.at, self.eye.zone)} to {mail.to}" for mail in named] or self._fates(one.mail),
        )
        for mail in found:
            text = flat(f"{mail.subject}\n{mail.text}")
            differences += [
                f"the mail {one.mail} to {mail.to} does not say {words!r}: {flat(mail.text)[:600]}"
                for words in one.contains
                if flat(words) not in text
            ]
            differences += [
                f"the mail {one.mail} to {mail.to} says {words!r}"
                for words in one.lacks
                if flat(words) in text
            ]
        return differences

    def _fates(self, template: str) -> list[str]:
        """What was said about mails of this template, when none left."""
        fates = []
        for told in self.seen.facts:
            fact = told.envelope.fact
            if getattr(fact, "template", None) != template or fact.PLAN:
                continue
            because = getattr(fact, "because", None)
            words = [name_of(type(fact)), local(told.at, self.eye.zone)]
            words += [because] if isinstance(because, str) else []
            words += [detail] if (detail := getattr(fact, "detail", "")) else []
            fates.append(" ".join(words))
        return fates and [f"it never left ({', '.join(fates)})"]

    def _mail_fits(self, mail: MailLeft, one: expected.MailExpected) -> bool:
        to = one.to
        return (
            (one.learner is None or mail.learner_id == one.learner)
            and (one.case is None or mail.case_id == one.case)
            and (one.subscription is None or mail.case_id.startswith(f"{one.subscription}~"))
            and (one.language is None or mail.language == one.language)
            and (
                to is None
                or to in {mail.recipient, mail.to}
                or (mail.recipient == "learner" and to == mail.learner_id)
            )
        )

    def mails(self, one: expected.MailsExpected) -> Differences:
        """Exactly these mails, in this order."""
        found = [
            mail
            for mail in self.seen.mails
            if one.to in {"everybody", mail.recipient, mail.to, mail.learner_id}
            and (one.learner is None or mail.learner_id == one.learner)
            and (one.subscription is None or mail.case_id.startswith(f"{one.subscription}~"))
            and (one.case is None or mail.case_id == one.case)
            and self._within(mail.at, one.after, one.before)
        ]
        fits = len(found) == len(one.mails) and all(
            mail.template == wanted.mail and self._when_fits(mail.at, wanted.at, wanted.on)
            for mail, wanted in zip(found, one.mails, strict=True)
        )
        if fits:
            return []
        wanted = [f"{one.mail}{dated(one)}" for one in one.mails]
        there = [f"{mail.template} at {local(mail.at, self.eye.zone)}" for mail in found]
        return [lists("mails", wanted, there)]

    # --- money ---

    def charge(self, one: expected.ChargeExpected) -> Differences:
        """Money was tried."""
        named = [tried for tried in self.seen.money if one.charge in {"any", tried.outcome}]
        matching = [tried for tried in named if self._charge_fits(tried, one)]
        found = self._counted(one, matching, lambda tried: tried.at)
        amount = f" of {one.amount.text}" if one.amount else ""
        return self._enough(
            one,
            f"a charge ({one.charge}){amount}{f' by {one.by}' if one.by else ''}",
            found,
            [self._money(tried) for tried in named],
        )

    def _charge_fits(self, tried: MoneyTried, one: expected.ChargeExpected) -> bool:
        wanted = self.cast.money(one.amount, self.eye.currency) if one.amount else None
        return (
            (wanted is None or tried.amount == wanted)
            and (one.by is None or tried.by == one.by)
            and (one.subscription is None or tried.subscription_id == one.subscription)
            and (one.transaction is None or tried.transaction_id == one.transaction)
        )

    def charges(self, one: expected.ChargesExpected) -> Differences:
        """Exactly these attempts."""
        found = [
            tried
            for tried in self.seen.money
            if one.by in {None, tried.by} and one.subscription in {None, tried.subscription_id}
        ]
        fits = len(found) == len(one.charges) and all(
            self._when_fits(tried.at, wanted.at, None)
            and wanted.outcome in {None, tried.outcome}
            and wanted.by in {None, tried.by}
            and (wanted.amount is None or self.cast.money(wanted.amount, self.eye.currency) == tried.amount)
            for tried, wanted in zip(found, one.charges, strict=True)
        )
        if fits:
            return []
        wanted = [
            " ".join(
                part
                for part in (w.at.text if w.at else "", w.outcome or "", w.amount.text if w.amount else "")
                if part
            )
            for w in one.charges
        ]
        return [lists("charges", wanted, [self._money(tried) for tried in found])]

    def _money(self, tried: MoneyTried) -> str:
        return f"{local(tried.at, self.eye.zone)} {tried.outcome} {tried.amount} by {tried.by} ({tried.transaction_id})"

    # --- machines ---

    def troubles(self, one: expected.TroublesExpected) -> Differences:
        """What could not be handled."""
        found = [trouble.what for trouble in self.seen.troubles]
        if isinstance(one.troubles, int):
            if len(found) == one.troubles:
                return []
            return [
                f"{one.troubles} troubles were expected, and there were {len(found)}: {'; '.join(found) or 'none'}"
            ]
        missing = [words for words in one.troubles if not any(words in what for what in found)]
        return [f"no trouble says {words!r}: {'; '.join(found) or 'there was none'}" for words in missing]

    def counters(self, one: expected.CountersExpected) -> Differences:
        """What was counted at the gateways' doors."""
        return [
            f"{wanted} webhooks {name} were expected, and there were {self.seen.counters.get(name, 0)}"
            for name, wanted in one.webhooks.items()
            if self.seen.counters.get(name, 0) != wanted
        ]

    # --- counting and dating ---

    def _counted(self, one: Any, found: Iterable[Any], when: Callable[[Any], datetime]) -> list[Any]:
        return [
            each
            for each in found
            if self._when_fits(when(each), one.at, one.on) and self._within(when(each), one.after, one.before)
        ]

    def _enough(self, one: Any, what: str, found: Sequence[Any], there: list[str]) -> Differences:
        wanted = 0 if one.never else one.times
        if (wanted is None and found) or (wanted is not None and len(found) == wanted):
            return []
        often = "at least once" if wanted is None else "never" if wanted == 0 else f"{wanted} times"
        seen = "; ".join(there[:12]) + ("; ..." if len(there) > 12 else "") if there else "it never came"
        return [f"{what}{dated(one)} was expected {often} and came {len(found)} times: {seen}"]

    def _when_fits(self, found: datetime, at: Moment | None, on: Any) -> bool:
        return (at is None or self.eye.same_instant(found, self._instant(at))) and (
            on is None or local_date(found, self.eye.zone) == on.day
        )

    def _within(self, found: datetime, after: Moment | None, before: Moment | None) -> bool:
        return (after is None or found >= self._instant(after)) and (
            before is None or found < self._instant(before)
        )

    def _instant(self, moment: Moment) -> datetime:
        return moment.at(self.eye.zone, self.cast.starts)

    def _instants(self, moments: Sequence[Moment]) -> list[datetime]:
        found: list[datetime] = []
        for moment in moments:
            found.append(moment.at(self.eye.zone, found[-1] if found else self.cast.starts))
        return found

    def _same_instants(self, what: str, wanted: list[datetime], found: list[datetime]) -> Differences:
        if len(wanted) == len(found) and all(map(self.eye.same_instant, wanted, found)):
            return []
        return [
            lists(
                what, [local(at, self.eye.zone) for at in wanted], [local(at, self.eye.zone) for at in found]
            )
        ]


_JUDGES: dict[type[Any], Callable[[Happened, Any], Differences]] = {
    expected.FactExpected: Happened.fact,
    expected.MailExpected: Happened.mail,
    expected.MailsExpected: Happened.mails,
    expected.ChargeExpected: Happened.charge,
    expected.ChargesExpected: Happened.charges,
    expected.RetriesExpected: Happened.retries,
    expected.OrderExpected: Happened.order,
    expected.TransitionsExpected: Happened.transitions,
    expected.TroublesExpected: Happened.troubles,
    expected.CountersExpected: Happened.counters,
}
