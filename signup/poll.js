// Polls with backoff, and only while the page is visible.

const FIRST = 1000;
const LONGEST = 15000;

/** Calls `look` after a second, then at growing intervals up to 15 seconds, and at once when the page becomes visible again. */
export function poller(look) {
  let timer;
  let wait = FIRST;
  let running = false;

  const plan = () => {
    clearTimeout(timer);
    if (running && !document.hidden) timer = setTimeout(turn, wait);
  };
  const turn = async () => {
    wait = Math.min(wait * 1.5, LONGEST);
    await look();
    plan();
  };
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (running && !document.hidden) {
      wait = FIRST;
      turn();
    }
  });

  return {
    /** Starts polling, unless it is already running. */
    start() {
      if (running) return;
      running = true;
      wait = FIRST;
      plan();
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
  };
}
