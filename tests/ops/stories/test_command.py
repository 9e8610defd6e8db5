"""``relance story`` says what happened, line by line or as JSON, and its exit code says whether it was expected."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from ops.stories.command import story

REFUSED = """
story: One refusal
subscriptions: {ada: {otherwise: insufficient_funds}}
happens: {at: Mon 2026-06-01 09:00, attempt: failed}
until: Tue 2026-06-02 12:00
expect:
  - {fact: CaseOpened, times: TIMES}
  - {case: retrying}
"""


def run(tmp_path: Path, text: str, *options: str) -> Result:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(story, [str(path), *options])


def test_a_story_that_comes_true_prints_every_fact_mail_charge_and_state(tmp_path: Path) -> None:
    result = run(tmp_path, REFUSED.replace("TIMES", "1"))

    assert result.exit_code == 0
    lines = result.output.splitlines()
    at = "Mon 2026-06-01 09:00:00 CEST (=2026-06-01T07:00:00Z)"
    assert any(line.strip().startswith(f"{at} fact    dunning.CaseOpened") for line in lines)
    assert any(line.strip().startswith(f"{at} mail    fr.payment_failed") for line in lines)
    assert any(line.strip().startswith(f"{at} charge  failed") for line in lines)
    assert any("state   case ada~2026-06-01 is=retrying" in line for line in lines)
    assert any("transitions taken (3 of 37): T1 T4 T6" in line for line in lines)


def test_a_story_that_does_not_come_true_ends_with_one_and_the_difference(tmp_path: Path) -> None:
    result = run(tmp_path, REFUSED.replace("TIMES", "2"), "--quiet")

    assert result.exit_code == 1
    assert "mine.yaml:7: the fact CaseOpened was expected 2 times and came 1 times" in result.output


def test_a_mail_that_never_left_is_missed_with_what_became_of_it(tmp_path: Path) -> None:
    golden_week = """
story: Golden Week
school: {policy: jp-school}
subscriptions: {yuki: {billing_day: 3}}
happens:
  - {at: Sun 2026-05-03 20:00, attempt: failed}
  - {at: Tue 2026-05-05 20:00, attempt: succeeded}
until: Sun 2026-05-10 00:00
expect: {mail: jp.payment_failed}
"""

    result = run(tmp_path, golden_week, "--quiet")

    assert result.exit_code == 1
    assert (
        "the mail jp.payment_failed was expected at least once and came 0 times: it never left ("
        in result.output
    )
    assert "MailDeferred Sun 2026-05-03 20:00:00 JST (=2026-05-03T11:00:00Z) closed, " in result.output
    assert (
        "MailDropped Tue 2026-05-05 20:00:00 JST (=2026-05-05T11:00:00Z) obsolete recovered" in result.output
    )


def test_json_lines_have_stable_names(tmp_path: Path) -> None:
    result = run(tmp_path, REFUSED.replace("TIMES", "1"), "--json")
    lines = [json.loads(line) for line in result.output.splitlines()]
    by_kind = {
        kind: [line for line in lines if line["kind"] == kind] for kind in {line["kind"] for line in lines}
    }

    assert set(by_kind) == {"story", "act", "fact", "mail", "charge", "state", "end", "summary"}
    opened = next(line for line in by_kind["fact"] if line["fact"] == "dunning.CaseOpened")
    assert set(opened) == {"kind", "story", "at", "local", "fact", "id", "cause", "occurred_at", "data"}
    assert opened["at"] == "2026-06-01T07:00:00Z"
    assert opened["data"]["amount"] == {"amount_minor": 7500, "currency": "EUR"}
    mail = by_kind["mail"][0]
    assert {"at", "local", "template", "to", "recipient", "language", "subject", "text", "case_id"} <= set(
        mail
    )
    charge = by_kind["charge"][0]
    assert {"at", "outcome", "amount", "by", "gateway", "subscription_id", "transaction_id"} <= set(charge)
    assert by_kind["end"][0]["passed"] is True
    assert by_kind["summary"][0]["failed"] == []


def test_what_cannot_be_understood_ends_with_two_and_its_line(tmp_path: Path) -> None:
    result = run(tmp_path, "story: x\nhappens:\n  - attempt: perhaps\n")

    assert result.exit_code == 2
    assert (
        "mine.yaml:3: happens.0.attempt: 'perhaps' is not known here: write 'failed', 'succeeded' or 'pending'"
        in result.output
    )


def test_only_the_stories_of_a_set_are_told() -> None:
    result = CliRunner().invoke(story, ["--set", "demo-fr", "--quiet"])

    assert result.exit_code == 0
    assert "1-french-learner-never-pays" in result.output
    assert "2-french-learner-updates-the-card" in result.output
    assert "JP-01" not in result.output


def test_a_set_that_nobody_is_in_is_a_mistake() -> None:
    result = CliRunner().invoke(story, ["--set", "nothing"])

    assert result.exit_code == 2
    assert "there is no story in the set 'nothing' here" in result.output
