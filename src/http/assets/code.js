// A ticket's code on a phone, with no network: SHA-256, the part that changes, and its QR code. Plain old script, since
// the browsers inside other apps are old, and the crypto of browsers is given to https pages only.
var PaifangCode = (function () {
  // ---- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over arrays of bytes ----
  var K = [], H0 = [];
  (function () {
    // Its constants are the fractions of the roots of the first primes.
    function frac(x) { return (x - Math.floor(x)) * 4294967296 | 0; }
    for (var n = 2; K.length < 64; n++) {
      for (var d = 2; d * d <= n && n % d; d++);
      if (d * d <= n) continue;
      if (H0.length < 8) H0.push(frac(Math.pow(n, 1 / 2)));
      K.push(frac(Math.pow(n, 1 / 3)));
    }
  })();
  function sha256(bytes) {
    var m = bytes.slice(), bits = bytes.length * 8, h = H0.slice(), w = [], i, j, t;
    m.push(128);
    while (m.length % 64 !== 56) m.push(0);
    m.push(0, 0, 0, 0, bits >>> 24 & 255, bits >>> 16 & 255, bits >>> 8 & 255, bits & 255);
    function rot(x, n) { return x >>> n | x << 32 - n; }
    for (i = 0; i < m.length; i += 64) {
      for (j = 0; j < 16; j++) w[j] = m[i + 4 * j] << 24 | m[i + 4 * j + 1] << 16 | m[i + 4 * j + 2] << 8 | m[i + 4 * j + 3];
      for (; j < 64; j++) {
        var a = w[j - 15], b = w[j - 2];
        w[j] = w[j - 16] + (rot(a, 7) ^ rot(a, 18) ^ a >>> 3) + w[j - 7] + (rot(b, 17) ^ rot(b, 19) ^ b >>> 10) | 0;
      }
      var s = h.slice();
      for (j = 0; j < 64; j++) {
        var e = s[4], x = s[0];
        t = s[7] + (rot(e, 6) ^ rot(e, 11) ^ rot(e, 25)) + (e & s[5] ^ ~e & s[6]) + K[j] + w[j] | 0;
        var u = (rot(x, 2) ^ rot(x, 13) ^ rot(x, 22)) + (x & s[1] ^ x & s[2] ^ s[1] & s[2]) | 0;
        s = [t + u | 0, x, s[1], s[2], s[3] + t | 0, e, s[5], s[6]];
      }
      for (j = 0; j < 8; j++) h[j] = h[j] + s[j] | 0;
    }
    var out = [];
    for (i = 0; i < 8; i++) out.push(h[i] >>> 24, h[i] >>> 16 & 255, h[i] >>> 8 & 255, h[i] & 255);
    return out;
  }
  function hmac(key, bytes) {
    var inner = [], outer = [];
    for (var i = 0; i < 64; i++) { inner.push(key[i] ^ 54); outer.push(key[i] ^ 92); }
    return sha256(outer.concat(sha256(inner.concat(bytes))));
  }

  // ---- the part that changes: the low half of the step, and four bytes that only this ticket's seed gives ----
  var LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
  function base45(bytes) {
    var text = '';
    for (var i = 0; i < bytes.length; i += 2) {
      var n = bytes[i] * 256 + bytes[i + 1];
      text += LETTERS.charAt(n % 45) + LETTERS.charAt(Math.floor(n / 45) % 45) + LETTERS.charAt(Math.floor(n / 2025));
    }
    return text;
  }
  function changing(seedHex, step) {
    var key = [], at = [0, 0, 0, 0], i;
    for (i = 0; i < seedHex.length; i += 2) key.push(parseInt(seedHex.substr(i, 2), 16));
    while (key.length < 64) key.push(0);
    at[3] = Math.floor(step / 4294967296);
    at.push(step >>> 24 & 255, step >>> 16 & 255, step >>> 8 & 255, step & 255);
    return base45([step >>> 8 & 255, step & 255].concat(hmac(key, at).slice(0, 4)));
  }

  // ---- QR code, version 6, level M (ISO/IEC 18004): 41 modules, 4 blocks of 27 + 16 code words, 154 letters at most ----
  var SIDE = 41, BLOCKS = 4, DATA = 27, CHECK = 16, EXP = [], LOG = [];
  (function () {
    for (var i = 0, x = 1; i < 255; i++) { EXP[i] = x; LOG[x] = i; x = x << 1 ^ (x & 128 ? 285 : 0); }
  })();
  function mul(a, b) { return a && b ? EXP[(LOG[a] + LOG[b]) % 255] : 0; }
  var GENERATOR = (function () {
    var g = [1];
    for (var i = 0; i < CHECK; i++) {
      var next = g.concat([0]);
      for (var j = 0; j < g.length; j++) next[j + 1] ^= mul(g[j], EXP[i]);
      g = next;
    }
    return g;
  })();
  function checks(data) {
    var rest = data.slice(), i, j;
    for (i = 0; i < CHECK; i++) rest.push(0);
    for (i = 0; i < data.length; i++) {
      for (j = 1; j <= CHECK; j++) rest[i + j] ^= mul(GENERATOR[j], rest[i]);
    }
    return rest.slice(data.length);
  }
  function words(text) {
    var bits = [], blocks = [], tails = [], all = [], i, j;
    function put(value, count) { while (count--) bits.push(value >> count & 1); }
    put(2, 4);
    put(text.length, 9);
    for (i = 0; i + 1 < text.length; i += 2) put(LETTERS.indexOf(text.charAt(i)) * 45 + LETTERS.indexOf(text.charAt(i + 1)), 11);
    if (i < text.length) put(LETTERS.indexOf(text.charAt(i)), 6);
    put(0, Math.min(4, BLOCKS * DATA * 8 - bits.length));
    while (bits.length % 8) bits.push(0);
    for (i = 0; bits.length < BLOCKS * DATA * 8; i++) put(i % 2 ? 17 : 236, 8);
    for (i = 0; i < BLOCKS; i++) {
      var block = [];
      for (j = 0; j < DATA; j++) {
        for (var byte = 0, k = 0; k < 8; k++) byte = byte << 1 | bits[(i * DATA + j) * 8 + k];
        block.push(byte);
      }
      blocks.push(block);
      tails.push(checks(block));
    }
    for (j = 0; j < DATA; j++) for (i = 0; i < BLOCKS; i++) all.push(blocks[i][j]);
    for (j = 0; j < CHECK; j++) for (i = 0; i < BLOCKS; i++) all.push(tails[i][j]);
    return all;
  }
  var MASKS = [
    function (x, y) { return (x + y) % 2; },
    function (x, y) { return y % 2; },
    function (x) { return x % 3; },
    function (x, y) { return (x + y) % 3; },
    function (x, y) { return (Math.floor(y / 2) + Math.floor(x / 3)) % 2; },
    function (x, y) { return x * y % 2 + x * y % 3; },
    function (x, y) { return (x * y % 2 + x * y % 3) % 2; },
    function (x, y) { return ((x + y) % 2 + x * y % 3) % 2; }
  ];
  // Rows of modules; `null` where data goes.
  function frame() {
    var m = [], x, y, i;
    for (y = 0; y < SIDE; y++) { m.push([]); for (x = 0; x < SIDE; x++) m[y].push(null); }
    function square(cx, cy, reach, dark) {
      for (var dy = -reach; dy <= reach; dy++) for (var dx = -reach; dx <= reach; dx++) {
        if (m[cy + dy] && m[cy + dy][cx + dx] !== undefined) m[cy + dy][cx + dx] = dark(Math.max(Math.abs(dx), Math.abs(dy)));
      }
    }
    function finder(r) { return r === 3 || r < 2 ? 1 : 0; }
    for (i = 8; i < SIDE - 8; i++) m[6][i] = m[i][6] = 1 - i % 2;
    square(3, 3, 4, finder);
    square(SIDE - 4, 3, 4, finder);
    square(3, SIDE - 4, 4, finder);
    square(34, 34, 2, function (r) { return r === 1 ? 0 : 1; });
    for (i = 0; i < 9; i++) {
      if (m[8][i] === null) m[8][i] = 0;
      if (m[i][8] === null) m[i][8] = 0;
      if (i < 8) m[8][SIDE - 1 - i] = m[SIDE - 1 - i][8] = 0;
    }
    m[SIDE - 8][8] = 1;
    return m;
  }
  // Level M is 00; the 15 bits stand twice.
  function format(m, mask) {
    var rest = mask << 10, bits, i;
    for (i = 4; i >= 0; i--) if (rest >> i + 10 & 1) rest ^= 1335 << i;
    bits = (mask << 10 | rest) ^ 21522;
    for (i = 0; i < 15; i++) {
      var bit = bits >> i & 1;
      m[i < 6 ? i : i < 8 ? i + 1 : SIDE - 15 + i][8] = bit;
      m[8][i < 8 ? SIDE - 1 - i : i < 9 ? 7 : 14 - i] = bit;
    }
  }
  function faults(m) {
    var sum = 0, dark = 0, x, y;
    function line(at) {
      var run = 0, text = '';
      for (var i = 0; i < SIDE; i++) {
        run = i && at(i) === at(i - 1) ? run + 1 : 1;
        sum += run === 5 ? 3 : run > 5 ? 1 : 0;
        text += at(i);
      }
      for (i = 0; i + 11 <= SIDE; i++) {
        var part = text.substr(i, 11);
        if (part === '10111010000' || part === '00001011101') sum += 40;
      }
    }
    for (y = 0; y < SIDE; y++) {
      line(function (i) { return m[y][i]; });
      line(function (i) { return m[i][y]; });
      for (x = 0; x < SIDE; x++) {
        dark += m[y][x];
        if (x && y && m[y][x] === m[y][x - 1] && m[y][x] === m[y - 1][x] && m[y][x] === m[y - 1][x - 1]) sum += 3;
      }
    }
    return sum + 10 * Math.floor(Math.abs(dark * 100 / SIDE / SIDE - 50) / 5);
  }
  function fill(all, mask) {
    var m = frame(), at = 0, up = true, is = MASKS[mask];
    for (var right = SIDE - 1; right > 0; right -= 2) {
      if (right === 6) right--;
      for (var i = 0; i < SIDE; i++) for (var side = 0; side < 2; side++) {
        var x = right - side, y = up ? SIDE - 1 - i : i;
        if (m[y][x] !== null) continue;
        var bit = at < all.length * 8 ? all[at >> 3] >> 7 - at % 8 & 1 : 0;
        m[y][x] = is(x, y) ? bit : 1 - bit;
        at++;
      }
      up = !up;
    }
    format(m, mask);
    return m;
  }
  // 41 rows of 41 zeros and ones.
  function qr(text) {
    var all = words(text), best = null, least = Infinity;
    for (var mask = 0; mask < 8; mask++) {
      var m = fill(all, mask), sum = faults(m);
      if (sum < least) { least = sum; best = m; }
    }
    return best;
  }
  // Dark modules as an SVG path, four light ones around.
  function path(rows) {
    var d = '';
    for (var y = 0; y < SIDE; y++) for (var x = 0; x < SIDE; x++) {
      if (!rows[y][x]) continue;
      for (var end = x; end < SIDE && rows[y][end];) end++;
      d += 'M' + (x + 4) + ' ' + (y + 4) + 'h' + (end - x) + 'v1h-' + (end - x) + 'z';
      x = end;
    }
    return d;
  }
  return { sha256: sha256, hmac: hmac, changing: changing, qr: qr, path: path, side: SIDE + 8 };
})();
