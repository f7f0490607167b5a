export { type AccessRule, InvalidAcls, parseAcls, readAcls } from './acls.ts'
export { type AclPlan, applyAcls, describeAcl, planAcls } from './apply-acls.ts'
