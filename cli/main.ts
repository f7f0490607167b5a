import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  type DeadLetterFilter,
  decodeLetter,
  placeOf,
  readDeadLetters,
  replayDeadLetters,
} from '@wardline/dead-letters'
import { DEAD_LETTER_REASONS, InvalidSettings, STAGE_NAMES, type StageName } from '@wardline/stream'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type AuditReport, audit, balances } from './audit.ts'
import { connect, STACK_FOLDER } from './connection.ts'
import { addDoctorCommand } from './doctor/command.ts'
import { addPolicyCommands } from './policy-commands.ts'
import { PRODUCER_TOPICS, type ProducerTopic, produceLines } from './produce.ts'
import { addReportCommands } from './report-campaign.ts'
import { addReviewCommands } from './review.ts'
import { addSectionCommands } from './section.ts'
import { tailDecisions } from './tail.ts'
import { addTopicCommands } from './topics.ts'
import { wholeNumber } from './whole-number.ts'

const print = (line: string) => void process.stdout.write(`${line}\n`)
const warn = (line: string) => void process.stderr.write(`${line}\n`)

const program = new Command('wardline')
  .description('Answers every event of a social feed with one enforcement decision.')
  .showHelpAfterError()

program
  .command('up')
  .description('start broker, registry, the four services and the console and leave them running')
  .option('--partitions <n>', 'partitions of every topic', wholeNumber, 4)
  .action(async ({ partitions }: { partitions: number }) => {
    const { startStack } = await import('@wardline/local')
    const folder = fileURLToPath(STACK_FOLDER)
    const stack = await startStack({ folder, partitions, log: print, detached: true, console: true })
    print('')
    print(`broker     ${stack.brokers.join(',')}`)
    print(`registry   ${stack.registryUrl}`)
    for (const { stage, metricsUrl } of stack.services) print(`${stage.padEnd(14)} ${metricsUrl}`)
    if (stack.console) print(`console        ${stack.console.loginUrl}`)
    print('logs       .wardline/local/logs')
    print('')
    print(
      'Next: bin/wardline feed --events 2000, bin/wardline tail decisions, bin/wardline audit; make down ends it.',
    )
  })

program
  .command('down')
  .description('stop what `up` started')
  .option('--wipe', 'also delete the data')
  .action(async ({ wipe }: { wipe?: boolean }) => {
    const { stopStack } = await import('@wardline/local')
    await stopStack(fileURLToPath(STACK_FOLDER), { wipe: wipe ?? false, log: print })
  })

program
  .command('demo')
  .description('run the whole chain once on a sample feed, print what came of it, stop')
  .option('--events <n>', 'events to publish', wholeNumber, 20_000)
  .option('--rate <n>', 'events a second', wholeNumber, 500)
  .option('--seed <n>', 'seed of the sample feed', wholeNumber, 1)
  .option('--partitions <n>', 'partitions of every topic', wholeNumber, 4)
  .action(async (options: { events: number; rate: number; seed: number; partitions: number }) => {
    const { runDemo } = await import('./demo.ts')
    process.exitCode = (await runDemo({ ...options, print, progress })) ? 0 : 1
  })

program
  .command('feed')
  .description('publish a sample feed to the running chain')
  .option('--events <n>', 'events to publish', wholeNumber, 2_000)
  .option('--rate <n>', 'events a second', wholeNumber, 500)
  .option('--seed <n>', 'seed of the sample feed', wholeNumber, 1)
  .action(async (options: { events: number; rate: number; seed: number }) => {
    const { publishSample } = await import('./sample.ts')
    await publishSample(connect(), { ...options, progress })
    print(`${options.events} events published`)
  })

program
  .command('produce')
  .description('publish JSON lines')
  .requiredOption('--jsonl <file>', 'one JSON object a line; - for standard input')
  .addOption(
    new Option('--topic <topic>', 'where to').choices(Object.keys(PRODUCER_TOPICS)).default('feed.events'),
  )
  .action(async ({ jsonl, topic }: { jsonl: string; topic: ProducerTopic }) => {
    const { sent, refused } = await produceLines(connect(), jsonl, topic, (line, reason) =>
      warn(`line ${line}: ${reason}`),
    )
    print(`${sent} sent, ${refused} refused`)
    if (refused > 0) process.exitCode = 1
  })

const tail = program.command('tail').description('follow a topic')
tail
  .command('decisions')
  .description('follow enforcement.decisions: a table in a terminal, JSON lines in a pipe')
  .option('--from-beginning', 'also what was decided before')
  .option('--limit <n>', 'end after so many', wholeNumber)
  .action(async ({ fromBeginning, limit }: { fromBeginning?: boolean; limit?: number }) => {
    const interrupted = new AbortController()
    process.once('SIGINT', () => interrupted.abort())
    process.once('SIGTERM', () => interrupted.abort())
    await tailDecisions(connect(), {
      fromBeginning: fromBeginning ?? false,
      limit: limit ?? Number.POSITIVE_INFINITY,
      terminal: process.stdout.isTTY,
      signal: interrupted.signal,
      print,
    })
  })

