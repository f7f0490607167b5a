// @ts-check
// Keeps the live page up to date: the server sends ready-made parts of it.

const MOST_ROWS = 30
const SILENT_MS = 4_000

const figures = document.querySelector('#figures')
const rows = document.querySelector('.stream tbody')
const stale = /** @type {HTMLElement | null} */ (document.querySelector('#stale'))
const pause = /** @type {HTMLButtonElement | null} */ (document.querySelector('#pause'))
let isPaused = false
let heardAt = Date.now()

const source = new EventSource('/live/stream')
source.addEventListener('figures', (event) => {
  heardAt = Date.now()
  if (stale) stale.hidden = true
  // Not under a finger or the keyboard: a link that is about to be followed stays.
  if (figures && !figures.contains(document.activeElement)) figures.innerHTML = event.data
})
source.addEventListener('decisions', (event) => {
  if (isPaused || !rows) return
  rows.insertAdjacentHTML('afterbegin', event.data)
  while (rows.children.length > MOST_ROWS) rows.lastElementChild?.remove()
})

pause?.addEventListener('click', () => {
  isPaused = !isPaused
  pause.setAttribute('aria-pressed', String(isPaused))
  pause.textContent = (isPaused ? pause.dataset.resume : pause.dataset.pause) ?? ''
})

setInterval(() => {
  if (stale && Date.now() - heardAt > SILENT_MS) stale.hidden = false
}, 1_000)
// The browser may keep a page that one goes back to: it connects again when it is shown.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})
