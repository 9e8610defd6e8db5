"""What several of the Japanese school's mails must say alike."""

from __future__ import annotations

from typing import Final

from services.notifications.checklist.required import must

SUPPORT_JP: Final = must(
    "support contact",
    "J33",
    ja="office@hibari.example",
    en="office@hibari.example",
    fr="office@hibari.example",
)
ZONE_JP: Final = must("the zone of every date", "§4", ja="日本時間", en="Japan time", fr="heure du Japon")
YEN: Final = must("amount", "X-23", ja="12,800円", en="¥12,800", fr="12\u202f800\u00a0¥")
MONTH: Final = must("which month", "J2", ja="2026年4月分", en="April 2026", fr="avril 2026")
WINDOW: Final = must(
    "next attempt: window on both clocks",
    "J9, J28, §4",
    ja=("4月18日(土)〜4月20日(月)", "19:00〜26:00(=翌日2:00)(日本時間)"),
    en=("Saturday 18 April and Monday 20 April", "19:00–26:00 (that is, until 02:00 the next day)"),
    fr=("samedi 18 avril et le lundi 20 avril", "19:00–26:00 (c’est-à-dire jusqu’à 02:00 le lendemain)"),
)
LAST_WINDOW: Final = must(
    "the last attempt's window",
    "J9, J28",
    ja=("4月23日(木)〜4月25日(土)", "19:00〜26:00(=翌日2:00)"),
    en=("Thursday 23 April and Saturday 25 April", "19:00–26:00"),
    fr=("jeudi 23 avril et le samedi 25 avril", "19:00–26:00"),
)
THREE: Final = must(
    "three attempts in all",
    "J9, J12",
    ja="合計3回",
    en="three attempts in all",
    fr="trois tentatives en tout",
)
REPAIR: Final = must(
    "repair it yourself, before the next attempt",
    "J4, J10",
    ja=("生徒様ご自身で", "早ければ4月"),
    en=("yourself, before the", "at the earliest on"),
    fr=("vous-même", "au plus tôt le"),
)
TELL_US: Final = must(
    "tell the school", "J11", ja=("電子メールで", "ご一報"), en="tell us by e-mail", fr="par e-mail"
)
NOT_OURS: Final = must(
    "the school cannot run an attempt",
    "J16",
    ja="当校が決済を実行することはできません",
    en="chool cannot run",
    fr="école ne peut pas",
)
PAYPAL: Final = must(
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
CREDITS: Final = must(
    "credits lapse by rule; best effort, no promise",
    "J40, J41, trap 13",
    ja=("失効いたします", "善処いたします", "お約束まではいたしかねます"),
    en=("lapse at the moment of the failure", "do our best", "cannot promise"),
    fr=("expirent au moment de l’échec", "de notre mieux", "sans pouvoir vous le promettre"),
)
OLD_PRICE: Final = must(
    "old price lost once cancelled",
    "J21, J22",
    ja=("旧価格", "新価格(現行の規定の月謝 12,800円)"),
    en=("old price", "new (current) monthly price of ¥12,800"),
    fr=("ancien tarif", "nouveau tarif mensuel"),
)
NEVER: Final = must(
    "never pay from My Page by yourself",
    "J31, J44",
    ja="絶対にご自身の判断で「マイページからの月謝入金」をなさらないでください",
    en="never pay the monthly fee from My Page on your own initiative",
    fr="N’effectuez jamais de paiement depuis My Page de votre propre initiative",
)
RESUME_DAY: Final = must(
    "the announced day",
    "J25",
    ja="2026年6月15日(月)",
    en="Monday 15 June 2026",
    fr="lundi 15 juin 2026",
)
COVERED: Final = must(
    "covered months",
    "J24",
    ja=("2026年4月15日(水)〜2026年5月14日(木)", "2026年5月15日(金)〜2026年6月14日(日)"),
    en=("15 April 2026 to Thursday 14 May 2026", "15 May 2026 to Sunday 14 June 2026"),
    fr=("15 avril 2026 au jeudi 14 mai 2026", "15 mai 2026 au dimanche 14 juin 2026"),
)
HOURS: Final = must(
    "pay between 09:00 and 23:59 Japan time",
    "JP-40",
    ja="9:00〜23:59(日本時間)",
    en="09:00–23:59 (Japan time)",
    fr="09:00–23:59 (heure du Japon)",
)
