// Shows the vectors whose verdict is ticked, that check the chosen rule and whose text has the words that were typed.
const search = document.getElementById('search'), rule = document.getElementById('rule'), count = document.getElementById('count');
const boxes = [...document.querySelectorAll('#counts input')], rows = [...document.querySelectorAll('#vectors > details')];
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdicts = new Set(boxes.filter(box => box.checked).map(box => box.value));
  let shown = 0;
  for (const row of rows) {
    const fits = verdicts.has(row.dataset.word) && words.every(word => row.dataset.text.includes(word)) &&
      (!rule.value || row.dataset.rules.split(' ').includes(rule.value));
    row.classList.toggle('hidden', !fits);
    shown += fits;
  }
  count.textContent = shown + ' of ' + rows.length + ' shown';
}
search.addEventListener('input', filter);
rule.addEventListener('change', filter);
boxes.forEach(box => box.addEventListener('change', filter));
// A rule in the table chooses its vectors.
document.querySelectorAll('button[data-rule]').forEach(button => button.addEventListener('click', () => {
  rule.value = button.dataset.rule;
  filter();
  document.getElementById('vectors-head').scrollIntoView();
}));
// As the system has it, light, dark.
const theme = document.getElementById('theme'), themes = ['auto', 'light', 'dark'];
function wear(name) {
  document.documentElement.dataset.theme = name;
  theme.textContent = name;
  theme.setAttribute('aria-label', 'colours: ' + name);
  try { localStorage.setItem('kpd-theme', name); } catch { /* a page from a file may not keep anything */ }
}
theme.addEventListener('click', () => wear(themes[(themes.indexOf(theme.textContent) + 1) % themes.length]));
let kept = null;
try { kept = localStorage.getItem('kpd-theme'); } catch { /* as above */ }
wear(themes.includes(kept) ? kept : 'auto');
// A link to a vector opens it; where the filters hide it, they end.
function reveal() {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* then it is no id of ours */ }
  const row = document.getElementById(id);
  if (!row || row.tagName !== 'DETAILS') return;
  if (row.classList.contains('hidden')) {
    search.value = rule.value = '';
    boxes.forEach(box => { box.checked = true; });
    filter();
  }
  row.open = true;
  row.scrollIntoView();
}
window.addEventListener('hashchange', reveal);
filter();
reveal();
