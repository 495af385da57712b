(function () {
  var host = document.querySelector('[data-live]'), lost = document.getElementById('link-state');
  // What scrolls sideways is reached by keys too.
  function reach(within) {
    [].forEach.call(within.querySelectorAll('.wide'), function (el) {
      if (el.scrollWidth > el.clientWidth) el.tabIndex = 0;
    });
  }
  // A table that is too wide for a phone stands as one block for each row; a cell then says which column it is of.
  function stack(within) {
    [].forEach.call(within.querySelectorAll('table'), function (table) {
      var heads = [].map.call(table.querySelectorAll('thead th'), function (th) { return th.textContent; });
      if (!heads.length || table.classList.contains('matrix')) return;
      table.classList.remove('stacks');
      if (window.innerWidth > 700 || table.scrollWidth <= table.parentNode.clientWidth) return;
      [].forEach.call(table.querySelectorAll('tbody tr'), function (row) {
        var at = 0;
        [].forEach.call(row.children, function (cell) {
          if (cell.colSpan === 1 && at > 0) cell.setAttribute('data-head', heads[at]);
          at += cell.colSpan;
        });
      });
      table.classList.add('stacks');
    });
  }
  stack(document);
  reach(document);
  window.addEventListener('resize', function () { stack(document); });
  function swap(id, html) {
    var el = document.getElementById(id);
    if (!el) return;
    var arm = 'svg[class*="arm-"]', old = el.querySelector(arm), was = old && old.getAttribute('class');
    el.innerHTML = html;
    stack(el);
    reach(el.parentNode);
    var svg = el.querySelector(arm);
    if (!svg || !was) return;
    // Begin where the arm was, so that it is seen to move.
    var is = svg.getAttribute('class');
    svg.setAttribute('class', was);
    svg.getBoundingClientRect();
    requestAnimationFrame(function () { svg.setAttribute('class', is); });
  }
  if (host && window.EventSource) (function open() {
    var live = new EventSource(host.getAttribute('data-live'));
    live.addEventListener('piece', function (e) {
      var piece = JSON.parse(e.data);
      swap(piece.id, piece.html);
    });
    live.onopen = function () { if (lost) lost.hidden = true; };
    live.onerror = function () {
      if (lost) lost.hidden = false;
      if (live.readyState !== 2) return;
      live.close();
      // Signed out meanwhile: the page leads to the sign-in. Else it is tried again.
      setTimeout(function () {
        fetch(location.href, { method: 'HEAD', redirect: 'manual' }).then(function (r) {
          if (r.type === 'opaqueredirect' || r.status === 403) location.reload(); else open();
        }, open);
      }, 3000);
    };
    window.addEventListener('pagehide', function () { live.close(); });
  })();
  window.addEventListener('pageshow', function (e) { if (e.persisted) location.reload(); });
  // A bell while a call rings, for who wants one: browsers allow sound only after a click.
  var bell = document.getElementById('bell'), Sound = window.AudioContext || window.webkitAudioContext, sound = null;
  if (bell && Sound) {
    bell.hidden = false;
    bell.textContent = bell.getAttribute('data-off');
    bell.onclick = function () {
      if (sound) { sound.close(); sound = null; } else sound = new Sound();
      bell.textContent = bell.getAttribute(sound ? 'data-on' : 'data-off');
    };
    setInterval(function () {
      if (!sound || !document.querySelector('[data-ring]')) return;
      var tone = sound.createOscillator();
      tone.frequency.value = 880;
      tone.connect(sound.destination);
      tone.start();
      tone.stop(sound.currentTime + 0.35);
    }, 2000);
  }
  // An open menu closes when the reader turns to something else.
  function closeMenus(but) {
    [].forEach.call(document.querySelectorAll('.menu[open]'), function (menu) {
      if (!but || !menu.contains(but)) menu.removeAttribute('open');
    });
  }
  document.addEventListener('click', function (e) { closeMenus(e.target); });
  document.addEventListener('keydown', function (e) {
    if (e.key !== 'Escape') return;
    var menu = document.querySelector('.menu[open]');
    closeMenus();
    if (menu) menu.querySelector('summary').focus();
  });
  // A draft's preview follows each pause in typing.
  var draft = document.querySelector('[data-preview]'), shown = document.getElementById('preview'), pause = 0, asked = 0;
  if (draft && shown && window.fetch && window.URLSearchParams) draft.addEventListener('input', function () {
    clearTimeout(pause);
    pause = setTimeout(function () {
      var mine = ++asked;
      fetch(draft.getAttribute('data-preview'), { method: 'POST', body: new URLSearchParams(new FormData(draft)) })
        .then(function (r) { return r.ok ? r.text() : null; })
        .then(function (html) { if (html !== null && mine === asked) shown.innerHTML = html; })
        .catch(function () {});
    }, 400);
  });
  // An act is sent without leaving the page; its refusal is shown beside its lane.
  document.addEventListener('submit', function (e) {
    var form = e.target, card = form.closest && form.closest('.lane');
    if (!card || !window.fetch || !window.URLSearchParams) return;
    e.preventDefault();
    var data = new URLSearchParams(new FormData(form)), by = e.submitter, note = card.querySelector('.notice');
    if (by && by.name) data.set(by.name, by.value);
    if (by) by.disabled = true;
    fetch(form.action, { method: 'POST', body: data, headers: { 'x-piece': '1' }, redirect: 'manual' })
      .then(function (r) {
        if (r.type === 'opaqueredirect') return location.reload();
        if (r.ok) { note.hidden = true; form.reset(); return; }
        return r.text().then(function (text) {
          note.textContent = /^text\/x-notice/.test(r.headers.get('content-type') || '') ? text : r.status;
          note.hidden = false;
          var input = form.querySelector('input');
          if (input) input.focus();
        });
      })
      .catch(function () { if (lost) lost.hidden = false; })
      .then(function () { if (by) by.disabled = false; });
  });
  // One key each while nothing is being typed: a lane by its number, else what the page marks with data-key.
  var keys = document.getElementById('keys'), cards = document.querySelectorAll('.lane');
  function off() { try { return localStorage.getItem('keys') === 'off'; } catch (e) { return false; } }
  function field(card) {
    var plate = card.querySelector('.plate-form input');
    return plate && plate.offsetParent ? plate : card.querySelector('[name=reason]');
  }
  function named(el) {
    var label = el.closest('label');
    return el.getAttribute('aria-label') || (label || el).textContent.trim();
  }
  function show() {
    var list = keys.querySelector('dl'), toggle = document.getElementById('keys-off');
    function line(key, what) {
      var dt = document.createElement('dt'), kbd = document.createElement('kbd'), dd = document.createElement('dd');
      kbd.textContent = key;
      dd.textContent = what;
      dt.appendChild(kbd);
      list.appendChild(dt);
      list.appendChild(dd);
    }
    list.textContent = '';
    if (cards.length) line('1-9', list.getAttribute('data-lane'));
    document.querySelectorAll('[data-key]').forEach(function (el) { line(el.getAttribute('data-key'), named(el)); });
    line('Esc', list.getAttribute('data-esc'));
    toggle.textContent = toggle.getAttribute(off() ? 'data-off' : 'data-on');
    toggle.onclick = function () {
      try { localStorage.setItem('keys', off() ? 'on' : 'off'); } catch (e) { return; }
      show();
    };
    keys.hidden = false;
    toggle.focus();
  }
  if (keys) document.addEventListener('keydown', function (e) {
    var at = e.target;
    if (e.key === 'Escape') { keys.hidden = true; if (at.blur) at.blur(); return; }
    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) return;
    if (e.key === '?') { if (keys.hidden) show(); else keys.hidden = true; return; }
    if (off() || !/^[a-z0-9\/]$/.test(e.key)) return;
    var card = e.key > '0' && e.key <= '9' && cards[e.key - 1];
    var to = card ? field(card) : document.querySelector('[data-key="' + e.key + '"]');
    if (!to) return;
    e.preventDefault();
    if (to.tagName === 'A') to.click();
    else { to.focus(); if (to.select) to.select(); }
  });
})();
