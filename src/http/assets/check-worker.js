// Keeps the page of checks by hand on the phone, so that it opens without network and sends what waits once there is one.
// Lets nobody in.
var KEPT = 'checks-1', PAGE = '/console/gate-check';
function fetched(request) {
  return fetch(request).then(function (answer) {
    // Who is not signed in is led elsewhere: that is not the page.
    if (answer.status === 200 && !answer.redirected) {
      var copy = answer.clone();
      caches.open(KEPT).then(function (kept) { kept.put(new URL(request.url).pathname, copy); });
    }
    return answer;
  });
}
function kept(request) { return caches.match(new URL(request.url).pathname); }
self.addEventListener('install', function () { self.skipWaiting(); });
self.addEventListener('activate', function (e) { e.waitUntil(self.clients.claim()); });
// The page says what it is made of: it came before its keeper.
self.addEventListener('message', function (e) {
  e.waitUntil(Promise.all(e.data.map(function (at) {
    return fetched(new Request(at, { credentials: 'same-origin' })).then(null, function () {});
  })));
});
self.addEventListener('fetch', function (e) {
  var at = new URL(e.request.url).pathname;
  if (e.request.method !== 'GET') return;
  if (at.indexOf('/assets/') === 0) {
    e.respondWith(kept(e.request).then(function (copy) { return copy || fetched(e.request); }));
  } else if (at === PAGE) {
    var late = new Promise(function (_, fail) { setTimeout(fail, 4000); });
    e.respondWith(Promise.race([fetched(e.request), late]).catch(function () {
      return kept(e.request).then(function (copy) { return copy || fetch(e.request); });
    }));
  }
});
