import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Conversation, Simulator, type WordingName } from '@wardline/conversation-simulator'
import { loadModel } from '@wardline/model'
import {
  createClassifier,
  loadBundle,
  type PolicyBundle,
  policyFolder,
  readPolicyFiles,
} from '@wardline/policy'
import { sessionConversation } from './chain.ts'

/** Seeds: what is fitted, what is measured, what false alarms are counted on. */
export const SEEDS = { fitting: 11, development: 501, testing: 7_001, alarms: 9_001 } as const

/** Harmless conversations to a harmful one in the tables. */
export const HONEST_RATIO = 4

export function shippedPolicy(): PolicyBundle {
  const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
  if (!loaded.ok)
    throw new Error(
      loaded.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'),
    )
  return loaded.bundle
}
export const shippedClassifier = (bundle: PolicyBundle) =>
  createClassifier(bundle.policy, loadModel(policyFolder(process.env), process.env))

/** Conversations of one kind with harmless ones beside them. */
export function simulated(
  seed: number,
  wording: WordingName,
  kind: 'approach' | 'recruiting' | 'pile_on',
  count: number,
): Conversation[] {
  const simulator = new Simulator(seed, wording)
  const harmless = kind === 'pile_on' ? 'thread' : 'honest'
  const conversations: Conversation[] = []
  for (let i = 0; i < count; i++) conversations.push(simulator.conversation(kind))
  for (let i = 0; i < HONEST_RATIO * count; i++) conversations.push(simulator.conversation(harmless))
  return conversations
}

/** Sessions of SCCD; null where the data are not at hand. */
export function sessions(dataFolder: string, part: 'train' | 'dev'): Conversation[] | null {
  const path = join(dataFolder, 'sccd-session', `${part}.jsonl`)
  if (!existsSync(path)) return null
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      const { text, label } = JSON.parse(line) as { text: string; label: string }
      return sessionConversation(`sccd-${part}-${i}`, text, label.startsWith('CB'))
    })
}
