// Moves the focus to the nearest heading when what had it is gone, because who uses no mouse would lose the place.

const HEADINGS = "h1, h2";

/** Watches what is drawn in `root` for as long as the page lives. */
export function keepFocus(root) {
  let parts = []; // what had the focus last, and what it is in, from the inside out
  document.addEventListener("focusin", ({ target }) => {
    parts = [];
    for (let part = target; part && part !== root; part = part.parentElement) parts.push(part);
  });
  new MutationObserver(() => {
    if (document.activeElement !== document.body || !parts.length || parts[0].isConnected) return;
    const found = parts.filter((part) => part.isConnected).map((part) => part.querySelector(HEADINGS));
    const heading = found.find(Boolean) ?? root.querySelector(`main ${HEADINGS.split(", ")[0]}`);
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }).observe(root, { childList: true, subtree: true });
}
