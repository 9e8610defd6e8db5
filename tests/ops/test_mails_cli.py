"""`relance mails preview` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ops.cli import main


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["mails", "preview", *args])


def test_every_mail_is_written_in_each_of_its_languages_as_page_and_as_text(tmp_path: Path) -> None:
    result = run(str(tmp_path / "mails"))

    assert result.exit_code == 0
    assert f"open {tmp_path / 'mails' / 'index.html'}" in result.output
    for name in (
        "fr.suspended.fr",
        "fr.suspended.en",
        "jp.guidance.ja",
        "jp.guidance.en",
        "staff.watchdog.ja",
    ):
        page, text = (tmp_path / "mails" / f"{name}.{ending}" for ending in ("html", "txt"))
        assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        assert text.read_text(encoding="utf-8").startswith("Subject: ")


def test_one_mail_in_one_language_for_a_learner_far_away(tmp_path: Path) -> None:
    result = run(str(tmp_path), "--mail", "fr.payment_failed", "--lang", "fr", "--zone", "Indian/Reunion")

    assert result.exit_code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "fr.payment_failed.fr.html",
        "fr.payment_failed.fr.txt",
        "index.html",
    ]
    assert "Réunion" in (tmp_path / "fr.payment_failed.fr.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--mail", "fr.suspend"), "'fr.suspend' is not one of"),
        (("--mail", "fr.suspended", "--lang", "ja"), "none of fr.suspended is written in ja"),
        (("--zone", "Europe/Lutetia"), "there is no time zone 'Europe/Lutetia'"),
        (("--card-country", "France"), "two capital letters are expected"),
    ],
)
def test_what_cannot_be_shown_is_said_in_words(args: tuple[str, ...], says: str, tmp_path: Path) -> None:
    result = run(str(tmp_path), *args)

    assert result.exit_code != 0
    assert says in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_folder_that_is_a_file_is_not_written_over(tmp_path: Path) -> None:
    there = tmp_path / "mails"
    there.write_text("mine", encoding="utf-8")

    result = run(str(there))

    assert result.exit_code == 1
    assert "name another folder" in result.output
    assert there.read_text(encoding="utf-8") == "mine"
