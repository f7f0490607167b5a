import { Grammar, type Pool } from '../grammar.ts'
import {
  ENGLISH,
  GROUP_MESSAGES,
  HARD_BENIGN,
  MESSAGES,
  POST_SENTENCES,
  PROFILES,
  PROMOTIONS,
  REPLIES,
  SEARCHES,
  SHORT_COMMENTS,
  TOPIC_COMMENTS,
  TOPICS,
  type Topic,
} from './benign.ts'
import {
  APPROACH_LINES,
  APPROACH_STAGES,
  HARMFUL_CONVERSATIONS,
  HONEST_CONVERSATIONS,
  MINOR_ANSWERS,
  MINOR_REFUSALS,
  PERSISTENCE,
  PILE_ON,
} from './conversations.ts'
import { HARMFUL, HARMFUL_ENGLISH, HARMFUL_QUERIES, type HarmfulTexts } from './harmful.ts'
import { SLOTS } from './words.ts'

/** All texts, compiled once when the package is loaded. */
const grammar = new Grammar(SLOTS)
const byTopic = (texts: Readonly<Record<Topic, readonly string[]>>) =>
  new Map<Topic, Pool>(TOPICS.map((topic) => [topic, grammar.pool(texts[topic])]))

export const postPools = byTopic(POST_SENTENCES)
export const topicCommentPools = byTopic(TOPIC_COMMENTS)
export const shortCommentPool = grammar.pool(SHORT_COMMENTS)
export const replyPool = grammar.pool(REPLIES)
export const messagePool = grammar.pool(MESSAGES)
export const groupMessagePool = grammar.pool(GROUP_MESSAGES)
export const hardBenignPool = grammar.pool(HARD_BENIGN)
export const profilePool = grammar.pool(PROFILES)
export const promotionPool = grammar.pool(PROMOTIONS)
export const englishPool = grammar.pool(ENGLISH)
export const tailPool = grammar.pool(['{tail}'])
export const mentionPool = grammar.pool(['@{nick} '])
export const linkPool = grammar.pool(['{link}'])
export const searchPools = SEARCHES.map(([query, result]) => ({
  query: grammar.pool([query]),
  result: grammar.pool([result]),
}))
export const harmfulQueryPool = grammar.pool(HARMFUL_QUERIES)

export interface HarmfulPool {
  readonly texts: HarmfulTexts
  readonly pool: Pool
}
export const harmfulPools: readonly HarmfulPool[] = HARMFUL.map((texts) => ({
  texts,
  pool: grammar.pool(texts.templates),
}))
export const harmfulEnglishPools = HARMFUL_ENGLISH.map(([category, item, target, templates]) => ({
  category,
  item,
  target,
  pool: grammar.pool(templates),
}))

export const approachPools = APPROACH_STAGES.map((stage) => grammar.pool(APPROACH_LINES[stage]))
export const minorAnswerPool = grammar.pool(MINOR_ANSWERS)
export const minorRefusalPool = grammar.pool(MINOR_REFUSALS)
export const persistencePool = grammar.pool(PERSISTENCE)
export const pileOnPool = grammar.pool(PILE_ON)
export const honestConversations = HONEST_CONVERSATIONS.map((conversation) => ({
  conversation,
  pools: conversation.lines.map(({ templates }) => grammar.pool(templates)),
}))
export const harmfulConversations = HARMFUL_CONVERSATIONS.map((conversation) => ({
  conversation,
  pools: conversation.lines.map(({ templates }) => grammar.pool(templates)),
}))
