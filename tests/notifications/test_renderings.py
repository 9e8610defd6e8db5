"""Every mail in every language says what it must, promises nothing, and reads as its golden copy."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.notifications import markup
from services.notifications.checklist import FORBIDDEN, REQUIRED
from services.notifications.context import KEYS, Context, Data, Letter
from services.notifications.previews import write_all
from services.notifications.rendering import LANGUAGES_OF, Rendered, languages_of, render
from services.notifications.samples import DATA, sample_letter
from services.notifications.wording import REASONS
from shared.calendar import Language
from shared.declines import DeclineClass
from shared.errors import Unreadable
from shared.events.words import ReviewReason, Template
from shared.paypal_support import built_in
from tests.notifications.conftest import utc

GOLDEN = Path(__file__).with_name("golden")
EVERY = [(template, language) for template in Template for language in languages_of(template)]
IDS = [f"{template.value}-{language}" for template, language in EVERY]
T = Template


def rendered(template: Template, language: Language) -> Rendered:
    return render(sample_letter(template, language), language)


class Words(HTMLParser):
    """The words of a page, without what a reader does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hrefs: list[str] = []
        self.tags: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden += tag in {"style", "title"}
        self.hrefs += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def read(html: str) -> Words:
    words = Words()
    words.feed(html)
    return words


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text.replace("\u00a0", "").replace("\u202f", ""))


def bare(text: str) -> str:
    return re.sub(r"^[0-9]\.|[:：\[\]]", "", squeezed(text))


def test_each_business_has_its_languages() -> None:
    assert LANGUAGES_OF == {"fr": ("fr", "en"), "jp": ("ja", "en", "fr"), "staff": ("fr", "ja", "en")}


def test_every_mail_has_a_sample_and_a_checklist() -> None:
    assert set(DATA) == set(REQUIRED) == set(Template)
    assert {key for data in DATA.values() for key in data} <= KEYS


@pytest.mark.parametrize(("template", "language"), EVERY, ids=IDS)
def test_a_mail_says_every_required_fact_in_both_parts(template: Template, language: Language) -> None:
    mail = rendered(template, language)
    page = read(mail.html)
    shown = "".join(page.words) + "".join(page.hrefs)
    needles = [(one.fact, needle) for one in REQUIRED[template] for needle in one.says[language]]
    assert [(fact, needle) for fact, needle in needles if needle not in mail.text] == []
    # The page has cells and list numbers where the text has colons and digits.
    assert [fact for fact, needle in needles if bare(needle) not in bare(shown)] == []


@pytest.mark.parametrize(("template", "language"), EVERY, ids=IDS)
def test_a_mail_promises_nothing_and_shows_no_code(template: Template, language: Language) -> None:
    mail = rendered(template, language)
    everything = mail.subject + mail.text + mail.html
    assert [word for word in FORBIDDEN[language] if word in everything] == []
    assert "None" not in everything
    assert "{{" not in everything
    assert not re.search(r"[\ue000-\uf8ff]", everything)


