// Optional layer. Every page works without it. No inline handlers, no eval, no third party.
(() => {
  'use strict';
  const $ = (s, r = document) => r.querySelector(s);
  const $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const root = document.documentElement;
  const say = (() => {
    const el = document.createElement('div');
    el.className = 'vh';
    el.setAttribute('role', 'status');
    document.body.append(el);
    return t => { el.textContent = ''; setTimeout(() => { el.textContent = t; }, 30); };
  })();

  // The summary of what is wrong in a form is read first
  $('#errs')?.focus();

  // Copy buttons: from the element they name
  document.addEventListener('click', async e => {
    const b = e.target.closest('[data-copy]');
    const src = b && document.getElementById(b.dataset.copy);
    if (!src) return;
    const text = (src.value ?? src.dataset.full ?? src.textContent).trim();
    const label = $('[data-label]', b);
    label.dataset.was ??= label.textContent;
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = 'Copied';
      say('Copied');
    } catch {
      getSelection().selectAllChildren(src);
      label.textContent = 'Press Ctrl+C';
      say('Selected. Press Control C to copy');
    }
    setTimeout(() => { label.textContent = label.dataset.was; }, 2000);
  });

  // Before the session ends: five minutes for staying, by a button that also works without this script
  const stay = $('.stay');
  if (stay) {
    let left = +stay.dataset.left, warn = 0;
    const arm = () => {
      clearTimeout(warn);
      warn = setTimeout(() => { stay.classList.add('now'); say($('p', stay).textContent); }, Math.max(0, left - 300000));
    };
    if (!stay.classList.contains('now')) arm();
    stay.addEventListener('submit', async e => {
      e.preventDefault();
      try {
        const r = await fetch(stay.action, { method: 'POST', body: new URLSearchParams(new FormData(stay)), redirect: 'manual' });
        if (r.type !== 'opaqueredirect') throw r;
        left = 4 * 3600000;
        stay.classList.remove('now');
        arm();
        say('You stay signed in');
      } catch { stay.submit(); }
    });
  }

  // Dialogs: the link opens an ordinary page without this script
  document.addEventListener('click', e => {
    const opener = e.target.closest('[data-dialog]');
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog) { e.preventDefault(); dialog.showModal(); }
    const closer = e.target.closest('[data-close]');
    if (closer) { e.preventDefault(); closer.closest('dialog').close(); }
    if (e.target.matches('dialog')) e.target.close();
    $$('details.me[open], details.team[open]').forEach(d => { if (!d.contains(e.target)) d.open = false; });
  });

  // Relative times stay right while the page is open; the words are the server's
  const near = (n, unit) => n < 0 ? `in ${-n} ${unit}` : `${n} ${unit} ago`;
  const ago = at => {
    const s = Math.round((Date.now() - at) / 1000), a = Math.abs(s);
    if (a < 5) return 'just now';
    if (a < 60) return near(s, 's');
    if (a < 3600) return near(Math.trunc(s / 60), 'min');
    if (a < 86400) return near(Math.trunc(s / 3600), 'h');
    return null;
  };
  const tick = () => $$('time[data-live]').forEach(t => {
    const text = ago(new Date(t.dateTime));
    if (text) t.textContent = text;
  });
  setInterval(tick, 15000);

  // "Local" means the zone of this browser
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) $$('[data-zone]').forEach(b => { b.value = zone; });

  // Shortcuts: single keys only outside fields; data-keys="off" on <html> turns them off
  let g = 0;
  const go = { o: '', u: 'users', g: 'groups', a: 'activity', t: 'tokens', c: 'connect' };
  document.addEventListener('keydown', e => {
    if (root.dataset.keys === 'off') return;
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches('input, textarea, select, [contenteditable]')) return;
    if (e.key === '/') { e.preventDefault(); $('#q')?.focus(); return; }
    if (g && e.key in go && document.body.dataset.base) { location.href = document.body.dataset.base + go[e.key]; return; }
    if (e.key === 'Escape') $$('details.me[open], details.team[open]').forEach(d => { d.open = false; $('summary', d).focus(); });
    clearTimeout(g);
    g = e.key === 'g' ? setTimeout(() => { g = 0; }, 900) : 0;
    if (e.key === 'j' || e.key === 'k') {
      const rows = $$('tbody a.name, tbody a[data-row]');
      if (!rows.length) return;
      const i = rows.indexOf(document.activeElement);
      rows[Math.max(0, Math.min(rows.length - 1, i + (e.key === 'j' ? 1 : -1)))].focus();
    }
  });

  // The steps beside the list go with it
  const steps = () => $('[data-steps]')?.dataset.steps.split(',').forEach((word, i) => {
    const step = $$('.steps > li')[i];
    if (step) step.className = word;
  });

  // Live updates: the server says when to look again; the page fetches its parts and puts each in place by its id.
  // A part that holds the focus, a selection or what was entered and not sent waits until it no longer does.
  const src = document.body.dataset.events, state = $('[data-live-state]');
  const shown = new Map($$('[data-part]').map(el => [el.id, el.outerHTML])), waiting = new Map();
  const held = el => {
    const s = getSelection();
    const entered = f => f.type === 'hidden' ? false : f.options ? [...f.options].some(o => o.selected && !o.defaultSelected && f.selectedIndex > 0) : f.value !== f.defaultValue;
    return el.contains(document.activeElement) || $$('input, select', el).some(entered) || (!s.isCollapsed && (el.contains(s.anchorNode) || el.contains(s.focusNode)));
  };
  const put = part => {
    const el = document.getElementById(part.id), html = part.outerHTML;
    waiting.delete(part.id);
    if (!el || shown.get(part.id) === html) return;
    if (held(el)) { waiting.set(part.id, part); return; }
    const open = $$('details', el).map(d => d.open), said = el.dataset.say;
    shown.set(part.id, html);
    el.replaceWith(part);
    $$('details', part).forEach((d, i) => { if (open[i]) d.open = true; });
    if (part.dataset.say && part.dataset.say !== said) say(part.dataset.say);
    steps();
  };
  const retry = () => setTimeout(() => [...waiting.values()].forEach(put));
  document.addEventListener('focusout', retry);
  document.addEventListener('selectionchange', () => { if (waiting.size) retry(); });
  let busy = false, again = '';
  const look = async url => {
    if (busy) { again = url; return; }
    busy = true;
    try {
      const r = await fetch(url, { headers: { Accept: 'text/html' } });
      if (r.ok && !r.redirected) {
        const t = document.createElement('template');
        t.innerHTML = await r.text();
        $$('[data-part]', t.content).forEach(put);
      }
    } catch { /* the stream says when the server is back */ }
    busy = false;
    if (again) { const next = again; again = ''; look(next); }
  };
  if (src && state && 'EventSource' in window) {
    let es;
    const word = t => { $('.txt', state).textContent = t; state.dataset.state = t.toLowerCase(); };
    const listen = () => {
      es = new EventSource(src);
      es.onopen = () => word('Live');
      es.onerror = () => word(es.readyState === EventSource.CLOSED ? 'Paused' : 'Reconnecting');
      es.addEventListener('fragment', e => look(JSON.parse(e.data).url));
    };
    state.hidden = false;
    word('Reconnecting');
    listen();
    state.addEventListener('click', () => {
      if (state.dataset.state === 'paused') { word('Reconnecting'); listen(); say('Live updates go on'); }
      else { es.close(); word('Paused'); say('Live updates are paused'); }
    });
    addEventListener('pagehide', () => es.close());
    addEventListener('pageshow', e => { if (e.persisted && state.dataset.state !== 'paused') listen(); });
  }
})();
