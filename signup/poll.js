// Looks again and again, ever more rarely, and not while nobody is looking at the page.

const FIRST = 1000;
const LONGEST = 15000;

/** `look` is called after a second, then after ever longer waits up to 15 seconds, and at once when the page is shown again. */
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
    /** Begins, unless it has begun already. */
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