@pytest.mark.parametrize(("template", "language"), EVERY, ids=IDS)
def test_a_mail_reads_as_its_golden_copy(template: Template, language: Language) -> None:
    """After a wanted change: RELANCE_GOLDEN=write pytest tests/notifications/test_renderings.py, then read the diff."""
    mail = rendered(template, language)
    file = GOLDEN / f"{template.value}.{language}.txt"
    now = f"Subject: {mail.subject}\n\n{mail.text}"
    if os.environ.get("RELANCE_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == now


def test_no_golden_copy_is_left_of_a_mail_that_is_gone() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == {f"{t.value}.{language}" for t, language in EVERY}


@pytest.mark.parametrize(("template", "language"), EVERY, ids=IDS)
def test_the_page_names_its_language_and_suits_a_phone_and_a_dark_screen(
    template: Template, language: Language
) -> None:
    html = rendered(template, language).html
    assert f'<html lang="{language}">' in html
    assert 'name="viewport"' in html
    assert 'content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert "<img" not in html
    assert "http://" not in html
    assert len(html.encode()) < 60_000


@pytest.mark.parametrize(("template", "language"), EVERY, ids=IDS)
def test_a_mail_copes_without_any_optional_fact(template: Template, language: Language) -> None:
    """Whatever dunning does not know, the mail still reads as a mail."""
    letter = sample_letter(template, language)
    bare = {key: "" for key in DATA[template] if key not in {"period", "path_deadline", "resume_on"}}
    mail = render(sample_letter(template, language, data=bare), language)
    assert mail.subject
    assert "None" not in mail.text
    assert letter.school.name in mail.text


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("decline", list(DeclineClass))
def test_each_decline_has_its_hint_and_none_its_code(language: Language, decline: DeclineClass) -> None:
    letter = sample_letter(T.FR_PAYMENT_FAILED, language, data={"decline": decline.value})
    text = render(letter, language).text
    assert decline.value not in text
    assert ("12 juin" in text) or ("12 June" in text)


def test_a_cap_is_explained_without_promising_a_date() -> None:
    """FR-31, trap 13."""
    text = render(sample_letter(T.FR_PAYMENT_FAILED, "fr", data={"decline": "limit_exceeded"}), "fr").text
    assert "souvent calculé sur 7 jours roulants" in text
    assert "dépendent de votre banque" in text


def test_a_forbidden_card_is_not_promised_daily_attempts() -> None:
    """R-F11."""
    text = render(sample_letter(T.FR_PAYMENT_FAILED, "fr", data={"decline": "hard_never_retry"}), "fr").text
    assert "Nous ne présenterons plus ce moyen de paiement" in text
    assert "Vous n’avez rien d’autre à demander" not in text


@pytest.mark.parametrize(
    ("result", "subject"),
    [
        ("failed", "mais le prélèvement n’est pas passé"),
        ("succeeded", "est à jour"),
        ("pending", "est à jour"),
    ],
)
def test_an_updated_method_tells_what_became_of_the_charge(result: str, subject: str) -> None:
    mail = render(sample_letter(T.FR_METHOD_UPDATED, "fr", data={"charge_result": result}), "fr")
    assert subject in mail.subject
    assert ("refusé" in mail.text) is (result == "failed")


def test_a_learner_on_reunion_reads_both_clocks() -> None:
    """FR-45."""
    text = render(sample_letter(T.FR_SUSPENDED, "fr", zone="Indian/Reunion"), "fr").text
    assert "vendredi 12 juin 2026 à 24:00 (heure de Paris)" in text
    assert "samedi 13 juin 2026 à 02:00 (heure locale, La Réunion)" in text


def test_a_learner_at_home_reads_one_clock() -> None:
    assert "heure locale" not in rendered(T.FR_SUSPENDED, "fr").text
    assert "現地の時刻" not in rendered(T.JP_PAYMENT_FAILED, "ja").text


def test_a_card_from_abroad_gets_its_own_countrys_paypal() -> None:
    """J36."""
    text = render(sample_letter(T.JP_PAYMENT_FAILED, "ja", card_country="FR", zone="Europe/Paris"), "ja").text
    assert "0120-271-888" not in text
    assert "フランス" in text
    assert "2026年4月15日(水)18:10(パリ時間)" in text


@pytest.mark.parametrize(("grandfathered", "shown"), [("yes", True), ("", True), ("no", False)])
def test_the_old_price_concerns_those_who_may_have_one(grandfathered: str, shown: bool) -> None:
    text = render(sample_letter(T.JP_PAYMENT_FAILED, "ja", data={"grandfathered": grandfathered}), "ja").text
    assert ("旧価格" in text) is shown


def test_an_old_price_that_dunning_dropped_already_is_still_explained() -> None:
    """J21: the subscription was registered at an old price; the case says no any more."""
    letter = sample_letter(T.JP_GUIDANCE, "ja", data={"grandfathered": "no"})
    assert letter.payment is not None
    text = render(replace(letter, payment=replace(letter.payment, grandfathered=True)), "ja").text
    assert "旧価格は適用されなくなりました" in text
    assert "旧価格" not in render(letter, "ja").text


@pytest.mark.parametrize(
    ("data", "written"),
    [
        ({}, "2026年4月30日(木)19:00〜26:00(=5月1日2:00)(日本時間)"),
        ({"next_billing_on": "2026-05-30", "period": "2026-04-30"}, "2026年4月30日(木)19:00〜26:00"),
        ({"window_first": "2026-05-02", "window_last": "2026-05-04"}, "2026年5月2日(土)〜5月4日(月)"),
    ],
)
def test_a_holiday_notice_names_the_charge_that_falls_into_it(data: dict[str, str], written: str) -> None:
    """J38: an expected attempt, else the due day within the closure."""
    assert written in render(sample_letter(T.JP_PRE_HOLIDAY, "ja", data=data), "ja").text


@pytest.mark.parametrize("language", ["ja", "en", "fr"])
def test_my_page_asks_for_the_current_price_and_not_for_the_one_that_failed(language: Language) -> None:
    """J21, R-J8: an old price ended with the cancelled subscription."""
    data = {"amount": "11500 JPY", "current_price": "12800 JPY"}
    text = render(sample_letter(T.JP_RESUME_DAY, language, data=data), language).text
    assert "800" in text
    assert "500" not in text


def test_a_lump_sum_is_reviewed_against_what_was_asked_for() -> None:
    data = {
        "amount": "11500 JPY",
        "amount_due": "25600 JPY",
        "received": "12800 JPY",
        "outstanding": "12800 JPY",
    }
    text = render(sample_letter(T.STAFF_REVIEW, "ja", data=data), "ja").text
    assert "予定金額:25,600円" in text
    assert "11,500円" not in text


@pytest.mark.parametrize(
    ("language", "written", "button"),
    [
        ("fr", "Aucune nouvelle du prélèvement du lundi 1er juin 2026", "Ouvrir le bureau"),
        ("ja", "2026年6月1日(月)の決済の結果が届いていません", "管理画面を開く"),
        ("en", "Nothing was heard of the charge of Monday 1 June 2026", "Open the desk"),
    ],
)
def test_an_alarm_about_a_silent_month_names_its_day_and_its_gateway_and_opens_no_case(
    language: Language, written: str, button: str
) -> None:
    """JP-32: no attempt failed, so none is counted, and no case opened."""
    data = {"gateway": "stripe", "due_on": "2026-06-01", "attempt": "1", "detail": "nothing was heard"}
    mail = render(sample_letter(T.STAFF_WATCHDOG, language, data=data), language)

    assert written in mail.subject
    assert button in mail.text
    assert "Stripe" in mail.text
    assert "PayPal" not in mail.text
    assert "nothing was heard" not in mail.text


def test_too_much_money_is_not_asked_for_again() -> None:
    letter = sample_letter(T.JP_PARTIAL, "ja", data={"received": "30000 JPY", "outstanding": "-4400 JPY"})
    text = render(letter, "ja").text
    assert "超過額:4,400円" in text
    assert "不足額" not in text


def test_every_reason_for_a_review_has_its_words() -> None:
    assert set(REASONS) == set(ReviewReason)
    assert all(set(words) == {"fr", "ja", "en"} for words in REASONS.values())


# --- what people write can never become markup --------------------------------------------------------------


def hostile(text: str) -> Letter:
    data = {"path_title": text, "method_label": text, "transaction_id": text}
    return sample_letter(T.FR_RECOVERED, "fr", data=data)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "**strong** [word|javascript:alert(1)]",
        "[[Pay here|https://evil.example]]",
        "a | b\n\n## Heading\n! notice",
        "Subject: other\n\nbody",
        "{{ 7 * 7 }}{% raw %}",
        '" onmouseover="x',
    ],
)
def test_what_a_person_wrote_stays_text(text: str) -> None:
    mail = render(hostile(text), "fr")
    page = read(mail.html)
    plain = render(hostile("pi_3Ada"), "fr")
    assert " ".join(text.split()) in mail.text
    assert page.tags == read(plain.html).tags
    assert page.hrefs == read(plain.html).hrefs


