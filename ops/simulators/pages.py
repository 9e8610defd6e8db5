"""The gateways' hosted pages in the learner's language, without scripts: a whole journey is walked on them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from ops.simulators.words import Language, say

_STYLE = """
:root { color-scheme: light dark; --edge: #767c85; --go: #1d4f8f; --on-go: #fff; --stop: #a3241c; --box: #f3f4f6; }
@media (prefers-color-scheme: dark) { :root { --edge: #9aa2ad; --go: #a9c8f5; --on-go: #0d1d33; --stop: #ffb0a8; --box: #262b33; } }
* { box-sizing: border-box; }
body { margin: 0; font: 17px/1.5 system-ui, "Noto Sans JP", "Noto Sans CJK JP", sans-serif; background: Canvas; color: CanvasText; overflow-wrap: anywhere; }
main { max-width: 27rem; margin: clamp(1rem, 8vh, 5rem) auto; padding: 1.5rem; border: 1px solid var(--edge); border-radius: .75rem; }
@media (max-width: 29rem) { main { margin: 0; border: 0; } }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 0 0 .5rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { font: inherit; width: 100%; padding: .65rem; border: 1.5px solid var(--edge); border-radius: .5rem; background: Canvas; color: CanvasText; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
button { font: inherit; font-weight: 600; width: 100%; min-height: 48px; margin-top: 1.25rem; padding: .6rem; border: 2px solid var(--go); border-radius: .5rem; background: var(--go); color: var(--on-go); cursor: pointer; }
button.second { background: transparent; color: var(--go); }
a { color: var(--go); display: inline-block; padding-block: .25rem; }
:focus-visible { outline: 3px solid var(--go); outline-offset: 3px; }
.refused { border-left: .3rem solid var(--stop); padding-left: .75rem; color: var(--stop); font-weight: 600; }
.or { text-align: center; margin: 1rem 0 0; }
.try { margin-top: 1.5rem; padding: 1rem; border-radius: .5rem; background: var(--box); font-size: .92rem; }
.try ul { margin: 0; padding: 0; list-style: none; }
.try li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .75rem; }
.try code { font-size: 1rem; white-space: nowrap; }
.small { font-size: .85rem; margin-bottom: 0; }
"""
_TEST_CARDS: Final = (
    ("4242 4242 4242 4242", "try_good"),
    ("4000 0025 0000 3155", "try_code"),
    ("4000 0000 0000 0341", "try_declined"),
    ("4000 0566 5566 5556", "try_debit"),
)


def document(language: Language, title: str, content: str) -> str:
    """A whole page around ``content`` (already escaped)."""
    return (
        f"<!doctype html><html lang='{language}'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}"
        f"<p class='small'>{escape(say(language, 'simulated'))}</p></main></body></html>"
    )


def message(language: Language, title: str, text: str) -> str:
    """A page that only says something."""
    return document(language, title, f"<p>{escape(text)}</p>")


def _field(name: str, label: str, value: str = "", **attributes: str) -> str:
    extra = "".join(f" {key.replace('_', '-')}='{escape(text)}'" for key, text in attributes.items())
    return (
        f"<label for='{name}'>{escape(label)}</label>"
        f"<input id='{name}' name='{name}' value='{escape(value)}'{extra}>"
    )


def _refused(text: str | None) -> str:
    return f"<p class='refused' role='alert' id='refused'>{escape(text)}</p>" if text else ""


def _card(language: Language, button: str, refused: str | None) -> str:
    about = {"aria_describedby": "refused"} if refused else {}
    number = _field("number", say(language, "number"), inputmode="numeric", autocomplete="cc-number", **about)
    expiry = _field("expiry", say(language, "expiry"), "12/39", autocomplete="cc-exp")
    cvc = _field("cvc", say(language, "cvc"), "123", inputmode="numeric", autocomplete="cc-csc")
    return (
        f"<form method='post'>{number}<div class='two'><div>{expiry}</div><div>{cvc}</div></div>"
        f"<button type='submit'>{escape(button)}</button></form>"
    )


def _test_cards(language: Language) -> str:
    lines = "".join(
        f"<li><code>{number}</code> <span>{escape(say(language, what))}</span></li>"
        for number, what in _TEST_CARDS
    )
    title = escape(say(language, "try_title"))
    return f"<section class='try'><h2>{title}</h2><ul>{lines}</ul></section>"


def _paypal(language: Language) -> str:
    button = escape(say(language, "paypal_button"))
    return f"<form method='post'><button type='submit' name='choose' value='paypal'>{button}</button></form>"


def method_form(
    language: Language,
    title: str,
    subtitle: str,
    *,
    button: str,
    takes: Sequence[str] = ("card",),
    back: str | None = None,
    refused: str | None = None,
    confirm_at: str | None = None,
) -> str:
    """What the page takes: ``card`` is a form, ``paypal`` a way to PayPal; ``confirm_at`` links to a bank's page
    that is waiting.
    """
    parts = [f"<p>{escape(subtitle)}</p>", _refused(refused)]
    if confirm_at:
        parts.append(f"<p><a href='{escape(confirm_at)}'>{escape(say(language, 'bank_asks'))}</a></p>")
    if "card" in takes:
        parts.append(_card(language, button, refused))
    if "card" in takes and "paypal" in takes:
        parts.append(f"<p class='or'>{escape(say(language, 'paypal_or'))}</p>")
    if "paypal" in takes:
        parts.append(_paypal(language))
    if back:
        parts.append(f"<p><a href='{escape(back)}'>{escape(say(language, 'back'))}</a></p>")
    if "card" in takes:
        parts.append(_test_cards(language))
    return document(language, title, "".join(parts))


def code_form(language: Language, what: str) -> str:
    """The bank's page: a one-time code (000000 is the wrong one)."""
    code = _field("code", say(language, "code"), inputmode="numeric", autocomplete="one-time-code")
    content = (
        f"<p>{escape(say(language, 'code_sent', what=what))}</p><form method='post'>{code}"
        f"<button type='submit'>{escape(say(language, 'confirm'))}</button>"
        f"<button type='submit' class='second' name='cancel' value='1'>{escape(say(language, 'cancel'))}</button>"
        f"</form><section class='try'>{escape(say(language, 'code_try'))}</section>"
    )
    return document(language, say(language, "code_title"), content)


def approval_form(language: Language, what: str, *, button: str, hidden: dict[str, str]) -> str:
    """PayPal's page: agree and go on, or cancel and return."""
    fields = "".join(
        f"<input type='hidden' name='{escape(name)}' value='{escape(value)}'>"
        for name, value in hidden.items()
    )
    cancel = escape(say(language, "paypal_cancel"))
    content = (
        f"<p>{escape(what)}</p><form method='post'>{fields}"
        f"<button type='submit' name='answer' value='approve'>{escape(button)}</button>"
        f"<button type='submit' class='second' name='answer' value='cancel'>{cancel}</button></form>"
    )
    return document(language, "PayPal", content)
