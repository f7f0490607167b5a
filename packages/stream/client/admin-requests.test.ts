import { expect, it } from 'vitest'
import { decodeApiVersions } from './admin-requests.ts'

const int16 = (value: number) => [value >> 8, value & 255]
/** As a broker answers: two requests, a throttle time, then supported (tag 0) and finalized features (tag 2). */
const answer = Buffer.from([
  ...int16(0),
  3,
  ...int16(0),
  ...int16(3),
  ...int16(11),
  0,
  ...int16(28),
  ...int16(0),
  ...int16(5),
  0,
  0,
  0,
  0,
  0,
  2,
  0,
  3,
  1,
  2,
  3,
  2,
  9,
  2,
  3,
  ...Buffer.from('mv'),
  ...int16(29),
  ...int16(7),
  0,
])

it('reads the requests and the features in force, past tags that it does not know', () => {
  const { requests, features } = decodeApiVersions(answer)
  expect(requests).toEqual(
    new Map([
      [0, { least: 3, most: 11 }],
      [28, { least: 0, most: 5 }],
    ]),
  )
  expect(features).toEqual(new Map([['mv', 29]]))
})

it('says what the broker answered where it refused', () => {
  expect(() => decodeApiVersions(Buffer.from(int16(35)))).toThrow(/error 35/)
})
