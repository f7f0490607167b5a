import { describe, expect, it } from 'vitest'
import {
  BRISK,
  COLLOQUIAL,
  DEVELOPMENT,
  FITTING,
  HONEST_SCENARIOS,
  ROUNDABOUT,
  Simulator,
  TESTING,
  WORDY,
  type Wording,
} from './index.ts'

const linesOf = (wording: Wording): Set<string> => {
  const all = new Set<string>()
  const collect = (value: unknown): void => {
    if (typeof value === 'string') all.add(value)
    else if (typeof value === 'object' && value !== null)
      for (const each of Object.values(value)) collect(each)
  }
  const { smallTalk: _, answers: __, ...rest } = wording
  collect(rest)
  for (const by of ['other', 'minor']) all.delete(by)
  return all
}

describe('Simulator', () => {
  it('writes the same for the same seed and wording, and another for another seed', () => {
    const write = (seed: number) => {
      const simulator = new Simulator(seed, 'testing')
      return [
        simulator.conversation('approach'),
        simulator.conversation('honest'),
        simulator.conversation('pile_on'),
      ]
    }
    expect(write(1)).toEqual(write(1))
    expect(write(1)).not.toEqual(write(2))
  })

  it('has messages in the order of time, of both sides, with no slot left open', () => {
    const simulator = new Simulator(7, 'fitting')
    for (const kind of ['approach', 'honest', 'recruiting', 'pile_on', 'thread'] as const) {
      for (let i = 0; i < 200; i++) {
        const { messages, harmful, minorId } = simulator.conversation(kind)
        expect(messages.length).toBeGreaterThan(0)
        for (const [j, message] of messages.entries()) {
          if (j > 0) expect(message.at).toBeGreaterThanOrEqual(messages[j - 1]!.at)
          expect(message.text).not.toMatch(/[{}]/)
          expect([message.actorId, message.subjectId]).toContain(minorId)
          if (message.telling) expect(harmful && message.actorId !== minorId).toBe(true)
        }
        expect(messages.some(({ telling }) => telling)).toBe(harmful)
      }
    }
  })

  it('has every honest scenario', () => {
    const simulator = new Simulator(3, 'testing')
    const seen = new Set(Array.from({ length: 2000 }, () => simulator.conversation('honest').scenario))
    expect([...seen].sort()).toEqual([...HONEST_SCENARIOS].sort())
  })

  it.each([
    ['testing and fitting', TESTING, FITTING],
    ['testing and development', TESTING, DEVELOPMENT],
    ['testing and colloquial', TESTING, COLLOQUIAL],
    ['testing and wordy', TESTING, WORDY],
    ['testing and roundabout', TESTING, ROUNDABOUT],
    ['testing and brisk', TESTING, BRISK],
    ['development and fitting', DEVELOPMENT, FITTING],
    ['colloquial and wordy', COLLOQUIAL, WORDY],
    ['wordy and roundabout', WORDY, ROUNDABOUT],
    ['roundabout and brisk', ROUNDABOUT, BRISK],
  ])('shares no line of more than a few characters between %s', (_, one, another) => {
    const known = linesOf(another)
    const long = [...linesOf(one)].filter((line) => line.length > 5)
    expect(long.length).toBeGreaterThan(150)
    expect(long.filter((line) => known.has(line))).toEqual([])
  })
})