program
  .command('audit')
  .description('prove from the topics that every event has exactly one outcome')
  .option('--wait <seconds>', 'ask again for this long while something is still on its way', wholeNumber)
  .option('--json', 'as JSON')
  .action(async ({ wait, json }: { wait?: number; json?: boolean }) => {
    const connection = connect()
    const until = Date.now() + (wait ?? 0) * 1_000
    let report = await audit(connection)
    while (!balances(report) && report.doubled.length === 0 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      report = await audit(connection)
    }
    printAudit(report, json ?? false)
    process.exitCode = balances(report) ? 0 : 1
  })

const dlq = program.command('dlq').description('dead letters')
const filters = (command: Command) =>
  command
    .addOption(new Option('--stage <stage>', 'only of this stage').choices(STAGE_NAMES))
    .addOption(new Option('--reason <reason>', 'only with this reason').choices(DEAD_LETTER_REASONS))
const filterOf = ({ stage, reason }: { stage?: StageName; reason?: string }): DeadLetterFilter => ({
  ...(stage ? { stages: [stage] } : {}),
  ...(reason ? { reason } : {}),
})
/** `normalize/2/17` → that letter alone. */
const placeFilter = (place: string): DeadLetterFilter => {
  const match = /^([a-z-]+)\/(\d+)\/(\d+)$/.exec(place)
  const stage = STAGE_NAMES.find((name) => name === match?.[1])
  if (!match || !stage)
    throw new InvalidArgumentError('name a dead letter as stage/partition/offset, as `dlq ls` prints it')
  return { stages: [stage], place: `${match[2]}/${match[3]}` }
}

filters(
  dlq.command('ls').description('list dead letters that were not replayed, grouped by stage and reason'),
)
  .option('--all', 'also those replayed')
  .action(async (options: { stage?: StageName; reason?: string; all?: boolean }) => {
    const letters = await readDeadLetters(connect(), {
      ...filterOf(options),
      includeReplayed: options.all ?? false,
    })
    const groups = Map.groupBy(letters, (letter) => `${letter.stage}  ${letter.reason}`)
    for (const [group, members] of groups) {
      print(`${group}  ${members.length}`)
      for (const letter of members.slice(0, 20)) {
        const from = `${letter.from.topic}/${letter.from.partition}/${letter.from.offset}`
        print(
          `  ${placeOf(letter).padEnd(24)} ${from.padEnd(32)} ${letter.replayed ? 'replayed ' : ''}${letter.error}`,
        )
      }
      if (members.length > 20) print(`  … and ${members.length - 20} more`)
    }
    if (letters.length === 0) print('no dead letters')
  })

dlq
  .command('show')
  .description('one dead letter: headers, bytes, and decoded as far as possible')
  .argument('<place>', 'stage/partition/offset', placeFilter)
  .action(async (filter: DeadLetterFilter) => {
    const connection = connect()
    const [letter] = await readDeadLetters(connection, { ...filter, includeReplayed: true })
    if (!letter) {
      warn('there is no such dead letter')
      process.exitCode = 1
      return
    }
    print(`${placeOf(letter)}  ${letter.reason}${letter.replayed ? '  (replayed)' : ''}`)
    print(letter.error)
    for (const [name, value] of Object.entries(letter.message.headers ?? {}))
      print(`  ${name}: ${String(value)}`)
    const bytes = letter.message.value
    print(`key: ${letter.message.key?.toString() ?? '(none)'}`)
    print(
      `bytes: ${bytes?.length ?? 0}${bytes ? `  ${bytes.subarray(0, 64).toString('hex')}${bytes.length > 64 ? '…' : ''}` : ''}`,
    )
    print(JSON.stringify(await decodeLetter(connection, letter), null, 2))
  })

filters(dlq.command('replay').description('put dead letters back where they were read; each once'))
  .argument('[place]', 'stage/partition/offset', placeFilter)
  .action(async (place: DeadLetterFilter | undefined, options: { stage?: StageName; reason?: string }) => {
    if (!place && !options.stage && !options.reason) {
      throw new InvalidArgumentError('say which: a place, --stage or --reason')
    }
    const replayed = await replayDeadLetters(connect(), { ...place, ...filterOf(options) })
    for (const letter of replayed) print(`${placeOf(letter)} → ${letter.from.topic}/${letter.from.partition}`)
    print(`${replayed.length} replayed`)
  })

