// A source, or a piece of it, to its address on this page.

/** The address of a source on this page, of one piece of it where `at` is its id. */
export const sourceHref = (kb, source, at = "") =>
  `#/kbs/${encodeURIComponent(kb)}/${encodeURIComponent(source)}${at ? `/${encodeURIComponent(at)}` : ""}`;
