/**
 * `make console-images`: every page of the console with the data of a demo, into docs/img. Light in English at a desk's
 * width; some of them dark, in Chinese, and as narrow as a telephone.
 */
import { mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { publishPaced } from '@wardline/cli/sample'
import { publishPolicy, suspendSection } from '@wardline/control'
import { policyFolder, readPolicyFiles } from '@wardline/policy'
import { createSampleFeed } from '@wardline/sample-feed'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { findChromium, launchChromium } from './chromium.ts'
import { type Person, RunningConsole, TOKENS } from './running-console.ts'

const FOLDER = fileURLToPath(new URL('../../docs/img/', import.meta.url))
/** Larger pictures make a repository heavy, and a README slow. */
const MOST_BYTES = 150 * 1_024
/** Of the items whose texts are shown: harm that can be looked at. */
const ITEM_CATEGORIES: ReadonlySet<string> = new Set([
  'contact_solicitation',
  'fraud',
  'gambling',
  'game_companion',
  'illegal_ads',
])

interface Picture {
  readonly name: string
  readonly path: string
  readonly person?: Person
  readonly scheme?: 'light' | 'dark'
  readonly language?: 'en-GB' | 'zh-CN'
  readonly width?: number
  readonly height?: number
  /** What is done on the page before the picture is taken. */
  readonly act?: (page: Page) => Promise<unknown>
}

const chromium = findChromium()
if (chromium === undefined) {
  console.error('no Chromium found: apt-get install chromium, or CHROMIUM=path')
  process.exit(1)
}

mkdirSync(FOLDER, { recursive: true })
console.log('starting the chain and a console, and feeding them …')
const running = await RunningConsole.start({ events: 6_000, rate: 120, seed: 7, timeZone: 'Asia/Shanghai' })
const browser = await launchChromium(chromium)
try {
  const { connection } = running.chain
  const now = Date.now()
  await suspendSection(connection, 'game-zone', {
    days: 30,
    reference: 'CAC-2026-17',
    from: now,
    issuedBy: 'ops',
    now,
  })
  // Last month's policy is in force: the folder has a rule live that was a shadow, and another threshold.
  const files = new Map(readPolicyFiles(policyFolder(process.env)))
  const change = (file: string, from: string, to: string) =>
    files.set(file, files.get(file)!.replace(from, to))
  change('rules/gambling.yaml', 'mode: live', 'mode: shadow')
  change('rules/fraud.yaml', 'threshold: 0.5', 'threshold: 0.6')
  await publishPolicy(connection, files, { name: 'default', issuedBy: 'policy team', now })
  const decided = await running.decisions()
  const found = new Map((await running.assessments()).map((each) => [each.eventId, each]))
  // An approach over time says most about what is shown; else whatever was taken down.
  const one =
    decided.find(
      ({ eventId, statement, type }) =>
        statement !== null &&
        type === 'DECISION' &&
        (found.get(eventId)?.approachStages.length ?? 0) > 2 &&
        (found.get(eventId)?.ruleHits.length ?? 0) > 0,
    ) ?? decided.find(({ statement }) => statement !== null)!
  // Items that wait, of whoever has done something before: what a reviewer most often sees.
  const done = Map.groupBy(
    decided.filter(({ ruleIds }) => ruleIds.length > 0),
    ({ actorId }) => actorId,
  )
  const items = decided
    .filter(({ eventId, category, review }) => {
      const { textLength = 0, ruleHits = [] } = found.get(eventId) ?? {}
      const isMarked = ruleHits.some(({ spans }) => spans.length > 0)
      return review[0] === 'hold' && ITEM_CATEGORIES.has(category) && isMarked && textLength > 12
    })
    .sort((a, b) => done.get(b.actorId)!.length - done.get(a.actorId)!.length)
  const minors = new Map<string, Set<string>>()
  for (const { actorId, protectedId, protectedIsMinor, riskCategory } of found.values())
    if (protectedIsMinor && actorId !== protectedId && riskCategory !== 'benign')
      minors.set(actorId, (minors.get(actorId) ?? new Set()).add(protectedId))
  const [account] = [...minors].sort((a, b) => b[1].size - a[1].size)[0] ?? [one.actorId]

  const showText = async (page: Page) => {
    await page.click('[data-text-form] button')
    await page.waitForSelector('[data-text-place] :is(.original, p, dl):not(.veil)')
  }
  const takeIt = async (page: Page) => {
    if ((await page.locator('[data-key="u"]').count()) === 0) await page.keyboard.press('n')
    await page.waitForSelector('[data-key="u"]')
    await page.keyboard.press('t')
    await page.waitForSelector('.original')
  }
  const checked = async (page: Page) => {
    await page.waitForSelector('form[action="/policy/backtest"]', { timeout: 60_000 })
  }
  const item = (i: number) => `/review/${(items[i] ?? one).decisionId}`
  const pictures: Picture[] = [
    { name: 'live', path: '/', height: 1_000, act: (page) => page.waitForTimeout(3_000) },
    {
      name: 'live-dark-zh',
      path: '/',
      height: 1_000,
      scheme: 'dark',
      language: 'zh-CN',
      act: (page) => page.waitForTimeout(3_000),
    },
    { name: 'decisions', path: '/decisions?notable=1', height: 660 },
    { name: 'decision', path: `/decisions/${one.decisionId}`, person: 'li', act: showText },
    { name: 'review', path: '/review', person: 'li', height: 660 },
    { name: 'review-item', path: item(0), person: 'li', act: takeIt },
    {
      name: 'review-item-dark-zh',
      path: item(1),
      person: 'wang',
      scheme: 'dark',
      language: 'zh-CN',
      act: async (page) => {
        await takeIt(page)
        await page.keyboard.press('o')
      },
    },
    {
      name: 'review-item-narrow-zh',
      path: item(1),
      person: 'wang',
      language: 'zh-CN',
      width: 390,
      height: 844,
      act: takeIt,
    },
    { name: 'account', path: `/accounts/${encodeURIComponent(account)}` },
    { name: 'policy', path: '/policy', person: 'admin' },
    {
      name: 'policy-publish',
      path: '/policy/publish?from=folder',
      person: 'admin',
      height: 560,
      act: checked,
    },
    { name: 'sections', path: '/sections', person: 'admin', height: 420 },
    { name: 'dead-letters', path: '/dead-letters', person: 'sre', height: 620 },
    { name: 'report-zh', path: '/report', language: 'zh-CN', height: 680 },
    { name: 'audit', path: '/audit', person: 'admin', height: 460 },
  ]

  // Somebody goes on writing while the pictures are taken: the live view is to live.
  const feed = createSampleFeed({ seed: 8, startAt: Date.now(), accounts: 400 })
  const writing = publishPaced(running.publisher, feed, { count: 4_000, rate: 60 })
  let tooLarge = 0
  for (const {
    name,
    path,
    person = 'viewer',
    scheme = 'light',
    language = 'en-GB',
    width = 1_280,
    height = 820,
    act,
  } of pictures) {
    const options: BrowserContextOptions = {
      viewport: { width, height },
      colorScheme: scheme,
      locale: language,
      reducedMotion: 'reduce',
    }
    const context = await browser.newContext(options)
    const page = await context.newPage()
    await page.goto(`${running.console.url}/login#${TOKENS[person]}`)
    await page.waitForURL(`${running.console.url}/`)
    await page.goto(running.console.url + path)
    await act?.(page)
    await page.mouse.move(0, 0)
    const file = `${FOLDER}console-${name}.png`
    await page.screenshot({ path: file })
    const { size } = statSync(file)
    if (size > MOST_BYTES) tooLarge++
    console.log(
      `docs/img/console-${name}.png  ${Math.round(size / 1_024)} KiB${size > MOST_BYTES ? '  too large' : ''}`,
    )
    await context.close()
  }
  await writing
  if (tooLarge > 0) process.exitCode = 1
} finally {
  await browser.close()
  await running.stop()
}
