// @ts-check
// An address may bring the token behind its #, which no server and no log ever sees.
const form = /** @type {HTMLFormElement | null} */ (document.querySelector('#login'))
const token = decodeURIComponent(location.hash.slice(1))
if (form && token !== '') {
  history.replaceState(null, '', '/login')
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem('token'))
  field.value = token
  form.submit()
}
