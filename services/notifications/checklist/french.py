"""What the French business's mails must say (domain.md §4.1), in French and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.notifications.checklist.required import Required, must
from shared.events.words import Template

T = Template

_SUPPORT_FR: Final = must("support contact", "F26", fr="aide@lumiere.example", en="aide@lumiere.example")
_ZONE_FR: Final = must("the zone of every date", "§4", fr="heure de Paris", en="Paris time")
_EUR: Final = must("amount", "F28", fr="75,00\u00a0€", en="€75.00")
_DEADLINE: Final = must(
    "deadline: the end of the day, 24:00 Paris",
    "F18, R-F5",
    fr="vendredi 12 juin 2026 à 24:00 (heure de Paris)",
    en="Friday 12 June 2026 at 24:00 (Paris time)",
)
_TRIED_FR: Final = must(
    "date of the try",
    "F13",
    fr="lundi 1er juin 2026 à 09:00 (heure de Paris)",
    en="Monday 1 June 2026 at 09:00 (Paris time)",
)
_UPDATE: Final = must(
    "where to repair",
    "F17, F31",
    fr=("« Premium »", "« Mettre à jour votre moyen de paiement »", "https://lumiere.example/premium"),
    en=("“Premium”", "“Mettre à jour votre moyen de paiement”", "https://lumiere.example/premium"),
)
_PATH: Final = must(
    "re-enrolment deadline and what it means",
    "F22",
    fr=("mercredi 30 septembre 2026 à 24:00 (heure de Paris)", "vous ne pourrez plus vous réinscrire"),
    en=("Wednesday 30 September 2026 at 24:00 (Paris time)", "you can no longer re-enrol"),
)
_REASSURING: Final = must("reassuring tone", "F13", fr="as de panique", en="no need to worry")
_RELAUNCH: Final = must(
    "log in and relaunch",
    "F20, F31",
    fr=("econnectez-vous", "« Relancer votre abonnement »"),
    en=("og in", "“Relancer votre abonnement”"),
)
_HELP: Final = must(
    "the help article",
    "F21",
    fr=("Comment reprendre mon parcours ?", "https://lumiere.example/aide/reprendre-mon-parcours"),
    en=("Comment reprendre mon parcours ?", "https://lumiere.example/aide/reprendre-mon-parcours"),
)

FRENCH: Final[Mapping[Template, tuple[Required, ...]]] = {
    T.FR_PAYMENT_FAILED: (
        _EUR,
        _TRIED_FR,
        _REASSURING,
        must("check the funds", "F2", fr="fonds suffisants", en="sufficient funds"),
        must(
            "check the cap, often over 7 rolling days",
            "F3",
            fr="souvent calculé sur 7 jours roulants",
            en="often calculated over 7 rolling days",
        ),
        must("check the expiry", "F4", fr="n’a-t-il pas expiré", en="has your payment method expired"),
        must("see your bank", "F5", fr="vous rapprocher de votre banque", en="ask your bank"),
        must(
            "recurring payments and 3D Secure",
            "F25",
            fr=("récurrents", "3D Secure"),
            en=("recurring", "3D Secure"),
        ),
        must(
            "retried each business day until the last one",
            "F15",
            fr="chaque jour ouvrable jusqu’au vendredi 12 juin 2026",
            en="until Friday 12 June 2026",
        ),
        _UPDATE,
        must("access kept", "F19", fr="accès reste entièrement ouvert", en="access stays fully open"),
        _DEADLINE,
        must("then suspended", "F18", fr="sera suspendu", en="will be suspended"),
        _PATH,
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_AUTHENTICATE: (
        _EUR,
        must(
            "the bank asks for 3D Secure",
            "F23",
            fr="votre banque demande une vérification 3D Secure",
            en="your bank asks for a 3D Secure check",
        ),
        must(
            "especially without it at sign-up",
            "F23",
            fr="si vous n’aviez pas utilisé le 3D Secure",
            en="if you did not use 3D Secure when you signed up",
        ),
        must("banks may change their rules", "F24", fr="changer leur politique", en="change their rules"),
        must(
            "link to authenticate",
            "F23",
            fr="https://lumiere.example/premium/confirmer",
            en="https://lumiere.example/premium/confirmer",
        ),
        _DEADLINE,
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_METHOD_UPDATED: (
        must("which method", "F17", fr="4242", en="4242"),
        must("result of the immediate charge", "R-F7", fr="refusé", en="refused"),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_LAST_DAY_TOMORROW: (_DEADLINE, _UPDATE, _EUR, _SUPPORT_FR, _ZONE_FR),
    T.FR_RECOVERED: (
        _EUR,
        must(
            "period covered",
            "R-F8",
            fr="du lundi 1er juin 2026 au mardi 30 juin 2026",
            en="Monday 1 June 2026 to Tuesday 30 June 2026",
        ),
        must(
            "next date unchanged",
            "R-F8",
            fr=("mercredi 1er juillet 2026", "ne change pas"),
            en=("Wednesday 1 July 2026", "does not change"),
        ),
        must(
            "receipt",
            "T10",
            fr=("reçu", "pi_3Ada", "mardi 9 juin 2026"),
            en=("receipt", "pi_3Ada", "Tuesday 9 June 2026"),
        ),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_SUSPENDED: (
        must(
            "access suspended",
            "F18",
            fr="accès à la plateforme est suspendu",
            en="access to the platform is suspended",
        ),
        must("progress kept", "F29", fr="progression est conservée", en="progress is kept"),
        _RELAUNCH,
        _HELP,
        _PATH,
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_RELAUNCHED: (
        _EUR,
        must("new billing day", "R-F9", fr="le 20", en="the 20th"),
        must("next date", "R-F9", fr="jeudi 20 août 2026", en="Thursday 20 August 2026"),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_RE_ENROLMENT_REMINDER: (
        _PATH,
        must(
            "link",
            "F20",
            fr="https://lumiere.example/premium/relancer",
            en="https://lumiere.example/premium/relancer",
        ),
        _HELP,
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_RE_ENROLMENT_CLOSED: (
        must(
            "path closed",
            "F22",
            fr=("Data analyst", "plus possible de vous y réinscrire"),
            en=("Data analyst", "no longer possible to re-enrol"),
        ),
        must("alternatives", "§4.1", fr="un autre parcours", en="another path"),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_CANCELLED: (
        must(
            "nothing more is charged",
            "T34",
            fr="Plus aucun prélèvement ne sera effectué",
            en="Nothing more will be charged",
        ),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
}
