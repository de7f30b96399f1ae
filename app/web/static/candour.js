// Starts the components of GOV.UK Frontend. Every page works without it.
import { initAll } from "./govuk-frontend.min.js";
import { forgetAll, howMany, tidy } from "./kept.js";

initAll();
tidy();

// Words that were typed and not saved are not left without a question. `data-asks` is "unsaved" where the page itself
// shows such words.
for (const form of document.querySelectorAll("form[data-asks]")) {
  let sent = false;
  const fields = () => [...form.elements].filter((field) => field.matches("textarea, select, input:not([type=hidden])"));
  const isChanged = (field) =>
    field.matches("select")
      ? [...field.options].some((option) => option.selected !== option.defaultSelected && field.value !== "")
      : field.value !== field.defaultValue;
  form.addEventListener("submit", () => (sent = true));
  window.addEventListener("pageshow", () => (sent = false));
  window.addEventListener("beforeunload", (event) => {
    if (!sent && (form.dataset.asks === "unsaved" || fields().some(isChanged))) event.preventDefault();
  });
}

// Whoever signs out leaves nothing behind on a shared computer, and is asked before words are lost by it.
for (const form of document.querySelectorAll("form[data-signs-out]")) {
  form.addEventListener("submit", (event) => {
    const { signsOut: person, warning } = form.dataset;
    if (howMany(person) && !window.confirm(warning)) event.preventDefault();
    else forgetAll(person);
  });
}
