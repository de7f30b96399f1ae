// Answering a standard: hides the fields that the chosen grade does not ask for, saves each answer as it is typed, and
// keeps in this browser what is not saved yet. Everything works without it: then all fields are there, each saying for
// which grades it is needed, and the ordinary buttons save.

import { forget, keep, kept } from "./kept.js";

const form = document.querySelector("form[data-answering]");
const PAUSE = 1500; // milliseconds after the last key until an answer is saved
const PAUSE_IN_DATE = 6000; // a date is wrong until its last part is there
const LONGEST_WAIT = 60000; // between two tries
const LONGEST_BODY = 60000; // bytes that a browser sends on behalf of a page that has gone

/** Whether a field holds something that hiding would put out of sight. */
function holdsText(field) {
  return [...field.querySelectorAll("textarea, input[type=text]")].some((input) => input.value.trim());
}

const number = (text) => (text.trim() ? Number(text.replaceAll(",", "")) : NaN);

/** What the answer measures: the number, the per cent, how many are ticked, how many rows are filled in. */
function measure(group) {
  const value = (name) => number(group.querySelector(`[name$="--${name}"]`).value);
  switch (group.dataset.measure) {
    case "number":
      return value("number");
    case "percentage":
      return (value("numerator") * 100) / value("denominator");
    case "choices":
      return group.querySelectorAll("input:checked").length;
    default: {
      const filled = [...group.querySelectorAll("tbody tr")].filter((row) =>
        [...row.querySelectorAll("input, select, textarea")].some((cell) => cell.value.trim()));
      return filled.length;
    }
  }
}

/** What the grade asks for that a measure comes to: the first band that holds. */
function shownByBand(group) {
  const found = measure(group);
  if (!Number.isFinite(found)) return undefined;
  for (const band of group.dataset.bands.split(";").filter(Boolean)) {
    const [atLeast, above, atMost, below, shows] = band.split(",");
    const holds = (limit, test) => limit === "" || test(Number(limit));
    if (holds(atLeast, (limit) => found >= limit) && holds(above, (limit) => found > limit)
      && holds(atMost, (limit) => found <= limit) && holds(below, (limit) => found < limit)) return shows;
  }
  return undefined;
}

/** Show the fields that the chosen grade and basis ask for; a field with an error or a text stays in sight. */
function update(criterion) {
  const chosen = [...criterion.querySelectorAll("input[type=radio]:checked")];
  const basis = chosen.find((input) => input.name.endsWith("--basis"));
  const banded = criterion.querySelector("[data-bands]");
  const grade = banded ? shownByBand(banded) : chosen.find((input) => input !== basis)?.dataset.shows;
  const asked = new Set((grade ?? "").split(" "));
  if (asked.has("basis")) {
    for (const name of (basis?.dataset.shows ?? "").split(" ")) asked.add(name);
  }
  for (const field of criterion.querySelectorAll("[data-field]")) {
    const stay = field.matches(".govuk-form-group--error") || (grade === undefined && holdsText(field));
    field.hidden = !asked.has(field.dataset.field) && !stay;
  }
}

const plain = (text) => text.replaceAll("\r\n", "\n").trim();

/** Both texts below each other, or the one that holds the other. */
function together(mine, theirs) {
  if (!theirs || mine.includes(theirs)) return mine;
  return theirs.includes(mine) ? theirs : `${mine}\n\n${theirs}`;
}

/** The rows of a table that have anything in them, in order, each as column to cell. */
function rowsOf(fields) {
  const rows = [];
  for (const [name, cell] of Object.entries(fields)) {
    const [, number, column] = name.match(/^rows-([0-9]+)-(.+)$/) ?? [];
    if (number && cell) (rows[number] ??= {})[column] = cell;
  }
  return rows.filter(Boolean);
}

