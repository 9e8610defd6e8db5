"""Tells a reason in French, Japanese or English, so that "why this day?" always has an answer a person can read.

One line per rule and language; ``tell`` fills in the values and names every day that was skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from babel.dates import format_date, format_datetime

from shared.calendar.days import ClosedDay
from shared.calendar.tables import Language
from shared.calendar.wall import zone
from shared.reasons import Reason

_DAY_PATTERNS: Final[Mapping[Language, str]] = {
    "fr": "EEE d MMM y",
    "ja": "y年M月d日(EEE)",
    "en": "EEE d MMM y",
}
_SHORT_PATTERNS: Final[Mapping[Language, str]] = {"fr": "EEE d MMM", "ja": "M月d日(EEE)", "en": "EEE d MMM"}
_INSTANT_PATTERNS: Final[Mapping[Language, str]] = {
    "fr": "EEE d MMM y HH:mm",
    "ja": "y年M月d日(EEE)HH:mm",
    "en": "EEE d MMM y HH:mm",
}
_DAYS: Final = frozenset({"last_day", "from", "to", "day", "due", "deadline"})
_INSTANTS: Final = frozenset({"planned", "notice"})

SENTENCES: Final[Mapping[str, Mapping[Language, str]]] = {
    "retry": {
        "en": "retry {ordinal} of {of}, on the {nth} working day that counts after the failure",
        "fr": "tentative {ordinal} sur {of}, le {nth} jour compté après l'échec",
        "ja": "決済失敗後に数える{nth}の日の再試行({of}回中{ordinal}回目)",
    },
    "retry_every_day": {
        "en": "retry {ordinal} of {of}, every day until the last working day that counts",
        "fr": "tentative {ordinal} sur {of}, chaque jour jusqu'au dernier jour compté",
        "ja": "数える最終日までの毎日の再試行({of}回中{ordinal}回目)",
    },
    "retry_after_days": {
        "en": "retry {ordinal} of {of}, {days} calendar days after the failure",
        "fr": "tentative {ordinal} sur {of}, {days} jours calendaires après l'échec",
        "ja": "決済失敗から{days}日後の再試行({of}回中{ordinal}回目)",
    },
    "same_day_retry": {
        "en": "the bank did not judge: tried again {minutes} minutes later on the same day",
        "fr": "la banque n'a pas statué : nouvel essai {minutes} minutes plus tard, le même jour",
        "ja": "銀行の判断が出なかったため、同じ日の{minutes}分後に再試行",
    },
    "failure_dated": {
        "en": "dated {day}, which is day 0 of every count",
        "fr": "daté du {day}, jour 0 de tout décompte",
        "ja": "{day}の失敗として数える(当日は数えない)",
    },
    "last_attempt": {
        "en": "no attempt is left",
        "fr": "il ne reste aucune tentative",
        "ja": "これ以上の決済はない",
    },
    "covered_period": {
        "en": "covered by the lump sum until {day}",
        "fr": "couvert par le paiement groupé jusqu'au {day}",
        "ja": "まとめ払いの対象期間({day}まで)",
    },
    "deadline": {
        "en": "end of {last_day}: {n} days of delay after the day of the failure",
        "fr": "fin du {last_day} : {n} jours de délai après le jour de l'échec",
        "ja": "{last_day}の終わり:失敗した日の翌日から数えて{n}日間の猶予",
    },
    "deadline_after_last_attempt": {
        "en": "with the failure of the last retry, at the latest at the end of {last_day}",
        "fr": "dès l'échec de la dernière tentative, au plus tard à la fin du {last_day}",
        "ja": "最後の再試行が失敗した時点、遅くとも{last_day}の終わり",
    },
    "collection_deadline": {
        "en": "end of {last_day}: the case ends {n} days after the failure",
        "fr": "fin du {last_day} : le dossier se termine {n} jours après l'échec",
        "ja": "{last_day}の終わり:失敗から{n}日で手続きが終わる",
    },
    "access_at_failure": {
        "en": "what the policy leaves open from the failure on",
        "fr": "ce que le règlement laisse ouvert dès l'échec",
        "ja": "失敗した時点から利用できる範囲",
    },
    "access_step": {
        "en": "after {days} whole days since the failure",
        "fr": "après {days} jours entiers depuis l'échec",
        "ja": "失敗から丸{days}日を過ぎてから",
    },
    "pending_hold": {
        "en": "an attempt was still open at the deadline: {hours} hours are waited at most",
        "fr": "une tentative était encore en cours à l'échéance : on attend {hours} heures au plus",
        "ja": "期限の時点で結果待ちの決済があるため、最長{hours}時間待つ",
    },
    "challenge_ttl": {
        "en": "the bank's page is given {minutes} minutes",
        "fr": "la page de la banque a {minutes} minutes",
        "ja": "銀行の認証画面の有効時間は{minutes}分",
    },
    "forecast": {
        "en": "the gateway usually tries attempt {ordinal} {min} to {max} days after {from}; it decides",
        "fr": "le prestataire fait d'ordinaire la tentative {ordinal} {min} à {max} jours après le {from} ; il décide seul",
        "ja": "決済会社による{ordinal}回目の決済は{from}から{min}〜{max}日後の見込み(日時は決済会社が決める)",
    },
    "gateway_announced": {
        "en": "the gateway itself announced attempt {ordinal} for this time",
        "fr": "le prestataire a lui-même annoncé la tentative {ordinal} pour cette heure",
        "ja": "決済会社が{ordinal}回目の決済をこの日時と通知",
    },
    "announced_limit": {
        "en": "the gateway tries for {days} days at most",
        "fr": "le prestataire essaie pendant {days} jours au plus",
        "ja": "決済会社の再試行は最長{days}日間",
    },
    "watchdog": {
        "en": "nothing heard {hours} hours after the expected time: staff look, nothing is assumed",
        "fr": "sans nouvelles {hours} heures après l'heure prévue : le personnel vérifie, rien n'est supposé",
        "ja": "予定時刻から{hours}時間連絡がない場合、事務局が確認する(失敗とはみなさない)",
    },
    "charge": {
        "en": "the charge that is due on {due}",
        "fr": "le prélèvement dû le {due}",
        "ja": "{due}が入金予定日の決済",
    },
    "notice_due": {
        "en": "end of the {nth} business day after {from}",
        "fr": "fin du {nth} jour ouvré après le {from}",
        "ja": "{from}の翌日から数えて{n}営業日目の終わり",
    },
    "mail_at_once": {
        "en": "a working day: the mail leaves at once",
        "fr": "jour travaillé : le courriel part aussitôt",
        "ja": "営業日のため、すぐに送信",
    },
    "mail_office_opens": {
        "en": "the mail waits for the office to open that day",
        "fr": "le courriel attend l'ouverture du bureau ce jour-là",
        "ja": "当日の営業開始を待って送信",
    },
    "mail_deferred": {
        "en": "the office is closed: the mail waits for the next working day's opening",
        "fr": "le bureau est fermé : le courriel attend l'ouverture du jour travaillé suivant",
        "ja": "事務局休業のため、翌営業日の営業開始を待って送信",
    },
    "reminder_on_the_day": {
        "en": "the reminder of {day} leaves on the day itself",
        "fr": "le rappel du {day} part le jour même",
        "ja": "{day}の案内は当日に送信",
    },
    "reminder_rolled_back": {
        "en": "{day} is closed: its reminder leaves on the last working day before",
        "fr": "le {day} est fermé : son rappel part le dernier jour travaillé avant",
        "ja": "{day}は休業日のため、直前の営業日に送信",
    },
    "before_closure": {
        "en": "the last working day before the closure {closure} ({from} to {to})",
        "fr": "le dernier jour travaillé avant la fermeture {closure} ({from} au {to})",
        "ja": "休業期間「{closure}」({from}〜{to})前の最終営業日",
    },
    "deadline_reminder": {
        "en": "{n} working day before the last day of the delay, {last_day}",
        "fr": "{n} jour compté avant le dernier jour du délai, le {last_day}",
        "ja": "猶予最終日({last_day})の{n}営業日前",
    },
    "re_enrolment_reminder": {
        "en": "{n} days before the re-enrolment deadline of {deadline}",
        "fr": "{n} jours avant la date limite de réinscription du {deadline}",
        "ja": "再登録期限({deadline})の{n}日前",
    },
    "guidance": {
        "en": "the office guides from the next working day after {from}, one learner after the other",
        "fr": "le bureau guide à partir du jour travaillé suivant le {from}, un apprenant après l'autre",
        "ja": "{from}の翌営業日以降、事務局が順次ご案内",
    },
    "resume_proposal": {
        "en": "the first due day not covered: {months} months after {due}, billing day {anchor}",
        "fr": "la première échéance non couverte : {months} mois après le {due}, jour de facturation {anchor}",
        "ja": "支払い済み期間の次の入金予定日:{due}から{months}か月後(決済日{anchor}日)",
    },
    "resume_fixed_days": {
        "en": "{days} days after the payment",
        "fr": "{days} jours après le paiement",
        "ja": "入金から{days}日後",
    },
    "resume_opens": {
        "en": "My Page takes the payment from the start of the announced day, {day}",
        "fr": "le paiement est ouvert dès le début du jour annoncé, le {day}",
        "ja": "ご案内した日({day})の0時からマイページで入金できる",
    },
    "resume_closes": {
        "en": "and until the end of that day, {day}",
        "fr": "et jusqu'à la fin de ce jour, le {day}",
        "ja": "{day}の24時まで入金できる",
    },
    "re_enrolment_deadline": {
        "en": "the path can be re-entered through the whole of {day}",
        "fr": "la réinscription au parcours est possible pendant toute la journée du {day}",
        "ja": "{day}の終わりまで再登録できる",
    },
    "re_enrolment_deadline_exclusive": {
        "en": "the path can be re-entered before {day}",
        "fr": "la réinscription au parcours est possible avant le {day}",
        "ja": "{day}の前日まで再登録できる",
    },
    "told_date_kept": {
        "en": "this date was told to the learner and is never moved earlier (planned anew for {planned})",
        "fr": "cette date a été annoncée et n'est jamais avancée (recalculée au {planned})",
        "ja": "ご案内済みの日時のため、早めない(再計算では{planned})",
    },
    "waits_for_notice": {
        "en": "waits for the notice that leaves on {notice} (planned for {planned})",
        "fr": "attend l'avis qui part le {notice} (prévu le {planned})",
        "ja": "{notice}に送信する通知を待つ(当初予定は{planned})",
    },
    "moved_by_the_hold": {
        "en": "the notice was held for {days} days, so the date moved as much (planned for {planned})",
        "fr": "l'avis a été retenu {days} jours, la date est décalée d'autant (prévue le {planned})",
        "ja": "通知が{days}日遅れたため、同じ日数だけ延期(当初予定は{planned})",
    },
    "after_the_stage_before": {
        "en": "never before the stage above it",
        "fr": "jamais avant l'étape précédente",
        "ja": "前の段階より先には行わない",
    },
    "network_free": {
        "en": "no network limits this",
        "fr": "aucun réseau ne limite cet essai",
        "ja": "カードブランドの制限なし",
    },
    "network_allowed": {
        "en": "allowed: {used} of {limit} refused attempts used in {hours} hours ({network}, {rule})",
        "fr": "permis : {used} refus sur {limit} en {hours} heures ({network}, {rule})",
        "ja": "可:{hours}時間以内の拒否{limit}回中{used}回({network}、{rule})",
    },
    "network_budget_full": {
        "en": "{network} allows {limit} refused attempts in {hours} hours, {used} are used ({rule})",
        "fr": "{network} permet {limit} refus en {hours} heures, {used} ont eu lieu ({rule})",
        "ja": "{network}は{hours}時間に拒否{limit}回まで、すでに{used}回({rule})",
    },
    "network_wait": {
        "en": "{network} asks to wait {hours} hours after code {code} ({rule})",
        "fr": "{network} demande d'attendre {hours} heures après le code {code} ({rule})",
        "ja": "{network}はコード{code}の後{hours}時間待つよう求めている({rule})",
    },
    "network_never": {
        "en": "{network} forbids to try this card again after code {code} ({rule})",
        "fr": "{network} interdit de réessayer cette carte après le code {code} ({rule})",
        "ja": "{network}はコード{code}の後このカードの再試行を禁じている({rule})",
    },
}
"""Every rule in every language; a test proves that none is missing."""

_CALENDAR: Final[Mapping[Language, str]] = {
    "en": "calendar {0}",
    "fr": "calendrier {0}",
    "ja": "カレンダー {0}",
}
_SKIPPED: Final[Mapping[Language, str]] = {
    "en": "skipped: {0}",
    "fr": "jours sautés : {0}",
    "ja": "除外日:{0}",
}


def tell(reason: Reason, language: Language, *, zone_name: str = "UTC") -> str:
    """The reason as one line; instants are told in ``zone_name``. An unknown rule is told by its word."""
    sentence = SENTENCES.get(reason.rule)
    values = _values(reason, language, zone_name)
    if sentence is None:
        details = ", ".join(f"{name} {value}" for name, value in values.items() if name != "nth")
        text = f"{reason.rule.replace('_', ' ')} {details}".strip()
    else:
        text = sentence[language].format_map(values)
    notes = []
    if reason.calendar is not None:
        notes.append(_CALENDAR[language].format(reason.calendar))
    if reason.skipped:
        days = sorted(reason.skipped, key=lambda closed: closed.day)
        listed = ("、" if language == "ja" else ", ").join(_skipped(closed, language) for closed in days)
        notes.append(_SKIPPED[language].format(listed))
    return text if not notes else f"{text} ({'; '.join(notes)})"


@lru_cache(maxsize=4096)
def tell_day(day: date, language: Language, *, short: bool = False) -> str:
    """A day with its weekday: "ven. 1 mai 2026", "2026年5月1日(金)", "Fri 1 May 2026"."""
    pattern = _SHORT_PATTERNS[language] if short else _DAY_PATTERNS[language]
    return format_date(day, pattern, locale=language)


def tell_instant(at: datetime, language: Language, *, zone_name: str) -> str:
    """An instant on the wall of that zone, with the weekday."""
    return format_datetime(at.astimezone(zone(zone_name)), _INSTANT_PATTERNS[language], locale=language)


def _skipped(closed: ClosedDay, language: Language) -> str:
    day = tell_day(closed.day, language, short=True)
    return day if closed.why == "weekday" else f"{day} {closed.name.get(language)}"


def _values(reason: Reason, language: Language, zone_name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in reason.values:
        if name in _DAYS:
            found[name] = tell_day(date.fromisoformat(str(value)), language)
        elif name in _INSTANTS:
            at = datetime.fromisoformat(str(value)).astimezone(UTC)
            found[name] = tell_instant(at, language, zone_name=zone_name)
        else:
            found[name] = str(value)
    number = reason.value("ordinal") or reason.value("n")
    if isinstance(number, int):
        found["nth"] = _nth(number, language)
    return found


def _nth(number: int, language: Language) -> str:
    if language == "fr":
        return "1er" if number == 1 else f"{number}e"
    if language == "ja":
        return f"{number}番目"
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
