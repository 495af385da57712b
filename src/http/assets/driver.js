(function () {
  var body = document.body, form = document.querySelector('form'), keys = document.getElementById('keys');
  // A second tap sends nothing; the server would take it for the same anyway.
  if (form) form.addEventListener('submit', function () {
    var button = form.querySelector('button.big');
    setTimeout(function () { button.disabled = true; }, 0);
    setTimeout(function () { button.disabled = false; }, 6000);
  });
  if (keys) {
    var input = document.getElementById('plate'), han = /^[\u4e00-\u9fff]/;
    var faces = [keys.getAttribute('data-keys') + '1', '0123456789ABCDEFGHJKLMNPQRSTUVWXYZ\u5b66\u8b66\u6302\u6e2f\u6fb3\u7701\u232b'];
    var face = function (n) {
      keys.textContent = '';
      faces[n].split('').forEach(function (c) {
        var key = document.createElement('button');
        key.type = 'button';
        key.textContent = n || c !== '1' ? c : 'A1';
        key.onclick = function () { press(n, c); };
        keys.appendChild(key);
      });
    };
    var press = function (n, c) {
      if (n && c === '\u7701') return face(0);
      if (!n) {
        if (c !== '1') input.value = c + input.value.replace(han, '');
        return face(1);
      }
      input.value = c === '\u232b' ? input.value.slice(0, -1) : (input.value + c).slice(0, 12);
      if (!input.value) face(0);
    };
    face(han.test(input.value) ? 1 : 0);
  }
  function again() { location.replace(location.pathname); }
  // The stream says one word once the page is out of date.
  var at = body.getAttribute('data-live');
  if (!at) return;
  if (window.EventSource) {
    var live = new EventSource(at);
    live.addEventListener('turn', function () { live.close(); again(); });
    window.addEventListener('pagehide', function () { live.close(); });
    window.addEventListener('pageshow', function (e) { if (e.persisted) again(); });
  } else if (!keys) setTimeout(again, 4000);
})();
