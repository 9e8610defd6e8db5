"""A learner on Stripe's hosted pages: cards are typed there and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways, Json

GOOD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123"}
ASKS = {**GOOD, "number": "4000 0027 6000 3184"}
REFUSED = {**GOOD, "number": "4000 0000 0000 9995"}


def _setup_session(sim: Gateways, ada: Json, *takes: str, locale: str = "auto") -> Json:
    params: Any = {
        "mode": "setup",
        "customer": ada["customer"],
        "currency": "eur",
        "locale": locale,
        "allowed_payment_method_types": list(takes) or ["card"],
        "success_url": "https://school.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://school.example/back",
        "setup_intent_data": {"metadata": {"case": "c-7"}},
        "metadata": {"case": "c-7"},
    }
    session = sim.stripe().v1.checkout.sessions.create(params)
    return {"id": session.id, "url": str(session.url)}


def test_a_card_is_saved_on_the_checkout_page(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada())
    page = sim.http.get(session["url"])
    assert "Card number" in page.text
    assert "https://school.example/back" in page.text
    assert "<script" not in page.text

    sent = sim.http.post(session["url"], data=GOOD)
    sim.run()

    assert sent.status_code == 303
    assert sent.headers["location"] == f"https://school.example/done?session={session['id']}"
    completed = sim.door.last("checkout.session.completed").event["data"]["object"]
    assert (completed["status"], completed["metadata"]) == ("complete", {"case": "c-7"})
    setup = sim.door.last("setup_intent.succeeded").event["data"]["object"]
    assert setup["metadata"] == {"case": "c-7"}
    assert sim.http.get(session["url"]).status_code == 410


def test_a_bank_that_asks_sends_the_learner_to_its_page_first(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada())
    sent = sim.http.post(session["url"], data=ASKS)
    challenge = sent.headers["location"]
    assert "/stripe/hosted/3ds/seti_" in challenge
    assert "One-time code" in sim.http.get(challenge).text

    wrong = sim.http.post(challenge, data={"code": "000000"})
    assert wrong.headers["location"] == session["url"]
    again = sim.http.post(session["url"], data=ASKS)
    right = sim.http.post(again.headers["location"], data={"code": "123456"})

    assert right.headers["location"].startswith("https://school.example/done?session=cs_test_")
    sim.run()
    assert "setup_intent.setup_failed" in sim.door.types()
    assert "setup_intent.succeeded" in sim.door.types()


def test_a_refused_card_is_said_on_the_page(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada())

    sent = sim.http.post(session["url"], data=REFUSED)

    assert sent.status_code == 402
    assert "insufficient funds" in sent.text
    assert sim.http.post(session["url"], data=GOOD).status_code == 303


def test_an_open_invoice_is_paid_on_its_page_with_3d_secure(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=["authentication_required", "ok"])
    sim.advance("2026-06-01T07:00:00Z")
    invoice = sim.stripe().v1.invoices.list({"subscription": ada["subscription"]}).data[0]
    page = sim.http.get(str(invoice.hosted_invoice_url))
    assert "Your bank asks you to confirm" in page.text

    paid = sim.http.post(str(invoice.hosted_invoice_url), data=GOOD, follow_redirects=True)

    assert "this invoice is paid" in paid.text
    assert len(sim.charges(ada["subscription"])) == 1


def test_the_portal_replaces_the_card_of_customer_and_subscription(sim: Gateways) -> None:
    ada = sim.ada()
    client = sim.stripe()
    portal = client.v1.billing_portal.sessions.create(
        {"customer": ada["customer"], "return_url": "https://school.example/premium"}
    )

    sent = sim.http.post(str(portal.url), data=GOOD)

    assert sent.headers["location"] == "https://school.example/premium"
    subscription = client.v1.subscriptions.retrieve(ada["subscription"])
    assert subscription.default_payment_method not in {None, ada["payment_method"]}


def test_a_relaunch_is_bought_on_a_checkout_page(sim: Gateways) -> None:
    ada = sim.ada()
    client = sim.stripe()
    client.v1.subscriptions.cancel(ada["subscription"])
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": ada["customer"],
            "line_items": [{"price": ada["price"], "quantity": 1}],
            "success_url": "https://school.example/done",
            "subscription_data": {"metadata": {"reference": "ada"}},
        }
    )
    sim.script(learner="ada", outcomes=["insufficient_funds", "ok"])
    assert sim.http.post(str(session.url), data=GOOD).status_code == 402

    sent = sim.http.post(str(session.url), data=GOOD)

    assert sent.headers["location"] == "https://school.example/done"
    done = client.v1.checkout.sessions.retrieve(str(session.id))
    subscription = client.v1.subscriptions.retrieve(str(done.subscription))
    assert (subscription.status, subscription.metadata["reference"]) == ("active", "ada")
    assert [row["at"][:10] for row in sim.charges()] == ["2026-05-01"]


def test_a_one_off_payment_is_made_on_a_checkout_page(sim: Gateways) -> None:
    client = sim.stripe()
    data: Any = {"currency": "eur", "unit_amount": 15000, "product_data": {"name": "Two months"}}
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price_data": data, "quantity": 1}],
            "success_url": "https://school.example/done",
            "payment_intent_data": {"metadata": {"case": "c-9"}},
        }
    )
    assert "€150.00" in sim.http.get(str(session.url)).text

    sim.act("update_card", session=session.id, card={"number": "4000002760003184"})
    sim.act("pass_3ds", session=session.id)
    sim.run()

    done = sim.door.last("checkout.session.completed").event["data"]["object"]
    assert (done["payment_status"], done["amount_total"]) == ("paid", 15000)
    assert sim.door.last("payment_intent.succeeded").event["data"]["object"]["metadata"] == {"case": "c-9"}


def test_a_session_can_be_closed_before_anybody_came(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada())
    sim.stripe().v1.checkout.sessions.expire(session["id"])
    sim.run()

    assert sim.http.post(session["url"], data=GOOD).status_code == 400
    assert sim.door.types() == ["checkout.session.expired"]


def test_paypal_is_agreed_to_on_its_own_page_and_stored(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada(), "card", "paypal")
    assert "Continue with PayPal" in sim.http.get(session["url"]).text

    chosen = sim.http.post(session["url"], data={"choose": "paypal"})
    page = chosen.headers["location"]
    assert "every month" in sim.http.get(page).text
    left = sim.http.post(page, data={"answer": "cancel"})
    assert left.headers["location"] == session["url"]
    agreed = sim.http.post(page, data={"answer": "approve"})
    sim.run()

    assert agreed.headers["location"].startswith("https://school.example/done")
    stored = sim.door.last("payment_method.attached").event["data"]["object"]
    assert stored["type"] == "paypal"


def test_a_page_for_cards_takes_no_paypal(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada(), "card")
    assert "PayPal" not in sim.http.get(session["url"]).text
    assert sim.http.post(session["url"], data={"choose": "paypal"}).status_code == 400


def test_a_card_without_its_security_code_is_refused_on_the_page(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada())
    for wrong, said in (
        ({"cvc": ""}, "without it the card cannot be used"),
        ({"number": "4242"}, "card number is incomplete"),
        ({"expiry": "soon"}, "expiry date is not valid"),
    ):
        sent = sim.http.post(session["url"], data={**GOOD, **wrong})
        assert sent.status_code == 402
        assert said in sent.text


def test_a_page_speaks_the_learners_language(sim: Gateways) -> None:
    session = _setup_session(sim, sim.ada(), locale="ja")
    assert "カード番号" in sim.http.get(session["url"]).text
    other = _setup_session(sim, sim.ada())
    french = sim.http.get(other["url"], headers={"accept-language": "fr-FR,fr;q=0.9"})
    assert "Numéro de carte" in french.text
