// Answering a standard: hides the fields that the chosen grade does not ask for, and says what is not saved yet.
// Everything works without it: then all fields are there, each saying for which grades it is needed.

const form = document.querySelector("form[data-answering]");

/** Whether a field holds something that hiding would put out of sight. */
function holdsText(field) {
  return [...field.querySelectorAll("textarea, input[type=text]")].some((input) => input.value.trim());
}

/** Show the fields that the chosen grade and basis ask for; a field with an error or a text stays in sight. */
function update(criterion) {
  const chosen = [...criterion.querySelectorAll("input[type=radio]:checked")];
  const grade = chosen.find((input) => input.name.endsWith("--grade"));
  const basis = chosen.find((input) => input.name.endsWith("--basis"));
  const asked = new Set((grade?.dataset.shows ?? "").split(" "));
  if (asked.has("basis")) {
    for (const name of (basis?.dataset.shows ?? "").split(" ")) asked.add(name);
  }
  for (const field of criterion.querySelectorAll("[data-field]")) {
    const keep = field.matches(".govuk-form-group--error") || (!grade && holdsText(field));
    field.hidden = !asked.has(field.dataset.field) && !keep;
  }
}

if (form) {
  for (const criterion of form.querySelectorAll("[data-criterion]")) {
    update(criterion);
    criterion.addEventListener("change", () => update(criterion));
  }
  const note = form.querySelector("[data-unsaved]");
  let sending = false;
  let changed = "holdsUnsaved" in form.dataset;
  const showUnsaved = () => {
    changed = true;
    note.textContent = note.dataset.unsaved;
  };
  if (changed) showUnsaved();
  form.addEventListener("input", showUnsaved);
  form.addEventListener("submit", () => {
    sending = true;
  });
  // the browser asks before a page with unsaved words is left
  window.addEventListener("beforeunload", (event) => {
    if (changed && !sending) event.preventDefault();
  });
  // Back shows the page as it was left: its fields and what it hides must agree
  window.addEventListener("pageshow", () => {
    sending = false;
    form.querySelectorAll("[data-criterion]").forEach(update);
  });
}
