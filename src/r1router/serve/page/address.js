// Addresses of this page to the view that each shows, and a source to its address.

/** "#/a/ID" to {name: "answer", id: "ID"}, "#/kbs/text/a.pdf/a.pdf:p1" to {name: "kb", kb: "text", source: "a.pdf", at: "a.pdf:p1"}; the last two may be left out. */
export function readHash() {
  const [name, ...parts] = location.hash.replace(/^#\/?/, "").split("/");
  const [kb, source, at] = parts.map(decode);
  if (name === "kbs") return kb ? { name: "kb", kb, source, at } : { name: "kbs" };
  if (name === "a" && kb) return { name: "answer", id: kb };
  return { name: name === "history" ? "history" : "ask" };
}

/** The name that was percent-encoded; as it stands where it is not good UTF-8. */
function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The address of a source on this page, of one piece of it where `at` is its id. */
export const sourceHref = (kb, source, at = "") =>
  `#/kbs/${encodeURIComponent(kb)}/${encodeURIComponent(source)}${at ? `/${encodeURIComponent(at)}` : ""}`;
