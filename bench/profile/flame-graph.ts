/**
 * Flame graphs of CPU profiles (`bench/throughput/run.ts --profile FOLDER`) as SVG files that docs can show: width is
 * share of busy time, colour is whose code it is. Idle time and the start of the process are left out.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '@wardline/cli/report'
import { STAGE_NAMES, type StageName } from '@wardline/stream'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Calls of one function from one place, all samples in it and below it taken together. */
interface Frame {
  readonly name: string
  readonly place: string
  microseconds: number
  readonly calls: Map<string, Frame>
}

const OWNERS = [
  { name: "the stage's own logic", colour: '#2f7d5b', owns: /\/(services|packages\/(text|policy|model))\// },
  { name: 'runtime: packages/stream', colour: '#3f6fb0', owns: /\/packages\/stream\// },
  {
    name: 'Avro: packages/events, avsc',
    colour: '#8a5fae',
    owns: /\/(packages\/events|node_modules\/avsc)\//,
  },
  { name: 'kafkajs', colour: '#b5651d', owns: /\/node_modules\/kafkajs\// },
  { name: 'garbage collection', colour: '#a33b3b', owns: /^\(garbage collector\)$/ },
  { name: 'Node.js and the rest', colour: '#6b7280', owns: /./ },
] as const

const WIDTH = 1200
const ROW = 17
/** Frames narrower than this share are left out, px: nobody could point at them. */
const LEAST_PX = 1.5
const LEGEND = 44
/** Loading modules is the start of a process, not its work. */
const LOADING = 'node:internal/modules/'
const IDLE: ReadonlySet<string> = new Set(['(idle)', '(program)', '(root)'])

const { values: args } = parseArgs({
  options: {
    profiles: { type: 'string', default: '.wardline/profiles' },
    to: { type: 'string', default: 'docs/img' },
  },
})

const byStage = new Map<StageName, Frame>()
for (const file of readdirSync(args.profiles).filter((name) => name.endsWith('.cpuprofile'))) {
  const profile = JSON.parse(readFileSync(join(args.profiles, file), 'utf8')) as CpuProfile
  const stage = stageOf(profile)
  if (stage) addTo(byStage.get(stage) ?? newRoot(stage), profile)
}
if (byStage.size === 0) throw new Error(`${args.profiles} holds no profile of a service`)
mkdirSync(args.to, { recursive: true })
const shares = STAGE_NAMES.flatMap((stage) => {
  const root = byStage.get(stage)
  if (!root) return []
  writeFileSync(join(args.to, `flame-${stage}.svg`), svgOf(stage, root))
  return [{ stage, shares: sharesOf(root) }]
})
console.log(
  table(
    ['share of busy time', ...shares.map(({ stage }) => stage)],
    OWNERS.map(({ name }, owner) => [
      name,
      ...shares.map(({ shares }) => `${(100 * shares[owner]!).toFixed(0)} %`),
    ]),
  ),
)
console.log(`${join(args.to, 'flame-*.svg')}`)

/** Time by owner, in the order of OWNERS. What Node.js and the engine do counts for whoever called them. */
function sharesOf(root: Frame): number[] {
  const shares = OWNERS.map(() => 0)
  const rest = OWNERS.length - 1
  const walk = (frame: Frame, above: number): void => {
    const own = ownerOf(frame)
    const owner = own === rest ? above : own
    let self = frame.microseconds
    for (const child of frame.calls.values()) {
      self -= child.microseconds
      walk(child, owner)
    }
    shares[owner]! += self / root.microseconds
  }
  walk(root, rest)
  return shares
}

function ownerOf({ name, place }: Frame): number {
  return OWNERS.findIndex(({ owns }) => owns.test(`/${place}`) || owns.test(name))
}

function newRoot(stage: StageName): Frame {
  const root = { name: stage, place: '', microseconds: 0, calls: new Map<string, Frame>() }
  byStage.set(stage, root)
  return root
}

function stageOf({ nodes }: CpuProfile): StageName | undefined {
  return STAGE_NAMES.find((stage) =>
    nodes.some(({ callFrame }) => callFrame.url.endsWith(`/services/${stage}/main.ts`)),
  )
}

function addTo(root: Frame, { nodes, samples, timeDeltas }: CpuProfile): void {
  const parents = new Map<number, number>()
  for (const { id, children } of nodes) for (const child of children ?? []) parents.set(child, id)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const stacks = new Map<number, Frame[] | null>()
  const stackOf = (id: number): Frame[] | null => {
    const known = stacks.get(id)
    if (known !== undefined) return known
    const { callFrame } = byId.get(id)!
    const parent = parents.get(id)
    let stack: Frame[] | null
    if (parent === undefined) stack = [root]
    else if (IDLE.has(callFrame.functionName) || callFrame.url.startsWith(LOADING)) stack = null
    else {
      const above = stackOf(parent)
      stack = above && [...above, childOf(above.at(-1)!, callFrame)]
    }
    stacks.set(id, stack)
    return stack
  }
  for (let i = 0; i < samples.length; i++) {
    const stack = stackOf(samples[i]!)
    // One frame alone is the root itself, which does nothing.
    if (stack && stack.length > 1) for (const frame of stack) frame.microseconds += timeDeltas[i] ?? 0
  }
}

function childOf(
  above: Frame,
  { functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame'],
): Frame {
  const name = functionName || '(anonymous)'
  const key = `${name} ${url}:${lineNumber}`
  let frame = above.calls.get(key)
  if (!frame) {
    // From the project's root on: where a machine keeps it is nobody's matter.
    const place = url.replace(/^.*?\/(?=(services|packages|node_modules|bench|policy)\/)/, '')
    frame = { name, place: place && `${place}:${lineNumber + 1}`, microseconds: 0, calls: new Map() }
    above.calls.set(key, frame)
  }
  return frame
}

function svgOf(stage: StageName, root: Frame): string {
  const rows: string[] = []
  let depth = 0
  const draw = (frame: Frame, x: number, level: number): void => {
    const width = (frame.microseconds / root.microseconds) * WIDTH
    if (width < LEAST_PX) return
    depth = Math.max(depth, level)
    const share = ((100 * frame.microseconds) / root.microseconds).toFixed(1)
    const { colour } = OWNERS[ownerOf(frame)]!
    const label = width > 40 ? textOf(frame.name.slice(0, Math.floor(width / 6.6))) : ''
    const y = LEGEND + level * ROW
    rows.push(
      `<g><title>${textOf(`${frame.name} ${frame.place} ${share} %`)}</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(width - 0.5, 0.5).toFixed(1)}" height="${ROW - 1}" fill="${level === 0 ? '#374151' : colour}"/>` +
        (label === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${label}</text>`) +
        '</g>',
    )
    let from = x
    for (const child of [...frame.calls.values()].sort((a, b) => b.microseconds - a.microseconds)) {
      draw(child, from, level + 1)
      from += (child.microseconds / root.microseconds) * WIDTH
    }
  }
  draw(root, 0, 0)
  let at = 0
  const legend = OWNERS.map(({ name, colour }) => {
    const entry = `<rect x="${at}" y="22" width="12" height="12" fill="${colour}"/><text x="${at + 17}" y="32" class="dark">${textOf(name)}</text>`
    at += 30 + name.length * 6.6
    return entry
  })
  const height = LEGEND + (depth + 1) * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Flame graph of ${stage}">
<style>text{font:11px ui-monospace,monospace;fill:#fff}.dark{fill:#111}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="0" y="13" class="dark">${stage}, ${(root.microseconds / 1e6).toFixed(1)} s busy; width is share of it</text>
${legend.join('')}
${rows.join('\n')}
</svg>
`
}

function textOf(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
