export { decodeMap, fold, isHan, type MappedText, makeForms, originalSpan, wellFormed } from './forms.ts'
export { foldSyllable, phonetic } from './phonetic.ts'
