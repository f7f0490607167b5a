import avsc from 'avsc'

// avsc is CommonJS whose exports Node cannot name before it runs: the only import of its values is here.
export const Type = avsc.Type
export type Type = avsc.Type
export type Resolver = ReturnType<Type['createResolver']>
export type Schema = avsc.Schema
