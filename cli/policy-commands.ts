import { userInfo } from 'node:os'
import {
  checkPolicy,
  type PolicyChange,
  type PolicyFiles,
  policyChanges,
  policyFolder,
  readPolicyFiles,
  ruleSetName,
} from '@wardline/policy'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type BacktestReport, backtest, fileEvents, topicEvents } from './backtest.ts'
import { backtestTable } from './backtest-table.ts'
import { connect } from './connection.ts'
import {
  inForce,
  PolicyUnavailable,
  publishedFiles,
  publishedRecords,
  publishPolicy,
  usablePolicy,
  withdrawPolicy,
} from './policy.ts'

interface Terminal {
  readonly print: (line: string) => void
  readonly warn: (line: string) => void
}

interface BacktestOptions {
  readonly jsonl?: string
  readonly fromTopic?: boolean
  readonly events?: number
  readonly folder: string
  readonly against: string
  readonly name: string
  readonly showText?: boolean
  readonly json?: boolean
}

const wholeNumber = (text: string) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number from 1')
  return value
}

/** `wardline policy …` */
export function addPolicyCommands(program: Command, { print, warn }: Terminal): void {
  const policy = program
    .command('policy')
    .description('rules, lexicons, thresholds and what is done about them')
  const folder = () =>
    new Option('--folder <path>', 'folder of the policy').default(policyFolder(process.env))
  const name = () => new Option('--name <name>', 'name of the rule set').default(ruleSetName(process.env))

  policy
    .command('check')
    .description('every problem of a policy, with file and line; exit code 1 where there is any')
    .addOption(folder())
    .action(({ folder }: { folder: string }) => {
      const files = readPolicyFiles(folder)
      if (!check(files)) process.exitCode = 1
      else print(`${usablePolicy(files, folder).version}  no problems`)
    })

  policy
    .command('publish')
    .description(
      'have every running stage change over to a policy; publishing an older one again is the way back',
    )
    .addOption(folder())
    .addOption(name())
    .option('--version <version>', 'a version that `policy list` shows, instead of the folder')
    .option('--by <who>', 'who publishes it', userInfo().username)
    .option('--dry-run', 'only show what would change')
    .action(
      async (options: { folder: string; name: string; version?: string; by: string; dryRun?: boolean }) => {
        const connection = connect()
        const records = await publishedRecords(connection)
        const files =
          options.version === undefined
            ? readPolicyFiles(options.folder)
            : publishedFiles(records, options.name, options.version)
        if (!check(files)) {
          warn('not published')
          process.exitCode = 1
          return
        }
        const next = usablePolicy(files, options.folder)
        const current = inForce(records, options.name)
        if (current?.version === next.version) {
          print(`${next.version} is published as ${options.name} already`)
          return
        }
        if (current) {
          const before = usablePolicy(publishedFiles(records, options.name), `version ${current.version}`)
          printChanges(policyChanges(before, next))
        } else print(`nothing is published as ${options.name}: the stages run the policy of their folder`)
        if (options.dryRun) return print(`${next.version}  would be published as ${options.name}`)
        const { payload } = await publishPolicy(connection, files, {
          name: options.name,
          issuedBy: options.by,
          now: Date.now(),
        })
        print(`${next.version}  published as ${options.name} (${payload!.length} bytes)`)
      },
    )

  policy
    .command('withdraw')
    .description('take a published policy back: the stages run the policy of their folder again')
    .addOption(name())
    .action(async ({ name }: { name: string }) => {
      const connection = connect()
      if (!inForce(await publishedRecords(connection), name))
        throw new PolicyUnavailable(`nothing is published as ${name}`)
      await withdrawPolicy(connection, name)
      print(`${name} withdrawn`)
    })

  policy
    .command('list')
    .description('what is published, and the versions before it that the topic still has')
    .option('--json', 'as JSON lines')
    .action(async ({ json }: { json?: boolean }) => {
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
        if (json)
          print(JSON.stringify({ name, version, state, at, issuedBy, bytes, partition, offset, refusal }))
        else
          print(
            `${name.padEnd(12)} ${(version ?? '–').padEnd(12)} ${state.padEnd(9)} ${at}  ${issuedBy ?? ''}${refusal === null ? '' : `  ${refusal}`}`,
          )
      }
      if (records.length === 0 && !json)
        print('nothing is published: the stages run the policy of their folder')
    })

  policy
    .command('backtest')
    .description('what a policy would have answered otherwise than another, before it is published')
    .addOption(folder())
    .addOption(name())
    .option('--against <folder>', 'the other policy: a folder, or `published`', 'published')
    .option('--jsonl <file>', 'events as JSON lines, as `wardline classify` takes them; - for standard input')
    .option('--from-topic', 'the events in events.normalized')
    .option('--events <n>', 'with --from-topic: so many of the newest', wholeNumber)
    .option('--show-text', 'show the texts of the examples')
    .option('--json', 'as JSON also in a terminal')
    .action(async (options: BacktestOptions) => {
      if ((options.jsonl === undefined) === (options.fromTopic !== true))
        throw new InvalidArgumentError('say what to run over: --jsonl FILE or --from-topic')
      const report = await runBacktest(options)
      if (options.json || !process.stdout.isTTY) print(JSON.stringify(report))
      else for (const line of backtestTable(report)) print(line)
    })

  async function runBacktest(options: BacktestOptions): Promise<BacktestReport> {
    const isPublished = options.against === 'published'
    const connection = isPublished || options.fromTopic ? connect() : undefined
    const after = usablePolicy(readPolicyFiles(options.folder), options.folder)
    const before = isPublished
      ? usablePolicy(
          publishedFiles(await publishedRecords(connection!), options.name),
          'the published version',
        )
      : usablePolicy(readPolicyFiles(options.against), options.against)
    const events = options.fromTopic
      ? topicEvents(connection!, options.events ?? Number.POSITIVE_INFINITY)
      : fileEvents(options.jsonl!, (line, why) => warn(`line ${line}: ${why}`))
    return backtest(events, before, after, { showText: options.showText ?? false })
  }

  function check(files: PolicyFiles): boolean {
    const problems = checkPolicy(files, Date.now())
    for (const { file, line, message } of problems) warn(`${file}:${line}: ${message}`)
    if (problems.length > 0) warn(`${problems.length} problems`)
    return problems.length === 0
  }

  function printChanges(changes: readonly PolicyChange[]): void {
    for (const { kind, what, details } of changes) {
      const sign = kind === 'added' ? '+' : kind === 'removed' ? '-' : '~'
      print(`${sign} ${what}${details.length > 0 ? `: ${details.join(', ')}` : ''}`)
    }
  }
}
