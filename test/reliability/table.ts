/**
 * `make reliability-table`: writes what the newest runs of `make chaos`, `make overload`, `make poison-storm`, `make restore` and `make fuzz`
 * reported between the markers of docs/reliability.md. A run that did not hold stops it; one that is missing is said to be.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const ROOT = new URL('../../', import.meta.url)
const PAGE = new URL('docs/reliability.md', ROOT)
const BEGIN = '<!-- reliability:begin -->'
const END = '<!-- reliability:end -->'

interface Head {
  readonly commit: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number }
}
interface Chaos extends Head {
  readonly seed: number
  readonly holds: boolean
  readonly faults: readonly { readonly kind: string }[]
  readonly byKind: readonly {
    readonly kind: string
    readonly faults: number
    readonly recoveryP50Ms: number
    readonly recoveryP99Ms: number
    readonly longestSilenceMs: number
  }[]
  readonly audit: {
    readonly eventsIn: number
    readonly decisions: number
    readonly deadLetters: number
    readonly duplicates: number
    readonly missing: readonly unknown[]
    readonly doubled: readonly unknown[]
  }
  readonly doubledDecisions: number
  readonly replays: readonly { readonly stage: string; readonly inputs: number; readonly outputs: number }[]
}
interface Overload extends Head {
  readonly capacityPerSecond: number
  readonly offeredOverCarried: number
  readonly overloadSeconds: number
  readonly backlogAtEnd: number
  readonly secondsToCatchUp: number
  readonly p99MsBefore: number
  readonly p99MsAtWorst: number
  readonly p99MsAfter: number
  readonly maxMemoryMiB: number
  readonly sendP99MsBefore: number
  readonly sendP99MsDuring: number
  readonly alerts: readonly string[] | null
  readonly audit: Readonly<Record<'eventsIn' | 'missing' | 'doubled', number>>
  readonly holds: Readonly<Record<string, boolean>>
}
interface PoisonStorm extends Head {
  readonly events: number
  readonly ratio: number
  readonly bound: number
  readonly holds: boolean
}
interface Restore extends Head {
  readonly starts: number
  readonly holds: boolean
  readonly rows: readonly {
    readonly pairs: number
    readonly readySeconds: number
    readonly restoreSeconds: number
  }[]
}
interface Fuzz extends Head {
  readonly seed: number
  readonly stopped: string | null
  readonly results: readonly {
    readonly name: string
    readonly inputs: number
    readonly slowestMs: number
    readonly failure: string | null
  }[]
}

/** What the newest run of a target has to say; a line that says so where there was none. */
function section<T extends Head>(
  target: string,
  holds: (report: T) => boolean,
  write: (report: T) => string,
): string {
  const file = new URL(`.wardline/reports/${target}.json`, ROOT)
  if (!existsSync(file)) return `Not measured yet on this code: \`make ${target}\`.`
  const found = JSON.parse(readFileSync(file, 'utf8')) as T
  if (!holds(found)) throw new Error(`the newest run of \`make ${target}\` did not hold: nothing to publish`)
  const { cpu, cores, memoryGiB } = found.machine
  return `${write(found)}

(${cores} cores, ${cpu}, ${memoryGiB} GiB, for everything: broker, producer, services and whatever else ran.)`
}

const number = (value: number) => value.toLocaleString('en-US')
const seconds = (ms: number) => (ms / 1000).toFixed(1)
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

function chaosSection(chaos: Chaos): string {
  const { audit } = chaos
  const rows = chaos.byKind.map(({ kind, faults, recoveryP50Ms, recoveryP99Ms, longestSilenceMs }) => [
    `\`${kind}\``,
    faults,
    seconds(recoveryP50Ms),
    seconds(recoveryP99Ms),
    seconds(longestSilenceMs),
  ])
  const replayed = chaos.replays.map(({ stage, inputs }) => `${stage} ${number(inputs)}`).join(', ')
  return `\`make chaos\` (seed ${chaos.seed}, commit ${chaos.commit}): ${chaos.faults.length} faults, one after the other; ${number(audit.eventsIn)} records in = ${number(audit.decisions)} decisions + ${number(audit.deadLetters)} dead letters + ${number(audit.duplicates)} duplicates. **Lost ${audit.missing.length}, doubled ${audit.doubled.length + chaos.doubledDecisions}.** Replay of every stage over what it read (${replayed} records): no output differs, none stands in another order of its key, and no entry of the state differs.

Recovery, seconds: from the fault to the first decision on an event that was appended after it; after an outage of the broker, from when it serves partitions again. Silence: the longest time without any decision, outage and all.

${table(['fault', 'times', 'recovery p50', 'recovery p99', 'longest silence'], rows)}`
}

