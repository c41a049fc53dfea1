// Stand-in for Meta's JavaScript SDK: the part that Embedded Signup uses, `FB.init` and `FB.login`.
(() => {
  'use strict';

  const script = new URL(document.currentScript.src);
  const base = script.origin + script.pathname.replace(/\/[^/]+\/sdk\.js$/, '');
  // Meta marks these events with a version.
  const versioned = ['FINISH_ONLY_WABA', 'FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING'];
  const settings = JSON.parse('{settings}');
  let app = null;
  let lastCode = null;

  function popupUrl(options) {
    const extras = options.extras || {};
    const query = new URLSearchParams({ app_id: app.appId, config_id: options.config_id || '', origin: location.origin });
    if (extras.setup && extras.setup.solutionID) query.set('solution_id', extras.setup.solutionID);
    if (extras.featureType) query.set('feature_type', extras.featureType);
    return `${base}/popup?${query}`;
  }

  // Meta's message comes from its own window and origin. A page on this machine cannot send from there, so the event
  // is made here, with that origin, and given to the listeners of the page.
  function deliver(session, source) {
    const message = { type: 'WA_EMBEDDED_SIGNUP', event: session.event, data: session.data };
    if (versioned.includes(session.event)) message.version = 3;
    const data = JSON.stringify(message);
    window.dispatchEvent(new MessageEvent('message', { data, origin: 'https://www.facebook.com', source }));
  }

  function login(callback, options) {
    if (!app) {
      console.error('FB.login() called before FB.init().');
      return;
    }
    const name = settings.separateWindows ? '_blank' : 'simulator-popup';
    const popup = window.open(popupUrl(options || {}), name, 'popup,width=600,height=900');
    // Blocked: as with Meta's SDK, nothing more happens.
    if (!popup) return;

    const answer = (given) => {
      const code = given || (settings.repeatCode ? lastCode : null);
      lastCode = code;
      callback(code
        ? { authResponse: { code, userID: null, expiresIn: null }, status: 'connected' }
        : { authResponse: null, status: 'unknown' });
    };

    const end = () => {
      clearInterval(watch);
      window.removeEventListener('message', chosen);
    };
    const chosen = (event) => {
      if (event.source !== popup || event.origin !== script.origin || event.data?.type !== 'simulator') return;
      end();
      const steps = [() => event.data.session && deliver(event.data.session, popup), () => answer(event.data.code)];
      if (event.data.order === 'code_first') steps.reverse();
      steps[0]();
      setTimeout(steps[1], 100);
    };
    window.addEventListener('message', chosen);
    let closed = 0;
    // Closed without a choice. Looked at twice, so that a choice made just before is heard first.
    const watch = setInterval(() => {
      if (popup.closed && (closed += 1) > 1) {
        end();
        answer(null);
      }
    }, 200);
  }

  window.FB = { init: (options) => { app = options; }, login };
  if (typeof window.fbAsyncInit === 'function') setTimeout(window.fbAsyncInit, 0);
})();
