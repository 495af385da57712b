(function () {
  var body = document.body, form = document.querySelector('form'), keys = document.getElementById('keys');
  // A second tap sends nothing; the server would take it for the same anyway.
  if (form) form.addEventListener('submit', function () {
    var button = form.querySelector('button.big');
    setTimeout(function () { button.disabled = true; }, 0);
    setTimeout(function () { button.disabled = false; }, 6000);
  });
  if (keys) {
    var input = document.getElementById('plate');
    keys.getAttribute('data-keys').split('').forEach(function (c) {
      var key = document.createElement('button');
      key.type = 'button';
      key.textContent = c;
      key.onclick = function () {
        input.value = c + input.value.replace(/^[\u4e00-\u9fff]/, '');
        input.focus();
      };
      keys.appendChild(key);
    });
  }
  function again() { location.replace(location.pathname); }
  // The stream says one word once the page is out of date.
  if (window.EventSource) {
    var live = new EventSource(body.getAttribute('data-live'));
    live.addEventListener('turn', function () { live.close(); again(); });
    window.addEventListener('pagehide', function () { live.close(); });
    window.addEventListener('pageshow', function (e) { if (e.persisted) again(); });
  } else if (!keys) setTimeout(again, 4000);
})();
