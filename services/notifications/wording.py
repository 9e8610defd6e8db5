"""The few words that are not in a template: why staff must look, and how money can come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.calendar import Language
from shared.events.words import MethodKind, ReviewReason

R = ReviewReason

REASONS: Final[Mapping[str, Mapping[Language, str]]] = {
    R.AMOUNT_MISMATCH: {"fr": "montant différent", "ja": "金額の不一致", "en": "amount differs"},
    R.CURRENCY_MISMATCH: {"fr": "devise différente", "ja": "通貨の不一致", "en": "currency differs"},
    R.PARTIAL_PAYMENT: {"fr": "paiement partiel", "ja": "一部入金", "en": "partial payment"},
    R.OVERPAYMENT: {"fr": "paiement trop élevé", "ja": "過入金", "en": "overpayment"},
    R.DOUBLE_PAYMENT: {"fr": "double paiement", "ja": "二重入金", "en": "double payment"},
    R.LATE_SUCCESS: {
        "fr": "paiement réussi trop tard",
        "ja": "期限後の決済成功",
        "en": "payment succeeded late",
    },
    R.DUPLICATE_REGISTRATION: {
        "fr": "abonnement en double",
        "ja": "重複登録",
        "en": "duplicate registration",
    },
    R.BILLING_DAY_MISMATCH: {
        "fr": "jour de prélèvement différent",
        "ja": "決済日の不一致",
        "en": "billing day differs",
    },
    R.CHARGEBACK: {"fr": "contestation bancaire", "ja": "チャージバック", "en": "chargeback"},
    R.REVERSAL: {
        "fr": "paiement repris par PayPal",
        "ja": "PayPalによる支払いの取り消し",
        "en": "reversal by PayPal",
    },
    R.WATCHDOG: {"fr": "aucun résultat reçu", "ja": "決済結果の未着", "en": "no result received"},
    R.OUTCOME_UNKNOWN: {"fr": "résultat inconnu", "ja": "決済結果が不明", "en": "outcome unknown"},
    R.NOTICE_OVERDUE: {"fr": "message en retard", "ja": "通知の遅れ", "en": "notice overdue"},
    R.UNKNOWN_SUBSCRIPTION: {
        "fr": "abonnement inconnu",
        "ja": "不明な定期購読",
        "en": "unknown subscription",
    },
    R.GATEWAY_OWNS_RETRIES: {
        "fr": "la plateforme de paiement retente elle-même",
        "ja": "決済会社側で再決済が設定されています",
        "en": "the gateway retries by itself",
    },
    R.UNPAID_BALANCE: {
        "fr": "solde impayé chez PayPal",
        "ja": "PayPal側の未払い残高",
        "en": "unpaid balance at PayPal",
    },
}

CAUSES: Final[Mapping[str, Mapping[Language, str]]] = {
    "closed": {
        "fr": "le secrétariat était fermé",
        "ja": "事務局が休業中でした",
        "en": "the office was closed",
    },
    "not_before": {
        "fr": "son heure n’était pas venue",
        "ja": "送信予定の時刻の前でした",
        "en": "its hour had not come",
    },
    "provider_down": {
        "fr": "le serveur de messagerie ne répond pas",
        "ja": "メールサーバーが応答していません",
        "en": "the mail server does not answer",
    },
    "no_address": {
        "fr": "aucune adresse n’est enregistrée",
        "ja": "メールアドレスが登録されていません",
        "en": "no address is registered",
    },
    "no_school": {
        "fr": "l’école ou son calendrier n’est pas connu",
        "ja": "学校またはカレンダーが登録されていません",
        "en": "the school or its calendar is not known",
    },
    "leaving": {"fr": "l’envoi est en cours", "ja": "送信中です", "en": "it is being sent"},
}
"""Why a mail has not left, for the office."""

METHODS: Final[Mapping[str, Mapping[Language, str]]] = {
    MethodKind.BANK_TRANSFER: {"fr": "virement bancaire", "ja": "銀行振込", "en": "bank transfer"},
    MethodKind.PAYPAL: {"fr": "PayPal", "ja": "PayPal", "en": "PayPal"},
    "paypal_one_off_invoice": {
        "fr": "facture PayPal (paiement unique)",
        "ja": "PayPalの請求書(1回払い)",
        "en": "PayPal invoice (one-off payment)",
    },
    MethodKind.CARD: {"fr": "carte bancaire", "ja": "クレジットカード", "en": "card"},
    MethodKind.OTHER: {"fr": "autre moyen", "ja": "その他の方法", "en": "another method"},
}
"""What learners read for a method's word."""

CARD_ENDING: Final[Mapping[Language, str]] = {
    "fr": "carte se terminant par {digits}",
    "ja": "末尾{digits}のカード",
    "en": "card ending in {digits}",
}
"""A stored card by its four last digits."""