function overloadSection(overload: Overload): string {
  return `\`make overload\` (commit ${overload.commit}): the chain carried ${number(overload.capacityPerSecond)} events/s beside the producer; for ${overload.overloadSeconds} s it was offered ${overload.offeredOverCarried} times what it carried.

${table(
  ['', 'before', 'at worst', 'after'],
  [
    [
      'p99 from append to decision, ms',
      number(overload.p99MsBefore),
      number(overload.p99MsAtWorst),
      number(overload.p99MsAfter),
    ],
    ["p99 of a producer's request, ms", overload.sendP99MsBefore, overload.sendP99MsDuring, '–'],
    ['events behind', '–', number(overload.backlogAtEnd), 0],
    ['largest service, MiB', '–', number(overload.maxMemoryMiB), '–'],
  ],
)}

It caught up ${overload.secondsToCatchUp} s after the load went back to what it was. ${number(overload.audit.eventsIn)} events in: lost ${overload.audit.missing}, doubled ${overload.audit.doubled}. All stages stayed ready, since they worked, and their lag said how far behind they were.${
    overload.alerts
      ? ` Alerts that fired at some time of the run (those of the latency budget by the half of the overload, and not before it): ${overload.alerts.map((name) => `\`${name}\``).join(', ')}; they rest some minutes after the load, when the short window is clean.`
      : ''
  }`
}

function poisonSection(storm: PoisonStorm): string {
  return `\`make poison-storm\` (commit ${storm.commit}): ${number(storm.events)} good events took ${storm.ratio.toFixed(2)} times as long with a record that cannot be decoded between every two of them as alone (bound: ${storm.bound}).`
}

function restoreSection({ commit, starts, rows }: Restore): string {
  return `\`make restore\` (commit ${commit}): comment-risk from its start until it is ready, one partition, median of ${starts} starts.

${table(
  ['pairs on the topic', 'start to ready, s', 'of it restore, s'],
  rows.map(({ pairs, readySeconds, restoreSeconds }) => [
    number(pairs),
    readySeconds.toFixed(1),
    restoreSeconds.toFixed(1),
  ]),
)}`
}

function fuzzSection(fuzz: Fuzz): string {
  const inputs = fuzz.results.reduce((sum, result) => sum + result.inputs, 0)
  return `\`make fuzz\` (seed ${fuzz.seed}, commit ${fuzz.commit}): ${number(inputs)} bad inputs, every one answered as promised; no crash, no hang.

${table(
  ['input to', 'inputs', 'slowest, ms'],
  fuzz.results.map(({ name, inputs, slowestMs }) => [name, number(inputs), slowestMs.toFixed(1)]),
)}`
}

const faults = section<Chaos>('chaos', (r) => r.holds && r.faults.length >= 200, chaosSection)
const load = section<Overload>('overload', (r) => Object.values(r.holds).every(Boolean), overloadSection)
const poison = section<PoisonStorm>('poison-storm', (r) => r.holds, poisonSection)
const badInput = section<Fuzz>(
  'fuzz',
  (r) => r.stopped === null && r.results.every((each) => each.failure === null),
  fuzzSection,
)

const restores = section<Restore>('restore', (r) => r.holds, restoreSection)

const page = readFileSync(PAGE, 'utf8')
const [before, rest = ''] = page.split(BEGIN)
const after = rest.split(END)[1]
if (before === undefined || after === undefined) throw new Error(`${PAGE.pathname} has no ${BEGIN} … ${END}`)
const written = `Written by \`make reliability-table\` from the reports of the commands that each part names.

### Faults

${faults}

### Overload

${load}

### Poison

${poison}

### Restore

${restores}

### Bad input

${badInput}`
writeFileSync(PAGE, `${before}${BEGIN}\n${written}\n${END}${after}`)
console.log('docs/reliability.md written')
