"""What every mail must say (domain.md §4), as data: tests hold each rendering to it, the office can read it.

Each needle is looked for in the text part of the sample's rendering, in each language the mail exists in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.events.words import Template

T = Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """One fact, the rule that wants it, and the words that tell it in each language."""

    fact: str
    rule: str
    says: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _must(fact: str, rule: str, **says: str | tuple[str, ...]) -> Required:
    listed = {language: (text,) if isinstance(text, str) else text for language, text in says.items()}
    return Required(fact=fact, rule=rule, says=listed)


_SUPPORT_FR: Final = _must("support contact", "F26", fr="aide@lumiere.example", en="aide@lumiere.example")
_SUPPORT_JP: Final = _must(
    "support contact",
    "J33",
    ja="office@hibari.example",
    en="office@hibari.example",
    fr="office@hibari.example",
)
_ZONE_FR: Final = _must("the zone of every date", "§4", fr="heure de Paris", en="Paris time")
_ZONE_JP: Final = _must("the zone of every date", "§4", ja="日本時間", en="Japan time", fr="heure du Japon")
_EUR: Final = _must("amount", "F28", fr="75,00\u00a0€", en="€75.00")
_YEN: Final = _must("amount", "X-23", ja="12,800円", en="¥12,800", fr="12\u202f800\u00a0¥")
_DEADLINE: Final = _must(
    "deadline: the end of the day, 24:00 Paris",
    "F18, R-F5",
    fr="vendredi 12 juin 2026 à 24:00 (heure de Paris)",
    en="Friday 12 June 2026 at 24:00 (Paris time)",
)
_TRIED_FR: Final = _must(
    "date of the try",
    "F13",
    fr="lundi 1er juin 2026 à 09:00 (heure de Paris)",
    en="Monday 1 June 2026 at 09:00 (Paris time)",
)
_UPDATE: Final = _must(
    "where to repair",
    "F17, F31",
    fr=("« Premium »", "« Mettre à jour votre moyen de paiement »", "https://lumiere.example/premium"),
    en=("“Premium”", "“Mettre à jour votre moyen de paiement”", "https://lumiere.example/premium"),
)
_PATH: Final = _must(
    "re-enrolment deadline and what it means",
    "F22",
    fr=("mercredi 30 septembre 2026 à 24:00 (heure de Paris)", "vous ne pourrez plus vous réinscrire"),
    en=("Wednesday 30 September 2026 at 24:00 (Paris time)", "you can no longer re-enrol"),
)
_REASSURING: Final = _must("reassuring tone", "F13", fr="as de panique", en="no need to worry")
_RELAUNCH: Final = _must(
    "log in and relaunch",
    "F20, F31",
    fr=("econnectez-vous", "« Relancer votre abonnement »"),
    en=("og in", "“Relancer votre abonnement”"),
)
_HELP: Final = _must(
    "the help article",
    "F21",
    fr=("Comment reprendre mon parcours ?", "https://lumiere.example/aide/reprendre-mon-parcours"),
    en=("Comment reprendre mon parcours ?", "https://lumiere.example/aide/reprendre-mon-parcours"),
)

_MONTH: Final = _must("which month", "J2", ja="2026年4月分", en="April 2026", fr="avril 2026")
_WINDOW: Final = _must(
    "next attempt: window on both clocks",
    "J9, J28, §4",
    ja=("4月18日(土)〜4月20日(月)", "19:00〜26:00(=翌日2:00)(日本時間)"),
    en=("Saturday 18 April and Monday 20 April", "19:00–26:00 (that is, until 02:00 the next day)"),
    fr=("samedi 18 avril et le lundi 20 avril", "19:00–26:00 (c’est-à-dire jusqu’à 02:00 le lendemain)"),
)
_LAST_WINDOW: Final = _must(
    "the last attempt's window",
    "J9, J28",
    ja=("4月23日(木)〜4月25日(土)", "19:00〜26:00(=翌日2:00)"),
    en=("Thursday 23 April and Saturday 25 April", "19:00–26:00"),
    fr=("jeudi 23 avril et le samedi 25 avril", "19:00–26:00"),
)
_THREE: Final = _must(
    "three attempts in all",
    "J9, J12",
    ja="合計3回",
    en="three attempts in all",
    fr="trois tentatives en tout",
)
_REPAIR: Final = _must(
    "repair it yourself, before the next attempt",
    "J4, J10",
    ja=("生徒様ご自身で", "早ければ4月"),
    en=("yourself, before the", "at the earliest on"),
    fr=("vous-même", "au plus tôt le"),
)
_TELL_US: Final = _must(
    "tell the school", "J11", ja=("電子メールで", "ご一報"), en="tell us by e-mail", fr="par e-mail"
)
_NOT_OURS: Final = _must(
    "the school cannot run an attempt",
    "J16",
    ja="当校が決済を実行することはできません",
    en="chool cannot run",
    fr="école ne peut pas",
)
_PAYPAL: Final = _must(
    "PayPal by telephone: numbers, hours, what to prepare, holder only, another country's PayPal",
    "J17, J33–J36",
    ja=(
        "お電話",
        "0120-271-888",
        "03-6739-7360",
        "03-5767-5552",
        "午前9時〜18時(土日休)",
        "ご登録の電話番号",
        "クレジットカードまたは銀行口座番号",
        "登録しているメールアドレス",
        "保有者",
        "カード登録住所の国のPayPal",
        "https://www.paypal.com/jp/webapps/mpp/corporate/contact",
    ),
    en=(
        "by telephone",
        "0120-271-888",
        "03-6739-7360",
        "03-5767-5552",
        "9:00–18:00 Japan time",
        "the telephone number registered with PayPal",
        "card or bank account registered",
        "the e-mail address registered",
        "only to its holder",
        "country of your card’s billing address",
    ),
    fr=(
        "par téléphone",
        "0120-271-888",
        "03-6739-7360",
        "03-5767-5552",
        "9:00–18:00 (heure du Japon)",
        "numéro de téléphone enregistré",
        "carte ou du compte bancaire",
        "adresse e-mail enregistrée",
        "son titulaire",
        "pays de l’adresse de facturation de votre carte",
    ),
)
_CREDITS: Final = _must(
    "credits lapse by rule; best effort, no promise",
    "J40, J41, trap 13",
    ja=("失効いたします", "善処いたします", "お約束まではいたしかねます"),
    en=("lapse at the moment of the failure", "do our best", "cannot promise"),
    fr=("expirent au moment de l’échec", "de notre mieux", "sans pouvoir vous le promettre"),
)
_OLD_PRICE: Final = _must(
    "old price lost once cancelled",
    "J21, J22",
    ja=("旧価格", "新価格(現行の規定の月謝 12,800円)"),
    en=("old price", "new (current) monthly price of ¥12,800"),
    fr=("ancien tarif", "nouveau tarif mensuel"),
)
_NEVER: Final = _must(
    "never pay from My Page by yourself",
    "J31, J44",
    ja="絶対にご自身の判断で「マイページからの月謝入金」をなさらないでください",
    en="never pay the monthly fee from My Page on your own initiative",
    fr="N’effectuez jamais de paiement depuis My Page de votre propre initiative",
)
_RESUME_DAY: Final = _must(
    "the announced day",
    "J25",
    ja="2026年6月15日(月)",
    en="Monday 15 June 2026",
    fr="lundi 15 juin 2026",
)
_COVERED: Final = _must(
    "covered months",
    "J24",
    ja=("2026年4月15日(水)〜2026年5月14日(木)", "2026年5月15日(金)〜2026年6月14日(日)"),
    en=("15 April 2026 to Thursday 14 May 2026", "15 May 2026 to Sunday 14 June 2026"),
    fr=("15 avril 2026 au jeudi 14 mai 2026", "15 mai 2026 au dimanche 14 juin 2026"),
)
_HOURS: Final = _must(
    "pay between 09:00 and 23:59 Japan time",
    "JP-40",
    ja="9:00〜23:59(日本時間)",
    en="09:00–23:59 (Japan time)",
    fr="09:00–23:59 (heure du Japon)",
)
_CASE: Final = _must("the case", "§4", fr="sub-ada~", ja="sub-ada~", en="sub-ada~")
_DESK_LINK: Final = _must("a link to the console", "§4", fr="https://", ja="https://", en="https://")

REQUIRED: Final[Mapping[Template, tuple[Required, ...]]] = {
    T.FR_PAYMENT_FAILED: (
        _EUR,
        _TRIED_FR,
        _REASSURING,
        _must("check the funds", "F2", fr="fonds suffisants", en="sufficient funds"),
        _must(
            "check the cap, often over 7 rolling days",
            "F3",
            fr="souvent calculé sur 7 jours roulants",
            en="often calculated over 7 rolling days",
        ),
        _must("check the expiry", "F4", fr="n’a-t-il pas expiré", en="has your payment method expired"),
        _must("see your bank", "F5", fr="vous rapprocher de votre banque", en="ask your bank"),
        _must(
            "recurring payments and 3D Secure",
            "F25",
            fr=("récurrents", "3D Secure"),
            en=("recurring", "3D Secure"),
        ),
        _must(
            "retried each business day until the last one",
            "F15",
            fr="chaque jour ouvrable jusqu’au vendredi 12 juin 2026",
            en="until Friday 12 June 2026",
        ),
        _UPDATE,
        _must("access kept", "F19", fr="accès reste entièrement ouvert", en="access stays fully open"),
        _DEADLINE,
        _must("then suspended", "F18", fr="sera suspendu", en="will be suspended"),
        _PATH,
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_AUTHENTICATE: (
        _EUR,
        _must(
            "the bank asks for 3D Secure",
            "F23",
            fr="votre banque demande une vérification 3D Secure",
            en="your bank asks for a 3D Secure check",
        ),
        _must(
            "especially without it at sign-up",
            "F23",
            fr="si vous n’aviez pas utilisé le 3D Secure",
            en="if you did not use 3D Secure when you signed up",
        ),
        _must("banks may change their rules", "F24", fr="changer leur politique", en="change their rules"),
        _must(
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
        _must("which method", "F17", fr="4242", en="4242"),
        _must("result of the immediate charge", "R-F7", fr="refusé", en="refused"),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_LAST_DAY_TOMORROW: (_DEADLINE, _UPDATE, _EUR, _SUPPORT_FR, _ZONE_FR),
    T.FR_RECOVERED: (
        _EUR,
        _must(
            "period covered",
            "R-F8",
            fr="du lundi 1er juin 2026 au mardi 30 juin 2026",
            en="Monday 1 June 2026 to Tuesday 30 June 2026",
        ),
        _must(
            "next date unchanged",
            "R-F8",
            fr=("mercredi 1er juillet 2026", "ne change pas"),
            en=("Wednesday 1 July 2026", "does not change"),
        ),
        _must(
            "receipt",
            "T10",
            fr=("reçu", "pi_3Ada", "mardi 9 juin 2026"),
            en=("receipt", "pi_3Ada", "Tuesday 9 June 2026"),
        ),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_SUSPENDED: (
        _must(
            "access suspended",
            "F18",
            fr="accès à la plateforme est suspendu",
            en="access to the platform is suspended",
        ),
        _must("progress kept", "F29", fr="progression est conservée", en="progress is kept"),
        _RELAUNCH,
        _HELP,
        _PATH,
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_RELAUNCHED: (
        _EUR,
        _must("new billing day", "R-F9", fr="le 20", en="the 20th"),
        _must("next date", "R-F9", fr="jeudi 20 août 2026", en="Thursday 20 August 2026"),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_RE_ENROLMENT_REMINDER: (
        _PATH,
        _must(
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
        _must(
            "path closed",
            "F22",
            fr=("Data analyst", "plus possible de vous y réinscrire"),
            en=("Data analyst", "no longer possible to re-enrol"),
        ),
        _must("alternatives", "§4.1", fr="un autre parcours", en="another path"),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.FR_CANCELLED: (
        _must(
            "nothing more is charged",
            "T34",
            fr="Plus aucun prélèvement ne sera effectué",
            en="Nothing more will be charged",
        ),
        _SUPPORT_FR,
        _ZONE_FR,
    ),
    T.JP_PRE_HOLIDAY: (
        _must(
            "closure",
            "J37",
            ja=("2026年4月29日(水)", "2026年5月6日(水)"),
            en=("Wednesday 29 April 2026", "Wednesday 6 May 2026"),
            fr=("mercredi 29 avril 2026", "mercredi 6 mai 2026"),
        ),
        _must(
            "watch PayPal's mails",
            "J38",
            ja=("平素以上に", "PayPal社からの通知"),
            en="watch PayPal’s mails",
            fr="surveillez donc les messages de PayPal",
        ),
        _must(
            "step 1: fix; step 2: e-mail us",
            "J39",
            ja=("STEP1", "STEP2", "電子メールで"),
            en=("STEP1", "STEP2", "by e-mail"),
            fr=("STEP1", "STEP2", "par e-mail"),
        ),
        _NEVER,
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_PAYMENT_FAILED: (
        _MONTH,
        _YEN,
        _must(
            "date of the try, both ways past midnight",
            "J28, §4",
            ja="2026年4月15日(水)25:10=16日1:10(日本時間)",
            en="Wednesday 15 April 2026 at 25:10, that is 01:10 on Thursday 16 (Japan time)",
            fr="mercredi 15 avril 2026 à 25:10, soit le jeudi 16 à 01:10 (heure du Japon)",
        ),
        _THREE,
        _WINDOW,
        _REPAIR,
        _TELL_US,
        _NOT_OURS,
        _PAYPAL,
        _CREDITS,
        _OLD_PRICE,
        _NEVER,
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_SECOND_FAILED: (
        _MONTH,
        _YEN,
        _LAST_WINDOW,
        _must(
            "what a third failure means",
            "J5, J6, J21, J47",
            ja=("解約となります", "予告なく", "管理キャンセル", "すべて失効", "2ヶ月分の月謝"),
            en=(
                "subscription is cancelled",
                "without notice",
                "all unused credits lapse",
                "Two months’ fees",
            ),
            fr=(
                "abonnement PayPal est résilié",
                "sans préavis",
                "tous les crédits non utilisés expirent",
                "deux mensualités",
            ),
        ),
        _REPAIR,
        _TELL_US,
        _NOT_OURS,
        _PAYPAL,
        _CREDITS,
        _OLD_PRICE,
        _NEVER,
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_RECOVERED: (
        _MONTH,
        _YEN,
        _must(
            "paid on",
            "J13",
            ja="2026年4月20日(月)19:40(日本時間)",
            en="Monday 20 April 2026 at 19:40 (Japan time)",
            fr="lundi 20 avril 2026 à 19:40 (heure du Japon)",
        ),
        _must("subscription active", "J14", ja="アクティブなまま", en="stays active", fr="reste actif"),
        _must(
            "same billing day",
            "J14",
            ja=("毎月15日", "変更ございません"),
            en=("the 15th", "unchanged"),
            fr=("le 15", "inchangé"),
        ),
        _must("next date", "J14", ja="2026年5月15日(金)", en="Friday 15 May 2026", fr="vendredi 15 mai 2026"),
        _must(
            "credits kept", "J41", ja="失効せず", en="credits have not lapsed", fr="crédits n’ont pas expiré"
        ),
        _must(
            "no further attempt",
            "J15",
            ja="これ以上の決済はございません",
            en="no further attempt",
            fr="pas d’autre tentative",
        ),
        _must("thanks", "§4.2", ja="ありがとうございました", en="Thank you", fr="merci"),
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_GUIDANCE: (
        _MONTH,
        _must(
            "subscription cancelled", "J19", ja="解約となりました", en="has been cancelled", fr="est résilié"
        ),
        _must(
            "credits lapsed",
            "J46, J47",
            ja=("すべて失効いたしました", "2026年4月15日(水)付"),
            en=("credits have lapsed", "Wednesday 15 April 2026"),
            fr=("crédits non utilisés ont expiré", "mercredi 15 avril 2026"),
        ),
        _must(
            "cancelled lessons listed",
            "J47",
            ja=("管理キャンセル", "2026年4月28日(火)21:00(日本時間)"),
            en=("管理キャンセル", "Tuesday 28 April 2026 at 21:00 (Japan time)"),
            fr=("管理キャンセル", "mardi 28 avril 2026 à 21:00 (heure du Japon)"),
        ),
        _must(
            "two months together",
            "J6, J23",
            ja=("2ヶ月分の月謝をまとめて", "25,600円"),
            en=("two months’ fees together", "¥25,600"),
            fr=("deux mensualités en une fois", "25\u202f600\u00a0¥"),
        ),
        _must(
            "temporary method, reference, due date",
            "J23",
            ja=("銀行振込", "HB-0415-77", "2026年5月8日(金)"),
            en=("bank transfer", "HB-0415-77", "Friday 8 May 2026"),
            fr=("virement bancaire", "HB-0415-77", "vendredi 8 mai 2026"),
        ),
        _COVERED,
        _must(
            "new price",
            "J21",
            ja=("旧価格は適用されなく", "新価格"),
            en=("old price no longer applies", "¥12,800"),
            fr=("ancien tarif ne s’applique plus", "12\u202f800\u00a0¥"),
        ),
        _must("both steps needed", "J20", ja="どちらも必要", en="both of the steps", fr="les deux étapes"),
        _NEVER,
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_PARTIAL: (
        _must(
            "received",
            "R-J15",
            ja="ご入金額:12,800円",
            en="Received: ¥12,800",
            fr="Reçu : 12\u202f800\u00a0¥",
        ),
        _must(
            "outstanding",
            "R-J15",
            ja="不足額:12,800円",
            en="Still missing: ¥12,800",
            fr="Reste à payer : 12\u202f800\u00a0¥",
        ),
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_RESUME_DATE: (
        _RESUME_DAY,
        _HOURS,
        _must(
            "pay yourself from My Page that day",
            "J25, J26",
            ja="生徒様ご自身でマイページからご入金ください",
            en="pay from My Page yourself",
            fr="payez vous-même depuis My Page",
        ),
        _must("not before", "J31", ja="この日より前には", en="before that day", fr="avant ce jour"),
        _must(
            "not automatic",
            "J32",
            ja="自動では締結されません",
            en="not created automatically",
            fr="n’est pas créé automatiquement",
        ),
        _must("new billing day is that day", "J27", ja="毎月15日", en="the 15th", fr="le 15"),
        _must(
            "debits 19:00–26:00",
            "J28",
            ja=("19:00〜26:00", "翌日2:00"),
            en=("19:00", "26:00", "02:00 the next day"),
            fr=("19:00", "26:00", "02:00 le lendemain"),
        ),
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_RESUME_DAY: (
        _RESUME_DAY,
        _must(
            "today only",
            "J25",
            ja=("本日", "この日に限り"),
            en=("Today", "on that day only"),
            fr=("aujourd’hui", "ce jour-là seulement"),
        ),
        _must(
            "link",
            "J26",
            ja="https://hibari.example/mypage",
            en="https://hibari.example/mypage",
            fr="https://hibari.example/mypage",
        ),
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_RESUME_MISSED: (
        _RESUME_DAY,
        _must("locked again", "T31", ja="ロックされて", en="locked again", fr="de nouveau verrouillé"),
        _must(
            "another date will be announced",
            "Q-J5",
            ja="あらためてご案内いたします",
            en="announce another day",
            fr="annoncerons un autre jour",
        ),
        _NEVER,
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_RESUMED: (
        _must("billing day", "J27", ja="毎月15日", en="the 15th", fr="le 15"),
        _must(
            "next debit: date and window",
            "J28, J29",
            ja=("2026年7月15日(水)19:00〜26:00(=16日2:00)(日本時間)",),
            en=("Wednesday 15 July 2026, 19:00–26:00 (that is, until 02:00 on Thursday 16) (Japan time)",),
            fr=(
                "mercredi 15 juillet 2026, 19:00–26:00 (c’est-à-dire jusqu’à 02:00 le jeudi 16) (heure du Japon)",
            ),
        ),
        _must(
            "procedure finished", "J29", ja="すべて終了", en="is now finished", fr="est maintenant terminée"
        ),
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_REPORT_ACK: (
        _must(
            "received", "J11", ja="受け付けました", en="received your report", fr="bien reçu votre message"
        ),
        _WINDOW,
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.JP_LESSON_CANCELLED: (
        _must(
            "the lesson",
            "J47",
            ja=("L-2041", "2026年4月28日(火)21:00(日本時間)"),
            en=("L-2041", "Tuesday 28 April 2026 at 21:00 (Japan time)"),
            fr=("L-2041", "mardi 28 avril 2026 à 21:00 (heure du Japon)"),
        ),
        _must("the reason", "J47", ja="管理キャンセル", en="管理キャンセル", fr="管理キャンセル"),
        _SUPPORT_JP,
        _ZONE_JP,
    ),
    T.STAFF_REVIEW: (
        _CASE,
        _DESK_LINK,
        _must(
            "the facts",
            "R-X3",
            fr=("montant différent", "75,00\u00a0€", "74,99\u00a0€"),
            ja=("金額の不一致", "€75.00", "€74.99"),
            en=("amount differs", "€75.00", "€74.99"),
        ),
    ),
    T.STAFF_GUIDANCE_QUEUE: (
        _DESK_LINK,
        _must(
            "the list, first come first served",
            "J45",
            fr=("1. sub-a~", "2. sub-b~", "3. sub-c~"),
            ja=("1. sub-a~", "2. sub-b~", "3. sub-c~"),
            en=("1. sub-a~", "2. sub-b~", "3. sub-c~"),
        ),
    ),
    T.STAFF_WATCHDOG: (
        _CASE,
        _DESK_LINK,
        _must(
            "not a known failure",
            "R-J1",
            fr="pas un échec constaté",
            ja="失敗が確認されたわけではありません",
            en="not a known failure",
        ),
        _must("the window", "J28", fr="19:00–26:00", ja="19:00〜26:00", en="19:00–26:00"),
    ),
    T.STAFF_NOTICE_OVERDUE: (
        _CASE,
        _DESK_LINK,
        _must(
            "which mail, and its target",
            "R-J3",
            fr=("jp.payment_failed", "vendredi 17 avril 2026 à 24:00"),
            ja=("jp.payment_failed", "2026年4月17日(金)24:00"),
            en=("jp.payment_failed", "Friday 17 April 2026 at 24:00"),
        ),
    ),
}

FORBIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "fr": (
        "garanti",
        "insufficient_funds",
        "limit_exceeded",
        "expired_card",
        "hard_never_retry",
        "do_not_honor",
    ),
    "en": (
        "guarantee",
        "insufficient_funds",
        "limit_exceeded",
        "expired_card",
        "hard_never_retry",
        "do_not_honor",
    ),
    "ja": (
        "保証",
        "必ず失効しません",
        "insufficient_funds",
        "limit_exceeded",
        "expired_card",
        "do_not_honor",
    ),
}
"""No promise where the seeds make none (trap 13), and never a bank's own code (F24)."""
