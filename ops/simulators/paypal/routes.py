"""PayPal's addresses: reading this table is reading what is simulated."""

from __future__ import annotations

from ops.simulators.http import Routes
from ops.simulators.paypal import billing_api, notifications, orders, plans
from ops.simulators.paypal.call import Handler

ROUTES: Routes[Handler] = Routes(
    {
        "POST /v1/catalogs/products": plans.create_product,
        "GET /v1/catalogs/products/{key}": plans.get_product,
        "POST /v1/billing/plans": plans.create_plan,
        "GET /v1/billing/plans": plans.list_plans,
        "GET /v1/billing/plans/{key}": plans.get_plan,
        "POST /v1/billing/plans/{key}/activate": plans.activate_plan,
        "POST /v1/billing/plans/{key}/deactivate": plans.deactivate_plan,
        "POST /v1/billing/subscriptions": billing_api.create,
        "GET /v1/billing/subscriptions/{key}": billing_api.get,
        "PATCH /v1/billing/subscriptions/{key}": billing_api.patch,
        "POST /v1/billing/subscriptions/{key}/suspend": billing_api.suspend,
        "POST /v1/billing/subscriptions/{key}/activate": billing_api.activate,
        "POST /v1/billing/subscriptions/{key}/cancel": billing_api.cancel,
        "POST /v1/billing/subscriptions/{key}/capture": billing_api.capture,
        "POST /v1/billing/subscriptions/{key}/revise": billing_api.revise,
        "GET /v1/billing/subscriptions/{key}/transactions": billing_api.transactions,
        "GET /v1/payments/sale/{key}": billing_api.get_sale,
        "POST /v1/payments/sale/{key}/refund": billing_api.refund_sale,
        "GET /v1/payments/refund/{key}": billing_api.get_refund,
        "POST /v2/checkout/orders": orders.create,
        "GET /v2/checkout/orders/{key}": orders.get,
        "POST /v2/checkout/orders/{key}/capture": orders.capture,
        "GET /v2/payments/captures/{key}": orders.get_capture,
        "POST /v2/payments/captures/{key}/refund": orders.refund_capture,
        "GET /v2/payments/refunds/{key}": orders.get_refund,
        "POST /v1/notifications/webhooks": notifications.create_webhook,
        "GET /v1/notifications/webhooks": notifications.list_webhooks,
        "GET /v1/notifications/webhooks-events": notifications.list_events,
        "GET /v1/notifications/webhooks-events/{key}": notifications.get_event,
        "POST /v1/notifications/webhooks-events/{key}/resend": notifications.resend_event,
    }
)

KEPT_HOURS = {
    # How long PayPal-Request-Id is remembered; other addresses take none (gateways.md 2.2).
    "POST /v1/billing/plans": 72,
    "POST /v1/catalogs/products": 72,
    "POST /v1/billing/subscriptions": 72,
    "POST /v1/billing/subscriptions/{key}/capture": 72,
    "POST /v1/payments/sale/{key}/refund": 72,
    "POST /v2/checkout/orders": 6,
    "POST /v2/checkout/orders/{key}/capture": 6,
    "POST /v2/payments/captures/{key}/refund": 1080,
}
