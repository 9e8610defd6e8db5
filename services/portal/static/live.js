// Two small helps, and pages work without both: a page renews itself when something changed, and a button
// that pays is taken once.
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

  // Coming back with the back button shows the page as it is now, never as it was before the payment.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;

  const isBusy = () => {
    const fields = document.querySelectorAll("main input:not([type=hidden]), main textarea");
    return [...fields].some((field) =>
      field.type === "radio" || field.type === "checkbox"
        ? field.checked !== field.defaultChecked
        : field.value !== field.defaultValue);
  };

  const renew = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected || answer.status === 401) {
      location.reload(); // the session is over: the login page says so, rather than an old picture staying here
      return;
    }
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = document.querySelector("main");
    const next = fresh.querySelector("main");
    const banners = (page) => [...page.querySelectorAll(".banner")];
    const same = main.innerHTML === next.innerHTML
      && banners(document).map((one) => one.outerHTML).join() === banners(fresh).map((one) => one.outerHTML).join();
    if (same || isBusy()) return;
    const opened = [...main.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
    const focused = document.activeElement && main.contains(document.activeElement);
    banners(document).forEach((one) => one.remove());
    banners(fresh).forEach((one) => main.before(document.importNode(one, true)));
    main.replaceChildren(...[...next.childNodes].map((node) => document.importNode(node, true)));
    main.querySelectorAll("details > summary").forEach((one) => {
      if (opened.includes(one.textContent)) one.parentElement.open = true;
    });
    if (focused) main.focus({ preventScroll: true });
    const first = main.querySelector(".hero");
    if (first) first.classList.add("changed");
    document.getElementById("news").textContent = document.body.dataset.news;
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => renew().catch(() => {}), 120);
  };
  // A gateway's no to a card is no news of ours: a page that waits for it asks again.
  const again = () => {
    if (!document.querySelector("[data-again]")) return;
    setTimeout(() => renew().catch(() => {}).finally(again), 2000);
  };
  again();

  let before = false;
  const listen = () => {
    const source = new EventSource(address);
    source.addEventListener("changed", soon);
    source.addEventListener("ready", () => {
      if (before) soon(); // what changed while nobody listened
      before = true;
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      before = true;
      setTimeout(() => renew().catch(() => {}).finally(listen), 3000);
    });
  };
  listen();
})();