def test_an_address_that_is_no_web_address_is_left_out() -> None:
    letter = sample_letter(T.FR_SUSPENDED, "fr")
    letter.school.help_urls["probe"] = "javascript:alert(1)"

    try:
        assert Context(letter, "fr", built_in()).url("probe") == ""
    finally:
        del letter.school.help_urls["probe"]


def test_a_template_without_subject_is_refused() -> None:
    with pytest.raises(Unreadable, match="Subject"):
        markup.read("Hello\n\nworld")


def test_an_unknown_word_in_a_template_is_a_mistake_and_no_blank() -> None:

    with pytest.raises(AttributeError, match="amuont"):
        _ = Data({}).amuont


def test_previews_are_written_for_people_to_look_at(tmp_path: Path) -> None:
    written = write_all(tmp_path / "mails")
    assert len(written) == 1 + 2 * len(EVERY)
    index = (tmp_path / "mails" / "index.html").read_text(encoding="utf-8")
    assert all(f"{template.value}.{language}.html" in index for template, language in EVERY)


def test_the_resume_reminder_says_today_only_on_the_day() -> None:
    early = render(sample_letter(T.JP_RESUME_DAY, "en", now=utc("2026-06-12T00:00:00Z")), "en")
    assert "Today" not in early.text
    assert "Our office is closed on that day" in early.text
