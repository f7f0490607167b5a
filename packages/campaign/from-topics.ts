import { type Connection, readRecords } from '@wardline/records'
import { PartitionReader, TOPICS } from '@wardline/stream'
import { Campaign, type CampaignReport } from './campaign.ts'

/** The report over events that were appended in [from, to), from what the topics still hold. */
export async function campaignReport(
  connection: Connection,
  from: number,
  to: number,
): Promise<CampaignReport> {
  const reader = new PartitionReader(connection.kafka)
  const campaign = new Campaign(from, to)
  try {
    for await (const { value } of readRecords(connection, reader, TOPICS.decisions, 'EnforcementDecision'))
      if (value) campaign.takeDecision(value)
    for await (const { value } of readRecords(connection, reader, TOPICS.verdicts, 'ReviewVerdict'))
      if (value) campaign.takeVerdict(value)
    return campaign.report()
  } finally {
    await reader.close()
  }
}
