"""Taking personal data out of texts that others wrote: gateways' errors, mail servers' answers, exceptions.

What a person wrote is sealed (``shared.keys``); what a machine answered is kept readable, without the addresses and
card numbers that it likes to repeat.
"""

from __future__ import annotations

import re
from typing import Final

ADDRESS: Final = "[address]"
NUMBER: Final = "[number]"
VALUE: Final = "[value]"

_ADDRESS: Final = re.compile(r"[^\s<>()\[\]{}\"'`,;:=|]{1,64}(?:@|%40)[^\s<>()\[\]{}\"'`,;:=|&/]{1,255}")
_DIGITS: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-])")
_INPUT: Final = re.compile(r"(input_value=)(?:'[^']*'|\"[^\"]*\"|\{.*?\}|\[.*?\]|[^,\s]+)")
"""How pydantic repeats what did not fit."""
_DETAIL: Final = re.compile(r"(Key \([^)]*\)=)\(.*?\)")
"""How PostgreSQL repeats what was there already."""


def scrubbed(text: str) -> str:
    """``text`` without addresses, card numbers and repeated input; ids, codes and amounts stay."""
    if "@" in text or "%40" in text:
        text = _ADDRESS.sub(ADDRESS, text)
    if "input_value=" in text:
        text = _INPUT.sub(rf"\1{VALUE}", text)
    if "Key (" in text:
        text = _DETAIL.sub(rf"\1({VALUE})", text)
    return _DIGITS.sub(_number, text)


def is_card_number(digits: str) -> bool:
    """Whether 12 to 19 digits pass Luhn's check, as every card number does."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _number(found: re.Match[str]) -> str:
    text = found.group()
    digits = text.replace(" ", "").replace("-", "")
    return NUMBER if is_card_number(digits) else text
