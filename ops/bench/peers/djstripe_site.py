"""dj-stripe as its documentation sets it up, kinder: the callback keeps the Event and skips the handlers' API calls.

DSN=postgresql://... python djstripe_site.py prepare      then gunicorn djstripe_site:application
"""

from __future__ import annotations

import os
import sys
import uuid
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

_dsn = urlsplit(os.environ["DSN"])
ENDPOINT = "5b0c2f0e-8f0a-4a1e-9d3b-2f6d0b1c7a11"

if not settings.configured:
    settings.configure(
        DEBUG=False,
        SECRET_KEY="bench",  # noqa: S106 - nothing is kept
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "djstripe"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # Its tables come straight from its models: replaying its years of migrations takes many minutes.
        MIGRATION_MODULES={"djstripe": None},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": _dsn.path.strip("/"),
                "USER": _dsn.username or "",
                "HOST": parse_qs(_dsn.query)["host"][0],
                "CONN_MAX_AGE": None,
            }
        },
        LOGGING_CONFIG=None,
        SILENCED_SYSTEM_CHECKS=["djstripe.W007", "djstripe.W008"],
        STRIPE_TEST_SECRET_KEY="sk_test_bench",  # noqa: S106 - a made-up key
        STRIPE_LIVE_MODE=False,
        DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
        DJSTRIPE_WEBHOOK_EVENT_CALLBACK=f"{__name__}.keep",
    )
    django.setup()

urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]


def keep(trigger: object, api_key: str | None = None) -> None:  # noqa: ARG001 - djstripe calls it so
    """Keep the event once; its handlers are not run."""
    from djstripe.models import Event  # noqa: PLC0415 - after django.setup()

    event = trigger.json_body  # type: ignore[attr-defined]
    request = event.get("request") or {}
    Event.objects.get_or_create(
        id=event["id"],
        defaults={
            "livemode": event["livemode"],
            "api_version": event["api_version"],
            "data": event["data"],
            "stripe_data": {},
            "type": event["type"],
            "request_id": request.get("id") or "",
            "idempotency_key": request.get("idempotency_key") or "",
        },
    )


def prepare() -> None:
    """Tables and one endpoint."""
    from django.core.management import call_command  # noqa: PLC0415 - after django.setup()
    from djstripe.models import APIKey, WebhookEndpoint  # noqa: PLC0415 - as above

    call_command("migrate", run_syncdb=True, verbosity=0)
    APIKey.objects.get_or_create(secret="sk_test_bench", defaults={"type": "secret", "livemode": False})  # noqa: S106 - as above
    WebhookEndpoint.objects.get_or_create(
        id="we_bench",
        defaults={
            "secret": os.environ["SECRET"],
            "djstripe_uuid": uuid.UUID(ENDPOINT),
            "livemode": False,
            "enabled_events": ["*"],
            "status": "enabled",
            "url": "http://127.0.0.1/",
            "api_version": "",
            "djstripe_tolerance": 300,
            "stripe_data": {},
        },
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        prepare()
else:
    application = get_wsgi_application()
