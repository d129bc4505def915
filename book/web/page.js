// The theme of a page beside the chapters, before it is drawn:
(() => {
  // as in the rest of the book: the reader's choice, else the system's
  let mode;
  try { mode = localStorage.getItem("mode"); } catch { /* blocked */ }
  document.documentElement.dataset.theme = ["dark", "light"].includes(mode) ? mode
    : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
})();
