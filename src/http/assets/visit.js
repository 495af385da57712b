(function () {
  var form = document.getElementById('wish'), hold = document.getElementById('hold');
  // ---- how many, and what it comes to ----
  if (form) {
    var counts = form.querySelectorAll('.count input'), total = document.getElementById('total'), i;
    var decimals = +total.getAttribute('data-decimals');
    var sum = function () {
      var minor = 0;
      for (var n = 0; n < counts.length; n++) minor += (+counts[n].value || 0) * counts[n].getAttribute('data-minor');
      total.textContent = total.getAttribute('data-sign') + (minor / Math.pow(10, decimals)).toFixed(decimals);
      total.parentNode.hidden = !minor;
    };
    var key = function (input, sign, name, step) {
      var button = document.createElement('button');
      button.type = 'button';
      button.textContent = sign;
      button.setAttribute('aria-label', name);
      button.onclick = function () {
        var least = +input.getAttribute('data-least') || 0, was = +input.value || 0, is = was + step;
        if (least && is < least) is = step > 0 ? least : 0;
        input.value = Math.max(0, Math.min(is, +input.max));
        sum();
      };
      return button;
    };
    for (i = 0; i < counts.length; i++) {
      counts[i].parentNode.insertBefore(key(counts[i], '−', '-1', -1), counts[i]);
      counts[i].parentNode.appendChild(key(counts[i], '+', '+1', 1));
      counts[i].addEventListener('input', sum);
    }
    sum();
  }
  // ---- digits for a screen without a keyboard ----
  var pad = document.getElementById('pad'), typed = document.querySelector('[data-pad]');
  if (pad && typed) '123456789⌫0'.split('').forEach(function (c) {
    var digit = document.createElement('button');
    digit.type = 'button';
    digit.textContent = c;
    digit.onclick = function () {
      typed.value = c === '⌫' ? typed.value.slice(0, -1) : (typed.value + c).slice(0, 12);
    };
    pad.appendChild(digit);
  });
  // ---- a kiosk that nobody touches begins anew ----
  var idle = +document.body.getAttribute('data-idle'), touched = Date.now();
  if (idle) {
    ['pointerdown', 'touchstart', 'keydown', 'input', 'scroll', 'wheel'].forEach(function (what) {
      document.addEventListener(what, function () { touched = Date.now(); }, true);
    });
    setInterval(function () {
      if (Date.now() - touched > idle * 1000) location.replace(document.body.getAttribute('data-home'));
    }, 1000);
  }
  // ---- a second tap sends nothing ----
  document.addEventListener('submit', function (e) {
    var button = e.target.querySelector('button.big');
    if (!button) return;
    setTimeout(function () { button.disabled = true; }, 0);
    setTimeout(function () { button.disabled = false; }, 6000);
  });
  // ---- an order that is held ----
  if (hold) {
    var left = +hold.getAttribute('data-left'), since = Date.now();
    setInterval(function () {
      var s = Math.max(0, Math.round(left - (Date.now() - since) / 1000)), m = Math.floor(s / 60);
      hold.textContent = m + ':' + (s % 60 < 10 ? '0' : '') + s % 60;
    }, 500);
  }
  var held = document.querySelector('[data-key]'), key2 = held && held.getAttribute('data-key');
  var at = held && held.getAttribute('data-at') || location.pathname + '/state';
  if (key2) {
    setInterval(function () {
      if (document.hidden) return;
      var request = new XMLHttpRequest();
      request.open('GET', at);
      request.onload = function () {
        if (request.status === 200 && JSON.parse(request.responseText).key !== key2) location.replace(location.pathname);
      };
      request.send();
    }, 3000);
  }
  window.addEventListener('pageshow', function (e) { if (e.persisted && key2) location.reload(); });
})();
