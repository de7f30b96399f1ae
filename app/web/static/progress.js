// Follows a report that is being made. Without it the page reloads itself every few seconds.
const job = document.querySelector("[data-progress]");
const bar = job.querySelector("progress");
const state = job.querySelector("[data-progress-state]");
const detail = job.querySelector("[data-progress-detail]");

function show(element, text) {
  // an unchanged text is not read out again
  if (element.textContent !== text) element.textContent = text;
}

async function follow() {
  try {
    const answer = await fetch(job.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const run = await answer.json();
      if (run.stage === "done" || run.stage === "failed") {
        window.location.reload();
        return;
      }
      bar.value = run.progress;
      show(state, run.state);
      show(detail, run.detail);
    }
  } catch {
    // no connection now: ask again
  }
  setTimeout(follow, 1500);
}

setTimeout(follow, 1000);
