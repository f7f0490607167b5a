import type { BacktestReport } from '@wardline/backtest'
import {
  inForce,
  liftSection,
  OrderRefused,
  PolicyUnavailable,
  type PublishedRecord,
  publishedFiles,
  publishPolicy,
  suspendSection,
  withdrawPolicy,
} from '@wardline/control'
import { heldBySection, ruleCounts, storedOrders, storedPublications } from '@wardline/decision-store'
import { type PolicyFiles, policyVersion, readPolicyFiles } from '@wardline/policy'
import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  allowed,
  type ConsoleContext,
  languageFor,
  numberOf,
  type Pages,
  Refused,
  textOf,
} from './context.ts'
import { html } from './html.ts'
import {
  BACKTEST_SIZES,
  backtestPage,
  type PolicyCheck,
  policyPage,
  publishPage,
  type VersionRow,
} from './pages/policy.ts'
import { sectionsPage } from './pages/sections.ts'
import { PolicyTasks, type TaskResult } from './policy-tasks.ts'
import { translator } from './texts.ts'

/** What was just published shows after it has come back from the topic; at most this long is waited for it. */
const SHOWN_WITHIN_MS = 5_000
const VERSIONS_SHOWN = 30

/** Policy and section orders: what is in force, and the way to change it. Writes only policy.control. */
export function policyRoutes(app: FastifyInstance, context: ConsoleContext, pages: Pages): void {
  const { store, connection, settings, audit, live, policy, clock } = context
  const tasks = new PolicyTasks()
  app.addHook('onClose', () => tasks.stop())
  const publications = () => storedPublications(store)
  const current = (records: readonly PublishedRecord[]) => inForce(records, settings.ruleSet)
  /** The files of a candidate: `folder`, or a version that the store has seen. Throws Refused. */
  const candidateFiles = (from: string, records: readonly PublishedRecord[]): PolicyFiles => {
    if (from === 'folder') return readPolicyFiles(settings.policyFolder)
    try {
      return publishedFiles(records, settings.ruleSet, from)
    } catch (error) {
      if (error instanceof PolicyUnavailable) throw new Refused(404, error.message)
      throw error
    }
  }
  const again = (reply: FastifyReply) => reply.header('refresh', '1').header('cache-control', 'no-store')
  const shown = async (isThere: () => boolean) => {
    const until = performance.now() + SHOWN_WITHIN_MS
    while (!isThere() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  app.get('/policy', (request, reply) => {
    const view = pages.view(request, reply)
    const records = publications()
    const standing = current(records)
    const modeOf = policy.modes()
    const counts = new Map(ruleCounts(store).map((each) => [each.rule, each]))
    const none = { live: 0, adverse: 0, shadow: 0, overturned: 0 }
    const rules = [...new Set([...counts.keys(), ...modeOf.keys()])]
      .map((rule) => ({ ...none, ...counts.get(rule), rule, mode: modeOf.get(rule) ?? 'finding' }))
      .sort((a, b) => b.live + b.shadow - (a.live + a.shadow) || (a.rule < b.rule ? -1 : 1))
    const content = policyPage(view, {
      ruleSet: settings.ruleSet,
      inForce: standing?.version ?? null,
      versions: records
        .filter(({ name }) => name === settings.ruleSet)
        .reverse()
        .slice(0, VERSIONS_SHOWN)
        .map((each) => versionRow(each, each.record === standing)),
      running: live
        .figures()
        .stages.filter(({ versions }) => versions.length > 0)
        .map(({ stage, versions }) => ({ stage, versions })),
      rules,
    })
    return pages.send(reply, view, view.t('policy.title'), content)
  })

  app.get('/policy/publish', (request, reply) => {
    allowed(request, 'changePolicy')
    const view = pages.view(request, reply)
    const from = textOf(request.query, 'from') ?? 'folder'
    const records = publications()
    const files = candidateFiles(from, records)
    const version = policyVersion(files)
    const standing = current(records)
    const result = tasks.result(`check ${version} ${standing?.version}`, () => ({
      kind: 'check',
      version,
      files: [...files],
      current: standing ? [...publishedFiles(records, settings.ruleSet)] : null,
      now: view.now,
    }))
    if (result === undefined) again(reply)
    const content = publishPage(
      view,
      { from, version, current: standing?.version ?? null },
      unwrapped<PolicyCheck>(result),
    )
    return pages.send(reply, view, view.t('policy.publish.title'), content)
  })

  app.post('/policy/publish', async (request, reply) => {
    const user = allowed(request, 'changePolicy')
    const t = translator(languageFor(request))
    const from = textOf(request.body, 'from') ?? 'folder'
    const version = textOf(request.body, 'version')
    const records = publications()
    const files = candidateFiles(from, records)
    const standing = current(records)?.version
    // What is published is what was compared, and with what it was compared with.
    const result = tasks.known(`check ${version} ${standing}`)
    if (
      version !== policyVersion(files) ||
      standing !== textOf(request.body, 'current') ||
      !result ||
      !('done' in result) ||
      (result.done as PolicyCheck).problems.length > 0
    )
      return pages.goTo(reply, user, `/policy/publish?from=${encodeURIComponent(from)}`, t('policy.stale'))
    audit.record(user.name, 'publish_policy', `${settings.ruleSet} ${version}`)
    await publishPolicy(connection, files, { name: settings.ruleSet, issuedBy: user.name, now: clock() })
    await shown(() => current(publications())?.version === version)
    policy.modes()
    return pages.goTo(reply, user, '/policy', t('policy.publish.done', version))
  })

  app.post('/policy/withdraw', async (request, reply) => {
    const user = allowed(request, 'changePolicy')
    const t = translator(languageFor(request))
    const standing = current(publications())?.version
    if (standing === undefined || standing !== textOf(request.body, 'current'))
      return pages.goTo(reply, user, '/policy', t('policy.stale'))
    audit.record(user.name, 'withdraw_policy', `${settings.ruleSet} ${standing}`)
    await withdrawPolicy(connection, settings.ruleSet)
    await shown(() => current(publications()) === undefined)
    return pages.goTo(reply, user, '/policy', t('policy.withdrawn.done'))
  })

  app.post('/policy/backtest', (request, reply) => {
    const user = allowed(request, 'changePolicy')
    const from = textOf(request.body, 'from') ?? 'folder'
    const events = numberOf(request.body, 'events')
    if (!BACKTEST_SIZES.some((size) => size === events)) throw new Refused(400, 'no such size')
    const records = publications()
    const files = candidateFiles(from, records)
    const before = policy.files()
    const id = `${policyVersion(files)}-${policyVersion(before)}-${events}-${clock().toString(36)}`
    tasks.result(`backtest ${id}`, () => ({
      kind: 'backtest',
      version: policyVersion(files),
      files: [...files],
      before: [...before],
      events: events!,
    }))
    return pages.goTo(reply, user, `/policy/backtest/${id}`)
  })

  app.get<{ Params: { id: string } }>('/policy/backtest/:id', (request, reply) => {
    allowed(request, 'changePolicy')
    const view = pages.view(request, reply)
    const key = `backtest ${request.params.id}`
    if (!tasks.has(key)) throw new Refused(404, 'no such backtest')
    const result = tasks.known(key)
    if (result === undefined) again(reply)
    return pages.send(
      reply,
      view,
      view.t('policy.backtest'),
      backtestPage(view, unwrapped<BacktestReport>(result)),
    )
  })

  app.get('/sections', (request, reply) => {
    const view = pages.view(request, reply)
    return pages.send(
      reply,
      view,
      view.t('sections.title'),
      html`${sectionsPage(view, storedOrders(store), heldBySection(store))}`,
    )
  })

  const order = async (
    reply: FastifyReply,
    user: Parameters<Pages['goTo']>[1],
    work: () => Promise<{ issuedAt: number; name: string }>,
  ) => {
    try {
      const { name, issuedAt } = await work()
      await shown(() => storedOrders(store).some((each) => each.name === name && each.issuedAt === issuedAt))
      return pages.goTo(reply, user, '/sections')
    } catch (error) {
      if (error instanceof OrderRefused) return pages.goTo(reply, user, '/sections', error.message)
      throw error
    }
  }

  app.post('/sections/suspend', (request, reply) => {
    const user = allowed(request, 'orderSections')
    const [section, reference] = [textOf(request.body, 'section'), textOf(request.body, 'order')]
    const days = numberOf(request.body, 'days')
    if (!section || !reference || !days || days > 3_650 || section.length > 128 || reference.length > 128)
      throw new Refused(400, 'section, order and days')
    const now = clock()
    return order(reply, user, () => {
      audit.record(user.name, 'suspend_section', `${section} ${reference} ${days}`)
      return suspendSection(connection, section, { days, reference, from: now, issuedBy: user.name, now })
    })
  })

  app.post('/sections/lift', (request, reply) => {
    const user = allowed(request, 'orderSections')
    const section = textOf(request.body, 'section')
    if (!section) throw new Refused(400, 'section')
    return order(reply, user, () => {
      audit.record(user.name, 'lift_section', section)
      return liftSection(connection, section, { issuedBy: user.name, now: clock() })
    })
  })
}

const unwrapped = <T>(result: TaskResult | undefined): T | { readonly failed: string } | undefined =>
  result === undefined ? undefined : 'failed' in result ? result : (result.done as T)

function versionRow({ record, refusal, publishedAt }: PublishedRecord, isInForce: boolean): VersionRow {
  return {
    version: record?.version ?? null,
    state: refusal !== null ? 'refused' : record === null ? 'withdrawn' : isInForce ? 'inForce' : 'earlier',
    by: record?.issuedBy ?? null,
    at: publishedAt,
    bytes: record?.payload?.length ?? 0,
    refusal,
  }
}
