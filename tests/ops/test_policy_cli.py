"""`relance policy` and `relance calendars` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ops.policy_cli import calendars, policy
from services.dunning.policies import preset


def run(*args: str) -> Result:
    return CliRunner().invoke(policy, list(args))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        preset("fr-elearning").to_yaml().replace("id: fr-elearning", "id: mine"), encoding="utf-8"
    )
    return path


def test_a_good_file_is_called_good(mine: Path) -> None:
    result = run("check", str(mine), "--today", "2026-11-22")

    assert result.exit_code == 0
    assert result.output == f"{mine}: good (mine)\n"


def test_a_file_with_a_mistake_is_refused_with_line_key_and_remedy(mine: Path) -> None:
    mine.write_text(
        mine.read_text(encoding="utf-8").replace('local_time: "09:00"', "local_time: 10:00"), "utf-8"
    )
    result = run("check", str(mine))

    assert result.exit_code == 1
    assert "attempts.schedule.local_time" in result.output
    assert 'put it in quotes: "10:00"' in result.output


def test_what_is_only_worth_knowing_does_not_refuse_the_file(tmp_path: Path) -> None:
    path = tmp_path / "jp.yaml"
    path.write_text(preset("jp-school").to_yaml(), encoding="utf-8")
    result = run("check", str(path), "--today", "2026-11-22")

    assert result.exit_code == 0
    assert "warning: " in result.output


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        ("fr", "Quand le paiement échoue"),
        ("ja", "決済に失敗したとき"),
        ("en", "When the money does not come"),
    ],
)
def test_a_policy_is_explained_in_each_language(lang: str, says: str) -> None:
    result = run("explain", "jp-school", "--lang", lang)

    assert result.exit_code == 0
    assert says in result.output


def test_a_file_is_explained_like_a_preset(mine: Path) -> None:
    result = run("explain", str(mine), "--set", "grace.length.n=12")

    assert "12th working day" in result.output


def test_the_dates_of_a_failure_before_labour_day() -> None:
    result = run("dates", "fr-elearning", "--failure", "2026-04-30")
    retries = [line for line in result.output.splitlines() if "retry: " in line]

    assert result.exit_code == 0
    assert len(retries) == 10
    assert retries[0].startswith("Sat 2 May 2026 09:00  (=2026-05-02T07:00Z)")
    assert "skipped: Fri 1 May Labour Day" in retries[0]
    assert "(=2026-05-15T22:00Z)  access ends" in result.output


def test_the_dates_are_told_as_json_lines_with_stable_names() -> None:
    result = run("dates", "jp-school", "--failure", "2026-04-15", "--at", "20:10", "--json", "--lang", "ja")
    lines = [json.loads(line) for line in result.output.splitlines()]

    assert set(lines[0]) == {"word", "detail", "only_if", "at", "local", "local_date", "because", "text"}
    assert {"word": "watchdog", "at": "2026-04-21T17:00:00Z"}.items() <= next(
        line for line in lines if line["word"] == "watchdog"
    ).items()


def test_further_failures_of_the_gateway_lead_to_the_guidance() -> None:
    result = run(
        "dates", "jp-school", "--failure", "2026-04-15", "--at", "20:10", "--then", "2026-04-20",
        "--then", "2026-04-25T20:05",
    )  # fmt: skip

    assert "Mon 27 Apr 2026 10:00  (=2026-04-27T01:00Z)  guidance from" in result.output
    assert "Mon 15 Jun 2026 00:00  (=2026-06-14T15:00Z)  proposed resume date" in result.output


def test_another_reading_changes_the_dates() -> None:
    result = run("dates", "fr-elearning", "--failure", "2026-06-01", "--set", "R-F1=R-F1b")

    assert "(=2026-06-15T22:00Z)  access ends" in result.output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("dates", "fr-elearning", "--failure", "2105-01-01"), "calendar 'fr-ouvrable' knows holidays"),
        (("dates", "fr-elearning", "--failure", "tomorrow"), "YYYY-MM-DD"),
        (("dates", "fr-elearning", "--failure", "2026-06-01", "--at", "9"), "HH:MM"),
        (("dates", "fr", "--failure", "2026-06-01"), "no policy 'fr'"),
        (("explain", "fr-elearning", "--set", "grace"), "KEY=VALUE"),
        (("explain", "fr-elearning", "--set", "attempts.executor=gateway"), "gateway_forecast"),
        (("dates", "jp-school", "--failure", "2026-04-15", "--then", "2026-04-01"), "in order of time"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(args: tuple[str, ...], says: str) -> None:
    result = run(*args)

    assert result.exit_code == 1
    assert says in result.output
    assert "Traceback" not in result.output


def test_every_reading_is_listed_with_its_switch() -> None:
    result = run("readings")

    assert "R-F1  What is a jour ouvrable?" in result.output
    assert "--set R-J16=all_waits" in result.output


def test_every_policy_is_listed() -> None:
    assert len(run("list").output.splitlines()) == 9


def test_every_table_is_listed_with_its_horizon() -> None:
    result = CliRunner().invoke(calendars, ["list"])

    assert "JP: 2020-01-01 to 2040-12-31, published through 2027-12-31" in result.output
    assert "calendar jp-school (Asia/Tokyo): closed GW 2026-04-29..2026-05-06" in result.output


def test_the_reference_page_is_what_the_model_says() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "policies.md"

    assert page.read_text(encoding="utf-8") == run("reference").output
