"""The gateways' hosted pages, plain and without scripts, good enough for a browser walk."""

from __future__ import annotations

from html import escape

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 17px/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
main { max-width: 26rem; margin: 8vh auto; padding: 1.5rem; border: 1px solid GrayText; border-radius: .75rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
label { display: block; margin: 1rem 0 .25rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .6rem; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
button { font: inherit; width: 100%; margin-top: 1.25rem; padding: .75rem; cursor: pointer; }
.refused { border-left: .3rem solid #b3261e; padding-left: .75rem; }
.small { font-size: .85rem; }
"""


def document(title: str, content: str) -> str:
    """A whole page around ``content`` (already escaped)."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}"
        "<p class='small'>Simulated payment page: no real money moves.</p></main></body></html>"
    )


def message(title: str, text: str) -> str:
    """A page that only says something."""
    return document(title, f"<p>{escape(text)}</p>")


def _field(name: str, label: str, value: str = "", **attributes: str) -> str:
    extra = "".join(f" {key.replace('_', '-')}='{escape(text)}'" for key, text in attributes.items())
    return (
        f"<label for='{name}'>{escape(label)}</label>"
        f"<input id='{name}' name='{name}' value='{escape(value)}'{extra}>"
    )


def card_form(
    title: str,
    subtitle: str,
    *,
    button: str,
    back: str | None = None,
    refused: str | None = None,
    confirm_at: str | None = None,
) -> str:
    """The card form; ``confirm_at`` links to a 3-D Secure page that is waiting."""
    parts = [f"<p>{escape(subtitle)}</p>"]
    if refused:
        parts.append(f"<p class='refused' role='alert'>{escape(refused)}</p>")
    if confirm_at:
        parts.append(f"<p><a href='{escape(confirm_at)}'>Your bank asks you to confirm this payment</a></p>")
    parts += [
        "<form method='post'>",
        _field("number", "Card number", inputmode="numeric", autocomplete="cc-number"),
        "<div class='two'><div>",
        _field("expiry", "Expiry (MM/YY)", "12/39", autocomplete="cc-exp"),
        "</div><div>",
        _field("cvc", "CVC", "123", inputmode="numeric", autocomplete="cc-csc"),
        f"</div></div><button type='submit'>{escape(button)}</button></form>",
    ]
    if back:
        parts.append(f"<p><a href='{escape(back)}'>Back to the school</a></p>")
    return document(title, "".join(parts))


def code_form(what: str) -> str:
    """The bank's page: a one-time code (000000 is the wrong one)."""
    content = (
        f"<p>Your bank sent you a code by SMS to confirm: {escape(what)}.</p>"
        "<form method='post'>"
        + _field("code", "One-time code", inputmode="numeric", autocomplete="one-time-code")
        + "<button type='submit'>Confirm</button>"
        "<button type='submit' name='cancel' value='1'>Cancel</button></form>"
    )
    return document("Confirm it is you", content)


def approval_form(title: str, what: str, *, button: str, hidden: dict[str, str]) -> str:
    """PayPal's page: agree and go on, or cancel and return."""
    fields = "".join(
        f"<input type='hidden' name='{escape(name)}' value='{escape(value)}'>"
        for name, value in hidden.items()
    )
    content = (
        f"<p>{escape(what)}</p><form method='post'>{fields}"
        f"<button type='submit' name='answer' value='approve'>{escape(button)}</button>"
        "<button type='submit' name='answer' value='cancel'>Cancel and return to the school</button></form>"
    )
    return document(title, content)