program
  .command('classify')
  .description('classify JSON lines from standard input with the code that the services run; no broker')
  .requiredOption('--jsonl', 'one {"text": …, "kind": …} a line in, one result a line out')
  .action(async () => {
    const { classifyLine, createOfflineClassifier } = await import('./classify-lines.ts')
    const classifier = createOfflineClassifier()
    let number = 0
    let refused = 0
    let out: string[] = []
    const flush = async () => {
      if (out.length === 0) return
      const text = `${out.join('\n')}\n`
      out = []
      if (!process.stdout.write(text))
        await new Promise<void>((resolve) => process.stdout.once('drain', resolve))
    }
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      if (line.trim() === '') continue
      const result = classifyLine(line, classifier)
      if ('error' in result) {
        refused++
        warn(`line ${number}: ${result.error}`)
      }
      out.push(JSON.stringify(result))
      if (out.length >= 200) await flush()
    }
    await flush()
    if (refused > 0) process.exitCode = 1
  })

program
  .command('erase')
  .description('erase an account from the profiles and from the state of every stage')
  .argument('<account>', 'account id')
  .action(async (account: string) => {
    const { eraseAccount, tracesOf } = await import('./erase.ts')
    const connection = connect()
    await eraseAccount(connection, account)
    const traces = await tracesOf(connection, account)
    if (traces.length > 0) {
      warn(
        `erased, but ${traces.length} entries name it again: it is still active, so erase it once it is closed`,
      )
      process.exitCode = 1
      return
    }
    print('erased from profiles and state; records that name it go with the retention of their topics')
  })

addReviewCommands(program)
addSectionCommands(program)
addReportCommands(program)

program
  .command('story')
  .description(
    'play one account from first contact to reversal on a chain of its own, and write docs/story.md',
  )
  .action(async () => {
    const { writeStory } = await import('./story.ts')
    await writeStory(print)
  })

addPolicyCommands(program, { print, warn })

const acls = program
  .command('acls')
  .description('who may do what at the broker, from deploy/security/acls.yaml')
acls
  .command('plan')
  .description('show what `apply` would change; exit code 2 where it is anything')
  .option('--file <path>', 'rules to use instead')
  .action(async ({ file }: { file?: string }) => {
    const { planAcls, readAcls, describeAcl } = await import('@wardline/access')
    const { missing, extra } = await planAcls(connect().kafka, readAcls(file))
    for (const entry of missing) print(`+ ${describeAcl(entry)}`)
    for (const entry of extra) print(`- ${describeAcl(entry)}`)
    if (missing.length + extra.length === 0) print('nothing to change')
    else process.exitCode = 2
  })
acls
  .command('apply')
  .description('make it so; principals that the file does not name keep what they have')
  .option('--file <path>', 'rules to use instead')
  .action(async ({ file }: { file?: string }) => {
    const { applyAcls, readAcls } = await import('@wardline/access')
    const { missing, extra } = await applyAcls(connect().kafka, readAcls(file))
    print(`${missing.length} granted, ${extra.length} taken back`)
  })

addTopicCommands(program, print)
addDoctorCommand(program, print)

const schemas = program.command('schemas').description('schemas of the topics')
schemas
  .command('register')
  .description('register schemas/ in the registry; refuses an incompatible change')
  .action(async () => {
    const { registerTopicSchemas } = await import('@wardline/local')
    const ids = await registerTopicSchemas(connect().settings.registry)
    for (const [subject, id] of ids) print(`${String(id).padStart(6)}  ${subject}`)
  })

function printAudit(report: AuditReport, json: boolean): void {
  if (json) return print(JSON.stringify(report))
  print(`events in       ${report.eventsIn}`)
  print(`decisions       ${report.decisions}`)
  print(
    `dead letters    ${report.deadLetters}${report.otherDeadLetters > 0 ? `  (and ${report.otherDeadLetters} that did not come from the feed)` : ''}`,
  )
  print(`duplicates      ${report.duplicates}`)
  print(`replayed        ${report.replayed}`)
  print(`follow-ups      ${report.followUps}`)
  print(`reversals       ${report.reversals}`)
  print(`missing         ${report.missing.length}${list(report.missing)}`)
  print(`doubled         ${report.doubled.length}${list(report.doubled)}`)
  print(balances(report) ? 'balanced' : 'NOT balanced')
}

const list = (ids: readonly string[]) =>
  ids.length === 0
    ? ''
    : `  ${ids.slice(0, 20).join(' ')}${ids.length > 20 ? ` … and ${ids.length - 20} more` : ''}`

let lastProgress = 0
function progress(line: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001b[K${line}`)
    return
  }
  const now = Date.now()
  if (now - lastProgress < 5_000) return
  lastProgress = now
  warn(line)
}

try {
  await program.parseAsync()
} catch (error) {
  const known =
    error instanceof InvalidSettings ||
    error instanceof InvalidArgumentError ||
    (error instanceof Error && 'remedy' in error)
  warn(
    error instanceof Error && known
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  process.exitCode = 1
}
