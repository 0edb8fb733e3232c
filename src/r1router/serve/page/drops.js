// Files dropped anywhere on the page to a call with them.

/** `onDragging` is told whether files hover over the page. Returns what ends the listening. */
export function listenForDrops(onDrop, onDragging) {
  const listen = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser opens the file in place of the page
    onDragging(event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer.files.length) onDrop([...event.dataTransfer.files]);
  };
  const names = ["dragover", "dragleave", "drop"];
  for (const name of names) document.addEventListener(name, listen);
  return () => names.forEach((name) => document.removeEventListener(name, listen));
}
