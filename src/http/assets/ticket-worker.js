// Keeps the last copy of each ticket's page on the phone. Network first; without it, what is kept.
var KEPT = 'tickets-1';
function fetched(request) {
  return fetch(request).then(function (answer) {
    if (answer.status === 200) {
      var copy = answer.clone();
      caches.open(KEPT).then(function (kept) { kept.put(new URL(request.url).pathname, copy); });
    }
    return answer;
  });
}
self.addEventListener('install', function () { self.skipWaiting(); });
self.addEventListener('activate', function (e) { e.waitUntil(self.clients.claim()); });
self.addEventListener('message', function (e) {
  e.waitUntil(fetched(new Request(e.data, { credentials: 'same-origin' })).then(null, function () {}));
});
self.addEventListener('fetch', function (e) {
  if (e.request.mode !== 'navigate') return;
  var late = new Promise(function (_, fail) { setTimeout(fail, 4000); });
  e.respondWith(Promise.race([fetched(e.request), late]).catch(function () {
    return caches.match(new URL(e.request.url).pathname).then(function (kept) {
      return kept || fetch(e.request);
    });
  }));
});
