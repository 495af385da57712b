// Lists what the document describes and asks it with the token that is typed in. The token is kept nowhere.
(async () => {
  const $ = (id) => document.getElementById(id);
  const doc = await (await fetch('/api/v1/openapi.json')).json();
  const operations = Object.entries(doc.paths).flatMap(([path, item]) =>
    ['get', 'post', 'put', 'delete'].filter((m) => item[m]).map((m) => ({ path, method: m.toUpperCase(), ...item[m] })));
  const schema = (of) => (of && of.$ref ? doc.components.schemas[of.$ref.split('/').pop()] : of);
  // A body that has the right shape, to be filled in.
  const sample = (of, depth = 0) => {
    const s = schema(of) || {};
    const type = Array.isArray(s.type) ? s.type.find((t) => t !== 'null') : s.type;
    if (s.example !== undefined) return s.example;
    if (s.enum) return s.enum[0];
    if (s.oneOf || s.allOf || s.anyOf) return depth > 4 ? null : sample((s.oneOf || s.allOf || s.anyOf)[0], depth + 1);
    if (type === 'object') return Object.fromEntries((s.required || []).map((k) => [k, sample(s.properties[k], depth + 1)]));
    if (type === 'array') return [];
    if (type === 'integer') return s.minimum || 0;
    if (type === 'boolean') return false;
    return s.format === 'date-time' ? new Date().toISOString() : '';
  };
  const pick = (op) => {
    $('method').value = op.method;
    const query = (op.parameters || []).filter((p) => p.in === 'query' && p.required).map((p) => `${p.name}=`);
    $('path').value = op.path + (query.length ? `?${query.join('&')}` : '');
    const body = op.requestBody && op.requestBody.content['application/json'];
    $('body').value = body ? JSON.stringify(sample(body.schema), null, 2) : '';
    $('path').focus();
  };
  for (const op of operations) {
    const button = document.createElement('button');
    const method = document.createElement('b');
    method.textContent = op.method;
    button.type = 'button';
    button.append(method, ` ${op.path}`);
    const about = document.createElement('p');
    const scopes = (op.security || []).flatMap((s) => Object.values(s).flat());
    about.className = 'soft';
    about.textContent = op.summary + (scopes.length ? ` · ${[...new Set(scopes)].join(', ')}` : '');
    button.addEventListener('click', () => pick(op));
    const item = document.createElement('li');
    item.append(button, about);
    $('operations').append(item);
  }
  $('ask').addEventListener('submit', async (event) => {
    event.preventDefault();
    const headers = {};
    if ($('token').value) headers.Authorization = `Bearer ${$('token').value.trim()}`;
    const method = $('method').value;
    const body = method === 'GET' ? undefined : $('body').value || undefined;
    if (body) headers['Content-Type'] = 'application/json';
    $('answer').textContent = '…';
    try {
      const answer = await fetch($('path').value, { method, headers, body });
      const text = await answer.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it came */ }
      const link = answer.headers.get('Link');
      $('answer').textContent = `${answer.status} ${answer.statusText}\n${link ? `Link: ${link}\n` : ''}\n${shown}`;
    } catch (error) {
      $('answer').textContent = String(error);
    }
  });
})();
