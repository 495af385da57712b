// Codes checked by hand. Each scan has a number of its own and is sent until it is answered, so that a flickering network
// neither loses one nor lets anybody in twice. Nothing is shown as let in that was not decided.
(function () {
  var form = document.getElementById('check'), list = document.getElementById('scans'), video = document.getElementById('eye');
  if (!form) return;
  var KEEP = 'paifang-checks', input = form.querySelector('input[name=code]'), camera = document.getElementById('camera');
  var photo = document.getElementById('photo'), shot = document.getElementById('shot'), blind = document.getElementById('blind'), persons = form.persons;
  var words = { wait: list.getAttribute('data-wait'), ok: list.getAttribute('data-ok'), no: list.getAttribute('data-no') };
  var scans = [], busy = false, last = { text: '', at: 0 };
  try { scans = JSON.parse(localStorage.getItem(KEEP) || '[]'); } catch (e) { scans = []; }
  function keep() {
    scans = scans.slice(0, 50);
    try { localStorage.setItem(KEEP, JSON.stringify(scans)); } catch (e) { return; }
  }
  function row(scan) {
    var li = document.createElement('li'), b = document.createElement('b'), small = document.createElement('small');
    li.className = 'scan ' + scan.state;
    b.textContent = scan.state === 'wait' ? words.wait : scan.state === 'ok' ? words.ok : words.no;
    small.textContent = new Date(scan.at).toLocaleTimeString() + (scan.said ? ' · ' + scan.said : '');
    li.appendChild(b);
    if (scan.about) {
      var about = document.createElement('span');
      about.textContent = scan.about;
      li.appendChild(about);
    }
    li.appendChild(small);
    return li;
  }
  function draw() {
    list.innerHTML = '';
    var waiting = 0;
    scans.forEach(function (scan) {
      if (scan.state === 'wait') waiting++;
      list.appendChild(row(scan));
    });
    document.getElementById('unsent').hidden = !waiting;
    document.getElementById('many').textContent = waiting;
  }
  function number() {
    var text = '';
    for (var i = 0; i < 4; i++) text += ('0000000' + Math.floor(Math.random() * 4294967296).toString(16)).slice(-8);
    return text;
  }
  function take(text) {
    text = text.replace(/^\s+|\s+$/g, '');
    // A camera sees the same code many times a second.
    if (!text || text === last.text && Date.now() - last.at < 4000) return;
    last = { text: text, at: Date.now() };
    scans.unshift({ id: number(), text: text, at: Date.now(), zone: form.zone.value, way: form.way.value, persons: +persons.value || 1, state: 'wait', said: '' });
    persons.value = 1;
    keep();
    draw();
    send();
  }
  function send() {
    if (busy) return;
    var next = null;
    for (var i = scans.length - 1; i >= 0 && !next; i--) if (scans[i].state === 'wait') next = scans[i];
    if (!next) return;
    busy = true;
    var request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.timeout = 8000;
    request.setRequestHeader('content-type', 'application/json');
    request.onload = function () {
      busy = false;
      var said = null;
      try { said = JSON.parse(request.responseText); } catch (e) { said = null; }
      // Only a decision is one; anything else waits, and is sent again under the same number.
      if (request.status !== 200 || !said || said.state !== 'ok' && said.state !== 'no') {
        next.said = request.status === 401 ? list.getAttribute('data-signin') : '';
        draw();
        return setTimeout(send, 5000);
      }
      next.state = said.state;
      next.said = said.text;
      next.about = said.about;
      next.text = '';
      keep();
      draw();
      if (navigator.vibrate) navigator.vibrate(said.state === 'ok' ? 80 : [200, 80, 200]);
      send();
    };
    request.onerror = request.ontimeout = function () { busy = false; setTimeout(send, 3000); };
    // How long ago, by this phone's own clock, which may be off.
    request.send(JSON.stringify({ id: next.id, code: next.text, zone: next.zone, way: next.way || 'in', persons: next.persons || 1, ago_ms: Math.max(0, Date.now() - next.at) }));
  }
  form.addEventListener('submit', function (e) {
    e.preventDefault();
    take(input.value);
    input.value = '';
    input.focus();
  });
  window.addEventListener('online', send);
  // ---- the phone's camera, where the browser reads codes itself ----
  if (window.BarcodeDetector && navigator.mediaDevices && camera) {
    camera.hidden = false;
    camera.onclick = function () {
      var eye = new BarcodeDetector({ formats: ['qr_code'] });
      navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(function (stream) {
        camera.hidden = true;
        video.hidden = false;
        video.srcObject = stream;
        video.play();
        setInterval(function () {
          eye.detect(video).then(function (codes) { if (codes.length) take(codes[0].rawValue); }, function () {});
        }, 250);
      }, function () { camera.hidden = true; shot.hidden = false; });
    };
  } else if (window.createImageBitmap && photo) shot.hidden = false;
  // ---- else a photo, in which the site reads the code ----
  if (photo) photo.addEventListener('change', function () {
    var file = photo.files[0];
    photo.value = '';
    blind.hidden = true;
    if (file) createImageBitmap(file).then(function (picture) {
      var small = Math.min(1, 720 / Math.max(picture.width, picture.height)), sheet = document.createElement('canvas');
      sheet.width = Math.round(picture.width * small);
      sheet.height = Math.round(picture.height * small);
      var pen = sheet.getContext('2d');
      pen.drawImage(picture, 0, 0, sheet.width, sheet.height);
      var points = pen.getImageData(0, 0, sheet.width, sheet.height).data, light = new Uint8Array(points.length / 4);
      for (var i = 0; i < light.length; i++) light[i] = (points[4 * i] * 3 + points[4 * i + 1] * 6 + points[4 * i + 2]) / 10;
      var request = new XMLHttpRequest();
      request.open('POST', form.action + '/photo?width=' + sheet.width + '&height=' + sheet.height);
      request.timeout = 15000;
      request.setRequestHeader('content-type', 'application/octet-stream');
      request.onload = function () {
        var seen = null;
        try { seen = JSON.parse(request.responseText); } catch (e) { seen = null; }
        if (request.status === 200 && seen && seen.code) take(seen.code);
        else blind.hidden = false;
      };
      request.onerror = request.ontimeout = function () { blind.hidden = false; };
      request.send(light);
    }, function () { blind.hidden = false; });
  });
  // ---- the page stays on the phone ----
  if (navigator.serviceWorker) {
    navigator.serviceWorker.register(form.action + '/sw.js', { scope: form.action }).then(function () {
      return navigator.serviceWorker.ready;
    }).then(function (worker) {
      var parts = [location.pathname];
      document.querySelectorAll('link[rel=stylesheet],script[src]').forEach(function (part) { parts.push(part.href || part.src); });
      worker.active.postMessage(parts);
    }, function () {});
  }
  draw();
  send();
})();
