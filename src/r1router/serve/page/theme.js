// The chosen theme to an attribute of the document. Not a module: it has to run before the first paint.

(() => {
  const KEY = "r1router.theme";
  const system = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  apply(localStorage.getItem(KEY));

  globalThis.theme = {
    current: () => document.documentElement.dataset.theme ?? system(),
    /** The other one; back to what the system says where that is the same. */
    toggle() {
      const wanted = this.current() === "dark" ? "light" : "dark";
      if (wanted === system()) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, wanted);
      apply(wanted === system() ? null : wanted);
    },
  };
})();