/** Fields with what two people typed put together: both texts, all rows of both, and mine where one thing can stand. */
function putTogether(mine, theirs, merged) {
  const isCell = (name) => name.startsWith("rows-");
  const rows = rowsOf(mine);
  const known = new Set(rows.map(canonical));
  rows.push(...rowsOf(theirs).filter((row) => !known.has(canonical(row))));
  const cells = rows.flatMap((row, place) => Object.entries(row).map(([column, cell]) => [`rows-${place + 1}-${column}`, cell]));
  const others = Object.entries({ ...merged, ...mine }).filter(([name]) => !isCell(name));
  const texts = ["commentary", "reason", "text"].map((name) => [name, together(mine[name] ?? "", theirs[name] ?? "")]);
  return Object.fromEntries([...others, ...texts, ...cells]);
}

/** Fields as one text, to compare: empty ones do not count. */
function canonical(fields) {
  const given = Object.entries(fields).map(([name, value]) => [name, plain(value)]);
  return JSON.stringify(given.filter(([, value]) => value).sort());
}

/** What can be said of a question, in order of urgency. */
const KINDS = ["disputed", "wrong", "failed", "saving", "waiting", "saved", ""];

class Question {
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.id = root.dataset.criterion;
    this.prefix = `c-${this.id}--`;
    this.versionField = root.querySelector(`[name="${this.prefix}version"]`);
    this.type = root.querySelector(`[name="${this.prefix}type"]`)?.value; // none for a grade
    // what the server has; a page that came back unsaved says so
    this.stored = "unsaved" in root.dataset ? null : canonical(this.fields(true));
    this.kind = "";
    this.reason = "";
    this.wait = 0;
    this.pending = null; // what was sent and not answered: it is sent again as it was, so that it is one save
    this.running = null;
    update(root);
    root.addEventListener("change", () => update(root));
    root.addEventListener("input", (event) => this.typed(event.target.closest(".govuk-date-input") ? PAUSE_IN_DATE : PAUSE));
    root.addEventListener("change", (event) => {
      if (!event.target.closest(".govuk-date-input")) this.typed(0);
    });
    root.addEventListener("focusout", (event) => {
      const group = event.target.closest("[data-field]") ?? root;
      if (!group.contains(event.relatedTarget) && this.isDirty()) this.typed(0);
    });
    root.addEventListener("click", (event) => {
      const choice = event.target.closest("[data-choose]");
      if (choice) this.choose(choice.dataset.choose);
    });
  }

  controls() {
    return [...this.root.querySelectorAll(`[name^="${this.prefix}"]`)].filter(
      (one) => !["version", "type", "choice"].includes(one.name.slice(this.prefix.length)),
    );
  }

  get version() {
    return Number(this.versionField.value);
  }

  set version(number) {
    this.versionField.value = String(number);
  }

  /** The fields as they stand, or as the page came. */
  fields(asItCame = false) {
    const found = {};
    for (const one of this.controls()) {
      const name = one.name.slice(this.prefix.length);
      if (one.type === "radio" || one.type === "checkbox") {
        if (asItCame ? one.defaultChecked : one.checked) found[name] = one.value;
      } else if (one.localName === "select") {
        const came = [...one.options].find((option) => option.defaultSelected);
        found[name] = asItCame ? came?.value ?? "" : one.value;
      } else found[name] = asItCame ? one.defaultValue : one.value;
    }
    return found;
  }

  fill(fields) {
    this.grow(Math.max(0, ...Object.keys(fields).map((name) => Number(name.match(/^rows-([0-9]+)-/)?.[1] ?? 0))));
    for (const one of this.controls()) {
      const value = fields[one.name.slice(this.prefix.length)] ?? "";
      if (one.type === "radio" || one.type === "checkbox") one.checked = one.value === value;
      else one.value = value;
    }
    update(this.root);
  }

  /** Rows of a table up to number `last`, and an empty one below where there may be more. */
  grow(last) {
    const body = this.root.querySelector("tbody[data-most]");
    if (!body) return;
    while (body.rows.length < Math.max(last, Math.min(last + 1, Number(body.dataset.most)))) {
      const number = body.rows.length + 1;
      const row = body.rows[number - 2].cloneNode(true);
      for (const one of row.querySelectorAll("[name]")) {
        one.name = one.name.replace(`--rows-${number - 1}-`, `--rows-${number}-`);
        one.setAttribute("aria-label", one.getAttribute("aria-label").replace(/[0-9]+(?=[^0-9]*$)/, number));
        if (one.localName === "select") for (const option of one.options) option.defaultSelected = false;
        else one.defaultValue = "";
        one.value = "";
      }
      body.append(row);
    }
  }

  /** The number of the last row of a table with anything in it. */
  lastRow() {
    const rows = [...(this.root.querySelector("tbody[data-most]")?.rows ?? [])];
    return rows.findLastIndex((row) => [...row.querySelectorAll("[name]")].some((cell) => cell.value.trim())) + 1;
  }

  isDirty() {
    return canonical(this.fields()) !== this.stored;
  }

  /** Something was typed: keep it here, and save it after a pause. */
  typed(pause) {
    this.grow(this.lastRow());
    if (!this.isDirty() && !this.pending) {
      if (!this.running) this.settle();
      return;
    }
    this.keep();
    if (!["failed", "disputed"].includes(this.kind) && !this.running) this.say("waiting");
    // a failed save is tried again by its own clock
    if (this.kind !== "failed") this.plan(pause);
  }

  plan(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  keep() {
    keep(this.page.person, this.page.return, this.id, {
      fields: this.fields(),
      version: this.version,
      key: this.page.key,
      pending: this.pending,
      at: Date.now(),
    });
  }

  /** All that was typed is stored. */
  settle() {
    clearTimeout(this.timer);
    forget(this.page.person, this.page.return, this.id);
    if (this.kind === "wrong") this.clearErrors();
    if (this.kind === "disputed") this.root.querySelector("[data-part=dispute]").replaceChildren();
    if (this.kind) this.say("saved");
  }

  /** One save after the other: an answer is never overtaken by an earlier one. */
  save() {
    clearTimeout(this.timer);
    this.running ??= this.send().finally(() => {
      this.running = null;
      // what was typed meanwhile is saved next; a mistake or a conflict is looked at again as it now stands
      if (this.kind !== "failed" && canonical(this.fields()) !== this.sent) this.typed(0);
      this.page.show();
    });
    return this.running;
  }

  async send(choice) {
    if (!choice && !this.pending && !this.isDirty()) return;
    const sent = this.pending ?? { fields: this.fields(), based_on: this.version, key: this.page.key, type: this.type };
    if (choice) sent.choice = choice;
    this.pending = sent;
    this.sent = canonical(sent.fields);
    this.keep();
    if (this.kind !== "disputed") this.say("saving");
    const answer = await this.page.post({ [this.id]: sent }, sent.key);
    if (answer.answers?.[this.id]) {
      this.pending = null;
      this.wait = 0;
      this.hear(answer.answers[this.id], sent);
      return;
    }
    if (answer.final) this.pending = null;
    this.say("failed", answer.message);
    if (!answer.final) {
      this.wait = Math.min(LONGEST_WAIT, Math.max(2000, this.wait * 2));
      this.plan(this.wait);
    }
  }

  /** What the server made of an answer. */
  hear(told, sent) {
    this.clearErrors();
    if (told.parts && told.outcome !== "wrong") this.showParts(told.parts);
    const place = this.root.querySelector("[data-part=dispute]");
    if (told.outcome === "disputed" && sent.based_on !== this.version) {
      this.sent = null; // it was on its way before a choice was made: what was chosen goes next, and nobody is asked again
      return;
    }
    if (told.outcome === "disputed") {
      this.theirs = told;
      // not under the hands of somebody who is choosing
      if (!place.contains(document.activeElement)) place.innerHTML = told.dispute;
      this.say("disputed", told.message);
      this.keep();
      return;
    }
    if (told.outcome === "wrong") {
      this.showErrors(told.errors);
      this.say("wrong", Object.values(told.errors)[0]);
      this.keep();
      return;
    }
    place.replaceChildren();
    const untouched = canonical(this.fields()) === canonical(sent.fields);
    this.version = told.version;
    this.stored = canonical(sent.fields);
    if (sent.choice === "theirs" && untouched) {
      this.fill(told.fields);
      this.stored = canonical(this.fields());
    }
    if (this.isDirty()) this.keep();
    else forget(this.page.person, this.page.return, this.id);
    this.say("saved");
  }

  choose(choice) {
    const told = this.theirs;
    clearTimeout(this.timer);
    this.root.querySelector("[data-part=dispute]").replaceChildren();
    this.version = told.version;
    this.kind = "waiting";
    this.stored = canonical(told.theirs);
    const focus = this.root.querySelector("textarea") ?? this.controls()[0];
    if (focus?.closest("[hidden]")) this.root.querySelector("input[type=radio]")?.focus();
    else focus?.focus();
    if (choice === "theirs") {
      const giveWay = () => {
        this.running = this.send("theirs").finally(() => {
          this.running = null;
          this.page.show();
        });
      };
      if (this.running) this.running.then(giveWay);
      else giveWay();
      return;
    }
    if (choice === "merge") {
      // with what was typed since the conflict was found: what the server put together may be half a sentence old
      this.fill(putTogether(this.fields(), told.theirs, told.merged));
    }
    if (this.isDirty()) this.typed(0);
    else this.settle();
  }

  showParts(parts) {
    for (const name of ["tag", "left", "saved", "above", "beside"]) {
      this.root.querySelector(`[data-part=${name}]`).innerHTML = parts[name];
    }
    this.root.classList.remove("cnd-criterion--outstanding", "cnd-criterion--answered");
    if (parts.class) this.root.classList.add(parts.class);
  }

  clearErrors() {
    for (const error of this.root.querySelectorAll(".govuk-error-message")) error.remove();
    for (const mark of ["govuk-form-group--error", "govuk-textarea--error", "govuk-input--error"]) {
      for (const one of this.root.querySelectorAll(`.${mark}`)) one.classList.remove(mark);
    }
  }

  showErrors(errors) {
    for (const [name, text] of Object.entries(errors)) {
      const control = this.controls().find((one) => one.name.slice(this.prefix.length).split("-")[0] === name);
      const several = control?.closest(".govuk-date-input, .govuk-radios, .govuk-checkboxes, .cnd-scroll");
      const group = (several ?? control)?.closest("[data-field]") ?? (several ?? control)?.closest(".govuk-form-group");
      if (!group) continue;
      group.classList.add("govuk-form-group--error");
      group.hidden = false;
      const error = document.createElement("p");
      error.id = `${this.prefix}${name}-error`;
      error.className = "govuk-error-message";
      const hidden = document.createElement("span");
      hidden.className = "govuk-visually-hidden";
      hidden.textContent = this.page.words.error;
      error.append(hidden, ` ${text}`);
      const place = several ?? group.querySelector(".govuk-input__wrapper, textarea, input");
      place.before(error);
      const described = several?.closest("fieldset") ?? control;
      const ids = new Set((described.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
      described.setAttribute("aria-describedby", [...ids.add(error.id)].join(" "));
    }
  }

  say(kind, reason = "") {
    this.kind = kind;
    this.reason = reason;
    const words = this.page.words;
    const text = { failed: words.notSaved, wrong: words.notSaved, disputed: words.notSaved, waiting: words.waiting }[kind];
    const state = this.root.querySelector("[data-part=state]");
    state.textContent = (text ?? words[kind] ?? "").replace("%(reason)s", reason);
    state.dataset.kind = kind;
    this.page.show();
  }
}

class Page {
  constructor() {
    this.words = JSON.parse(document.querySelector("[data-answering-words]").textContent);
    ({ person: this.person, return: this.return, saveAt: this.saveAt, standard: this.standard } = form.dataset);
    this.key = form.elements.page_key.value;
    this.token = form.elements.csrf_token.value;
    this.said = "";
    this.sent = false;
    this.bar = form.querySelector("[data-save-state]");
    this.questions = [...form.querySelectorAll("[data-criterion]")].map((root) => new Question(root, this));
    // a browser that fills a page in again after Back would put old words under a new version
    form.autocomplete = "off";
    this.bar.querySelector("[data-retry]").addEventListener("click", () => this.retry());
    window.addEventListener("online", () => this.retry());
    window.addEventListener("focus", () => this.retry());
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => {
      this.sent = false;
      form.querySelectorAll("[data-criterion]").forEach(update);
      if (event.persisted) this.saveAll().then(() => this.refresh());
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.saveAll();
    });
    window.addEventListener("beforeunload", (event) => {
      // what can be saved is sent as the page goes; the browser asks only where something stands in the way
      if (!this.sent && this.questions.some((one) => ["disputed", "wrong", "failed"].includes(one.kind))) event.preventDefault();
    });
    form.addEventListener("submit", (event) => this.submit(event));
    this.restore();
    this.show();
  }

  /** Answers to the server. Gives what it says; or a `message`, and `final` where another try would change nothing. */
  async post(answers, key, { keepalive = false, again = false } = {}) {
    let response;
    let told = {};
    try {
      response = await fetch(this.saveAt, {
        method: "POST",
        keepalive,
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": this.token },
        body: JSON.stringify({ person: this.person, page_key: key, answers }),
      });
      told = await response.json();
    } catch {
      if (!response?.ok) return { message: response ? this.words.broken : this.words.offline };
      return { message: this.words.broken };
    }
    if (response.ok) {
      this.signedOut = false;
      return told;
    }
    if (told.why === "token" && !again && (await this.renew())) return this.post(answers, key, { keepalive, again: true });
    this.signedOut = told.why === "session";
    const isFinal = response.status < 500 && !["session", "token"].includes(told.why);
    return { message: this.signedOut ? this.words.signedOut : told.message || this.words.broken, final: isFinal };
  }

  /** How the answers stand, and a new form token; null where the server does not say. */
  async renew() {
    try {
      const response = await fetch(`${this.saveAt}?standard=${encodeURIComponent(this.standard)}`, {
        headers: { Accept: "application/json" },
      });
      if (!response.ok) return null;
      const told = await response.json();
      if (told.person !== this.person) return null;
      this.token = told.token;
      for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = told.token;
      return told;
    } catch {
      return null;
    }
  }

  /** The page comes back out of the browser's memory: what nobody touched here is brought up to date. */
  async refresh() {
    const told = await this.renew();
    for (const one of told ? this.questions : []) {
      const stands = told.answers[one.id];
      if (!stands || one.isDirty() || one.running || stands.version === one.version) continue;
      one.fill(stands.fields);
      one.stored = canonical(one.fields());
      one.version = stands.version;
      one.showParts(stands.parts);
    }
  }

  /** What was typed here before and never saved comes back into its fields, and is saved now. */
  restore() {
    const found = [];
    for (const one of this.questions) {
      const entry = kept(this.person, this.return, one.id);
      if (!entry) {
        if (one.stored === null) one.typed(0);
        continue;
      }
      if (canonical(entry.fields) === one.stored) {
        forget(this.person, this.return, one.id);
        continue;
      }
      one.fill(entry.fields);
      one.version = entry.version;
      one.pending = entry.pending;
      found.push(one);
      one.say("waiting");
    }
    if (!found.length) return;
    const notice = form.querySelector("[data-restored]");
    notice.hidden = false;
    notice.querySelector("[data-restored-in]").replaceChildren(
      ...found.map((one) => {
        const line = document.createElement("li");
        const link = document.createElement("a");
        link.className = "govuk-link";
        link.href = `#q-${one.id}`;
        link.textContent = this.words.question.replace("%(number)s", one.root.dataset.number);
        line.append(link);
        return line;
      }),
    );
    this.announce(notice.querySelector("h2").textContent);
    for (const one of found) one.plan(0);
  }

  saveAll() {
    const waiting = this.questions.filter((one) => one.kind !== "disputed" && (one.pending || one.isDirty()));
    return Promise.all(waiting.map((one) => one.save()));
  }

  retry() {
    for (const one of this.questions) {
      if (one.kind === "failed") {
        one.wait = 0;
        one.save();
      }
    }
  }

  /** The page is being left: what waits is sent along. It stays in this browser until a page learns that it was saved. */
  leave() {
    if (this.sent) return;
    const answers = {};
    for (const one of this.questions) {
      if (one.running || one.pending || one.kind === "disputed" || !one.isDirty()) continue;
      one.pending = { fields: one.fields(), based_on: one.version, key: this.key, type: one.type };
      one.keep();
      answers[one.id] = one.pending;
    }
    if (!Object.keys(answers).length) return;
    if (JSON.stringify(answers).length < LONGEST_BODY) this.post(answers, this.key, { keepalive: true });
  }

  /** The ordinary buttons: first the answers that are on their way arrive, then the form goes with their versions. */
  submit(event) {
    const disputed = this.questions.find((one) => one.kind === "disputed");
    if (disputed) {
      event.preventDefault();
      disputed.root.querySelector(".cnd-dispute").focus();
      return;
    }
    for (const one of this.questions) {
      clearTimeout(one.timer);
      if (one.isDirty()) one.keep();
    }
    const running = this.questions.filter((one) => one.running).map((one) => one.running);
    if (!running.length) {
      this.sent = true;
      return;
    }
    event.preventDefault();
    Promise.allSettled(running).then(() => form.requestSubmit(event.submitter));
  }

  /** The line at the foot of the page: the most urgent that there is to say of all questions. */
  show() {
    if (!this.bar) return;
    const kind = KINDS.find((name) => this.questions?.some((one) => one.kind === name)) ?? "";
    const those = (this.questions ?? []).filter((one) => one.kind === kind);
    const needsWords = ["disputed", "wrong", "failed"].includes(kind);
    const [text, link, retry, signIn] = ["text", "link", "retry", "sign-in"].map((name) => this.bar.querySelector(`[data-${name}]`));
    const words = needsWords ? this.words.notSaved.replace("%(reason)s", those[0].reason) : this.words[`all_${kind || "ready"}`];
    text.textContent = words;
    this.bar.dataset.kind = kind;
    link.hidden = !needsWords;
    if (needsWords) {
      link.href = `#q-${those[0].id}`;
      link.textContent = this.words.question.replace("%(number)s", those[0].root.dataset.number);
    }
    retry.hidden = kind !== "failed";
    signIn.hidden = !(kind === "failed" && this.signedOut);
    // read out when it changes between saved and not saved, not at every pause
    if (needsWords || (kind === "saved" && this.said !== words)) this.announce(needsWords ? `${link.textContent}: ${words}` : words);
    // what was read out must not contradict what stands there now
    else if (kind !== "saved") this.bar.querySelector("[data-announce]").textContent = "";
  }

  announce(words) {
    if (this.said === words) return;
    this.said = words;
    this.bar.querySelector("[data-announce]").textContent = words;
  }
}

if (form) new Page();

// the page that settles a conflict: once it is sent, the server has both texts
for (const settling of document.querySelectorAll("form[data-settling]")) {
  settling.addEventListener("submit", () => {
    for (const id of settling.dataset.settling.split(" ")) forget(settling.dataset.person, settling.dataset.return, id);
  });
}
