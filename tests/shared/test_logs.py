"""No log line names a person, wherever in it the name or address was."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from shared.logs import configure, logger
from shared.scrubbing import is_card_number, scrubbed

ADDRESS = "hana.sato@example.org"
PAN = "4242424242424242"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    written = StringIO()
    monkeypatch.setattr("sys.stderr", written)
    configure("tests", level="DEBUG")
    yield written
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(level=logging.WARNING, force=True)


def test_words_for_people_are_covered_at_any_depth(lines: StringIO) -> None:
    nested = {"case": "c1", "order": {"learner": [{"name": "Hana", "Email": ADDRESS, "id": 7}]}}
    logger("tests").info("told", school="hibari", name="Hana", found=nested, pairs=[("to", ADDRESS)])
    line = json.loads(lines.getvalue())
    assert line["school"] == "hibari"
    assert line["name"] == "[redacted]"
    learner = {"name": "[redacted]", "Email": "[redacted]", "id": 7}
    assert line["found"] == {"case": "c1", "order": {"learner": [learner]}}
    assert ADDRESS not in json.dumps(line)


def test_addresses_and_card_numbers_are_taken_out_of_any_text(lines: StringIO) -> None:
    error = ValueError(f"550 5.1.1 <{ADDRESS}>: no such user; card 4242 4242 4242 4242 declined")
    logger("tests").warning("mail_not_now", reason=str(error), error=error, raw=b"Hana", deep=[[[error]]])
    line = lines.getvalue()
    assert ADDRESS not in line
    assert "4242 4242" not in line
    assert "550 5.1.1 <[address]>: no such user; card [number] declined" in line


def test_the_traceback_of_an_exception_names_nobody(lines: StringIO) -> None:
    try:
        try:
            raise KeyError(ADDRESS)
        except KeyError as error:
            message = f"charge of {PAN} for {ADDRESS} failed"
            raise RuntimeError(message) from error
    except RuntimeError:
        logger("tests").exception("handler_failed", id="f1")
    line = lines.getvalue()
    assert "Traceback" in line
    assert ADDRESS not in line
    assert PAN not in line


def test_what_libraries_log_goes_the_same_way(lines: StringIO) -> None:
    try:
        raise OSError(f"could not deliver to {ADDRESS}")
    except OSError:
        logging.getLogger("some.library").exception("failed for %s", ADDRESS)
    line = lines.getvalue()
    assert "could not deliver to [address]" in line
    assert ADDRESS not in line


def test_what_a_validator_or_the_database_repeats_is_covered() -> None:
    class Form(BaseModel):
        age: int

    with pytest.raises(ValidationError) as raised:
        Form.model_validate({"age": "Hana Sato"})
    assert "Hana" not in scrubbed(str(raised.value))
    assert "Hana" not in scrubbed("duplicate key\nDETAIL:  Key (called)=(Hana Sato) already exists.")


@pytest.mark.parametrize(
    "text",
    ["fact 6f3c1c52-8d0e-5d0b-9a39-0d1f5e3f7a10", "evt_1780297200000000", "12800 JPY", "2026-04-15 10:00:00"],
)
def test_ids_amounts_and_dates_stay(text: str) -> None:
    assert scrubbed(text) == text


def test_luhn() -> None:
    assert is_card_number(PAN)
    assert not is_card_number("4242424242424241")
