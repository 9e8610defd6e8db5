"""What the Japanese school's mails must say (domain.md §4.2), in Japanese, English and French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.notifications.checklist import phrases
from services.notifications.checklist.required import Required, must
from shared.events.words import Template

T = Template

JAPANESE: Final[Mapping[Template, tuple[Required, ...]]] = {
    T.JP_PRE_HOLIDAY: (
        must(
            "closure",
            "J37",
            ja=("2026年4月29日(水)", "2026年5月6日(水)"),
            en=("Wednesday 29 April 2026", "Wednesday 6 May 2026"),
            fr=("mercredi 29 avril 2026", "mercredi 6 mai 2026"),
        ),
        must(
            "watch PayPal's mails",
            "J38",
            ja=("平素以上に", "PayPal社からの通知"),
            en="watch PayPal’s mails",
            fr="surveillez donc les messages de PayPal",
        ),
        must(
            "step 1: fix; step 2: e-mail us",
            "J39",
            ja=("STEP1", "STEP2", "電子メールで"),
            en=("STEP1", "STEP2", "by e-mail"),
            fr=("STEP1", "STEP2", "par e-mail"),
        ),
        phrases.NEVER,
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_PAYMENT_FAILED: (
        phrases.MONTH,
        phrases.YEN,
        must(
            "date of the try, both ways past midnight",
            "J28, §4",
            ja="2026年4月15日(水)25:10=16日1:10(日本時間)",
            en="Wednesday 15 April 2026 at 25:10, that is 01:10 on Thursday 16 (Japan time)",
            fr="mercredi 15 avril 2026 à 25:10, soit le jeudi 16 à 01:10 (heure du Japon)",
        ),
        phrases.THREE,
        phrases.WINDOW,
        phrases.REPAIR,
        phrases.TELL_US,
        phrases.NOT_OURS,
        phrases.PAYPAL,
        phrases.CREDITS,
        phrases.OLD_PRICE,
        phrases.NEVER,
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_SECOND_FAILED: (
        phrases.MONTH,
        phrases.YEN,
        phrases.LAST_WINDOW,
        must(
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
        phrases.REPAIR,
        phrases.TELL_US,
        phrases.NOT_OURS,
        phrases.PAYPAL,
        phrases.CREDITS,
        phrases.OLD_PRICE,
        phrases.NEVER,
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_RECOVERED: (
        phrases.MONTH,
        phrases.YEN,
        must(
            "paid on",
            "J13",
            ja="2026年4月20日(月)19:40(日本時間)",
            en="Monday 20 April 2026 at 19:40 (Japan time)",
            fr="lundi 20 avril 2026 à 19:40 (heure du Japon)",
        ),
        must("subscription active", "J14", ja="アクティブなまま", en="stays active", fr="reste actif"),
        must(
            "same billing day",
            "J14",
            ja=("毎月15日", "変更ございません"),
            en=("the 15th", "unchanged"),
            fr=("le 15", "inchangé"),
        ),
        must("next date", "J14", ja="2026年5月15日(金)", en="Friday 15 May 2026", fr="vendredi 15 mai 2026"),
        must(
            "credits kept", "J41", ja="失効せず", en="credits have not lapsed", fr="crédits n’ont pas expiré"
        ),
        must(
            "no further attempt",
            "J15",
            ja="これ以上の決済はございません",
            en="no further attempt",
            fr="pas d’autre tentative",
        ),
        must("thanks", "§4.2", ja="ありがとうございました", en="Thank you", fr="merci"),
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_GUIDANCE: (
        phrases.MONTH,
        must(
            "subscription cancelled", "J19", ja="解約となりました", en="has been cancelled", fr="est résilié"
        ),
        must(
            "credits lapsed",
            "J46, J47",
            ja=("すべて失効いたしました", "2026年4月15日(水)付"),
            en=("credits have lapsed", "Wednesday 15 April 2026"),
            fr=("crédits non utilisés ont expiré", "mercredi 15 avril 2026"),
        ),
        must(
            "cancelled lessons listed",
            "J47",
            ja=("管理キャンセル", "2026年4月28日(火)21:00(日本時間)"),
            en=("管理キャンセル", "Tuesday 28 April 2026 at 21:00 (Japan time)"),
            fr=("管理キャンセル", "mardi 28 avril 2026 à 21:00 (heure du Japon)"),
        ),
        must(
            "two months together",
            "J6, J23",
            ja=("2ヶ月分の月謝をまとめて", "25,600円"),
            en=("two months’ fees together", "¥25,600"),
            fr=("deux mensualités en une fois", "25\u202f600\u00a0¥"),
        ),
        must(
            "temporary method, reference, due date",
            "J23",
            ja=("銀行振込", "HB-0415-77", "2026年5月8日(金)"),
            en=("bank transfer", "HB-0415-77", "Friday 8 May 2026"),
            fr=("virement bancaire", "HB-0415-77", "vendredi 8 mai 2026"),
        ),
        phrases.COVERED,
        must(
            "new price",
            "J21",
            ja=("旧価格は適用されなく", "新価格"),
            en=("old price no longer applies", "¥12,800"),
            fr=("ancien tarif ne s’applique plus", "12\u202f800\u00a0¥"),
        ),
        must("both steps needed", "J20", ja="どちらも必要", en="both of the steps", fr="les deux étapes"),
        phrases.NEVER,
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_PARTIAL: (
        must(
            "received",
            "R-J15",
            ja="ご入金額:12,800円",
            en="Received: ¥12,800",
            fr="Reçu : 12\u202f800\u00a0¥",
        ),
        must(
            "outstanding",
            "R-J15",
            ja="不足額:12,800円",
            en="Still missing: ¥12,800",
            fr="Reste à payer : 12\u202f800\u00a0¥",
        ),
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_RESUME_DATE: (
        phrases.RESUME_DAY,
        phrases.HOURS,
        must(
            "pay yourself from My Page that day",
            "J25, J26",
            ja="生徒様ご自身でマイページからご入金ください",
            en="pay from My Page yourself",
            fr="payez vous-même depuis My Page",
        ),
        must("not before", "J31", ja="この日より前には", en="before that day", fr="avant ce jour"),
        must(
            "not automatic",
            "J32",
            ja="自動では締結されません",
            en="not created automatically",
            fr="n’est pas créé automatiquement",
        ),
        must("new billing day is that day", "J27", ja="毎月15日", en="the 15th", fr="le 15"),
        must(
            "debits 19:00–26:00",
            "J28",
            ja=("19:00〜26:00", "翌日2:00"),
            en=("19:00", "26:00", "02:00 the next day"),
            fr=("19:00", "26:00", "02:00 le lendemain"),
        ),
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_RESUME_DAY: (
        phrases.RESUME_DAY,
        must(
            "today only",
            "J25",
            ja=("本日", "この日に限り"),
            en=("Today", "on that day only"),
            fr=("aujourd’hui", "ce jour-là seulement"),
        ),
        must(
            "link",
            "J26",
            ja="https://hibari.example/mypage",
            en="https://hibari.example/mypage",
            fr="https://hibari.example/mypage",
        ),
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_RESUME_MISSED: (
        phrases.RESUME_DAY,
        must("locked again", "T31", ja="ロックされて", en="locked again", fr="de nouveau verrouillé"),
        must(
            "another date will be announced",
            "Q-J5",
            ja="あらためてご案内いたします",
            en="announce another day",
            fr="annoncerons un autre jour",
        ),
        phrases.NEVER,
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_RESUMED: (
        must("billing day", "J27", ja="毎月15日", en="the 15th", fr="le 15"),
        must(
            "next debit: date and window",
            "J28, J29",
            ja=("2026年7月15日(水)19:00〜26:00(=16日2:00)(日本時間)",),
            en=("Wednesday 15 July 2026, 19:00–26:00 (that is, until 02:00 on Thursday 16) (Japan time)",),
            fr=(
                "mercredi 15 juillet 2026, 19:00–26:00 (c’est-à-dire jusqu’à 02:00 le jeudi 16) (heure du Japon)",
            ),
        ),
        must(
            "procedure finished", "J29", ja="すべて終了", en="is now finished", fr="est maintenant terminée"
        ),
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_REPORT_ACK: (
        must("received", "J11", ja="受け付けました", en="received your report", fr="bien reçu votre message"),
        phrases.WINDOW,
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
    T.JP_LESSON_CANCELLED: (
        must(
            "the lesson",
            "J47",
            ja=("L-2041", "2026年4月28日(火)21:00(日本時間)"),
            en=("L-2041", "Tuesday 28 April 2026 at 21:00 (Japan time)"),
            fr=("L-2041", "mardi 28 avril 2026 à 21:00 (heure du Japon)"),
        ),
        must("the reason", "J47", ja="管理キャンセル", en="管理キャンセル", fr="管理キャンセル"),
        phrases.SUPPORT_JP,
        phrases.ZONE_JP,
    ),
}
