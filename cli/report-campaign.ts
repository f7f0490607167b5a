import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { campaignCsv, campaignPage, campaignReport } from '@wardline/campaign'
import { type Command, InvalidArgumentError } from 'commander'
import { connect } from './connection.ts'

/** A day (its first moment in UTC) or a time. */
const moment = (text: string): number => {
  const value = Date.parse(text)
  if (Number.isNaN(value)) throw new InvalidArgumentError('must be a day such as 2026-11-01, or a time')
  return value
}

export function addReportCommands(program: Command): void {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  program
    .command('report')
    .description('reports for regulators')
    .command('campaign')
    .description('the table by the 24 items of the campaign: CSV, JSON and a page to read')
    .requiredOption('--from <time>', 'first moment, such as 2026-11-01', moment)
    .requiredOption('--to <time>', 'end, exclusive', moment)
    .option('--out <folder>', 'where to', '.wardline/reports')
    .action(async ({ from, to, out }: { from: number; to: number; out: string }) => {
      if (to <= from) throw new InvalidArgumentError('--to must be after --from')
      const report = await campaignReport(connect(), from, to)
      mkdirSync(out, { recursive: true })
      const iso = { ...report, from: new Date(from).toISOString(), to: new Date(to).toISOString() }
      // The mark tells spreadsheets that the file is UTF-8.
      writeFileSync(join(out, 'campaign.csv'), `\ufeff${campaignCsv(report)}`)
      writeFileSync(join(out, 'campaign.json'), `${JSON.stringify(iso, null, 2)}\n`)
      writeFileSync(join(out, 'campaign.html'), campaignPage(report, Date.now()))
      const { seen, actedOn, accounts, overturned } = report.total
      print(`${seen} seen, ${actedOn} acted on, ${accounts} accounts, ${overturned} overturned`)
      for (const name of ['campaign.csv', 'campaign.json', 'campaign.html']) print(join(out, name))
    })
}
