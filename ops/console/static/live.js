// Live pages: one EventSource per tab, the same messages by polling where it is lost, and nothing redrawn that a
// person is in. The page is whole without this: it then shows how things were when it was asked for.
import { initAll } from './vendor/govuk-frontend.min.js'

const SILENT_MS = 15000 // three times as long as the server is ever silent (ops/console/streams.py)
const LOST_MS = 4000 // a connection that is back within this time was not lost
const MOST_SAID = 3

document.body.classList.add('js-enabled', 'govuk-frontend-supported')
initAll()

const body = document.body
const line = document.querySelector('[data-pulse]')
const words = document.querySelector('[data-pulse-said]')
const button = document.querySelector('[data-pause]')
const status = document.querySelector('[data-say]')
const held = new Map()
let id = body.dataset.id
let at = Number(body.dataset.at) * 1000
const ahead = Date.now() - Number(body.dataset.now) * 1000
let away = false
let paused = false
let lost = false
let source = null
let heard = Date.now()
let polling = 0
let tookMs = 0

const two = (n) => String(n).padStart(2, '0')
const clock = (ms) => { const d = new Date(ms); return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}` }
const address = (kind) => `/${kind}?page=${encodeURIComponent(body.dataset.page)}&since=${encodeURIComponent(id)}`

function lasting (seconds) {
  const s = Math.max(0, Math.round(seconds))
  const pair = (n, unit, a, b) => `${Math.floor(n / unit)} ${a}` + (Math.floor(n % unit / b[0]) ? ` ${Math.floor(n % unit / b[0])} ${b[1]}` : '')
  if (s < 60) return `${s} s`
  if (s < 3600) return pair(s, 60, 'min', [1, 's'])
  if (s < 86400) return pair(s, 3600, 'h', [60, 'min'])
  return pair(s, 86400, 'd', [3600, 'h'])
}

function age (root) {
  const now = (Date.now() - ahead) / 1000
  for (const one of root.querySelectorAll('.age')) {
    if (one.dataset.since) one.textContent = lasting(now - one.dataset.since)
    else one.textContent = one.dataset.until > now ? lasting(one.dataset.until - now) : 'over'
  }
}

function tick () {
  age(document)
  if (!paused && !document.hidden && Date.now() - heard > (source && source.readyState === 1 ? SILENT_MS : LOST_MS)) lose()
  if (held.size) [...held].forEach(([name, html]) => put(name, html))
  show()
}

function show () {
  const [kind, said] = paused ? ['held', `Paused; this is of ${clock(at)}`]
    : lost ? ['lost', `▲ Connection lost since ${clock(heard - ahead)}`]
      : away ? ['lost', `▲ The database has not answered since ${clock(at)}`]
        : held.size ? ['held', `Paused while you are here; updated at ${clock(at)}`]
          : ['on', `Updated at ${clock(at)} UTC`]
  line.className = `pulse pulse--${kind}`
  if (words.textContent !== said) words.textContent = said
}

function inUse (part) {
  const selected = document.getSelection()
  const marked = selected && !selected.isCollapsed && selected.rangeCount && selected.getRangeAt(0).intersectsNode(part)
  return marked || (part !== document.activeElement && part.contains(document.activeElement))
}

function put (name, html) {
  const place = document.querySelector(`[data-fragment="${name}"]`)
  if (!place) return held.delete(name)
  const fresh = document.createElement('div')
  fresh.innerHTML = html
  age(fresh)
  const [old, made] = [[...place.children], [...fresh.children]]
  const alike = made.length === old.length && made.every((one, n) => one.dataset.part && one.dataset.part === old[n].dataset.part)
  const pairs = alike ? old.map((one, n) => [one, made[n]]) : [[place, fresh]]
  const spoken = new Map([...place.querySelectorAll('[data-say][data-key]')].map((one) => [one.dataset.key, one.dataset.say]))
  let waits = false
  for (const [one, other] of pairs) {
    if (one.isEqualNode(other)) continue
    if (inUse(one)) waits = true
    else if (alike) one.replaceWith(other)
    else place.replaceChildren(...fresh.childNodes)
  }
  if (waits) held.set(name, html)
  else held.delete(name)
  const news = [...place.querySelectorAll('[data-say][data-key]')].filter((one) => spoken.get(one.dataset.key) !== one.dataset.say)
  if (news.length) {
    const said = news.slice(0, MOST_SAID).map((one) => one.dataset.say)
    status.textContent = said.join('. ') + (news.length > MOST_SAID ? `. And ${news.length - MOST_SAID} more changes.` : '.')
  }
}

function take (message) {
  if (paused) return
  id = message.id
  at = Date.parse(message.at)
  heard = Date.now()
  away = message.away
  lost = false
  for (const [name, html] of Object.entries(message.fragments || {})) put(name, html)
  tick()
}

function lose () {
  lost = true
  if (!polling) poll()
}

async function poll () {
  clearTimeout(polling)
  polling = 0
  if (paused || document.hidden || (source && source.readyState === 1 && !lost)) return
  const began = performance.now()
  try {
    const answer = await fetch(address('fragments'), { headers: { Accept: 'application/json' }, redirect: 'manual' })
    if (answer.status === 401 || answer.type === 'opaqueredirect') return signIn()
    if (answer.ok) { take(await answer.json()); words.dataset.by = 'polling' }
  } catch { /* the line says since when; asked again below */ }
  tookMs = performance.now() - began
  if (!source || source.readyState === 2) open()
  if (!polling && (!source || source.readyState !== 1)) polling = setTimeout(poll, Math.max(1000, 250 * Math.sqrt(tookMs) - 1000))
}

function signIn () {
  close()
  location.reload()
}

function open () {
  close()
  source = new EventSource(address('events'))
  source.onmessage = (event) => { clearTimeout(polling); polling = 0; words.dataset.by = 'events'; take(JSON.parse(event.data)) }
  source.addEventListener('signed-out', signIn)
  source.onerror = () => { if (!polling) polling = setTimeout(poll, 1000) }
}

function close () {
  if (source) source.close()
  source = null
}

function rest () {
  clearTimeout(polling)
  polling = 0
  close()
}

function resume () {
  heard = Date.now()
  open()
}

if (button) {
  button.hidden = false
  button.addEventListener('click', () => {
    paused = !paused
    button.textContent = paused ? 'Go on' : 'Pause'
    if (paused) rest()
    else resume()
    show()
  })
}
document.addEventListener('visibilitychange', () => { if (paused) return; if (document.hidden) rest(); else resume() })
window.addEventListener('pagehide', rest)
setInterval(tick, 1000)
open()
