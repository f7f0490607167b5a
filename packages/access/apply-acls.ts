import kafkajs, { type AclEntry, type Kafka } from 'kafkajs'
import type { AccessRule } from './acls.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

const RESOURCE_TYPE = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  transactionalId: AclResourceTypes.TRANSACTIONAL_ID,
} as const
const OPERATION_TYPE = {
  read: AclOperationTypes.READ,
  write: AclOperationTypes.WRITE,
  all: AclOperationTypes.ALL,
} as const

/** What would have to change at the broker so that these principals may do just what the rules say. */
export interface AclPlan {
  readonly missing: readonly AclEntry[]
  /** Held by one of the principals, and in no rule. */
  readonly extra: readonly AclEntry[]
}

export async function planAcls(kafka: Kafka, rules: readonly AccessRule[]): Promise<AclPlan> {
  const wanted = new Map(rules.map((rule) => [keyOf(entryOf(rule)), entryOf(rule)]))
  const principals = new Set(rules.map((rule) => rule.principal))
  const present = (await presentAcls(kafka)).filter((entry) => principals.has(entry.principal))
  const presentKeys = new Set(present.map(keyOf))
  return {
    missing: [...wanted].filter(([key]) => !presentKeys.has(key)).map(([, entry]) => entry),
    extra: present.filter((entry) => !wanted.has(keyOf(entry))),
  }
}

/** Makes it so. Principals that no rule names keep what they have. Returns what was changed. */
export async function applyAcls(kafka: Kafka, rules: readonly AccessRule[]): Promise<AclPlan> {
  const plan = await planAcls(kafka, rules)
  const admin = kafka.admin()
  await admin.connect()
  try {
    if (plan.missing.length > 0) await admin.createAcls({ acl: [...plan.missing] })
    if (plan.extra.length > 0) await admin.deleteAcls({ filters: [...plan.extra] })
  } finally {
    await admin.disconnect()
  }
  return plan
}

/** One line for people. */
export function describeAcl(entry: AclEntry): string {
  const name =
    entry.resourcePatternType === ResourcePatternTypes.PREFIXED
      ? `${entry.resourceName}*`
      : entry.resourceName
  return `${entry.principal} ${AclOperationTypes[entry.operation]?.toLowerCase()} ${AclResourceTypes[entry.resourceType]?.toLowerCase()} ${name}`
}

async function presentAcls(kafka: Kafka): Promise<AclEntry[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const { resources } = await admin.describeAcls({
      resourceType: AclResourceTypes.ANY,
      resourcePatternType: ResourcePatternTypes.ANY,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
    })
    return resources.flatMap(({ acls, ...resource }) => acls.map((acl) => ({ ...resource, ...acl })))
  } finally {
    await admin.disconnect()
  }
}

const entryOf = (rule: AccessRule): AclEntry => ({
  principal: rule.principal,
  host: '*',
  operation: OPERATION_TYPE[rule.operation],
  permissionType: AclPermissionTypes.ALLOW,
  resourceType: RESOURCE_TYPE[rule.resource],
  resourceName: rule.name,
  resourcePatternType: rule.prefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
})

const keyOf = (entry: AclEntry): string =>
  [
    entry.principal,
    entry.host,
    entry.operation,
    entry.permissionType,
    entry.resourceType,
    entry.resourceName,
    entry.resourcePatternType,
  ].join(' ')
