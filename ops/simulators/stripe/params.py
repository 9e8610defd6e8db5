"""Which parameters each of Stripe's addresses takes: a misspelt one is refused, as Stripe refuses it.

Only what is simulated, or may be ignored without lying, is listed; a test compares every name with the
types of the pinned SDK. Addresses without an entry take anything.
"""

from __future__ import annotations


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


_PAGE = "limit starting_after ending_before created"
_PERSON = (
    "address description email invoice_settings metadata name next_invoice_sequence phone preferred_locales"
    " shipping tax tax_exempt invoice_prefix balance"
)
_METHOD = "payment_method payment_method_options return_url use_stripe_sdk mandate_data"
_SUBSCRIPTION = (
    "automatic_tax billing_cycle_anchor cancel_at_period_end collection_method days_until_due"
    " default_payment_method description invoice_settings items metadata off_session payment_behavior"
    " payment_settings proration_behavior trial_end trial_settings"
)
_INVOICE = (
    "auto_advance automatic_tax collection_method custom_fields days_until_due default_payment_method"
    " description due_date footer metadata payment_settings rendering statement_descriptor"
)
_INTENT = "description metadata setup_future_usage receipt_email statement_descriptor_suffix"

ALLOWED: dict[str, frozenset[str]] = {
    "POST /v1/customers": _words(_PERSON, "payment_method test_clock"),
    "POST /v1/customers/{key}": _words(_PERSON),
    "POST /v1/products": _words(
        "name description metadata active images url type statement_descriptor tax_code"
    ),
    "POST /v1/prices": _words(
        "active billing_scheme currency lookup_key metadata nickname product product_data recurring",
        "tax_behavior unit_amount",
    ),
    "POST /v1/payment_methods": _words("type card paypal billing_details metadata allow_redisplay"),
    "POST /v1/payment_methods/{key}/attach": _words("customer"),
    "POST /v1/setup_intents": _words(
        _METHOD,
        "confirm customer description metadata usage automatic_payment_methods",
        "allowed_payment_method_types single_use",
    ),
    "POST /v1/setup_intents/{key}/confirm": _words(_METHOD, "allowed_payment_method_types"),
    "POST /v1/subscriptions": _words(_SUBSCRIPTION, "customer currency"),
    "POST /v1/subscriptions/{key}": _words(_SUBSCRIPTION, "pause_collection cancellation_details"),
    "DELETE /v1/subscriptions/{key}": _words("cancellation_details invoice_now prorate"),
    "POST /v1/subscriptions/{key}/pause": _words("bill_for invoicing_behavior type"),
    "POST /v1/subscriptions/{key}/resume": _words("payment_behavior proration_behavior billing_cycle_anchor"),
    "GET /v1/subscriptions": _words(_PAGE, "customer status collection_method"),
    "POST /v1/invoiceitems": _words("amount currency customer description discountable invoice metadata"),
    "POST /v1/invoices": _words(_INVOICE, "customer currency subscription pending_invoice_items_behavior"),
    "POST /v1/invoices/{key}": _words(_INVOICE),
    "POST /v1/invoices/{key}/pay": _words("off_session paid_out_of_band payment_method mandate"),
    "POST /v1/invoices/{key}/finalize": _words("auto_advance"),
    "GET /v1/invoices": _words(_PAGE, "customer status subscription collection_method"),
    "GET /v1/invoice_payments": _words(_PAGE, "invoice payment status"),
    "POST /v1/payment_intents": _words(
        _INTENT,
        _METHOD,
        "amount currency confirm customer off_session error_on_requires_action",
        "automatic_payment_methods allowed_payment_method_types confirmation_method",
    ),
    "POST /v1/payment_intents/{key}/confirm": _words(
        _METHOD,
        "off_session error_on_requires_action setup_future_usage receipt_email",
        "allowed_payment_method_types",
    ),
    "POST /v1/refunds": _words("amount charge payment_intent reason metadata"),
    "POST /v1/checkout/sessions": _words(
        "mode customer customer_email client_reference_id success_url cancel_url line_items locale currency",
        "metadata expires_at setup_intent_data payment_intent_data subscription_data ui_mode submit_type",
        "payment_method_collection payment_method_options allowed_payment_method_types customer_creation",
        "billing_address_collection saved_payment_method_options",
    ),
    "POST /v1/billing_portal/sessions": _words("customer return_url flow_data locale configuration"),
    "POST /v1/webhook_endpoints": _words("api_version description enabled_events metadata url"),
    "GET /v1/events": _words(_PAGE, "type types delivery_success"),
}
