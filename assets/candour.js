// Starts the components of GOV.UK Frontend. Every page works without it.
import { initAll } from "./govuk-frontend.min.js";
import { forgetAll, howMany, tidy } from "./kept.js";

initAll();
tidy();

// Whoever signs out leaves nothing behind on a shared computer, and is asked before words are lost by it.
for (const form of document.querySelectorAll("form[data-signs-out]")) {
  form.addEventListener("submit", (event) => {
    const { signsOut: person, warning } = form.dataset;
    if (howMany(person) && !window.confirm(warning)) event.preventDefault();
    else forgetAll(person);
  });
}
