// @ts-check
// Shows a hidden text in its place when it is asked for, and hides it again.

/** @param {HTMLElement} card */
function wire(card) {
  const form = /** @type {HTMLFormElement | null} */ (card.querySelector('[data-text-form]'))
  const place = card.querySelector('[data-text-place]')
  const button = form?.querySelector('button')
  if (!form || !place || !button) return
  const hidden = place.innerHTML
  let isShown = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (isShown) {
      place.innerHTML = hidden
      button.textContent = button.dataset.show ?? ''
      isShown = false
      return
    }
    button.disabled = true
    try {
      const fields = [...new FormData(form)].map(
        ([name, value]) => /** @type {[string, string]} */ ([name, String(value)]),
      )
      const answer = await fetch(form.action, {
        method: 'POST',
        headers: { 'x-wardline-part': '1' },
        body: new URLSearchParams(fields),
      })
      // An error is a page of its own: the plain form gets it.
      if (!answer.ok) return form.submit()
      place.innerHTML = await answer.text()
      button.textContent = button.dataset.hide ?? ''
      isShown = true
    } finally {
      button.disabled = false
    }
  })
}

for (const card of document.querySelectorAll('[data-text]')) wire(/** @type {HTMLElement} */ (card))
