// Repairs of the theme, each with its reason.

// search results show an excerpt, fetched from the page found; a browser forbids that to files
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// a list in the bibliography, whose entries have a role that no list may hold
document.addEventListener("DOMContentLoaded", () => {
  for (const entry of document.querySelectorAll(".citation-list > *"))
    entry.setAttribute("role", "listitem");
});
