(function () {
  var body = document.body, svg = document.getElementById('qr'), bar = document.getElementById('bar');
  function data(name) { return body.getAttribute('data-' + name) || ''; }
  var here = data('here'), code = data('code'), seed = data('seed'), step = +data('step') * 1000, made = +data('now');
  var kept = null, offset = null, drawn = null, loaded = Date.now();
  function keep(ms) {
    offset = ms;
    try { localStorage.setItem('paifang-offset', ms); } catch (e) { return; }
  }
  try { kept = localStorage.getItem('paifang-offset'); } catch (e) { kept = null; }
  // The page may come out of this phone's cache: then what it says of the time is old.
  if (kept !== null) offset = +kept;
  else if (navigator.onLine !== false) offset = made - loaded;
  function now() { return Date.now() + (offset || 0); }
  function show(id, on) { var el = document.getElementById(id); if (el) el.hidden = !on; }

  // ---- the code ----
  function draw() {
    var at = now(), n = Math.floor(at / step);
    if (svg && code) {
      if (bar) bar.style.width = seed ? 100 - at % step * 100 / step + '%' : '0';
      var text = code + (seed ? PaifangCode.changing(seed, n) : '');
      if (text !== drawn) {
        drawn = text;
        svg.querySelector('path').setAttribute('d', PaifangCode.path(PaifangCode.qr(text)));
        body.setAttribute('data-drawn', n);
      }
    }
    var early = at < +data('from'), late = at > +data('until');
    show('early', early);
    show('late', late);
    show('valid', !early && !late);
    // Half a minute is half of what the gate forgives.
    show('clock', offset !== null && Math.abs(offset) > 30000);
    var off = document.getElementById('off');
    if (off) off.textContent = Math.round(Math.abs(offset || 0) / 60000 * 10) / 10;
  }

  // ---- the site's time, and whether anything changed ----
  function ask() {
    var request = new XMLHttpRequest(), sent = Date.now();
    request.open('GET', here + '/state');
    request.timeout = 8000;
    request.onload = function () {
      if (request.status !== 200) return;
      var got = Date.now(), said = JSON.parse(request.responseText);
      // What took longer than the code lives says nothing about the time.
      if (got - sent < 5000) keep(said.now - (sent + got) / 2);
      show('apart', false);
      if (said.key !== data('key')) fresh(said.key);
      draw();
    };
    request.onerror = request.ontimeout = function () { show('apart', true); };
    request.send();
  }
  // Some browsers reload out of their cache: then another address of the same page is asked for.
  function fresh(key) {
    var again = null;
    try {
      again = sessionStorage.getItem('paifang-again');
      sessionStorage.setItem('paifang-again', key);
    } catch (e) { again = null; }
    if (again === key) location.replace(here + '?v=' + encodeURIComponent(key));
    else location.reload();
  }
  draw();
  ask();
  setInterval(draw, 250);
  setInterval(function () { if (!document.hidden) ask(); }, 20000);
  window.addEventListener('online', ask);

  // ---- the screen stays on ----
  function wake() {
    if (navigator.wakeLock && !document.hidden) navigator.wakeLock.request('screen').then(null, function () {});
  }
  wake();
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { wake(); draw(); ask(); } });
  if (navigator.serviceWorker) navigator.serviceWorker.register('/t/sw.js').then(function () {
    // Opened before the worker was there: fetched once more, so that it is kept.
    if (!navigator.serviceWorker.controller) navigator.serviceWorker.ready.then(function (worker) {
      if (worker.active) worker.active.postMessage(location.pathname);
    });
  }, function () {});

  // ---- a picture to keep ----
  var save = document.getElementById('save');
  if (save && code && document.createElement('canvas').getContext) {
    save.hidden = false;
    save.onclick = function () {
      var wide = 640, high = 960, canvas = document.createElement('canvas'), g = canvas.getContext('2d'), y = 70;
      canvas.width = wide;
      canvas.height = high;
      g.fillStyle = '#fff';
      g.fillRect(0, 0, wide, high);
      g.fillStyle = '#0b5cd5';
      g.fillRect(0, 0, wide, 110);
      g.textAlign = 'center';
      function line(text, size, color, step) {
        g.fillStyle = color;
        g.font = size + 'px sans-serif';
        g.fillText(text, wide / 2, y, wide - 40);
        y += step;
      }
      line(data('site'), 40, '#fff', 95);
      data('lines').split('\n').forEach(function (text, i) { line(text, i ? 28 : 40, '#14202e', i ? 40 : 52); });
      var rows = PaifangCode.qr(code), unit = 11, left = (wide - 41 * unit) / 2, top = y + 10;
      g.fillStyle = '#000';
      rows.forEach(function (row, r) {
        row.forEach(function (dark, c) { if (dark) g.fillRect(left + c * unit, top + r * unit, unit, unit); });
      });
      y = top + 41 * unit + 60;
      line(data('typed'), 34, '#14202e', 40);
      var link = document.createElement('a');
      link.download = 'ticket.png';
      link.href = canvas.toDataURL('image/png');
      document.body.appendChild(link);
      link.click();
      document.body.removeChild(link);
    };
  }
})();
