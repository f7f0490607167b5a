// @ts-check
// Work without a mouse: one key an action, a dialog before what cannot be undone.

/** @param {string} id */
const dialog = (id) => /** @type {HTMLDialogElement | null} */ (document.getElementById(id))

/** @param {Element} element */
function act(element) {
  if (element instanceof HTMLFormElement) element.requestSubmit()
  else if (element instanceof HTMLElement && element.dataset.open) dialog(element.dataset.open)?.showModal()
}

/** @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLInputElement
    ? !['radio', 'checkbox', 'button', 'submit'].includes(target.type)
    : target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  const open = document.querySelector('dialog[open]')
  if (open) {
    const choice = open.querySelector(`[data-digit="${CSS.escape(event.key)}"]`)
    if (choice instanceof HTMLInputElement) {
      choice.checked = true
      choice.focus()
    }
    // Enter on a choice decides, as on the button.
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
      event.preventDefault()
      event.target.form?.requestSubmit()
    }
    return
  }
  if (event.key === 't') document.querySelector('[data-text-form]')?.querySelector('button')?.click()
  else if (event.key === 'a') {
    const account = /** @type {HTMLElement | null} */ (document.querySelector('[data-account]'))
    if (account?.dataset.account) location.assign(account.dataset.account)
  } else {
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)
    if (!target) return
    act(target)
  }
  event.preventDefault()
})

for (const button of document.querySelectorAll('[data-open]'))
  button.addEventListener('click', () => act(button))
for (const button of document.querySelectorAll('[data-close]'))
  button.addEventListener('click', () => button.closest('dialog')?.close())
// One verdict an item: the second press of a button that has been pressed does nothing.
for (const form of document.querySelectorAll('form[method="post"]:not([data-text-form])'))
  form.addEventListener('submit', (event) => {
    const sent = /** @type {HTMLElement} */ (form)
    if (sent.dataset.sent) event.preventDefault()
    sent.dataset.sent = 'yes'
  })
