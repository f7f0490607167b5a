import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { BacktestEvent } from '@wardline/backtest'
import { normalizeLine } from './classify-lines.ts'

/** Events of a JSON lines file, `-` for standard input; what cannot be read is reported and left out. */
export async function* fileEvents(
  file: string,
  refused: (line: number, why: string) => void,
): AsyncGenerator<BacktestEvent> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    if (line.trim() === '') continue
    const event = normalizeLine(line)
    if ('error' in event) refused(number, event.error)
    else yield { place: `line ${number}`, event }
  }
}
