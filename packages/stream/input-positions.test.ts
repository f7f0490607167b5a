import { describe, expect, it } from 'vitest'
import type { PartitionReader } from './client/partition-reader.ts'
import {
  decodePositions,
  encodePositions,
  joinPositions,
  POSITION_KEY,
  readPositions,
} from './input-positions.ts'

const at = (feed: number, table = 0) =>
  new Map([
    ['feed', feed],
    ['table', table],
  ])

describe('joinPositions', () => {
  it('goes by the committed offsets where both agree, and where the stage has written nothing', () => {
    for (const own of [at(7), null]) {
      expect(joinPositions(at(7), own, at(9))).toEqual({ positions: at(7), lost: [], ahead: [] })
    }
  })

  it('goes by the record of the stage where the committed offset is gone or behind', () => {
    expect(joinPositions(at(-1), at(7), at(9))).toEqual({ positions: at(7), lost: ['feed'], ahead: [] })
    expect(joinPositions(at(3), at(7), at(9))).toEqual({ positions: at(7), lost: ['feed'], ahead: [] })
  })

  it('says where the state topic is behind', () => {
    expect(joinPositions(at(7), at(3), at(9))).toEqual({ positions: at(7), lost: [], ahead: ['feed'] })
  })

  it('takes no record of a topic that was made anew', () => {
    expect(joinPositions(at(-1), at(700), at(9))).toEqual({ positions: at(-1), lost: [], ahead: [] })
  })
})

describe('readPositions', () => {
  /** A log of keys; null is a transaction marker. */
  const readerOf = (log: readonly (string | null)[]) => {
    const reads: [number, number][] = []
    const reader = {
      bounds: async () => ({ start: 0, end: log.length }),
      async *read(_topic: string, _partition: number, from: number, until: number) {
        reads.push([from, until])
        yield log
          .slice(from, until)
          .flatMap((key, i) =>
            key === null
              ? []
              : [{ key: Buffer.from(key), value: encodePositions(at(from + i)), offset: String(from + i) }],
          )
      },
    }
    return { reader: reader as unknown as PartitionReader, reads }
  }

  it('finds the last one with one read of the end', async () => {
    const { reader, reads } = readerOf([
      ...Array(1000).fill('pairs/x'),
      POSITION_KEY,
      null,
      POSITION_KEY,
      null,
    ])
    expect(await readPositions(reader, 't', 0)).toEqual(at(1002))
    expect(reads).toEqual([[940, 1004]])
  })

  it('goes back as far as it must, reading nothing twice', async () => {
    const { reader, reads } = readerOf([POSITION_KEY, ...Array(5000).fill('pairs/x')])
    expect(await readPositions(reader, 't', 0)).toEqual(at(0))
    for (let i = 1; i < reads.length; i++) expect(reads[i]![1]).toBe(reads[i - 1]![0])
  })

  it('finds none in an empty topic and in one of an older version', async () => {
    expect(await readPositions(readerOf([]).reader, 't', 0)).toBeNull()
    expect(await readPositions(readerOf(['pairs/x', null]).reader, 't', 0)).toBeNull()
  })
})

it('positions come back as they were written', () => {
  expect(decodePositions(encodePositions(at(2 ** 40, 3)))).toEqual(at(2 ** 40, 3))
})
