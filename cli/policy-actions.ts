import { type BacktestReport, backtest, topicEvents } from '@wardline/backtest'
import {
  inForce,
  PolicyUnavailable,
  publishedFiles,
  publishedRecords,
  publishPolicy,
  usablePolicy,
  withdrawPolicy,
} from '@wardline/control'
import {
  checkPolicy,
  type PolicyChange,
  type PolicyFiles,
  policyChanges,
  policyFolder,
  readPolicyFiles,
  ruleSetName,
} from '@wardline/policy'
import { backtestTable } from './backtest-table.ts'
import { connect } from './connection.ts'
import { fileEvents } from './event-lines.ts'
import { modelInUse } from './model.ts'

/** Where a command says what it has to say. */
export interface Terminal {
  readonly print: (line: string) => void
  readonly warn: (line: string) => void
}

export interface PolicyOptions {
  /** Folder of the policy; without it as the services take it. */
  readonly folder?: string
  /** Name of the rule set; without it as the services take it. */
  readonly name?: string
}

export interface PublishOptions extends PolicyOptions {
  readonly version?: string
  readonly by: string
  readonly dryRun?: boolean
}

export interface BacktestOptions extends PolicyOptions {
  readonly jsonl?: string
  readonly fromTopic?: boolean
  readonly events?: number
  readonly against: string
  readonly showText?: boolean
  readonly json?: boolean
}

const folderOf = ({ folder }: PolicyOptions): string => folder ?? policyFolder(process.env)
const nameOf = ({ name }: PolicyOptions): string => name ?? ruleSetName(process.env)

/** `wardline policy check`: whether nothing is wrong. */
export function check(options: PolicyOptions, terminal: Terminal): boolean {
  const folder = folderOf(options)
  const files = readPolicyFiles(folder)
  if (!isSound(files, terminal)) return false
  terminal.print(`${usablePolicy(files, folder).version}  no problems`)
  return true
}

/** `wardline policy publish`: whether it is published, or was already. */
export async function publish(options: PublishOptions, terminal: Terminal): Promise<boolean> {
  const { print, warn } = terminal
  const name = nameOf(options)
  const connection = connect()
  const records = await publishedRecords(connection)
  const files =
    options.version === undefined
      ? readPolicyFiles(folderOf(options))
      : publishedFiles(records, name, options.version)
  if (!isSound(files, terminal)) {
    warn('not published')
    return false
  }
  const next = usablePolicy(files, folderOf(options))
  const current = inForce(records, name)
  if (current?.version === next.version) {
    print(`${next.version} is published as ${name} already`)
    return true
  }
  if (current) {
    const before = usablePolicy(publishedFiles(records, name), `version ${current.version}`)
    for (const change of policyChanges(before, next)) print(changeLine(change))
  } else print(`nothing is published as ${name}: the stages run the policy of their folder`)
  if (options.dryRun) {
    print(`${next.version}  would be published as ${name}`)
    return true
  }
  const issued = { name, issuedBy: options.by, now: Date.now() }
  const { payload } = await publishPolicy(connection, files, issued)
  print(`${next.version}  published as ${name} (${payload!.length} bytes)`)
  return true
}

/** `wardline policy withdraw`. Throws PolicyUnavailable where nothing is published. */
export async function withdraw(options: PolicyOptions, { print }: Terminal): Promise<void> {
  const name = nameOf(options)
  const connection = connect()
  if (!inForce(await publishedRecords(connection), name))
    throw new PolicyUnavailable(`nothing is published as ${name}`)
  await withdrawPolicy(connection, name)
  print(`${name} withdrawn`)
}

/** `wardline policy list`: newest first. */
export async function list({ json }: { readonly json?: boolean }, { print }: Terminal): Promise<void> {
  const records = await publishedRecords(connect())
  for (const { name, record, refusal, publishedAt, partition, offset } of records.toReversed()) {
    const state =
      refusal !== null
        ? 'refused'
        : record === null
          ? 'withdrawn'
          : record === inForce(records, name)
            ? 'in force'
            : 'earlier'
    const { version = null, issuedBy = null } = record ?? {}
    const bytes = record?.payload?.length ?? 0
    const at = new Date(publishedAt).toISOString()
    if (json) print(JSON.stringify({ name, version, state, at, issuedBy, bytes, partition, offset, refusal }))
    else
      print(
        `${name.padEnd(12)} ${(version ?? '–').padEnd(12)} ${state.padEnd(9)} ${at}  ${issuedBy ?? ''}${refusal === null ? '' : `  ${refusal}`}`,
      )
  }
  if (records.length === 0 && !json) print('nothing is published: the stages run the policy of their folder')
}

/** `wardline policy backtest`. */
export async function runBacktest(options: BacktestOptions, { print, warn }: Terminal): Promise<void> {
  const isPublished = options.against === 'published'
  const connection = isPublished || options.fromTopic ? connect() : undefined
  const folder = folderOf(options)
  const after = usablePolicy(readPolicyFiles(folder), folder)
  const before = isPublished
    ? usablePolicy(
        publishedFiles(await publishedRecords(connection!), nameOf(options)),
        'the published version',
      )
    : usablePolicy(readPolicyFiles(options.against), options.against)
  const events = options.fromTopic
    ? topicEvents(connection!, options.events ?? Number.POSITIVE_INFINITY)
    : fileEvents(options.jsonl!, (line, why) => warn(`line ${line}: ${why}`))
  const report: BacktestReport = await backtest(events, before, after, {
    showText: options.showText ?? false,
    model: modelInUse(),
  })
  if (options.json || !process.stdout.isTTY) print(JSON.stringify(report))
  else for (const line of backtestTable(report)) print(line)
}

function isSound(files: PolicyFiles, { warn }: Terminal): boolean {
  const problems = checkPolicy(files, Date.now(), modelInUse())
  for (const { file, line, message } of problems) warn(`${file}:${line}: ${message}`)
  if (problems.length > 0) warn(`${problems.length} problems`)
  return problems.length === 0
}

function changeLine({ kind, what, details }: PolicyChange): string {
  const sign = kind === 'added' ? '+' : kind === 'removed' ? '-' : '~'
  return `${sign} ${what}${details.length > 0 ? `: ${details.join(', ')}` : ''}`
}
