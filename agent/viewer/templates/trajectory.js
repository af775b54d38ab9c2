"use strict";
// Keys within a trajectory: j k steps, n p failures, e opens or folds everything.
(() => {
  const shown = () => document.querySelector(".trajectory:not([hidden] *)");
  const all = (root) => [...root.querySelectorAll("[data-step]")];
  const failed = (step) => step.matches(".bad, .warn");

  function go(step) {
    if (!step) return;
    document.querySelector(".here")?.classList.remove("here");
    step.classList.add("here");
    const target = step.querySelector(":scope > summary") ?? step;
    if (target === step) step.tabIndex = -1;
    target.focus({ preventScroll: true });
    step.scrollIntoView({ block: "nearest" });
  }

  function move(root, way, wanted) {
    const steps = all(root);
    const at = steps.indexOf(root.querySelector(".here"));
    const ahead = way > 0 ? steps.slice(at + 1) : at < 0 ? [] : steps.slice(0, at).reverse();
    go(ahead.find(wanted));
  }

  function toggle(root) {
    const folds = [...root.querySelectorAll("details")];
    const open = folds.some((one) => !one.open);
    for (const one of folds) one.open = open;
  }

  document.addEventListener("keydown", (event) => {
    const root = shown();
    if (!root || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea")) return;
    const keys = {
      j: () => move(root, 1, () => true),
      k: () => move(root, -1, () => true),
      n: () => move(root, 1, failed),
      p: () => move(root, -1, failed),
      e: () => toggle(root),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("click", (event) => {
    const tick = event.target.closest?.(".map i");
    if (!tick) return;
    const root = tick.closest(".trajectory");
    go(all(root)[[...root.querySelectorAll(".map i")].indexOf(tick)]);
  });

  // On paper everything is open.
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll(".trajectory details")) one.open = true;
  });
})();
