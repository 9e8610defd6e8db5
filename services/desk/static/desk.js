// Three small helps, and pages work without them: a page renews itself when something at the school changed, a
// button that acts is taken once, and a preview that no longer fits what is typed says so.
"use strict";

(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    const button = form.querySelector("[data-once]");
    if (!button) return;
    form.dataset.sent = "1";
    button.setAttribute("aria-disabled", "true");
  });

  document.addEventListener("input", (event) => {
    if (event.target.closest("form.form")) {
      document.querySelectorAll("form.confirm").forEach((one) => one.classList.add("is-stale"));
      document.querySelectorAll("form.confirm button").forEach((one) => { one.disabled = true; });
    }
  });

  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;

  const isBusy = () => {
    const fields = document.querySelectorAll("main input:not([type=hidden]), main textarea, main select");
    return [...fields].some((field) => document.activeElement === field || field.value !== field.defaultValue
      && field.tagName !== "SELECT" && field.type !== "checkbox");
  };

  const renew = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) {
      location.reload();
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = document.querySelector("main");
    const next = fresh.querySelector("main");
    if (main.innerHTML === next.innerHTML || isBusy()) return;
    const focused = document.activeElement && main.contains(document.activeElement);
    main.replaceChildren(...[...next.childNodes].map((node) => document.importNode(node, true)));
    if (focused) main.focus({ preventScroll: true });
    document.getElementById("news").textContent = document.body.dataset.news;
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => renew().catch(() => {}), 150);
  };
  const source = new EventSource(address);
  source.addEventListener("changed", soon);
  let opened = false;
  source.addEventListener("ready", () => {
    if (opened) soon();
    opened = true;
  });
})();
