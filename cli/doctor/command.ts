import type { Command } from 'commander'
import { connect } from '../connection.ts'
import { addTopicOptions } from '../topics.ts'
import type { DoctorOptions } from './doctor.ts'

/** Adds `doctor`. */
export function addDoctorCommand(program: Command, print: (line: string) => void): void {
  addTopicOptions(
    program
      .command('doctor')
      .description('look at broker and registry, say what to do; exit code 1 where something will not work'),
  )
    .option('--acls <file>', 'access rules to use instead of deploy/security/acls.yaml')
    .option('--json', 'as JSON')
    .action(async ({ json, ...options }: DoctorOptions & { json?: boolean }) => {
      const { describeFinding, examine } = await import('./doctor.ts')
      const findings = await examine(connect(), options)
      const count = (level: string) => findings.filter((finding) => finding.level === level).length
      const totals = { ok: count('ok'), warn: count('warn'), fail: count('fail') }
      if (json) print(JSON.stringify({ ...totals, findings }, null, 2))
      else {
        for (const finding of findings) print(describeFinding(finding))
        print(`${totals.ok} ok, ${totals.warn} to look at, ${totals.fail} that will not work`)
      }
      process.exitCode = totals.fail === 0 ? 0 : 1
    })
}
