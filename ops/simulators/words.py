"""What the gateways' hosted pages say, in the three languages a learner may read; real gateways speak them all."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["fr", "ja", "en"]

_SENTENCES: Final[dict[str, tuple[str, str, str]]] = {
    "simulated": (
        "Page de paiement simulée : aucun argent réel ne circule.",
        "お試し用のお支払いページです。実際のお金は動きません。",
        "Simulated payment page: no real money moves.",
    ),
    "save_card": ("Enregistrer votre carte", "カードの登録", "Save your card"),
    "save_card_button": ("Enregistrer la carte", "カードを登録する", "Save card"),
    "save_method": ("Enregistrer un moyen de paiement", "お支払い方法の登録", "Save a payment method"),
    "replace_card": ("Remplacer votre carte", "カードの変更", "Replace your card"),
    "school": ("Pour votre école", "学校へのお支払い用", "For your school"),
    "pay": ("Payer", "お支払い", "Pay"),
    "pay_button": ("Payer {price}", "{price}を支払う", "Pay {price}"),
    "invoice": ("Facture {number}", "請求書 {number}", "Invoice {number}"),
    "number": ("Numéro de carte", "カード番号", "Card number"),
    "expiry": ("Expiration (MM/AA)", "有効期限(月/年)", "Expiry (MM/YY)"),
    "cvc": ("Cryptogramme", "セキュリティコード", "Security code"),
    "number_wrong": (
        "Le numéro de carte est incomplet.",
        "カード番号が正しくありません。",
        "Your card number is incomplete.",
    ),
    "expiry_wrong": (
        "La date d'expiration n'est pas valable : écrivez-la comme 12/39.",
        "有効期限は「12/39」のように入力してください。",
        "The expiry date is not valid: write it like 12/39.",
    ),
    "cvc_wrong": (
        "Le cryptogramme manque : sans lui, la carte ne peut pas être utilisée.",
        "セキュリティコードが必要です。ないカードはご利用いただけません。",
        "The security code is missing: without it the card cannot be used.",
    ),
    "try_title": ("Cartes d'essai", "お試し用のカード番号", "Test cards"),
    "try_good": ("acceptée", "承認されます", "accepted"),
    "try_code": ("la banque demande un code", "銀行のコード入力があります", "the bank asks for a code"),
    "try_declined": ("refusée au paiement", "お支払い時に拒否されます", "declined when it is charged"),
    "try_debit": ("carte de débit", "デビットカード", "a debit card"),
    "declined": (
        "La banque a refusé : {reason}",
        "銀行に承認されませんでした:{reason}",
        "The bank said no: {reason}",
    ),
    "paypal_or": ("ou", "または", "or"),
    "paypal_button": ("Continuer avec PayPal", "PayPalで続ける", "Continue with PayPal"),
    "paypal_agree": (
        "Vous autorisez l'école à débiter votre compte PayPal chaque mois, jusqu'à ce que vous l'arrêtiez.",
        "学校が毎月、お客様のPayPalアカウントから引き落とすことに同意します。いつでも停止できます。",
        "You allow the school to charge your PayPal account every month, until you stop it.",
    ),
    "paypal_agree_button": ("Accepter et continuer", "同意して続ける", "Agree and continue"),
    "paypal_subscribe": (
        "{price} chaque mois, débités automatiquement jusqu'à ce que vous arrêtiez.",
        "毎月{price}、お客様が停止するまで自動で引き落とされます。",
        "{price} every month, charged automatically until you cancel.",
    ),
    "paypal_subscribe_button": ("Accepter et s'abonner", "同意して購読する", "Agree and subscribe"),
    "paypal_order": (
        "Vous payez {price} à l'école.",
        "学校に{price}を支払います。",
        "You pay {price} to the school.",
    ),
    "paypal_cancel": (
        "Annuler et revenir à l'école",
        "キャンセルして学校のページに戻る",
        "Cancel and return to the school",
    ),
    "back": ("Revenir à l'école", "学校のページに戻る", "Back to the school"),
    "code_title": ("Confirmez que c'est vous", "ご本人の確認", "Confirm it is you"),
    "code_sent": (
        "Votre banque vous a envoyé un code par SMS pour confirmer : {what}.",
        "ご本人確認のため、銀行からSMSでコードが送られました:{what}。",
        "Your bank sent you a code by SMS to confirm: {what}.",
    ),
    "code_card": ("l'enregistrement de la carte", "カードの登録", "the card's registration"),
    "code": ("Code à usage unique", "1回限りのコード", "One-time code"),
    "code_try": (
        "Essai : n'importe quels 6 chiffres conviennent ; 000000 est refusé.",
        "お試し:6桁の数字なら何でも通ります。000000は拒否されます。",
        "Test: any 6 digits will do; 000000 is refused.",
    ),
    "confirm": ("Confirmer", "確認する", "Confirm"),
    "cancel": ("Annuler", "キャンセル", "Cancel"),
    "bank_asks": (
        "Votre banque vous demande de confirmer ce paiement",
        "銀行がこのお支払いの確認を求めています",
        "Your bank asks you to confirm this payment",
    ),
    "other_card": ("Payer avec une autre carte", "別のカードで支払う", "Pay with another card"),
    "saved_card": (
        "Laissez le numéro vide pour payer avec la carte enregistrée.",
        "登録済みのカードで支払う場合は、番号を空のままにしてください。",
        "Leave the number empty to pay with the card on file.",
    ),
    "expired": (
        "Cette page a expiré. Revenez à l'école et recommencez : rien n'a été débité.",
        "ページの有効期限が切れました。学校のページからやり直してください。決済は行われていません。",
        "This page has expired. Go back to the school and begin again: nothing was charged.",
    ),
    "expired_title": ("Page expirée", "ページの期限切れ", "This page has expired"),
    "paid": (
        "Merci, cette facture est payée.",
        "お支払いは完了しています。",
        "Thank you, this invoice is paid.",
    ),
    "void": (
        "Cette facture a été annulée.",
        "この請求書は取り消されました。",
        "This invoice was cancelled.",
    ),
    "not_open": ("Pas encore ouverte.", "まだお支払いいただけません。", "Not open yet."),
    "done": ("C'est fait", "完了しました", "Done"),
    "close": ("Vous pouvez fermer cette page.", "このページを閉じてください。", "You can close this page."),
}
_PLACES: Final[dict[Language, int]] = {"fr": 0, "ja": 1, "en": 2}


def say(language: Language, name: str, **values: str) -> str:
    """The sentence of that name, with its values; plain text, not escaped."""
    return _SENTENCES[name][_PLACES[language]].format(**values)


def language_of(wanted: str | None, accepts: str = "") -> Language:
    """What the school asked for, else what the browser reads first, else English."""
    named = [wanted or "", *(part.split(";")[0].strip() for part in accepts.split(","))]
    for one in named:
        for language in _PLACES:
            if one[:2].lower() == language:
                return language
    return "en"
