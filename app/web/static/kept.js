// What somebody typed and what is not saved yet, kept in this browser until it is.
//
// Colleagues share computers. So an entry is named after the person who typed it, and only a page of that person, signed
// in, reads it; it goes as soon as it is saved; signing out asks first and then deletes it (see candour.js); and what is
// older than two weeks is deleted whoever comes. Between a lost session and the next sign-in the text does lie on the
// computer: without that it would be lost, which is worse for an evening's work.

const PREFIX = "candour-unsaved";
let isOver = false; // signed out: what this page does as it goes must not leave anything behind
const DAYS = 14;

const nameOf = (...parts) => [PREFIX, ...parts].join(":");

/** Keep what was typed: `entry` is {fields, version, key, pending, at}. A full or closed store keeps nothing. */
export function keep(person, rid, question, entry) {
  if (isOver) return;
  try {
    localStorage.setItem(nameOf(person, rid, question), JSON.stringify(entry));
  } catch {
    // the page itself still holds it
  }
}

/** What was kept of a question; null where there is nothing. */
export function kept(person, rid, question) {
  return read(nameOf(person, rid, question));
}

/** It is saved: nothing has to be kept any more. */
export function forget(person, rid, question) {
  try {
    localStorage.removeItem(nameOf(person, rid, question));
  } catch {
    // nothing was kept
  }
}

/** How many answers of a person are kept. */
export function howMany(person) {
  return names(nameOf(person, "")).length;
}

/** Delete all that is kept of a person, and keep nothing more on this page. */
export function forgetAll(person) {
  isOver = true;
  for (const name of names(nameOf(person, ""))) localStorage.removeItem(name);
}

/** Delete what has lain here for too long. */
export function tidy() {
  const oldest = Date.now() - DAYS * 24 * 60 * 60 * 1000;
  for (const name of names(nameOf(""))) {
    if (!(read(name)?.at > oldest)) localStorage.removeItem(name);
  }
}

function names(start) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(start));
  } catch {
    return [];
  }
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}
