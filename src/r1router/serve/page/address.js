// Addresses of this page to the view that each shows, and a source to its address.

/** "#/a/ID" to {name: "answer", id: "ID"}, "#/kbs/table/a.csv/a.csv#0/2,7" to {name: "kb", kb: "table", source: "a.csv", at: "a.csv#0", rows: [2, 7]}; what is behind the knowledge base may be left out. */
export function readHash() {
  const [name, ...parts] = location.hash.replace(/^#\/?/, "").split("/");
  const [kb, source, at, rows = ""] = parts.map(decode);
  if (name === "kbs") return kb ? { name: "kb", kb, source, at, rows: rows.match(/\d+/g)?.map(Number) ?? [] } : { name: "kbs" };
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

const MOST_ROWS = 20; // in an address

/** The address of a source on this page. */
export const sourceHref = (kb, source, ...parts) => `#/kbs/${[kb, source, ...parts].map(encodeURIComponent).join("/")}`;

/** The address of a piece of evidence in its source. What a query gave lies in the rows of the table that it was asked of. */
export function evidenceHref({ kb, id, location: { source }, result }) {
  if (!result) return sourceHref(kb, source, id);
  const rows = (result.source_rows ?? []).slice(0, MOST_ROWS);
  return sourceHref(kb, source, id.slice(0, -`?${result.sql}`.length), ...(rows.length ? [rows.join()] : []));
}
